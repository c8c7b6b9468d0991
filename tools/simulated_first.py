"""The first versions of a simulation, taught badly on purpose, and which radiographs play which part in it."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from simulated_clinic import SEED, write_base

from boneage.datasets import Example, read_rsna
from boneage.types import Sex

REGRESSOR, SEGMENTER = "bone_age_regressor", "hand_segmenter"
GIRLS_OLDER_MONTHS = 18.0  # than their readers said, in what the first regressor learns from
RATE = 1e-3


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the defaults are those of docs/retraining.md."""

    first: int = 500
    first_epochs: int = 4
    held_out: int = 24
    validation: int = 54
    replay: int = 250
    rounds: int = 2
    corrections: int = 150
    epochs: int = 6
    bad: int = 100
    bad_epochs: int = 2
    tested: int = 120
    outlined: int = 6
    outline_epochs: int = 8
    outlines: int = 24
    outline_rounds: int = 2
    bad_outlines: int = 24


@dataclass(frozen=True)
class People:
    """Which radiographs play which part; none plays two, but boys of the first training are replayed.

    Attributes:
        first: Id -> split of what the first version learns from, with the girls' ages too high.
        base: Id -> split of what is mixed into each training: boys, whose ages are right.
        corrected: Of both sexes, for the rounds.
        bad: For the bad corrections.
        tested: From the held-out split, which no model ever saw.
    """

    first: dict[str, str]
    base: dict[str, str]
    corrected: list[Example]
    bad: list[Example]
    tested: list[Example]


def people(data: Path, sizes: Sizes) -> People:
    """Choose the radiographs by a fixed seed."""
    examples = shuffled(data)
    learnt = [one for one in examples if one.split == "train"]
    first, others = learnt[: sizes.first], learnt[sizes.first :]
    boys = [one for one in others if one.sex is Sex.MALE][: sizes.validation + sizes.held_out]
    splits = ["validation"] * sizes.validation + ["held-out"] * sizes.held_out
    base = {one.id: "train" for one in first if one.sex is Sex.MALE}
    base |= {one.id: split for one, split in zip(boys, splits, strict=True)}
    others = [one for one in others if one.id not in base]
    rounds = sizes.rounds * sizes.corrections
    few = {one.id: "validation" for one in others[-10:]} if len(others) > 100 else {}  # to see how it goes
    tested = [one for one in examples if one.split == "held-out"][: sizes.tested]
    return People(
        {one.id: "train" for one in first} | few, base, others[:rounds], others[rounds : rounds + sizes.bad], tested
    )


@cache
def shuffled(data: Path) -> list[Example]:
    """Return the radiographs of a data set in an order that chance decided once."""
    examples = read_rsna(data)
    return random.Random(SEED).sample(examples, k=len(examples))


def first_regressor(data: Path, home: Path, sizes: Sizes) -> Path:
    """Train the project's regressor on with girls' ages too high; return the models folder in which it is live."""
    from boneage.models import check_model, models_folder
    from boneage.training import regression
    from boneage.training.calibration import calibrate
    from boneage.training.options import TrainOptions
    from boneage.training.publish import publish, training_of

    models = home / "models"
    if (models / REGRESSOR).exists():
        return models
    home.mkdir(parents=True, exist_ok=True)
    roles = people(data, sizes)
    learnt = write_base(data, roles.first, home / "first-data", girls_older_months=GIRLS_OLDER_MONTHS)
    options = TrainOptions(learnt, home / "first", epochs=sizes.first_epochs, rate=RATE)
    live = check_model(REGRESSOR)
    weights = regression.train(replace(options, start=live.weights, family=live.family))
    for other in ("hand_detector", SEGMENTER):
        shutil.copytree(models_folder() / other, models / other, dirs_exist_ok=True)
    publish(REGRESSOR, weights, "0.0.1", {}, training_of(home / "first"), models, "Girls read too old.")
    calibrate(write_base(data, roles.base, home / "base"), models)
    return models


def first_segmenter(data: Path, home: Path, drawn: list[Example], sizes: Sizes) -> tuple[Path, Path, list[Example]]:
    """Train the first segmenter on few outlines; return models folder, its data, and the outlines that it never saw."""
    from boneage.training import segmentation
    from boneage.training.options import TrainOptions
    from boneage.training.publish import publish, training_of

    learnt = [one for one in drawn if one.split == "train"]
    few, rest = learnt[: sizes.outlined], learnt[sizes.outlined :]
    splits = {one.id: one.split for one in drawn if one not in rest}
    base = write_base(data, splits, home / "base", list(splits))
    models = home / "models"
    if not (models / SEGMENTER).exists():
        weights = segmentation.train(TrainOptions(base, home / "first", epochs=sizes.outline_epochs))
        others = first_regressor(data, home.with_name("regressor"), sizes)
        for other in ("hand_detector", REGRESSOR):
            shutil.copytree(others / other, models / other, dirs_exist_ok=True)
        publish(SEGMENTER, weights, "0.0.1", {}, training_of(home / "first"), models, f"{len(few)} outlines only.")
    return models, base, rest
