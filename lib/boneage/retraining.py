"""From corrections to a better model, or to a refusal: data set, training from the live weights, gate.

run/data/         what was learnt from, in RSNA layout
run/status.json   how it stands: preparing, training, comparing, live, refused, failed; what looks wrong if refused
run/gate/         what was compared
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from boneage.datasets import Example, read_rsna
from boneage.errors import BoneAgeError, InvalidData
from boneage.memory_limit import memory_limited
from boneage.models import check_model, models_folder
from boneage.promotion import FEWEST as FEWEST_HELD_OUT
from boneage.promotion_measures import Ground
from boneage.promotion_run import try_to_promote
from boneage.registry import history
from boneage.runtime import example_shapes
from boneage.suspicion import Suspicion
from boneage.training.calibration import FEWEST as FEWEST_TO_CALIBRATE
from boneage.training.corrected import Made
from boneage.training.options import TrainOptions
from boneage.training.status import write_status

log = logging.getLogger(__name__)

ROOM_OF = {"hand_detector": "detection", "hand_segmenter": "segmentation", "bone_age_regressor": "regression"}
GENTLE_RATE = {"hand_detector": 4e-4, "hand_segmenter": 3e-4, "bone_age_regressor": 3e-4}  # live weights are good
EPOCHS = {"hand_detector": 5, "hand_segmenter": 5, "bone_age_regressor": 2}
FEWEST = 20  # corrections that a training is begun for


@dataclass(frozen=True)
class Plan:
    """What to train, and how.

    Attributes:
        name: One of `boneage.models.MODEL_NAMES`.
        run: Folder of this training.
        started_by: Who or what.
        models_dir: Models folder; None for the project's.
        epochs: Passes over the data; None for the usual number.
        rate: Highest learning rate; None for a gentle one.
        not_hands: Folder of images without a hand, for the gate.
        workers: Radiographs at the same time; None for one a core.
        fewest: Corrections below which it is not begun.
        memory_gb: Memory that it may use; None for any. Only in the main thread of a process.
    """

    name: str
    run: Path
    started_by: str
    models_dir: Path | None = None
    epochs: int | None = None
    rate: float | None = None
    not_hands: Path | None = None
    workers: int | None = None
    fewest: int = FEWEST
    memory_gb: float | None = None


def retrain(
    plan: Plan, write_data: Callable[[Path], Made], suspicious: Callable[[], Sequence[Suspicion]] | None = None
) -> bool:
    """Train a model on corrections and let it go live if it is better; say whether it is live now.

    An interrupted one goes on where it stopped when it is called again with the same run folder.

    Args:
        plan: What to train.
        write_data: Writes the data set into a new folder, as `boneage.training.corrected.write_data_set`.
        suspicious: Asked after a refusal which corrections look wrong, as `boneage.suspicion_look.suspicious`.

    Raises:
        BoneAgeError: If it cannot be done; the status says why, and the live version stays.
    """
    plan.run.mkdir(parents=True, exist_ok=True)
    write_status(plan.run, state="preparing", model=plan.name, started_by=plan.started_by, reason=None)

    def fail(reason: str) -> None:
        write_status(plan.run, state="failed", reason=reason, seconds_left=None)

    try:
        with memory_limited(plan.memory_gb, give_up=fail):
            return _retrain(plan, write_data, suspicious)
    except BoneAgeError as error:
        fail(str(error))
        raise


def _retrain(
    plan: Plan, write_data: Callable[[Path], Made], suspicious: Callable[[], Sequence[Suspicion]] | None
) -> bool:
    data = plan.run / "data"
    if not data.exists():
        made = write_data(data)
        _check(plan, made)
        _check_ground(plan, read_rsna(data))
        write_status(plan.run, corrections=_learnt_from(plan.name, made), left_out=made.left_out or None)
    write_status(plan.run, state="training")
    live = check_model(plan.name, plan.models_dir)
    options = TrainOptions(
        data,
        plan.run,
        epochs=plan.epochs or EPOCHS[plan.name],
        rate=plan.rate or GENTLE_RATE[plan.name],
        start=live.weights,
        family=live.family,
        models_dir=plan.models_dir,
        rows=example_shapes(live)[0][2],  # of the regressor's views: what is deployed stays as large as it is
    )
    import_module(f"boneage.training.{ROOM_OF[plan.name]}").train(options)
    write_status(plan.run, state="comparing", seconds_left=None)
    version = next_version(plan.name, plan.models_dir)
    ground = Ground.of(data, None, plan.not_hands, plan.workers)
    ruling, entry = try_to_promote(plan.name, plan.run, version, ground, plan.started_by, plan.models_dir, suspicious)
    state = "live" if ruling.goes_live else "refused"
    told = entry.figures.get("suspicious")
    write_status(plan.run, state=state, version=version, reason=entry.reason, suspicious=told)
    return ruling.goes_live


def next_version(name: str, models_dir: Path | None = None) -> str:
    """Return a version above every one of a model that was ever live or refused: 0.2.0 -> 0.2.1."""
    models = models_folder(models_dir)
    known = [entry.version for entry in history(models) if entry.model == name]
    numbers = [_numbers(version) for version in (*known, check_model(name, models).version)]
    major, minor, patch = max(numbers)
    return f"{major}.{minor}.{patch + 1}"


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = [*map(int, re.findall(r"\d+", version)), 0, 0, 0][:3]
    return major, minor, patch


def _check_ground(plan: Plan, examples: list[Example]) -> None:
    """See to it that a candidate can be calibrated and compared, before hours are spent on its training."""
    splits = [example.split for example in examples]
    needed = {"held-out": FEWEST_HELD_OUT}
    needed |= {"validation": FEWEST_TO_CALIBRATE} if plan.name == "bone_age_regressor" else {}
    for split, fewest in needed.items():
        if splits.count(split) < fewest:
            raise InvalidData(
                f"Expected at least {fewest} radiographs with an age in the {split} split, got {splits.count(split)}.",
                "Correct more radiographs, or set a base data set (--conf base=DIR).",
            )


def _learnt_from(name: str, made: Made) -> int:
    """Return how many corrections a model can learn from."""
    if name == "bone_age_regressor":
        return made.ages.get("train", 0)
    return made.outlines if name == "hand_segmenter" else made.boxes + made.outlines


def _check(plan: Plan, made: Made) -> None:
    usable = _learnt_from(plan.name, made)
    if usable < plan.fewest:
        raise InvalidData(
            f"Expected at least {plan.fewest} corrections that {plan.name} can learn from, got {usable}.",
            "Correct more radiographs.",
        )
