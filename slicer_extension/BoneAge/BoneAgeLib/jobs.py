"""Work in the background, its outcome on the main thread: `poll()` is called there by a timer and delivers it.

An answer for a radiograph that is no longer shown is dropped; a fault in a callback is kept in `faults` and stops
nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Hashable
from typing import Any, Callable, Optional

from .errors import ClientError, ErrorKind

log = logging.getLogger("BoneAge.jobs")

MOST_FAULTS_KEPT = 20

Done = Callable[[Any], None]
Failed = Callable[[ClientError], None]
Progress = Callable[[Optional[float], str], None]


class Job:
    """One piece of work.

    Attributes:
        name: For the person.
        cancel: Set it, or call `Jobs.cancel`, and the work ends soon.
        shown: What was shown when it began; None if that does not matter.
    """

    def __init__(self, jobs: Jobs, name: str, shown: Hashable | None, until: float) -> None:
        self.name = name
        self.cancel = threading.Event()
        self.shown = shown
        self.done: Done | None = None
        self.failed: Failed | None = None
        self.progress: Progress | None = None
        self.until = until
        self._jobs = jobs

    def report(self, fraction: float | None, text: str) -> None:
        """Tell from the background how far the work is; None where nobody knows."""
        self._jobs.put(self, "progress", (fraction, text))


class Jobs:
    """The work that goes on.

    Args:
        max_workers: How many pieces at once; others wait.
        clock: Gives seconds; faked in tests.
    """

    def __init__(self, max_workers: int = 4, clock: Callable[[], float] = time.monotonic) -> None:
        self.faults: list[Exception] = []
        self._clock = clock
        self._places = threading.BoundedSemaphore(max_workers)
        self._news: queue.SimpleQueue[tuple[Job, str, Any]] = queue.SimpleQueue()
        self._running: list[Job] = []
        self._shown: Hashable | None = None

    @property
    def busy(self) -> tuple[Job, ...]:
        """Return the jobs whose outcome was not delivered yet, oldest first."""
        return tuple(self._running)

    def start(
        self,
        name: str,
        work: Callable[[Job], Any],
        done: Done | None = None,
        failed: Failed | None = None,
        progress: Progress | None = None,
        timeout_seconds: float = 120.0,
        shown: Hashable | None = None,
    ) -> Job:
        """Run `work(job)` in the background; one of `done` and `failed` is called by `poll()`, or none if dropped."""
        job = Job(self, name, shown, self._clock() + timeout_seconds)
        job.done, job.failed, job.progress = done, failed, progress
        self._running.append(job)
        threading.Thread(target=self._run, args=(job, work), name=f"bone age: {name}", daemon=True).start()
        return job

    def show(self, shown: Hashable | None) -> None:
        """Say what is shown now: outcomes of jobs for something else are dropped."""
        self._shown = shown

    def cancel(self, job: Job) -> None:
        """End a job; `failed` is told that it was cancelled."""
        job.cancel.set()
        self.put(job, "failed", ClientError(ErrorKind.CANCELLED, "Cancelled."))

    def cancel_all(self) -> None:
        for job in self.busy:
            self.cancel(job)

    def close(self) -> None:
        """End all jobs and forget them: nothing is delivered any more."""
        for job in self.busy:
            job.cancel.set()
        self._running.clear()

    def poll(self) -> int:
        """Deliver what has come, on the thread that calls; return how many outcomes that were."""
        self._end_overdue()
        delivered = 0
        for _ in range(self._news.qsize()):
            try:
                job, what, value = self._news.get_nowait()
            except queue.Empty:  # a callback has called poll() itself
                break
            delivered += self._deliver(job, what, value)
        return delivered

    def put(self, job: Job, what: str, value: Any) -> None:
        """Note news of a job, from any thread."""
        self._news.put((job, what, value))

    def _run(self, job: Job, work: Callable[[Job], Any]) -> None:
        with self._places:
            if job.cancel.is_set():
                return
            try:
                self.put(job, "done", work(job))
            except ClientError as error:
                self.put(job, "failed", error)
            except Exception as fault:
                log.exception("A fault in the job %s", job.name)
                self.put(job, "failed", _as_client_error(fault))

    def _end_overdue(self) -> None:
        for job in self.busy:
            if self._clock() > job.until and not job.cancel.is_set():
                job.cancel.set()
                advice = "Try again, or ask whether the server is overloaded."
                self.put(job, "failed", ClientError(ErrorKind.TIMEOUT, f"{job.name} took too long.", advice))

    def _deliver(self, job: Job, what: str, value: Any) -> int:
        if job not in self._running:
            return 0  # its outcome was delivered already, as cancelled or too late
        if what == "progress":
            self._call(job, job.progress, *value)
            return 0
        self._running.remove(job)
        self._call(job, job.done if what == "done" else job.failed, value)
        return 1

    def _call(self, job: Job, callback: Callable[..., None] | None, *values: Any) -> None:
        if callback is None or (job.shown is not None and job.shown != self._shown):
            return
        try:
            callback(*values)
        except Exception as fault:
            log.exception("A fault in what the job %s was to do with its answer", job.name)
            self.faults = [*self.faults, fault][-MOST_FAULTS_KEPT:]


def _as_client_error(fault: Exception) -> ClientError:
    return ClientError(
        ErrorKind.FAULT, f"The extension met a fault of its own ({type(fault).__name__}).", "See Slicer's error log."
    )
