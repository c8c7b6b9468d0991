"""A distribution over whole months -> a bone age with its spread; and the same moved and stretched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boneage.types import BoneAge

OLDEST_MONTHS = 228  # end of the scale of bone ages


def summarised(probability: np.ndarray) -> BoneAge:
    """Return the bone age of (months,) probabilities of the whole months from 0 on, which sum to 1."""
    months = np.arange(len(probability))
    mean = float(probability @ months)
    sd = float(np.sqrt(probability @ (months - mean) ** 2))
    lower, upper = _quantiles(probability, (0.05, 0.95))
    return BoneAge(mean, sd, lower, upper, tuple(float(p) for p in probability))


def moved(bone_age: BoneAge, mean_months: float, stretch: float = 1.0) -> BoneAge:
    """Return a bone age whose distribution is stretched about its mean and moved to another one.

    What would lie outside 0 to 228 months lies at these ends, so that the mean comes out a little inside of
    `mean_months` there. A bone age without a distribution keeps none: its figures are moved in the same way.

    Args:
        bone_age: To move.
        mean_months: Where its mean shall lie.
        stretch: Above 1 widens it.
    """
    if not bone_age.distribution:
        lower, upper = (_on_scale(mean_months + stretch * (end - bone_age.months)) for end in _interval(bone_age))
        spread = stretch * bone_age.sd_months
        return replace(
            bone_age, months=_on_scale(mean_months), sd_months=spread, lower_90_months=lower, upper_90_months=upper
        )
    edges = _edges(len(bone_age.distribution))
    came_from = bone_age.months + (edges - mean_months) / stretch
    cumulative = np.interp(came_from, edges, _cumulative(np.asarray(bone_age.distribution)))
    cumulative[edges < 0] = 0.0
    cumulative[edges > OLDEST_MONTHS] = 1.0
    found = summarised(np.maximum(np.diff(cumulative), 0.0))
    lower, upper = map(_on_scale, _interval(found))
    apart = stretch * bone_age.looks_apart_months
    return replace(found, lower_90_months=lower, upper_90_months=upper, looks_apart_months=apart)


def _interval(bone_age: BoneAge) -> tuple[float, float]:
    return bone_age.lower_90_months, bone_age.upper_90_months


def _on_scale(months: float) -> float:
    return float(np.clip(months, 0, OLDEST_MONTHS))


def _edges(months: int) -> np.ndarray:
    """Return the edges of whole months; a month's probability is spread evenly from half before to half after it."""
    return np.arange(months + 1) - 0.5


def _cumulative(probability: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(probability)])


def _quantiles(probability: np.ndarray, levels: Sequence[float]) -> list[float]:
    """Return quantiles in months."""
    cumulative, edges = _cumulative(probability), _edges(len(probability))
    return [float(np.clip(np.interp(level, cumulative, edges), 0, None)) for level in levels]
