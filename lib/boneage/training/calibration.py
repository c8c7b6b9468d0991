"""How a regressor's distributions are to be read: rare young ages favoured, 90 % intervals that hold 90 %."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from boneage.assessment import Models, bright_hand, load_models
from boneage.batch import assess_many, usable_cores
from boneage.datasets import Example, radiograph_of, read_rsna
from boneage.errors import InvalidData
from boneage.progress import with_progress
from boneage.spread import KNOTS, Spread
from boneage.training.publish import UNCALIBRATED, amend_card
from boneage.training.rarity import frequencies
from boneage.types import BoneAge, Sex

SPLIT = "validation"
COVERAGE = 0.9
UNTOUCHED = Spread(UNCALIBRATED)
LEAST, MOST = 0.1, 10.0  # temperatures that are looked at
CLOSE_ENOUGH = 1.001  # ratio of two temperatures
FEWEST = 50  # radiographs; with fewer, the 90 % are a matter of chance
# The validation split is too small to tell ages apart. So where intervals must be wider than elsewhere is seen on hands
# that the network was trained on, and how wide they must be as a whole on those that it was not.
TRAIN_LOOKED_AT = 2000
NEAREST = 150  # hands of a sex, by predicted age, that decide on the stretch at one age
FEWEST_OF_A_SEX = 2 * NEAREST  # hands; a sex with fewer is left as it is
LEAST_STRETCH, MOST_STRETCH = 0.5, 2.0
# Where the network is unsure it says the commoner age, which draws the youngest to the middle. So young ages that are
# rare in the train split are favoured, by how rare they are to this power. Done among the common ones too, or among the
# oldest, whose grown hands look alike, it would cost more error than it takes bias.
FLATTENING = 0.5
RARE = 0.2  # of the commonest age's frequency
RAREST = 0.01  # below it, how rare an age is is a matter of chance
NEAR_SD_MONTHS = 9.0  # ages so near count as the same


@dataclass(frozen=True)
class Predictions:
    """What the network says of examples: (n, 240) log-probabilities of the months 0..239, before any spread."""

    examples: Sequence[Example]
    log_probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.examples)

    def of(self, split: str) -> Predictions:
        """Return those of one split."""
        chosen = [index for index, example in enumerate(self.examples) if example.split == split]
        return Predictions([self.examples[index] for index in chosen], self.log_probabilities[chosen])

    def ages(self, spread: Spread) -> list[BoneAge]:
        """Return the bone ages with a spread."""
        pairs = zip(self.log_probabilities, self.examples, strict=True)
        return [spread.bone_age(row, _sex(example)) for row, example in pairs]


def calibrate(data: Path, models_dir: Path | None = None, workers: int | None = None) -> Spread:
    """Fit the regressor's spread, write it into its card, and return it.

    Args:
        data: A folder in RSNA layout.
        models_dir: Models folder; None for the project's.
        workers: Radiographs at the same time; None for one a core.

    Raises:
        InvalidData: If too few radiographs of the validation split get an age, or no temperature will do.
        ModelRefused: If a model cannot be loaded.
        OutputFailed: If the card cannot be written.
    """
    examples = read_rsna(data)
    found = predict(_chosen(examples), load_models(models_dir, threads=1), workers)
    train, held_back = found.of("train"), found.of(SPLIT)
    if len(held_back) < FEWEST:
        raise InvalidData(
            f"Expected at least {FEWEST} radiographs of the {SPLIT} split with a found hand; got {len(held_back)}.",
            "Add radiographs, or a base data set.",
        )
    flat = Spread(adjustments=fit_adjustments([one for one in examples if one.split == "train"]))
    flat = replace(flat, temperature=fit_temperature(held_back, flat))
    spread = replace(flat, stretches=fit_stretches(train, flat))
    spread = replace(spread, temperature=fit_temperature(held_back, spread))
    calibration = {
        "split": SPLIT,
        "radiographs": len(held_back),
        "coverage_90": coverage(held_back, spread),
        "coverage_90_before": coverage(held_back, UNTOUCHED),
        "train_radiographs": len(train),
    }
    amend_card("bone_age_regressor", {**spread.plain(), "calibration": calibration}, models_dir)
    return spread


def _chosen(examples: Sequence[Example]) -> list[Example]:
    """Return those that are looked at: the validation split, and some of the train split from end to end."""
    train, held_back = ([one for one in examples if one.split == split] for split in ("train", SPLIT))
    return held_back + train[:: max(math.ceil(len(train) / TRAIN_LOOKED_AT), 1)]


def predict(examples: Sequence[Example], models: Models, workers: int | None = None) -> Predictions:
    """Run all rooms over examples; those without a hand are left out."""

    def look(example: Example) -> np.ndarray:
        found = bright_hand(radiograph_of(example), models.detector, models.segmenter)
        return models.regressor.log_probabilities(*found, (_sex(example),))[0]

    with closing(assess_many(examples, look, workers or usable_cores())) as outcomes:
        looked = [one for one in with_progress(outcomes, len(examples), "Calibrating") if one.answer is not None]
    return Predictions([one.item for one in looked], np.array([one.answer for one in looked]))


def fit_adjustments(examples: Sequence[Example]) -> dict[Sex, tuple[float, ...]]:
    """Return by how much each of `KNOTS` is favoured for being young and rare, for each sex with enough hands.

    Args:
        examples: With the ages of those that the network was trained on.

    Returns:
        Logarithms, 0 for ages that are not rare, or above the commonest.
    """
    adjustments = {}
    for sex in Sex:
        ages = np.array([one.bone_age_months for one in examples if one.sex is sex])
        if len(ages) >= FEWEST_OF_A_SEX:
            frequency = frequencies(ages, NEAR_SD_MONTHS)
            how_rare = RARE / np.clip(frequency / frequency.max(), RAREST, RARE)
            how_rare[frequency.argmax() :] = 1.0
            adjustments[sex] = tuple((FLATTENING * np.log(how_rare[list(KNOTS)])).tolist())
    return adjustments


def fit_temperature(predictions: Predictions, spread: Spread = UNTOUCHED) -> float:
    """Return the smallest temperature at which the 90 % intervals of a spread hold 90 % of the readers' ages.

    Raises:
        InvalidData: If there is no prediction, or even the widest distributions do not hold enough of them.
    """
    if not len(predictions):
        raise InvalidData("There is no prediction to fit a temperature on.")
    widest = coverage(predictions, replace(spread, temperature=MOST))
    if widest < COVERAGE:
        raise InvalidData(
            f"Even at temperature {MOST:g} the 90 % intervals hold only {widest:.0%} of the readers' ages.",
            "Train the regressor before it is calibrated.",
        )
    low, high = LEAST, MOST
    while high / low > CLOSE_ENOUGH:
        middle = float(np.sqrt(low * high))
        if coverage(predictions, replace(spread, temperature=middle)) < COVERAGE:
            low = middle
        else:
            high = middle
    return high


def fit_stretches(predictions: Predictions, spread: Spread) -> dict[Sex, tuple[float, ...]]:
    """Return what the intervals of a spread need at each of `KNOTS` to hold 90 %, for each sex with enough hands."""
    ages = predictions.ages(spread)
    stretches = {}
    for sex in Sex:
        months, needed = _needed(predictions.examples, ages, sex)
        if len(months) >= FEWEST_OF_A_SEX:
            stretches[sex] = tuple(_stretch_at(knot, months, needed) for knot in KNOTS)
    return stretches


def _needed(examples: Sequence[Example], ages: Sequence[BoneAge], sex: Sex) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted ages of a sex, and by how much each interval must be stretched to hold the reader's age."""
    pairs = [(age, one.bone_age_months) for one, age in zip(examples, ages, strict=True) if one.sex is sex]
    months = np.array([age.months for age, _ in pairs])
    return months, np.array([_stretch_to_hold(age, reference) for age, reference in pairs])


def _stretch_to_hold(age: BoneAge, reference: float) -> float:
    end = age.upper_90_months if reference > age.months else age.lower_90_months
    return (reference - age.months) / (end - age.months) if end != age.months else 1.0


def _stretch_at(knot: float, months: np.ndarray, needed: np.ndarray) -> float:
    nearest = np.argsort(np.abs(months - knot), kind="stable")[:NEAREST]
    return float(np.clip(np.quantile(needed[nearest], COVERAGE), LEAST_STRETCH, MOST_STRETCH))


def coverage(predictions: Predictions, spread: Spread) -> float:
    """Return the share (0..1) of the readers' ages inside their 90 % intervals."""
    inside = [
        age.lower_90_months <= example.bone_age_months <= age.upper_90_months
        for example, age in zip(predictions.examples, predictions.ages(spread), strict=True)
    ]
    return float(np.mean(inside))


def _sex(example: Example) -> Sex:
    assert example.sex is not None
    return example.sex
