"""What the gate compares: both versions of a model look at the same held-out radiographs, changed ones, and no hands.

What was measured is kept in a folder row by row, so that an interrupted comparison goes on with the same command.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from boneage.datasets import Example, read_rsna
from boneage.evaluation import age_bands
from boneage.evaluation_changes import CHANGES
from boneage.evaluation_not_hand import look_for_no_hand
from boneage.evaluation_rooms import Looked, drawn_radiographs, load_finders, look_at_all
from boneage.evaluation_run import predict
from boneage.evaluation_stress import COLUMNS as STRESS_COLUMNS
from boneage.evaluation_stress import stress
from boneage.models import MODEL_NAMES, models_folder
from boneage.output import made_folder
from boneage.predictions import COLUMNS
from boneage.promotion import Counted, Paired, Ruling, rule
from boneage.registry import live_bundle
from boneage.row_file import RowFile

STRESSED_FAMILIES = ("rotation", "flip", "brightness", "resolution")
STRESSED = 60  # radiographs; each is assessed 16 times
AGE_ERROR = "error of the age, months"
MISSED = 1.0  # loss of a hand that was not found: as far off as can be

Row = Mapping[str, str]


@dataclass(frozen=True)
class Ground:
    """What versions are compared on.

    Attributes:
        data: Folder in RSNA layout.
        examples: Held-out radiographs.
        stressed: Some of them, which are also changed.
        not_hands: Folder of images without a hand; None without one.
        workers: Radiographs at the same time; None for one a core.
    """

    data: Path
    examples: Sequence[Example]
    stressed: Sequence[Example]
    not_hands: Path | None = None
    workers: int | None = None

    @staticmethod
    def of(data: Path, limit: int | None = None, not_hands: Path | None = None, workers: int | None = None) -> Ground:
        """Return the held-out radiographs of a folder in RSNA layout, `limit` of them at most."""
        held_out = [one for one in read_rsna(data) if one.split == "held-out"][:limit]
        step = max(len(held_out) // STRESSED, 1)
        return Ground(data, held_out, held_out[::step][:STRESSED], not_hands, workers)


@dataclass(frozen=True)
class Measured:
    """What one version did.

    Attributes:
        ages: Rows of predictions, by file.
        stressed: Rows of changed radiographs, by id, family and strength.
        drawn: What was found where people drew, by id; empty for a regressor.
        hands_seen: Images without a hand in which one was seen.
    """

    ages: Mapping[str, Row]
    stressed: Mapping[tuple[str, str, str], Row]
    drawn: dict[str, Looked]
    hands_seen: int


def compare_versions(name: str, candidate: Path, ground: Ground, out: Path, models_dir: Path | None = None) -> Ruling:
    """Measure the live version of a model and a candidate, and rule.

    Args:
        name: One of `boneage.models.MODEL_NAMES`.
        candidate: Its bundle.
        ground: What to compare on.
        out: Folder for what is measured.
        models_dir: Models folder; None for the project's.

    Raises:
        InvalidData: If there are too few held-out radiographs.
        ModelRefused: If a model cannot be loaded.
        OutputFailed: If a row cannot be kept.
    """
    home = models_folder(models_dir)
    with _folder_with(home, {}) as folder:
        live = measure(name, folder, ground, made_folder(out / "live"))
    with _folder_with(home, {name: candidate}) as folder:
        new = measure(name, folder, ground, made_folder(out / "candidate"))
    return rule_on(name, live, new)


@contextmanager
def _folder_with(models: Path, instead: Mapping[str, Path]) -> Iterator[Path]:
    """Give a models folder that leads to the live bundles, or to others in their place."""
    with tempfile.TemporaryDirectory(prefix="boneage-models-") as folder:
        for name in MODEL_NAMES:
            os.symlink((instead.get(name) or live_bundle(models, name)).resolve(), Path(folder) / name)
        yield Path(folder)


def measure(name: str, models_dir: Path, ground: Ground, out: Path) -> Measured:
    """Let the models of a folder look at everything; rows that are in `out` already are not made again."""
    from boneage import assessment  # heavy

    models = assessment.load_models(models_dir, threads=1)
    with RowFile(out / "predictions.csv", COLUMNS, resume=True) as rows:
        predict(ground.examples, ground.data, rows, models, ground.workers)
        ages = {row["file"]: row for row in rows.rows()}
    changes = [change for change in CHANGES if change.family in STRESSED_FAMILIES]
    with RowFile(out / "stress.csv", STRESS_COLUMNS, resume=True) as rows:
        stress(ground.stressed, rows, models, ground.workers, changes)
        stressed = {(row["id"], row["family"], row["strength"]): row for row in rows.rows()}
    drawn = {} if name == "bone_age_regressor" else _drawn(models_dir, ground)
    hands_seen = 0
    if ground.not_hands is not None:
        hands_seen = len(look_for_no_hand(ground.not_hands, models.detector.find_hand, ground.workers).with_hand)
    return Measured(ages, stressed, drawn, hands_seen)


def _drawn(models_dir: Path, ground: Ground) -> dict[str, Looked]:
    looked = look_at_all(drawn_radiographs(ground.data, "held-out"), load_finders(models_dir), ground.workers)
    return {one.item.example.id: one for one in looked}


# From what was measured to what is compared


def rule_on(name: str, live: Measured, new: Measured) -> Ruling:
    """Rule on a candidate for a model, on what was measured of both."""
    ages = _paired(AGE_ERROR, live.ages, new.ages)
    better = ages if name == "bone_age_regressor" else _paired_drawn(name, live.drawn, new.drawn)
    others = [
        *([] if name == "bone_age_regressor" else [ages]),
        *_by_cell(live, new),
        *_by_family(live, new),
        _refused_when_changed(live, new),
    ]
    counts = [
        Counted("held-out radiographs without an age", _refused(live), _refused(new)),
        Counted("images without a hand in which one was seen", live.hands_seen, new.hands_seen),
    ]
    return rule(better, others, counts)


def _paired(what: str, live: Mapping[Any, Row], new: Mapping[Any, Row]) -> Paired:
    """Pair the errors of ages that both gave."""
    both = [key for key, row in live.items() if _error(row) is not None and key in new and _error(new[key]) is not None]
    return Paired(what, np.array([_error(live[key]) for key in both]), np.array([_error(new[key]) for key in both]))


def _error(row: Row) -> float | None:
    predicted = row["predicted_months"]
    return abs(float(predicted) - float(row["reference_months"])) if predicted else None


def _by_cell(live: Measured, new: Measured) -> Iterator[Paired]:
    """Yield the errors of each cell of sex and age band."""
    cells = sorted({_cell(row) for row in live.ages.values()})
    for cell in cells:
        chosen = {key: row for key, row in live.ages.items() if _cell(row) == cell}
        yield _paired(f"{AGE_ERROR}, {cell}", chosen, new.ages)


def _cell(row: Row) -> str:
    return f"{row['sex']} {age_bands(np.array([float(row['reference_months'])]))[0]}"


def _by_family(live: Measured, new: Measured) -> Iterator[Paired]:
    """Yield the errors under each family of changes."""
    for family in STRESSED_FAMILIES:
        chosen = {key: row for key, row in live.stressed.items() if row["family"] == family}
        yield _paired(f"{AGE_ERROR}, changed by {family}", chosen, new.stressed)


def _refused_when_changed(live: Measured, new: Measured) -> Paired:
    """Pair which parts of each radiograph's changed copies got no age: who refuses what is hard errs less."""
    both = sorted({key[0] for key in live.stressed} & {key[0] for key in new.stressed})
    parts = [np.array([_part_refused(one, radiograph) for radiograph in both]) for one in (live, new)]
    return Paired("part of the changed copies without an age", *parts)


