"""One round of learning, as the server does it, and what came of it on radiographs that nothing else looks at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from boneage.assessment import load_models
from boneage.corrections import CorrectionStore
from boneage.datasets import Example
from boneage.detection import HandDetector
from boneage.errors import BoneAgeError
from boneage.models import check_model
from boneage.networks import MONTHS
from boneage.output import write_atomically
from boneage.radiograph import read_radiograph
from boneage.retraining import Plan, retrain
from boneage.segmentation import HandSegmenter
from boneage.suspicion import Suspicion
from boneage.suspicion_look import dice, suspicious
from boneage.training import stages
from boneage.training.corrected import write_data_set
from boneage.training.families import network_of
from boneage.training.hand_views import BATCH, UprightHands
from boneage.training.hands import PixelStore
from boneage.training.publish import publish
from boneage.training.status import read_status
from boneage.training.upright import find_hands

VERDICTS = ("live", "refused")


@dataclass(frozen=True)
class Course:
    """Where a model learns, and how it is looked at.

    Attributes:
        name: Of the model.
        home: Folder of the runs.
        models: Models folder in which it is live.
        base: Data set that is mixed in.
        replay: Radiographs of the base's train split.
        epochs: Of each training.
        rate: Highest learning rate; None for the server's own.
        measure: Weights file -> name of a figure -> its value.
    """

    name: str
    home: Path
    models: Path
    base: Path
    replay: int | None
    epochs: int
    rate: float | None
    measure: Callable[[Path], dict[str, float]]


def learn(course: Course, run_name: str, store: CorrectionStore, studies: Path) -> dict[str, Any]:
    """Retrain once on what the store holds, and return what came of it; what was done before is not done again."""
    run = course.home / run_name
    if (run / "row.json").exists():
        return json.loads((run / "row.json").read_text())
    before = check_model(course.name, course.models).weights
    told = _Told(course, store, studies, run)
    if read_status(run).get("state") not in VERDICTS:
        _inherit_hands(course.home, run)
        plan = Plan(course.name, run, "a simulation", course.models, course.epochs, course.rate)
        retrain(plan, lambda out: _write(course, store, studies, out), told)
    status = read_status(run)
    row = {
        "run": run_name,
        "corrections": len(store.finals()),
        "verdict": status["state"],
        "reason": status["reason"],
        "candidate": course.measure(run / "model.safetensors"),
        "live": course.measure(before if status["state"] == "refused" else run / "model.safetensors"),
        **_planted_and_found(store, told, status["state"] == "refused"),
    }
    shutil.rmtree(run / "checkpoints", ignore_errors=True)  # some hundred MB each
    keep(row, run / "row.json")
    return row


def keep(row: dict[str, Any], path: Path) -> None:
    """Write a row as JSON, wholly or not at all."""
    with write_atomically(path) as fresh:
        fresh.write_text(json.dumps(row, indent=2))


class _Told:
    """What looks wrong, as the live version sees it; looked for once."""

    def __init__(self, course: Course, store: CorrectionStore, studies: Path, run: Path) -> None:
        self._course, self._store, self._studies, self._file = course, store, studies, run / "suspicious.json"

    def __call__(self) -> list[Suspicion]:
        if not self._file.exists():
            models = load_models(self._course.models, threads=1)
            found = suspicious(self._store, lambda id: self._studies / f"{id}.png", models, model=self._course.name)
            self._file.write_text(json.dumps([one.plain() for one in found], indent=2))
        return [Suspicion(**one) for one in json.loads(self._file.read_text())]


def _planted_and_found(store: CorrectionStore, told: _Told, is_refused: bool) -> dict[str, int]:
    """Return how many corrections are wrong by intention, how many look wrong, and how many of these are.

    Where none is wrong and the gate let the candidate through, nobody asks.
    """
    planted = {row.id for row in store.standing() if row.comment}
    looks_wrong = {one.correction for one in told() if one.correction} if planted or is_refused else set()
    return {"planted": len(planted), "look_wrong": len(looks_wrong), "found": len(planted & looks_wrong)}


def _write(course: Course, store: CorrectionStore, studies: Path, out: Path) -> Any:
    detector = HandDetector(check_model("hand_detector", course.models), threads=1)
    return write_data_set(
        store,
        lambda id: studies / f"{id}.png",
        lambda id: id,
        lambda radiograph, label: detector.find_hand(radiograph, label.hand_box).pose,
        out,
        course.base,
        course.replay,
    )


def _inherit_hands(home: Path, run: Path) -> None:
    """Take over the hands that an earlier run found; they are those of the same detector and segmenter."""
    kept = sorted(home.glob("*/hands.npz"), key=lambda path: path.stat().st_size)
    if kept and not (run / "hands.npz").exists():
        run.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(kept[-1], run / "hands.npz")


# Figures on radiographs of their own


class AgeErrors:
    """The mean absolute error of a regressor's plain look, in months, of all, girls and boys, and the girls' bias.

    Args:
        tested: Radiographs that no training and no gate looks at.
        kept: File that keeps where the hands lie.
    """

    def __init__(self, tested: list[Example], kept: Path) -> None:
        hands = [[hand] for hand in find_hands(tested, kept)]
        views = UprightHands(hands, stages.AGE_FRAME, PixelStore())
        self._batches = list(DataLoader(views, BATCH))

    def __call__(self, weights: Path) -> dict[str, float]:
        """Return the figures of a weights file."""
        network = network_of(check_model("bone_age_regressor").family, weights).eval()
        months = torch.arange(MONTHS, dtype=torch.float32)
        with torch.inference_mode():
            errors = torch.cat(
                [network(one["hand"], one["male"]).exp() @ months - one["bone_age_months"] for one in self._batches]
            ).numpy()
        male = torch.cat([one["male"][:, 0] for one in self._batches]).numpy() > 0
        parts = {"all": abs(errors), "girls": abs(errors[~male]), "boys": abs(errors[male]), "bias": errors[~male]}
        return {name: round(float(part.mean()), 2) for name, part in parts.items()}


class OutlineErrors:
    """The mean Dice of a segmenter's outlines and those that people drew, in per cent.

    Args:
        tested: File of a radiograph and its drawn mask (rows, columns) bool.
        models: Models folder with the detector.
        shop: Folder for a bundle while it is looked at.
    """

    def __init__(self, tested: Iterable[tuple[Path, np.ndarray]], models: Path, shop: Path) -> None:
        detector = HandDetector(check_model("hand_detector", models), threads=1)
        self._shop, self._cases = shop, []
        for path, mask in tested:
            radiograph = read_radiograph(path)
            with suppress(BoneAgeError):
                self._cases.append((radiograph, detector.find_hand(radiograph), mask))

    def __call__(self, weights: Path) -> dict[str, float]:
        """Return the figures of a weights file."""
        publish("hand_segmenter", weights, "0.0.0", {}, {}, self._shop)
        segmenter = HandSegmenter(check_model("hand_segmenter", self._shop), threads=1)
        found = [dice(segmenter.outline(radiograph, hand), mask) for radiograph, hand, mask in self._cases]
        return {"dice": round(100 * float(np.mean(found)), 2), "worst": round(100 * float(np.min(found)), 2)}
