"""How good predicted bone ages are: errors, agreement and calibration, each with a 95 % bootstrap interval.

Pure functions on arrays; ages and errors are in months, an error is predicted minus reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boneage.errors import InvalidData
from boneage.types import MONTHS_PER_YEAR, Sex

AGE_BANDS_YEARS = ((0, 4), (4, 8), (8, 12), (12, 16), (16, 19))
WITHIN_MONTHS = (6, 12, 24)
RESAMPLES = 2000
SEED = 2017


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % bootstrap interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Metrics:
    """How good the predictions of a group are.

    Attributes:
        count: Radiographs in the group.
        mae_months: Mean absolute error.
        rmse_months: Root of the mean squared error.
        bias_months: Mean error; positive if predicted too old.
        error_sd_months: Standard deviation of the errors, for limits of agreement; 0 for one radiograph.
        within_months: Months -> share of radiographs with no larger error, 0..1.
        coverage_90: Share of references inside the predicted 90 % interval, 0..1.
        interval_width_months: Mean width of the predicted 90 % interval.
    """

    count: int
    mae_months: Figure
    rmse_months: Figure
    bias_months: Figure
    error_sd_months: float
    within_months: dict[int, Figure]
    coverage_90: Figure
    interval_width_months: float


@dataclass(frozen=True)
class Summary:
    """Metrics of all radiographs and of groups; groups without a radiograph are left out.

    Attributes:
        all: Of all radiographs.
        by_sex: "female", "male".
        by_age_band: "0-4 years" and so on, by reference.
        by_sex_and_age_band: "female 0-4 years" and so on.
    """

    all: Metrics
    by_sex: dict[str, Metrics]
    by_age_band: dict[str, Metrics]
    by_sex_and_age_band: dict[str, Metrics]


@dataclass(frozen=True)
class Agreement:
    """How well two predictions of the same hands agree, the second minus the first.

    Attributes:
        count: Pairs.
        mean_absolute_difference_months: Between the two.
        bias_months: Mean of second minus first.
    """

    count: int
    mean_absolute_difference_months: Figure
    bias_months: Figure


def summarise(
    reference: np.ndarray, predicted: np.ndarray, lower: np.ndarray, upper: np.ndarray, sex: np.ndarray
) -> Summary:
    """Summarise predictions.

    Args:
        reference: (n,) bone ages by readers, months.
        predicted: (n,) bone ages by the models, months.
        lower: (n,) lower ends of the 90 % intervals, months.
        upper: (n,) upper ends.
        sex: (n,) values of `Sex`.

    Raises:
        InvalidData: If there is none, the lengths differ, or a value is not finite.
    """
    _check(reference, predicted, lower, upper, sex)
    bands = age_bands(reference)

    def metrics_by(groups: np.ndarray, names: list[str]) -> dict[str, Metrics]:
        masks = {name: groups == name for name in names}
        return {
            name: measure(reference[mask], predicted[mask], lower[mask], upper[mask])
            for name, mask in masks.items()
            if mask.any()
        }

    sexes, names = [one.value for one in Sex], band_names()
    crossed = np.array([f"{one} {band}" for one, band in zip(sex, bands, strict=True)])
    return Summary(
        all=measure(reference, predicted, lower, upper),
        by_sex=metrics_by(sex, sexes),
        by_age_band=metrics_by(bands, names),
        by_sex_and_age_band=metrics_by(crossed, [f"{one} {band}" for one in sexes for band in names]),
    )


def measure(reference: np.ndarray, predicted: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> Metrics:
    """Measure one group; the arrays are those of `summarise`, with at least one value."""
    error = predicted - reference
    parts = [np.abs(error), error**2, error, (lower <= reference) & (reference <= upper)]
    parts += [np.abs(error) <= months for months in WITHIN_MONTHS]
    mae, squared, bias, coverage, *within = mean_figures(np.stack(parts, axis=1).astype(float))
    return Metrics(
        count=len(error),
        mae_months=mae,
        rmse_months=Figure(*np.sqrt([squared.value, squared.lower, squared.upper]).tolist()),
        bias_months=bias,
        error_sd_months=float(error.std(ddof=1)) if len(error) > 1 else 0.0,
        within_months=dict(zip(WITHIN_MONTHS, within, strict=True)),
        coverage_90=coverage,
        interval_width_months=float((upper - lower).mean()),
    )


def measure_agreement(first: np.ndarray, second: np.ndarray) -> Agreement:
    """Compare two predictions (n,) in months of the same hands, such as from two copies of each radiograph."""
    difference = second - first
    absolute, bias = mean_figures(np.stack([np.abs(difference), difference], axis=1))
    return Agreement(len(difference), absolute, bias)


def mean_figures(values: np.ndarray) -> list[Figure]:
    """Return the mean of each column of `values` (n, k) with its percentile bootstrap interval.

    The same seed is used each time, so the same values give the same intervals.
    """
    random = np.random.default_rng(SEED)
    count = len(values)
    means = np.empty((RESAMPLES, values.shape[1]))
    for resample in range(RESAMPLES):
        drawn = np.bincount(random.integers(0, count, count), minlength=count)  # how often each row was drawn
        means[resample] = drawn @ values / count
    lower, upper = np.percentile(means, [2.5, 97.5], axis=0)
    return [Figure(*map(float, figure)) for figure in zip(values.mean(axis=0), lower, upper, strict=True)]


def band_names() -> list[str]:
    """Return the names of the age bands, youngest first."""
    return [f"{first}-{last} years" for first, last in AGE_BANDS_YEARS] + [f"over {AGE_BANDS_YEARS[-1][1]} years"]


def age_bands(reference: np.ndarray) -> np.ndarray:
    """Return the name of each reference's age band; a band holds its first month, the oldest its last month too."""
    starts = np.array([first for first, _ in AGE_BANDS_YEARS]) * MONTHS_PER_YEAR
    oldest = AGE_BANDS_YEARS[-1][1] * MONTHS_PER_YEAR
    index = np.searchsorted(starts, reference, side="right") - 1 + (reference > oldest)
    return np.array(band_names())[index]


def _check(reference: np.ndarray, *others: np.ndarray) -> None:
    if not len(reference):
        raise InvalidData("There is no prediction to evaluate.", "Every radiograph failed, or there was none.")
    lengths = [len(array) for array in (reference, *others)]
    if len(set(lengths)) > 1:
        raise InvalidData(f"Expected arrays of one length; got {', '.join(map(str, lengths))}.")
    if not all(np.isfinite(array).all() for array in (reference, *others[:-1])):
        raise InvalidData("Expected finite months for references and predictions.")
