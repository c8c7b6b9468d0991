"""Training from corrections in the words of the panel."""

from __future__ import annotations

import re

from .contract import Info
from .training import ROLL_BACK, Retraining, Run, TrainingTask

MOST_DETAILS = 5  # lines
CURVES = {  # model: figure that is drawn, whether the other way round, what it is
    "bone_age_regressor": ("validation_mae_months", False, "mean error of the age in months"),
    "hand_detector": ("validation_pose_error", False, "error of the key points in hand lengths"),
    "hand_segmenter": ("validation_dice", True, "1 - Dice of the outline"),
}
DOING = {
    "preparing": "the corrections are being put together",
    "training": "it is being trained",
    "comparing": "it is being compared with the version in use",
}
_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x1f]")  # of progress bars
_ERROR_OF_OURS = re.compile(r"(?:\w+\.)*errors\.\w+: (.+)")


def can_retrain(info: Info | None) -> bool:
    """Say whether the server trains from corrections."""
    return info is not None and info.retraining.state != "not available" and bool(info.trainers)


def retraining(info: Info | None) -> str:
    """Write how it stands with training from corrections, and when one begins by itself."""
    if info is None:
        return "Not connected."
    if not can_retrain(info):
        return "This server does not train from corrections: retraining is not available."
    waiting = info.retraining.waiting_corrections
    parts = [] if waiting is None else [f"Corrections that wait for the next training: {waiting}."]
    return " ".join([*parts, _begins(info.retraining)])


def verdicts(info: Info | None) -> str:
    """Write how the last training of each model ended, one a line."""
    if info is None:
        return ""
    is_running = info.retraining.state == "running"
    return "\n".join(_verdict(run) for run in info.retraining.runs if not (is_running and run.is_unfinished))


def task(task: TrainingTask) -> str:
    """Write how a task stands; how a finished training ended stands in `verdicts`."""
    if task.action == ROLL_BACK:
        return _roll_back(task)
    if task.status == "SUBMITTED":
        return f"{task.model}: waits until it can begin."
    if task.status == "RUNNING":
        return f"{task.model}: {'begins' if task.own_run is None else _progress(task.own_run)}."
    is_told = task.run is not None and not task.run.is_unfinished
    return f"{task.model}: broke off.\n{_reason(task)}" if task.status == "ERROR" and not is_told else ""


def curve_points(task: TrainingTask) -> list[tuple[int, float]]:
    """Return the epochs that are done and the error after each, for the curve; none if the task does not tell.

    A server that keeps no history tells of the last epoch only.
    """
    run, (figure, is_turned, _) = task.own_run, CURVES.get(task.model, ("", False, ""))
    if run is None:
        return []
    told = run.history or (((run.epoch - 1, run.figures),) if run.epoch else ())
    values = [(epoch, figures[figure]) for epoch, figures in told if figure in figures]
    return [(epoch, 1 - value if is_turned else value) for epoch, value in values]


def curve_name(model: str) -> str:
    """Return what the curve of a model shows."""
    return f"{CURVES[model][2]}, on validation radiographs"


def time_left(seconds: float) -> str:
    """Write a time in words: about 12 minutes."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 90:
        return f"about {minutes} minute{'' if minutes == 1 else 's'}"
    return f"about {round(minutes / 60)} hours"


def _begins(state: Retraining) -> str:
    after = [] if state.begins_after is None else [f"once {state.begins_after} corrections wait"]
    at = [] if state.begins_at is None else [f"every day at {state.begins_at} (the server's clock) if one waits"]
    if not after + at:
        return "No training begins by itself."
    return f"Trainings begin by themselves {', and '.join(after + at)}."


def _verdict(run: Run) -> str:
    ends = {
        "live": f"version {run.version} went live",
        "refused": f"version {run.version} was refused, the one in use stays",
        "failed": "the training failed",
    }
    text = f"{run.model}: {ends.get(run.state, _stopped(run))}{_origin(run)}."
    return f"{text} {run.reason}".rstrip()


def _stopped(run: Run) -> str:
    done = f" at {100 * run.fraction:.0f} %" if run.fraction is not None else ""
    return f"stopped{done}; it goes on from there when it is started again"


def _origin(run: Run) -> str:
    facts = [] if run.corrections is None else [f"{run.corrections} corrections"]
    facts += [f"started by {run.started_by}"] if run.started_by else []
    return f" ({', '.join(facts)})" if facts else ""


def _progress(run: Run) -> str:
    parts = [DOING[run.state]]
    parts += [f"epoch {run.epoch} of {run.epochs}"] if run.epoch and run.epochs and run.state == "training" else []
    parts += [f"{time_left(run.seconds_left)} left"] if run.seconds_left is not None else []
    parts += [f"{name.replace('_', ' ')} {value:.3g}" for name, value in run.figures.items()]
    return "; ".join(parts) + _origin(run)


def _roll_back(task: TrainingTask) -> str:
    ends = {
        "DONE": "the version before is in use again",
        "ERROR": "not rolled back, the version in use stays",
        "STOPPED": "rolling back was stopped",
    }
    text = f"{task.model}: {ends.get(task.status, 'is being rolled back')}."
    return f"{text} {_reason(task)}".rstrip() if task.status == "ERROR" else text


def _reason(task: TrainingTask) -> str:
    """Return the server's sentence about an error, or the last lines of the log where there is none."""
    lines = [clean for line in task.details if (clean := _CONTROLS.sub("", line).strip())]
    found = (_ERROR_OF_OURS.search(line) for line in reversed(lines))
    ours = next((match[1] for match in found if match), None)
    return ours or "\n".join(lines[-MOST_DETAILS:])
