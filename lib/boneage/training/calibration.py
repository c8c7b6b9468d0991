"""The regressor's temperature: how far its distribution must be widened so that its 90 % intervals hold 90 %."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from boneage.assessment import Models, load_models
from boneage.batch import assess_many, usable_cores
from boneage.datasets import Example, radiograph_of, read_rsna
from boneage.errors import InvalidData
from boneage.progress import with_progress
from boneage.regression import bone_age
from boneage.training.publish import UNCALIBRATED, amend_card

SPLIT = "validation"
COVERAGE = 0.9
LEAST, MOST = 0.1, 10.0  # temperatures that are looked at
CLOSE_ENOUGH = 1.001  # ratio of two temperatures
FEWEST = 50  # radiographs; with fewer, the 90 % are a matter of chance


def calibrate(data: Path, models_dir: Path | None = None, workers: int | None = None) -> float:
    """Fit the regressor's temperature on the validation split, write it into its card, and return it.

    Args:
        data: A folder in RSNA layout.
        models_dir: Models folder; None for the project's.
        workers: Radiographs at the same time; None for one a core.

    Raises:
        InvalidData: If too few radiographs of the validation split get an age, or no temperature will do.
        ModelRefused: If a model cannot be loaded.
        OutputFailed: If the card cannot be written.
    """
    examples = [example for example in read_rsna(data) if example.split == SPLIT]
    log_probabilities, reference_months = predict(examples, load_models(models_dir, threads=1), workers)
    if len(reference_months) < FEWEST:
        raise InvalidData(
            f"Expected at least {FEWEST} radiographs of the {SPLIT} split with a found hand; "
            f"got {len(reference_months)}.",
            "Add radiographs, or a base data set.",
        )
    temperature = fit_temperature(log_probabilities, reference_months)
    calibration = {
        "split": SPLIT,
        "radiographs": len(reference_months),
        "coverage_90": coverage(log_probabilities, reference_months, temperature),
        "coverage_90_before": coverage(log_probabilities, reference_months, UNCALIBRATED),
    }
    amend_card("bone_age_regressor", {"temperature": temperature, "calibration": calibration}, models_dir)
    return temperature


def predict(examples: Sequence[Example], models: Models, workers: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Run all rooms over examples; those without a hand are left out.

    Returns:
        Log-probabilities (n, 240) of the months 0..239 before any temperature, and the readers' ages (n,) in months.
    """

    def look(example: Example) -> np.ndarray:
        assert example.sex is not None
        radiograph = radiograph_of(example)
        hand = models.detector.find_hand(radiograph)
        hand_mask = models.segmenter.outline(radiograph, hand)
        return models.regressor.log_probabilities(radiograph, hand, hand_mask, (example.sex,))[0]

    with closing(assess_many(examples, look, workers or usable_cores())) as outcomes:
        looked = [one for one in with_progress(outcomes, len(examples), "Calibrating") if one.answer is not None]
    return np.array([one.answer for one in looked]), np.array([one.item.bone_age_months for one in looked])


def fit_temperature(log_probabilities: np.ndarray, reference_months: np.ndarray) -> float:
    """Return the smallest temperature at which the 90 % intervals hold 90 % of the references.

    Args:
        log_probabilities: (n, 240) of the months 0..239.
        reference_months: (n,) readers' ages.

    Raises:
        InvalidData: If there is no reference, or even the widest distributions do not hold enough of them.
    """
    if not len(reference_months):
        raise InvalidData("There is no prediction to fit a temperature on.")
    widest = coverage(log_probabilities, reference_months, MOST)
    if widest < COVERAGE:
        raise InvalidData(
            f"Even at temperature {MOST:g} the 90 % intervals hold only {widest:.0%} of the readers' ages.",
            "Train the regressor before it is calibrated.",
        )
    low, high = LEAST, MOST
    while high / low > CLOSE_ENOUGH:
        middle = float(np.sqrt(low * high))
        if coverage(log_probabilities, reference_months, middle) < COVERAGE:
            low = middle
        else:
            high = middle
    return high


def coverage(log_probabilities: np.ndarray, reference_months: np.ndarray, temperature: float) -> float:
    """Return the share (0..1) of references inside their 90 % intervals; arrays as in `fit_temperature`."""
    ages = [bone_age(row, temperature) for row in log_probabilities]
    inside = [
        age.lower_90_months <= reference <= age.upper_90_months
        for age, reference in zip(ages, reference_months, strict=True)
    ]
    return float(np.mean(inside))
