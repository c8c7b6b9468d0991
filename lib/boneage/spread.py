"""What the network says of the months -> a bone age, its spread widened or narrowed so that intervals hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from boneage.distribution import OLDEST_MONTHS, moved, summarised
from boneage.types import BoneAge, Sex

KNOTS = tuple(range(0, OLDEST_MONTHS + 1, 12))  # bone ages, months, that have a stretch


@dataclass(frozen=True)
class Spread:
    """How a regressor's distributions are to be read.

    Attributes:
        temperature: Above 1 widens all of them; it counts before the looks are put together into a mean.
        stretches: For each sex, a factor for each of `KNOTS`; between them it is interpolated. A sex without is left.
    """

    temperature: float = 1.0
    stretches: Mapping[Sex, Sequence[float]] = field(default_factory=dict)

    @staticmethod
    def of(card: Mapping[str, Any]) -> Spread:
        """Return the spread that a regressor's card tells."""
        stretches = {Sex(name): tuple(factors) for name, factors in card.get("stretches", {}).items()}
        return Spread(float(card.get("temperature", 1.0)), stretches)

    def bone_age(self, log_probabilities: np.ndarray, sex: Sex) -> BoneAge:
        """Return the bone age of a child of `sex` from (240,) log-probabilities of the months 0..239."""
        age = bone_age(log_probabilities, self.temperature)
        stretch = self.stretch(age.months, sex)
        return age if stretch == 1.0 else moved(age, age.months, stretch)

    def stretch(self, months: float, sex: Sex) -> float:
        """Return by how much the interval of a bone age is stretched."""
        return float(np.interp(months, KNOTS, self.stretches[sex])) if sex in self.stretches else 1.0


def bone_age(log_probabilities: np.ndarray, temperature: float = 1.0) -> BoneAge:
    """Return the bone age of (240,) log-probabilities over whole months.

    Args:
        log_probabilities: Of months 0..239.
        temperature: Above 1 widens the distribution; fitted so that intervals hold.
    """
    scaled = log_probabilities / temperature
    probability = np.exp(scaled - scaled.max())
    return summarised(probability / probability.sum())
