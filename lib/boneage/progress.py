"""How far a long run has come, on stderr: a bar with an estimate for people, a line now and then for logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Step = TypeVar("Step")

SECONDS_BETWEEN_LINES = 30.0


def with_progress(steps: Iterable[Step], total: int, label: str) -> Iterator[Step]:
    """Yield `steps` and show how many of `total` are done and how long the rest will take.

    Closing the iterator early leaves the terminal as it was.
    """
    show = _with_bar if sys.stderr.isatty() else _with_lines
    return show(steps, total, label)


def _with_bar(steps: Iterable[Step], total: int, label: str) -> Iterator[Step]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # What goes to stdout passes through the bar only where both share a terminal; a redirected stdout stays untouched.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()) as progress:
        task = progress.add_task(label, total=total)
        for step in steps:
            yield step
            progress.advance(task)


def _with_lines(steps: Iterable[Step], total: int, label: str) -> Iterator[Step]:
    started = last_line = time.monotonic()
    for done, step in enumerate(steps, start=1):
        yield step
        now = time.monotonic()
        if now - last_line >= SECONDS_BETWEEN_LINES:
            last_line = now
            print(_line(label, done, total, now - started), file=sys.stderr, flush=True)


def _line(label: str, done: int, total: int, seconds: float) -> str:
    left = seconds / done * (total - done)
    return f"{label}: {done} of {total}, {seconds / done:.2f} s each, about {_clock(left)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
