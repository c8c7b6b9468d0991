"""The train tasks: each learns from the corrections, in a process of its own, and lets only a better model go live."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

from monailabel.interfaces.tasks.train import TrainTask

from boneage.errors import BoneAgeError, InvalidInput
from boneage.models import MODEL_NAMES
from boneage.output import private_folder
from boneage.registry import roll_back
from boneage.training.status import read_status
from monailabel_app.live_models import LiveModels
from monailabel_app.scoring import is_own_process
from monailabel_app.settings import TrainSettings
from monailabel_app.studies import Studies

log = logging.getLogger("boneage.train")

POLITENESS = 15  # of 19: inferences come first
UNFINISHED = ("preparing", "training", "comparing")
RUN_NAME = "%Y%m%d-%H%M%S"  # when it began, UTC


def train_tasks(models: LiveModels, settings: TrainSettings) -> dict[str, TrainTask]:
    """Return a task for each model."""
    return {name: RetrainTask(name, models, settings) for name in MODEL_NAMES}


class RetrainTask(TrainTask):
    """Learns one model from the corrections; a run that was stopped goes on with the next start."""

    def __init__(self, name: str, models: LiveModels, settings: TrainSettings) -> None:
        super().__init__("Learns from the corrections; goes live only if it is better on held-out radiographs")
        self._name = name
        self._models = models
        self._settings = settings

    def config(self) -> dict[str, Any]:
        """Return what a client can set, with its usual value; 0 stands for the recipe's."""
        return {"max_epochs": 0, "started_by": "", "action": ["train", "roll back"]}

    def stats(self) -> dict[str, Any]:
        """Return what stock clients show of a finished training: nothing that the models' cards do not say."""
        return {}

    def __call__(self, request: dict[str, Any], datastore: Studies) -> dict[str, Any]:
        """Train, or take the live version back if `action` says so; return the status.

        Raises:
            BoneAgeError: If it cannot be done; the status of the run says why.
        """
        started_by = str(request.get("started_by") or "a client")[:100]
        if _action(request) == "roll back":
            entry = roll_back(self._models.folder, self._name, started_by)
            return {"state": "rolled back", "model": self._name, "version": entry.version}
        if is_own_process():
            _be_polite(self._settings.threads)
        private_folder(datastore.work_folder)
        run = current_run(datastore.work_folder, self._name) or new_run(datastore.work_folder, self._name)
        return self._train(run, started_by, _epochs(request), datastore)

    def _train(self, run: Path, started_by: str, epochs: int | None, datastore: Studies) -> dict[str, Any]:
        from boneage.retraining import Plan, retrain  # heavy

        settings = self._settings
        plan = Plan(
            self._name,
            run,
            started_by,
            self._models.folder,
            epochs,
            not_hands=settings.not_hands,
            workers=settings.threads,
            memory_gb=settings.memory_gb if is_own_process() else None,
        )
        try:
            retrain(plan, lambda out: self._write_data(out, datastore), lambda: self._suspicious(datastore))
        except BoneAgeError as error:
            log.error("The training of %s failed: %s", self._name, error)
            raise
        return read_status(run)

    def _write_data(self, out: Path, datastore: Studies) -> Any:
        from boneage.training.corrected import write_data_set  # heavy

        models, settings = self._models(), self._settings

        def pose_of(radiograph: Any, label: Any) -> Any:
            return models.detector.find_hand(radiograph, label.hand_box).pose

        return write_data_set(
            datastore.store,
            datastore.path_of,
            datastore.patient_of,
            pose_of,
            out,
            settings.base,
            settings.replay,
            settings.consensus,
        )

    def _suspicious(self, datastore: Studies) -> Any:
        from boneage.suspicion_look import suspicious  # heavy

        return suspicious(datastore.store, datastore.path_of, self._models(), self._settings.threads, self._name)


def current_run(work_folder: Path, name: str) -> Path | None:
    """Return the run of a model that was begun and not finished; None without one."""
    last = last_run(work_folder, name)
    return last if last is not None and read_status(last).get("state") in UNFINISHED else None


def last_run(work_folder: Path, name: str) -> Path | None:
    """Return the newest run of a model; None without one."""
    return max((work_folder / "runs" / name).glob("*/"), default=None)


def new_run(work_folder: Path, name: str) -> Path:
    """Return a new folder for a run, named after the time."""
    return work_folder / "runs" / name / time.strftime(RUN_NAME, time.gmtime())


def _be_polite(threads: int) -> None:
    """Leave the cores to the inferences, and use no more than allowed."""
    os.nice(POLITENESS)
    os.environ["OMP_NUM_THREADS"] = str(threads)


def _action(request: dict[str, Any]) -> str:
    action = request.get("action") or "train"
    if isinstance(action, list):  # a stock client sends the first of the choices, or all of them
        action = action[0] if action else "train"
    if action not in ("train", "roll back"):
        raise InvalidInput(f"Expected action train or roll back, got {str(action)[:20]!r}.", "Correct it.")
    return action


def _epochs(request: dict[str, Any]) -> int | None:
    epochs = request.get("max_epochs") or None
    if epochs is not None and (isinstance(epochs, bool) or not isinstance(epochs, int) or not 1 <= epochs <= 1000):
        raise InvalidInput(f"Expected max_epochs from 1 to 1000, got {str(epochs)[:20]!r}.", "Correct it.")
    return epochs
