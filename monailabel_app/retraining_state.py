"""How it stands with learning from the corrections, for GET /info/ and GET /train/."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from boneage.models import MODEL_NAMES
from boneage.training.status import read_status
from monailabel_app.studies import Studies
from monailabel_app.train import RUN_NAME, last_run

VERDICTS = ("live", "refused")
TOLD = ("state", "epoch", "epochs", "progress", "seconds_left", "version", "reason", "corrections", "started_by")
TOLD += ("history",)  # validation figures after each epoch that is done
TOLD += ("suspicious",)  # corrections that look wrong, after a refusal


def retraining_state(studies: Studies, is_running: bool, settings: dict[str, Any]) -> dict[str, Any]:
    """Return whether a training runs, how many corrections wait, and how the last run of each model stands."""
    runs = {name: progress_of(studies.work_folder, name) for name in MODEL_NAMES}
    verdicts = [f"{name}: {run['state']}. {run.get('reason', '')}" for name, run in runs.items() if _has_verdict(run)]
    return {
        "state": "running" if is_running else "idle",
        "waiting_corrections": new_corrections(studies),
        "last_verdict": " ".join(verdicts) or None,
        "runs": {name: run for name, run in runs.items() if run},
        "begins": settings,
    }


def progress_of(work_folder: Path, name: str) -> dict[str, Any]:
    """Return how the last run of a model stands, with its last figures; empty if there was none."""
    run = last_run(work_folder, name)
    status = read_status(run) if run is not None else {}
    return {key: status[key] for key in TOLD if key in status} | status.get("figures", {})


def new_corrections(studies: Studies) -> int:
    """Return how many final corrections came after the last run began."""
    runs = [run for name in MODEL_NAMES if (run := last_run(studies.work_folder, name)) is not None]
    began = [datetime.strptime(run.name, RUN_NAME).replace(tzinfo=timezone.utc) for run in runs]
    return studies.store.finals_since(max(began, default=None))


def with_progress(status: Callable[..., Any], work_folder: Callable[[], Path]) -> Callable[..., Any]:
    """Return MONAI Label's function for GET /train/ with the progress of the run in each task it tells of."""

    def told(all: bool = False, check_if_running: bool = False) -> Any:
        answer = status(all, check_if_running)
        for task in answer if isinstance(answer, list) else [answer]:
            model = str(task.get("request", {}).get("model", ""))
            if model in MODEL_NAMES:
                task["progress"] = progress_of(work_folder(), model)
        return answer

    return told


def _has_verdict(run: dict[str, Any]) -> bool:
    return run.get("state") in VERDICTS
