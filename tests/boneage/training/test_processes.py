"""One training in two processes (gloo, on this machine's cores) against the same in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import shared_training
import torch
from safetensors.torch import load_file

from boneage.training.loop import newest_checkpoint, read_metrics

EPOCHS = 3
STEPS_OF_EPOCH = shared_training.EXAMPLES // shared_training.BATCH
STEPS = EPOCHS * STEPS_OF_EPOCH
pytestmark = pytest.mark.slow


def in_two_processes(run, *stop_at):
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", shared_training.__file__]
    roots = [str(Path(shared_training.__file__).parents[3] / "lib"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, roots))}
    command = [sys.executable, *words, str(run), str(EPOCHS), *map(str, stop_at)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    run = tmp_path_factory.mktemp("alone")
    shared_training.train(run, EPOCHS)
    return run


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Train in two processes; the first part stops after the second epoch, the second goes on."""
    run = tmp_path_factory.mktemp("shared")
    first = in_two_processes(run, STEPS - STEPS_OF_EPOCH)
    assert first.returncode != 0 and "stopped by the test" in first.stderr
    assert torch.load(newest_checkpoint(run), weights_only=True)["global_step"] == STEPS - STEPS_OF_EPOCH
    second = in_two_processes(run)
    assert second.returncode == 0, second.stderr
    return run


def steps_of(run):
    """Return step -> epoch and sorted examples, of all processes together."""
    steps = {}
    for path in sorted(run.glob("seen-*.txt")):
        for line in path.read_text().splitlines():
            epoch, step, *examples = map(int, line.split())
            steps.setdefault(step, (epoch, []))[1].extend(examples)
    return {step: (epoch, sorted(examples)) for step, (epoch, examples) in steps.items()}


def errors_of(run):
    return [float(row["validation_error"]) for row in read_metrics(run) if row["validation_error"]]


def test_two_processes_make_each_step_of_the_examples_that_one_would_take(alone, shared):
    assert len(list(shared.glob("seen-*.txt"))) == 2
    assert len(steps_of(alone)) == STEPS
    assert steps_of(shared) == steps_of(alone)


def test_another_epoch_has_another_order(alone):
    steps = steps_of(alone)
    assert steps[0][1] != steps[STEPS_OF_EPOCH][1]


def test_two_processes_that_were_stopped_and_went_on_end_with_the_weights_of_one(alone, shared):
    one, two = (load_file(str(run / "model.safetensors")) for run in (alone, shared))
    for name in one:
        assert torch.allclose(one[name].float(), two[name].float(), atol=1e-3), name  # they are kept in 16 bit
    kept = [torch.load(newest_checkpoint(run), weights_only=True)["state_dict"] for run in (alone, shared)]
    for name in kept[0]:
        assert torch.allclose(kept[0][name], kept[1][name], atol=1e-5), name


def test_the_validation_of_two_processes_is_that_of_one(alone, shared):
    one, two = (
        [float(row["validation_error"]) for row in read_metrics(run) if row["validation_error"]]
        for run in (alone, shared)
    )
    assert len(one) == len(two) == EPOCHS
    assert two == pytest.approx(one, rel=0.05)  # an example more, where they do not divide evenly


def test_only_one_process_prepares_the_data(shared):
    assert (shared / "prepared.txt").read_text() == "once\n" * 2  # the run has two parts
