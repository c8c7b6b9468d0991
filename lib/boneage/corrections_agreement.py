"""How well readers agree: differences of their bone ages, pair by pair, and the intraclass correlation over all.

Limits of agreement after Bland and Altman (Lancet 1986;327:307-310); intraclass correlation ICC(1), one-way random
effects, also where not all readers have read all radiographs (Shrout and Fleiss, Psychol Bull
1979;86:420-428).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from boneage.types import Correction, CorrectionStatus


@dataclass(frozen=True)
class PairAgreement:
    """Two readers on the radiographs that both have read; the difference is the second less the first.

    Attributes:
        readers: Their names, in alphabetical order.
        radiographs: How many both have read.
        mean_difference_months: The second's ages less the first's.
        sd_months: Of the differences; None with fewer than two.
        lower_limit_months: Mean less 1.96 SD; None with fewer than two.
        upper_limit_months: Mean and 1.96 SD; None with fewer than two.
        mean_absolute_difference_months: Without sign.
    """

    readers: tuple[str, str]
    radiographs: int
    mean_difference_months: float
    sd_months: float | None
    lower_limit_months: float | None
    upper_limit_months: float | None
    mean_absolute_difference_months: float


@dataclass(frozen=True)
class Agreement:
    """Agreement of all readers of a store.

    Attributes:
        pairs: Every two readers who have read the same radiograph.
        radiographs: How many were read by more than one reader.
        icc: ICC(1), up to 1; None with fewer than two such radiographs.
    """

    pairs: tuple[PairAgreement, ...]
    radiographs: int
    icc: float | None

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`."""
        return asdict(self)


def agreement(corrections: Iterable[Correction]) -> Agreement:
    """Compare the readers' latest final bone ages.

    Args:
        corrections: Standing ones, oldest first.
    """
    ages: dict[str, dict[str, float]] = {}
    for row in corrections:
        if row.status is CorrectionStatus.FINAL and row.bone_age_months is not None:
            ages.setdefault(row.image_id, {})[row.reader] = row.bone_age_months
    shared = [readings for readings in ages.values() if len(readings) > 1]
    readers = sorted({reader for readings in shared for reader in readings})
    pairs = (_pair(pair, shared) for pair in combinations(readers, 2))
    return Agreement(tuple(pair for pair in pairs if pair), len(shared), _icc([[*r.values()] for r in shared]))


def _pair(readers: tuple[str, str], shared: list[dict[str, float]]) -> PairAgreement | None:
    first, second = readers
    differences = np.array([r[second] - r[first] for r in shared if first in r and second in r])
    if len(differences) == 0:
        return None
    mean, several = float(differences.mean()), len(differences) > 1
    sd = float(differences.std(ddof=1)) if several else None
    return PairAgreement(
        readers,
        len(differences),
        mean,
        sd,
        None if sd is None else mean - 1.96 * sd,
        None if sd is None else mean + 1.96 * sd,
        float(np.abs(differences).mean()),
    )


def _icc(readings: list[list[float]]) -> float | None:
    """Return ICC(1) of radiographs by readings, from a one-way analysis of variance with unequal group sizes."""
    if len(readings) < 2:
        return None
    sizes = np.array([len(group) for group in readings])
    grand = np.concatenate([np.array(group) for group in readings]).mean()
    means = np.array([np.mean(group) for group in readings])
    between = float((sizes * (means - grand) ** 2).sum() / (len(readings) - 1))
    inside = sum(float(((np.array(group) - np.mean(group)) ** 2).sum()) for group in readings)
    within = inside / (sizes.sum() - len(readings))
    typical = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(readings) - 1)
    total = between + (typical - 1) * within
    return None if total == 0 else float((between - within) / total)
