"""How it stands with training on the server: values, and the server's JSON that they are read from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from .pieces import maybe, maybe_number, piece

UNFINISHED = ("preparing", "training", "comparing")
TRAIN, ROLL_BACK = "train", "roll back"
_FIGURES = ("train_", "validation_")


@dataclass(frozen=True)
class Run:
    """The last training of a model.

    Attributes:
        model: Its name.
        state: preparing, training or comparing; then live, refused or failed. One that was stopped keeps its state.
        epoch: That is being trained, from 1.
        epochs: Of the whole run.
        fraction: How much of the training is done, 0 to 1.
        seconds_left: Of the training.
        version: That went live, or did not.
        reason: Of the verdict or the failure, in sentences.
        corrections: That it learns from.
        started_by: Who or what.
        figures: Of training and validation, by name.
        history: Epochs that were done, and the validation figures after them; empty from servers that do not tell.
    """

    model: str
    state: str
    epoch: int | None = None
    epochs: int | None = None
    fraction: float | None = None
    seconds_left: float | None = None
    version: str = ""
    reason: str = ""
    corrections: int | None = None
    started_by: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    history: tuple[tuple[int, dict[str, float]], ...] = ()

    @property
    def is_unfinished(self) -> bool:
        """Say whether it goes on, or would go on if it were started again."""
        return self.state in UNFINISHED


@dataclass(frozen=True)
class Retraining:
    """How it stands with learning from corrections.

    Attributes:
        state: idle or running; "not available" where the server does not train.
        waiting_corrections: That came after the last run began; None if not told.
        runs: The last one of each model that has been trained.
        begins_after: Trainings begin by themselves with so many new corrections; None for never.
        begins_at: They begin at this time of each day on the server's clock, as in 02:00; None for never.
    """

    state: str
    waiting_corrections: int | None = None
    runs: tuple[Run, ...] = ()
    begins_after: int | None = None
    begins_at: str | None = None

    def run_of(self, model: str) -> Run | None:
        """Return the last run of a model; None without one."""
        return next((run for run in self.runs if run.model == model), None)


@dataclass(frozen=True)
class TrainingTask:
    """A training or a roll-back on the server, the last or the running one.

    Attributes:
        id: On the server.
        model: Its name.
        status: SUBMITTED, RUNNING, DONE, ERROR or STOPPED.
        action: "train" or "roll back".
        run: The last run of the model; of an earlier training until this one has begun.
        details: Last lines of its log.
    """

    id: str
    model: str
    status: str
    action: str = TRAIN
    run: Run | None = None
    details: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_running(self) -> bool:
        """Say whether it is not at its end."""
        return self.status in ("SUBMITTED", "RUNNING")

    @property
    def own_run(self) -> Run | None:
        """Return the run, if it is this training's for certain and tells how far it is."""
        is_own = self.status == "RUNNING" and self.action == TRAIN and self.run is not None and self.run.is_unfinished
        return self.run if is_own else None


def retraining(answer: Any) -> Retraining:
    """Read `retraining` of GET /info/.

    Raises:
        ClientError: WRONG_ANSWER.
    """
    begins, runs = maybe(answer, "begins", dict) or {}, maybe(answer, "runs", dict) or {}
    read = [_run(model, about) for model, about in runs.items()]
    return Retraining(
        state=piece(answer, "state", str),
        waiting_corrections=maybe(answer, "waiting_corrections", int),
        runs=tuple(run for run in read if run is not None),
        begins_after=maybe(begins, "after", int),
        begins_at=maybe(begins, "at", str),
    )


def training_task(answer: Any) -> TrainingTask:
    """Read the answer of GET /train/ or POST /train/MODEL.

    Raises:
        ClientError: WRONG_ANSWER.
    """
    request = maybe(answer, "request", dict) or {}
    model, action = str(request.get("model") or ""), request.get("action")
    return TrainingTask(
        id=piece(answer, "id", str),
        model=model,
        status=maybe(answer, "status", str) or "",
        action=ROLL_BACK if action in (ROLL_BACK, [ROLL_BACK]) else TRAIN,
        run=_run(model, maybe(answer, "progress", dict)),
        details=tuple(str(line) for line in maybe(answer, "details", list) or ()),
    )


def _run(model: str, about: Any) -> Run | None:
    if not about:
        return None
    return Run(
        model=model,
        state=piece(about, "state", str),
        epoch=maybe(about, "epoch", int),
        epochs=maybe(about, "epochs", int),
        fraction=maybe_number(about, "progress"),
        seconds_left=maybe_number(about, "seconds_left"),
        version=maybe(about, "version", str) or "",
        reason=maybe(about, "reason", str) or "",
        corrections=maybe(about, "corrections", int),
        started_by=maybe(about, "started_by", str) or "",
        figures=_figures(about),
        history=tuple((piece(one, "epoch", int), _figures(one)) for one in maybe(about, "history", list) or ()),
    )


def _figures(about: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in about.items() if name.startswith(_FIGURES) and _is_figure(value)}


def _is_figure(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
