"""A limit for the memory of this process and its children that ends the work with a reason instead of the machine's.

A limit of the operating system's does not do: of the address space (RLIMIT_AS), torch reserves many times what it
uses; of the memory in use, a control group kills without a word, and needs rights that a server seldom has. So a
thread looks at the memory in use, which psutil tells, and interrupts the main thread.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from boneage.errors import MemoryExceeded

LOOK_EVERY_SECONDS = 0.5
GRACE_SECONDS = 60.0  # for what the main thread does without looking at Python's signals
GIBI = 2**30

log = logging.getLogger(__name__)


@contextmanager
def memory_limited(most_gb: float | None, give_up: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """End what runs inside once this process and its children use more memory than allowed. For the main thread only.

    Args:
        most_gb: In GiB, of memory in use (resident); None for no limit.
        give_up: Called with the reason if the main thread has not ended a minute later; the process then ends hard.

    Raises:
        MemoryExceeded: If they do.
    """
    if most_gb is None:
        yield
        return
    watch = _Watch(most_gb, give_up)

    def end(*_: object) -> NoReturn:
        raise watch.error() if watch.exceeded else KeyboardInterrupt

    before = signal.signal(signal.SIGINT, end)
    watch.start()
    try:
        yield
    finally:
        watch.stopped.set()
        signal.signal(signal.SIGINT, before)


class _Watch(threading.Thread):
    """Looks at the memory in use, and interrupts the main thread once it is too much."""

    def __init__(self, most_gb: float, give_up: Callable[[str], None]) -> None:
        super().__init__(name="memory-limit", daemon=True)
        self._most_gb, self._give_up = most_gb, give_up
        self._used_gb = 0.0
        self.exceeded = False
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look until it is stopped."""
        while not self.stopped.wait(LOOK_EVERY_SECONDS):
            self._used_gb = used_bytes() / GIBI
            if self._used_gb > self._most_gb:
                self._interrupt()
                return

    def error(self) -> MemoryExceeded:
        """Return what to tell."""
        return MemoryExceeded(
            f"Expected at most {self._most_gb:g} GB of memory; {self._used_gb:.1f} GB were in use.",
            "Allow more (--conf train_memory_gb=N), or mix in fewer radiographs (--conf replay=N).",
        )

    def _interrupt(self) -> None:
        self.exceeded = True
        log.warning("%s", self.error())
        _thread.interrupt_main()
        if not self.stopped.wait(GRACE_SECONDS):
            self._give_up(str(self.error()))
            os._exit(1)


def used_bytes() -> int:
    """Return the memory in use by this process and all its children."""
    import psutil

    own = psutil.Process()
    total = int(own.memory_info().rss)
    for child in own.children(recursive=True):
        with suppress(psutil.Error):  # ended meanwhile
            total += int(child.memory_info().rss)
    return total
