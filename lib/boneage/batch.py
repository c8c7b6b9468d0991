"""Many radiographs at once: every core busy, memory bounded, answers in the order of the questions."""

from __future__ import annotations

import logging
import os
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from boneage.errors import BoneAgeError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class InternalFault(BoneAgeError):
    """A fault of the program met in one radiograph of many; the others go on."""

    kind = "internal"


@dataclass(frozen=True, eq=False)
class Outcome(Generic[Item, Answer]):
    """What became of one item: an answer or an error, never both.

    Attributes:
        item: What was asked about.
        answer: What came of it; None if it failed.
        error: Why it failed; None if it did not. Carries no traceback, which would keep the pixels alive.
    """

    item: Item
    answer: Answer | None = None
    error: BoneAgeError | None = None


def usable_cores() -> int:
    """Return how many cores this process may use, which can be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def assess_many(
    items: Iterable[Item],
    assess_one: Callable[[Item], Answer],
    workers: int | None = None,
    window: int | None = None,
) -> Generator[Outcome[Item, Answer], None, None]:
    """Assess items in several threads and yield what became of them, in the order of `items`.

    Threads suffice because inference and image decoding release Python's lock. At most `window` items are begun and not
    yet yielded, so memory does not grow with the number of files. Close the iterator (or let it end) to stop the
    threads; those in the middle of an item finish it first.

    Args:
        items: What to ask about; read only as fast as needed.
        assess_one: Called with an item, from several threads at once.
        workers: Threads; None for one a core.
        window: Items in work or waiting to be yielded; None for two a thread.

    Yields:
        An outcome an item. A fault of the program becomes an `InternalFault`.
    """
    workers = workers or usable_cores()
    window = window or 2 * workers
    waiting = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="boneage")
    try:
        begun: deque[Future[Outcome[Item, Answer]]] = deque()
        begun.extend(pool.submit(outcome_of, item, assess_one) for item in islice(waiting, window))
        while begun:
            yield begun.popleft().result()
            begun.extend(pool.submit(outcome_of, item, assess_one) for item in islice(waiting, 1))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def outcome_of(item: Item, assess_one: Callable[[Item], Answer]) -> Outcome[Item, Answer]:
    """Ask about one item; errors become part of the outcome."""
    try:
        return Outcome(item, answer=assess_one(item))
    except BoneAgeError as error:
        return Outcome(item, error=_without_frames(error))
    except Exception as fault:  # noqa: BLE001 - a door: one faulty file must not cost thousands of others their answer
        # Only where it happened, not the fault's own words: they may quote a name or a birth date from the file.
        where = "".join(traceback.format_tb(fault.__traceback__))
        logger.info("%s in\n%s", type(fault).__name__, where)
        return Outcome(item, error=_internal_fault(fault))


def _without_frames(error: BoneAgeError) -> BoneAgeError:
    """Drop what hangs on an error: its frames hold the pixels, and errors may be kept for long."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _internal_fault(fault: Exception) -> InternalFault:
    return InternalFault(
        f"The program failed here ({type(fault).__name__}).",
        "Run it again with --verbose and report what that shows.",
    )
