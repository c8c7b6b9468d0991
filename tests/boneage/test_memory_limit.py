"""The limit of memory: work that takes too much is ended with the reason, other work and Ctrl-C are left alone."""

import os
import signal
import subprocess
import sys
import time

import pytest

from boneage.errors import MemoryExceeded
from boneage.memory_limit import GIBI, memory_limited, used_bytes

MEBI = 2**20
HOLD_300_MB = f"import sys; held = bytearray(b'x' * {300 * MEBI}); print('held', flush=True); sys.stdin.read()"


def allowed_gb(more_mb):
    return (used_bytes() + more_mb * MEBI) / GIBI


def take(mb):
    taken = []
    for _ in range(mb):
        taken.append(bytearray(b"x" * MEBI))
        time.sleep(0.005)
    time.sleep(3)
    return taken


def test_work_that_takes_too_much_is_ended_with_both_figures():
    words = r"Expected at most [\d.]+ GB of memory; [\d.]+ GB were in use"
    with pytest.raises(MemoryExceeded, match=words), memory_limited(allowed_gb(60)):
        take(300)


def test_the_memory_of_children_counts():
    with subprocess.Popen([sys.executable, "-c", HOLD_300_MB], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            with pytest.raises(MemoryExceeded), memory_limited(allowed_gb(100)):
                child.stdout.readline()
                time.sleep(20)
        finally:
            child.stdin.close()


def test_work_within_the_limit_ends_as_it_would_and_ctrl_c_is_what_it_was():
    before = signal.getsignal(signal.SIGINT)
    with memory_limited(allowed_gb(4000)):
        done = sum(range(1000))
    assert done == 499500
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_inside_is_still_ctrl_c():
    with pytest.raises(KeyboardInterrupt), memory_limited(allowed_gb(4000)):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)


def test_without_a_limit_nothing_is_watched():
    with memory_limited(None):
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
