"""Ages that experts read in one's own population -> a local calibration, if it proves better than what is in force.

Each sex has nothing, an offset, or a straight line: the more only if it clearly errs less, by a standard error, on
patients left out. Offset and slope are shrunken by the non-negative garrote (Breiman, Technometrics 1995;37:373-384):
what is not clearly other than nothing stays nothing, so that a hundred noisy ages do no harm, and what is clear is
taken almost whole. The spread is changed only where the 90 % intervals clearly do not hold 90 %.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

import numpy as np
from scipy.stats import binomtest

from boneage.errors import InvalidData
from boneage.evaluation import age_bands
from boneage.local_calibration import Adjustment, LocalCalibration
from boneage.promotion import Paired, Ruling, rule
from boneage.types import BoneAge, Sex

FEWEST = 100  # ages
FEWEST_OF_A_SEX = 20  # with fewer, that sex stays as it is
FOLDS = 10
# What is tried for a sex, from nothing to a line: how much offset and slope are shrunken. A coefficient must exceed its
# standard error by the root of this to count at all; a wrong slope harms the ends most.
SHAPES = ((inf, inf), (2.0, inf), (2.0, 4.0))
LEAST_SLOPE = -0.5
FAR_OFF = 3.0  # SD; an age further off, which may be mistyped, counts as one that is so far off
COVERAGE, UNLIKELY = 0.9, 0.05
MISSED = 2 / (1 - COVERAGE)  # what each month outside of an interval costs: Gneiting and Raftery, JASA 2007;102:359-378

Adjustments = Mapping[Sex, Adjustment]


@dataclass(frozen=True)
class LocalAge:
    """An age that an expert read, and what the models say without a local calibration.

    Attributes:
        bone_age: The models'.
        sex: The child's.
        read_months: The expert's.
        patient: One word; radiographs of one patient are fitted on together or not at all.
    """

    bone_age: BoneAge
    sex: Sex
    read_months: float
    patient: str


def fit(ages: Sequence[LocalAge]) -> dict[Sex, Adjustment]:
    """Fit an adjustment for each sex that has enough ages."""
    of_sex = {sex: [one for one in ages if one.sex is sex] for sex in Sex}
    fitted = {sex: _fit_line(some) for sex, some in of_sex.items() if len(some) >= FEWEST_OF_A_SEX}
    stretch = _fit_stretch([one for one in ages if one.sex in fitted], fitted)
    return {sex: replace(line, stretch=stretch) for sex, line in fitted.items()}


def rule_on_local(ages: Sequence[LocalAge], live: LocalCalibration | None) -> Ruling:
    """Rule on calibrating with these ages: better than what is in force, and nowhere significantly worse.

    Each age is calibrated by what was fitted without its patient.

    Args:
        ages: At least `FEWEST`.
        live: The calibration in force; None without one.

    Raises:
        InvalidData: If there are too few.
    """
    check_enough(ages)
    now = [one.bone_age if live is None else live(one.bone_age, one.sex)[0] for one in ages]
    new = cross_validated(ages)
    errors, read = _errors(ages, now), np.array([one.read_months for one in ages])
    better = Paired("error of the age, months, cross-validated", errors, _errors(ages, new))
    groups = {sex.value: np.array([one.sex is sex for one in ages]) for sex in Sex}
    groups |= {band: age_bands(read) == band for band in sorted(set(age_bands(read)))}
    others = [
        Paired(f"error of the age, months, {name}", better.live[chosen], better.candidate[chosen])
        for name, chosen in groups.items()
    ]
    intervals = Paired("interval score, months", _interval_scores(ages, now), _interval_scores(ages, new))
    return rule(better, [*others, intervals])


def check_enough(ages: Sequence[LocalAge]) -> None:
    """See to it that there are enough ages.

    Raises:
        InvalidData: If not, with how many there are.
    """
    patients = len({one.patient for one in ages})
    if len(ages) < FEWEST or patients < FOLDS:
        raise InvalidData(
            f"Expected at least {FEWEST} radiographs of {FOLDS} patients with an expert's age, a known sex and a found "
            f"hand; got {len(ages)} of {patients}.",
            "Read more radiographs of your own population.",
        )


def cross_validated(ages: Sequence[LocalAge]) -> list[BoneAge]:
    """Return each bone age as calibrated by what was fitted without a tenth of the patients, its own among them."""
    folds = _folds(ages)
    found: dict[int, BoneAge] = {}
    for fold in range(FOLDS):
        fitted = fit([one for one, place in zip(ages, folds, strict=True) if place != fold])
        found |= {i: _adjusted(ages[i], fitted) for i in np.flatnonzero(folds == fold)}
    return [found[i] for i in range(len(ages))]


def fingerprint(ages: Sequence[LocalAge]) -> str:
    """Return a sha256 that tells one set of ages from another, and nothing else of it."""
    lines = sorted(f"{one.sex.value} {one.read_months:.3f} {one.bone_age.months:.3f}" for one in ages)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _folds(ages: Sequence[LocalAge]) -> np.ndarray:
    """Return (n,) the fold of each age; patients are dealt out by a hash of their word, each sex in turn."""
    sex_of = {one.patient: one.sex.value for one in ages}
    dealt = sorted(sex_of, key=lambda word: (sex_of[word], hashlib.sha256(word.encode()).digest()))
    place = {patient: i % FOLDS for i, patient in enumerate(dealt)}
    return np.array([place[one.patient] for one in ages])


def _fit_line(ages: Sequence[LocalAge]) -> Adjustment:
    """Fit the line of one sex, of the simplest shape that no other one clearly surpasses on patients left out."""
    months = np.array([one.bone_age.months for one in ages])
    read, folds = np.array([one.read_months for one in ages]), _folds(ages)
    chosen, least = SHAPES[0], np.abs(months - read)
    for shape in SHAPES[1:]:
        errors = _errors_left_out(months, read, folds, shape)
        if (errors - least).mean() + _standard_error(errors - least) < 0:
            chosen, least = shape, errors
    return _line(months, read, chosen)


def _errors_left_out(
    months: np.ndarray, read: np.ndarray, folds: np.ndarray, penalties: tuple[float, float]
) -> np.ndarray:
    """Return (n,) the absolute errors of lines that were fitted without the fold."""
    errors = np.abs(months - read)
    for fold in range(FOLDS):
        left_out = folds == fold
        line = _line(months[~left_out], read[~left_out], penalties)
        errors[left_out] = np.abs(months[left_out] + line.shift_months(months[left_out]) - read[left_out])
    return errors


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _line(months: np.ndarray, read: np.ndarray, penalties: tuple[float, float]) -> Adjustment:
    """Fit a shrunken line of expert minus model over the model's ages, both (n,), all of one sex."""
    missing = _without_far_off(read - months)
    about, spread = float(months.mean()), max(float(months.std()), 1e-6)
    standard = (months - about) / spread
    offset, slope = float(missing.mean()), float((standard * missing).mean())
    variance = float(np.var(missing - offset - slope * standard)) / (len(months) - 2)  # of either coefficient
    return Adjustment(
        offset_months=_garrote(offset, penalties[0] * variance),
        slope=max(_garrote(slope, penalties[1] * variance) / spread, LEAST_SLOPE),
        about_months=about,
        from_months=float(months.min()),
        to_months=float(months.max()),
        stretch=1.0,
        ages=len(months),
    )


