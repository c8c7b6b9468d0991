"""Work in the background: outcomes on the thread that polls, cancel, time-outs, late answers."""

import threading
import time

import pytest

from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.jobs import Jobs


@pytest.fixture
def jobs():
    jobs = Jobs()
    yield jobs
    jobs.close()


class Told:
    """Keeps what the callbacks are told, and on which thread."""

    def __init__(self):
        self.done, self.failed, self.progress, self.threads = [], [], [], set()

    def callbacks(self):
        return {name: self._noting(getattr(self, name)) for name in ("done", "failed")} | {
            "progress": lambda fraction, text: self.progress.append((fraction, text))
        }

    def _noting(self, kept):
        def note(value):
            kept.append(value)
            self.threads.add(threading.current_thread())

        return note


def poll_until(jobs, condition, seconds=5.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        jobs.poll()
        time.sleep(0.005)


def test_the_work_runs_elsewhere_and_its_outcome_comes_where_poll_is_called(jobs):
    told, threads = Told(), []

    def work(job):
        threads.append(threading.current_thread())
        job.report(0.5, "half way")
        return 42

    jobs.start("Assess", work, **told.callbacks())
    poll_until(jobs, lambda: told.done)
    assert told.done == [42] and told.failed == [] and told.progress == [(0.5, "half way")]
    assert told.threads == {threading.current_thread()} and threads[0] is not threading.current_thread()
    assert jobs.busy == ()


def test_nothing_comes_before_poll_is_called(jobs):
    told = Told()
    jobs.start("Assess", lambda job: 1, **told.callbacks())
    time.sleep(0.1)
    assert told.done == [] and len(jobs.busy) == 1
    assert jobs.poll() == 1 and told.done == [1]


def test_expected_errors_and_faults_come_as_client_errors(jobs):
    told, expected = Told(), ClientError(ErrorKind.AWAY, "The server is not there.")

    def work(job):
        raise expected

    jobs.start("One", work, **told.callbacks())
    poll_until(jobs, lambda: told.failed)
    jobs.start("Two", lambda job: 1 / 0, **told.callbacks())
    poll_until(jobs, lambda: len(told.failed) == 2)
    assert told.failed[0] is expected
    assert told.failed[1].kind == ErrorKind.FAULT and "ZeroDivisionError" in str(told.failed[1])


def test_a_fault_in_a_callback_stops_neither_the_poller_nor_the_other_jobs(jobs):
    told = Told()
    jobs.start("One", lambda job: 1, done=lambda value: 1 / 0)
    poll_until(jobs, lambda: not jobs.busy)
    jobs.start("Two", lambda job: 2, **told.callbacks())
    poll_until(jobs, lambda: told.done == [2])
    assert [type(fault) for fault in jobs.faults] == [ZeroDivisionError]


def test_a_cancelled_job_says_so_at_once_and_its_late_answer_is_dropped(jobs):
    told, go_on = Told(), threading.Event()

    def work(job):
        go_on.wait(5)
        return "late"

    job = jobs.start("Assess", work, **told.callbacks())
    jobs.cancel(job)
    jobs.poll()
    assert [error.kind for error in told.failed] == [ErrorKind.CANCELLED] and job.cancel.is_set()
    go_on.set()
    time.sleep(0.1)
    assert jobs.poll() == 0 and told.done == [] and jobs.busy == ()


def test_a_job_that_lasts_too_long_fails_with_a_time_out():
    now = [0.0]
    jobs, told = Jobs(clock=lambda: now[0]), Told()
    job = jobs.start("Assess", lambda job: job.cancel.wait(5), timeout_seconds=30, **told.callbacks())
    jobs.poll()
    assert told.failed == []
    now[0] = 31.0
    jobs.poll()
    assert [error.kind for error in told.failed] == [ErrorKind.TIMEOUT] and job.cancel.is_set()
    time.sleep(0.05)
    assert jobs.poll() == 0 and told.done == []


def test_an_answer_about_a_radiograph_that_is_no_longer_shown_is_dropped(jobs):
    told = Told()
    jobs.show("first")
    jobs.start("Assess", lambda job: "about the first", shown="first", **told.callbacks())
    jobs.start("Work list", lambda job: "about all", **told.callbacks())
    jobs.show("second")
    poll_until(jobs, lambda: not jobs.busy)
    assert told.done == ["about all"] and told.failed == []
    jobs.show("first")
    assert jobs.poll() == 0 and told.done == ["about all"]


def test_no_more_jobs_run_at_once_than_there_are_places():
    jobs, running, most, lock = Jobs(max_workers=2), [0], [0], threading.Lock()

    def work(job):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1

    for number in range(6):
        jobs.start(str(number), work)
    poll_until(jobs, lambda: not jobs.busy)
    assert most[0] == 2


def test_a_cancelled_job_that_still_waited_for_a_place_never_runs():
    jobs, ran, go_on = Jobs(max_workers=1), [], threading.Event()
    jobs.start("One", lambda job: go_on.wait(5))
    second = jobs.start("Two", lambda job: ran.append(1))
    jobs.cancel(second)
    go_on.set()
    poll_until(jobs, lambda: not jobs.busy)
    time.sleep(0.05)
    assert ran == []


def test_after_close_nothing_is_delivered(jobs):
    told = Told()
    jobs.start("Assess", lambda job: 1, **told.callbacks())
    jobs.close()
    time.sleep(0.05)
    assert jobs.poll() == 0 and told.done == told.failed == []


def test_a_callback_may_start_cancel_and_poll(jobs):
    told = Told()

    def start_another(value):
        jobs.start("Two", lambda job: value + 1, **told.callbacks())
        jobs.poll()

    jobs.start("One", lambda job: 1, done=start_another)
    poll_until(jobs, lambda: told.done)
    assert told.done == [2] and jobs.faults == []
