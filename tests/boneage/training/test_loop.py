"""The loop itself, on a network of two weights."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import replace

import lightning as L
import pytest
import torch
from filelock import FileLock
from torch.utils.data import DataLoader, TensorDataset

from boneage.errors import InvalidInput, MemoryExceeded
from boneage.memory_limit import GIBI, memory_limited, used_bytes
from boneage.training import loop
from boneage.training.loop import fit, newest_checkpoint, plot_metrics, read_metrics
from boneage.training.options import TrainOptions
from boneage.training.processes import training_loader
from boneage.training.rates import one_cycle
from boneage.training.status import read_status

EXAMPLES, BATCH = 12, 3
STEPS = EXAMPLES // BATCH  # an epoch


class Line(L.LightningModule):
    """Learns a line, and notes which epochs and steps it saw; may stop itself."""

    def __init__(self, stop_at=None, stop_with=RuntimeError, stop_in="training"):
        super().__init__()
        torch.manual_seed(0)
        self.network = torch.nn.Linear(1, 1)
        self.epochs, self.steps, self.rates = [], [], []
        self._stop_at, self._stop_with, self._stop_in = stop_at, stop_with, stop_in

    def training_step(self, batch, _):
        self._maybe_stop("training")
        self.epochs.append(self.current_epoch)
        self.steps.append(self.global_step)
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        loss = ((self.network(batch[0]) - 2 * batch[0]) ** 2).mean()
        self.log("train_loss", loss.detach())
        return loss

    def validation_step(self, batch, _):
        self._maybe_stop("validation")
        self.log("validation_error", (self.network(batch[0]) - 2 * batch[0]).abs().mean())

    def configure_optimizers(self):
        return one_cycle(self, 0.05, 0.0)

    def _maybe_stop(self, where):
        if where == self._stop_in and self.global_step == self._stop_at:
            raise self._stop_with("stopped by the test")


class Numbers(L.LightningDataModule):
    def __init__(self, options):
        super().__init__()
        self._options = options
        self._numbers = TensorDataset(torch.linspace(-1, 1, EXAMPLES)[:, None])

    def train_dataloader(self):
        return training_loader(self._numbers, BATCH, self._options)

    def val_dataloader(self):
        return DataLoader(self._numbers, BATCH)


@pytest.fixture
def options(tmp_path):
    return TrainOptions(tmp_path, run=tmp_path / "run", workers=0)


@pytest.fixture(autouse=True)
def log_every_step(monkeypatch):
    """Log each step, and give Ctrl-C back to pytest, which Lightning takes away after it came once."""
    trainer = L.Trainer
    monkeypatch.setattr(loop.L, "Trainer", lambda **rest: trainer(**rest | {"log_every_n_steps": 1}))
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def run_of(options):
    options.run.mkdir(exist_ok=True)
    return options.run


def train(options, epochs=3, **stop):
    module = Line(**stop)
    fit(module, Numbers(options), options, run_of(options), epochs)
    return module


def test_a_training_leaves_metrics_of_every_step_and_a_picture_of_them(options):
    train(options)
    rows = read_metrics(options.run)
    assert [int(row["step"]) for row in rows if row["train_loss"]] == list(range(3 * STEPS))
    assert sum(bool(row["validation_error"]) for row in rows) == 3
    assert (options.run / "metrics.png").read_bytes().startswith(b"\x89PNG")


def test_the_status_tells_epoch_figures_and_that_it_is_done(options):
    train(options)
    status = read_status(options.run)
    assert (status["epoch"], status["epochs"], status["progress"]) == (3, 3, 1.0)
    assert set(status["figures"]) == {"train_loss", "validation_error"}


def test_the_status_keeps_what_the_validation_gave_after_each_epoch_also_of_a_run_in_two_parts(options):
    with pytest.raises(RuntimeError):
        train(options, stop_at=2 * STEPS + 1)
    first = read_status(options.run)["history"]
    assert [one["epoch"] for one in first] == [1, 2]
    train(options)
    whole = read_status(options.run)["history"]
    assert [one["epoch"] for one in whole] == [1, 2, 3] and whole[:2] == first
    assert all(set(one) == {"epoch", "validation_error"} for one in whole)
    train(replace(options, resume=False))
    assert [one["epoch"] for one in read_status(options.run)["history"]] == [1, 2, 3]


def test_a_run_that_fell_over_in_an_epoch_goes_on_in_that_epoch(options):
    with pytest.raises(RuntimeError, match="stopped by the test"):
        train(options, stop_at=STEPS + 2)
    module = train(options)
    assert module.steps == list(range(STEPS + 2, 3 * STEPS))
    assert module.epochs == [1] * 2 + [2] * STEPS


def test_a_run_that_takes_too_much_memory_ends_with_the_reason_and_a_checkpoint_to_go_on_from(options):
    def greedy(_):
        held = []
        for _ in range(500):
            held.append(bytearray(b"x" * 2**20))
            time.sleep(0.02)
        return RuntimeError("It was not ended.")

    with pytest.raises(MemoryExceeded), memory_limited((used_bytes() + 50 * 2**20) / GIBI):
        train(options, stop_at=STEPS + 2, stop_with=greedy)
    assert train(options).steps == list(range(STEPS + 2, 3 * STEPS))


def test_the_metrics_of_a_run_in_two_parts_are_in_one_table_without_doubles(options):
    with pytest.raises(RuntimeError):
        train(options, stop_at=STEPS + 2)
    train(options)
    logged = [int(row["step"]) for row in read_metrics(options.run) if row["train_loss"]]
    assert logged == sorted(set(logged))
    assert len(logged) == 3 * STEPS


def test_the_rate_of_a_run_in_two_parts_is_that_of_one(options, tmp_path):
    with pytest.raises(RuntimeError):
        train(options, stop_at=STEPS + 2)
    second_part = train(options).rates
    at_once = train(TrainOptions(tmp_path, run=tmp_path / "whole", workers=0)).rates
    assert second_part == pytest.approx(at_once[STEPS + 2 :])
    assert len(set(at_once)) == 3 * STEPS


def test_ctrl_c_says_where_the_checkpoint_is_and_the_same_command_goes_on(options, caplog):
    with caplog.at_level(logging.WARNING, "boneage"), pytest.raises(KeyboardInterrupt):
        train(options, stop_at=STEPS + 1, stop_with=KeyboardInterrupt)
    assert "recent.ckpt" in caplog.text and "same command" in caplog.text
    assert train(options).steps[0] == STEPS + 1


def test_a_finished_run_is_not_trained_again(options):
    first = train(options)
    again = train(options)
    assert again.steps == []
    assert torch.equal(again.network.weight, first.network.weight)
    assert sum(bool(row["train_loss"]) for row in read_metrics(options.run)) == 3 * STEPS


def test_fresh_forgets_every_checkpoint(options, tmp_path):
    with pytest.raises(RuntimeError):
        train(options, stop_at=STEPS + 2)
    fresh = TrainOptions(tmp_path, run=options.run, workers=0, resume=False)
    with pytest.raises(RuntimeError):
        train(fresh, stop_at=1)
    assert train(options).steps[0] == 1


@pytest.mark.parametrize(("last", "recent", "expected"), [(8, 5, "last"), (8, 11, "recent"), (8, 8, "last")])
def test_the_checkpoint_that_saw_most_steps_is_taken_whatever_its_date(tmp_path, last, recent, expected):
    (tmp_path / "checkpoints").mkdir()
    for name, steps in (("last", last), ("recent", recent)):
        torch.save({"global_step": steps}, tmp_path / "checkpoints" / f"{name}.ckpt")
    assert newest_checkpoint(tmp_path).stem == expected


def test_a_folder_without_checkpoints_has_no_newest_one(tmp_path):
    assert newest_checkpoint(tmp_path) is None


def test_going_on_with_another_number_of_epochs_is_refused_in_words(options):
    with pytest.raises(RuntimeError):
        train(options, stop_at=STEPS + 2)
    with pytest.raises(InvalidInput, match=r"begun with 13 steps, now it would have 21.*--epochs"):
        train(options, epochs=5)
    assert train(options).steps[0] == STEPS + 2


def test_after_training_the_module_holds_the_averaged_weights(options):
    module = train(options)
    kept = torch.load(options.run / "checkpoints" / "last.ckpt", weights_only=True)
    assert torch.equal(module.network.weight, kept["state_dict"]["network.weight"])
    assert not torch.equal(module.network.weight, kept["current_model_state"]["network.weight"])


def test_a_checkpoint_of_a_stopped_validation_does_not_take_the_average_for_the_weights(options, tmp_path):
    train(options, epochs=3)
    whole = torch.load(options.run / "checkpoints" / "last.ckpt", weights_only=True)
    halted = TrainOptions(tmp_path, run=tmp_path / "halted", workers=0)
    L.seed_everything(halted.seed, verbose=False)
    with pytest.raises(RuntimeError):
        train(halted, stop_at=STEPS, stop_in="validation")
    kept = torch.load(halted.run / "checkpoints" / "recent.ckpt", weights_only=True)
    module = Line()
    behind = [
        (kept[name]["network.weight"] - module.network.weight).abs().item()
        for name in ("state_dict", "current_model_state")
    ]
    assert behind[0] < behind[1]  # an average has come less far
    assert whole["global_step"] == 3 * STEPS


def test_fewer_examples_than_a_batch_make_one_small_batch(options):
    batches = list(training_loader(TensorDataset(torch.zeros(2, 1)), BATCH, options))
    assert [len(batch[0]) for batch in batches] == [2]


def test_what_is_left_over_of_full_batches_is_dropped(options):
    batches = list(training_loader(TensorDataset(torch.zeros(8, 1)), BATCH, options))
    assert [len(batch[0]) for batch in batches] == [3, 3]


def test_metrics_that_were_logged_at_some_steps_only_are_drawn(tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "metrics.csv").write_text("epoch,step,a,b,never\n0,1,0.5,,\n0,2,,nan,\n1,3,0.25\n")
    assert plot_metrics(tmp_path).stat().st_size > 1000


def test_a_run_without_metrics_has_no_picture(tmp_path):
    assert plot_metrics(tmp_path) is None


def test_two_trainings_do_not_share_a_run_folder(options):
    with FileLock(run_of(options) / ".training.lock"), pytest.raises(InvalidInput, match="Another training is at work"):
        train(options)
    assert not (options.run / "checkpoints").exists()
    train(options)