def _part_refused(measured: Measured, radiograph: str) -> float:
    rows = [row for key, row in measured.stressed.items() if key[0] == radiograph]
    return sum(bool(row["error_kind"]) for row in rows) / len(rows)


def _refused(measured: Measured) -> int:
    return sum(bool(row["error_kind"]) for row in measured.ages.values())


def _paired_drawn(name: str, live: Mapping[str, Looked], new: Mapping[str, Looked]) -> Paired:
    """Pair how far both are from what people drew; a hand that was not found is as far as can be."""
    what, loss = _DRAWN_LOSS[name]
    both = [key for key in live if key in new and loss(live[key]) is not None and loss(new[key]) is not None]
    return Paired(what, np.array([loss(live[key]) for key in both]), np.array([loss(new[key]) for key in both]))


def _pose_loss(looked: Looked) -> float | None:
    if looked.answer is None:
        return MISSED
    points = looked.answer.point_errors
    return None if points is None else min(float(np.mean(points)), MISSED)


def _outline_loss(looked: Looked) -> float | None:
    if not looked.item.annotation.outline:
        return None
    return MISSED if looked.answer is None or looked.answer.dice is None else 1 - looked.answer.dice


_DRAWN_LOSS: dict[str, tuple[str, Callable[[Looked], float | None]]] = {
    "hand_detector": ("distance of the key points, hand lengths", _pose_loss),
    "hand_segmenter": ("1 - Dice of the outline", _outline_loss),
}