def _garrote(coefficient: float, penalty: float) -> float:
    return coefficient * max(0.0, 1 - penalty / coefficient**2) if coefficient and isfinite(penalty) else 0.0


def _without_far_off(values: np.ndarray) -> np.ndarray:
    middle = np.median(values)
    sd = 1.4826 * np.median(np.abs(values - middle))  # of a normal distribution with this median deviation
    return np.clip(values, middle - FAR_OFF * sd, middle + FAR_OFF * sd)


def _fit_stretch(ages: Sequence[LocalAge], fitted: Adjustments) -> float:
    """Return the factor at which 90 % intervals hold 90 %; 1 if they do not clearly miss that."""
    if not ages:
        return 1.0
    needed = np.array([_needed_stretch(one, _adjusted(one, fitted)) for one in ages])
    inside = int((needed <= 1).sum())
    if binomtest(inside, len(ages), COVERAGE).pvalue > UNLIKELY:
        return 1.0
    return float(np.quantile(needed, COVERAGE, method="higher"))


def _needed_stretch(one: LocalAge, bone_age: BoneAge) -> float:
    """Return how far an interval must be stretched about its mean to reach the expert's age."""
    off = one.read_months - bone_age.months
    end = bone_age.upper_90_months if off > 0 else bone_age.lower_90_months
    return abs(off) / max(abs(end - bone_age.months), 1e-6)


def _adjusted(one: LocalAge, fitted: Adjustments) -> BoneAge:
    return fitted[one.sex](one.bone_age) if one.sex in fitted else one.bone_age


def _errors(ages: Sequence[LocalAge], bone_ages: Sequence[BoneAge]) -> np.ndarray:
    return np.array([abs(age.months - one.read_months) for one, age in zip(ages, bone_ages, strict=True)])


def _interval_scores(ages: Sequence[LocalAge], bone_ages: Sequence[BoneAge]) -> np.ndarray:
    """Return (n,) the width of each 90 % interval and what it costs that it misses the expert's age."""
    read = np.array([one.read_months for one in ages])
    lower, upper = np.array([(age.lower_90_months, age.upper_90_months) for age in bone_ages]).T
    return upper - lower + MISSED * (np.maximum(lower - read, 0) + np.maximum(read - upper, 0))
