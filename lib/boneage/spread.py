"""What the network says of the months -> a bone age, the young less drawn to the middle, with intervals that hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from boneage.distribution import OLDEST_MONTHS, moved, summarised
from boneage.types import BoneAge, Sex

KNOTS = tuple(range(0, OLDEST_MONTHS + 1, 12))  # bone ages, months, that have an adjustment and a stretch


@dataclass(frozen=True)
class Spread:
    """How a regressor's distributions are to be read.

    Attributes:
        temperature: Above 1 widens all of them; it counts before the looks are put together into a mean.
        stretches: For each sex, a factor for each of `KNOTS`; between them it is interpolated. A sex without is left.
        adjustments: For each sex, what is added to the log-probability of each of `KNOTS`, likewise: more for rare
            ages, which a network, where it is unsure, takes for common ones (logit adjustment, Menon et al. 2021,
            "Long-tail learning via logit adjustment").
    """

    temperature: float = 1.0
    stretches: Mapping[Sex, Sequence[float]] = field(default_factory=dict)
    adjustments: Mapping[Sex, Sequence[float]] = field(default_factory=dict)

    @staticmethod
    def of(card: Mapping[str, Any]) -> Spread:
        """Return the spread that a regressor's card tells."""
        return Spread(float(card.get("temperature", 1.0)), _by_sex(card, "stretches"), _by_sex(card, "adjustments"))

    def plain(self) -> dict[str, Any]:
        """Return what `of` reads, as plain values for JSON."""
        by_sex = {"stretches": self.stretches, "adjustments": self.adjustments}
        rows = {name: {sex.value: list(row) for sex, row in one.items()} for name, one in by_sex.items()}
        return {"temperature": self.temperature, **rows}

    def bone_age(self, log_probabilities: np.ndarray, sex: Sex) -> BoneAge:
        """Return the bone age of a child of `sex` from (240,) log-probabilities of the months 0..239."""
        age = self.unstretched(log_probabilities, sex)
        stretch = self.stretch(age.months, sex)
        return age if stretch == 1.0 else moved(age, age.months, stretch)

    def unstretched(self, log_probabilities: np.ndarray, sex: Sex) -> BoneAge:
        """Return the same before its interval is stretched, which leaves the age as it is."""
        adjustment = np.interp(np.arange(len(log_probabilities)), KNOTS, self.adjustments.get(sex, (0.0,) * len(KNOTS)))
        return bone_age(log_probabilities / self.temperature + adjustment)

    def stretch(self, months: float, sex: Sex) -> float:
        """Return by how much the interval of a bone age is stretched."""
        return float(np.interp(months, KNOTS, self.stretches[sex])) if sex in self.stretches else 1.0


def bone_age(log_probabilities: np.ndarray) -> BoneAge:
    """Return the bone age of (240,) log-probabilities of the months 0..239; their sum need not be 1."""
    probability = np.exp(log_probabilities.astype(float) - log_probabilities.max())
    return summarised(probability / probability.sum())


def _by_sex(card: Mapping[str, Any], name: str) -> dict[Sex, tuple[float, ...]]:
    return {Sex(sex): tuple(row) for sex, row in card.get(name, {}).items()}
