"""The gate: a candidate goes live only if it is better than the live version, and nowhere significantly worse.

Both look at the same held-out radiographs; what is compared is each radiograph's loss, so that a hard radiograph is
hard for both. The statistics are a paired bootstrap of the mean difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from boneage.errors import InvalidData

CONFIDENCE = 0.95
RESAMPLES = 9999
FEWEST = 8  # radiographs of a cell; with fewer, a difference is a matter of chance
SEED = 2017


@dataclass(frozen=True, eq=False)
class Paired:
    """Losses of both versions on the same radiographs; smaller is better.

    Attributes:
        what: Was measured, with its unit.
        live: (n,) of the live version.
        candidate: (n,) of the candidate.
    """

    what: str
    live: np.ndarray
    candidate: np.ndarray


@dataclass(frozen=True)
class Counted:
    """How often each version did what it must not do.

    Attributes:
        what: They did.
        live: How often the live version.
        candidate: How often the candidate.
    """

    what: str
    live: int
    candidate: int


@dataclass(frozen=True)
class Comparison:
    """What came of one comparison.

    Attributes:
        what: Was measured.
        radiographs: On how many.
        live: Mean loss of the live version.
        candidate: Mean loss of the candidate.
        difference: Candidate minus live.
        lower: Lower end of its interval.
        upper: Upper end.
    """

    what: str
    radiographs: int
    live: float
    candidate: float
    difference: float
    lower: float
    upper: float

    @property
    def is_better(self) -> bool:
        """Whether the candidate is significantly better."""
        return self.upper < 0

    @property
    def is_worse(self) -> bool:
        """Whether the candidate is significantly worse."""
        return self.lower > 0

    def __str__(self) -> str:
        """Write it in words."""
        return (
            f"{self.what}: {self.candidate:.3f} against {self.live:.3f} on {self.radiographs} radiographs "
            f"({self.difference:+.3f}, interval {self.lower:+.3f} to {self.upper:+.3f})"
        )


@dataclass(frozen=True)
class Ruling:
    """What the gate says.

    Attributes:
        goes_live: Whether it lets the candidate through.
        reasons: Why not, or why, in sentences.
        better: The comparison that had to be won.
        others: Those that must not be lost.
        counts: Of what must not happen more often.
    """

    goes_live: bool
    reasons: tuple[str, ...]
    better: Comparison
    others: tuple[Comparison, ...]
    counts: tuple[Counted, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for the registry."""
        return asdict(self)


def rule(better: Paired, others: Sequence[Paired] = (), counts: Sequence[Counted] = ()) -> Ruling:
    """Rule on a candidate.

    The intervals of `others` share one chance of 5 % among them (Bonferroni), so that a candidate which is nowhere
    worse is seldom refused for the many places it was looked at. Cells with fewer than `FEWEST` radiographs are left
    out.

    Args:
        better: Where the candidate must be significantly better.
        others: Where it must not be significantly worse.
        counts: What it must not do more often.

    Raises:
        InvalidData: If there are too few radiographs to tell.
    """
    if len(better.live) < FEWEST:
        raise InvalidData(
            f"Expected at least {FEWEST} held-out radiographs to compare two versions on, got {len(better.live)}.",
            "Hold out more, or configure a base data set.",
        )
    large_enough = [one for one in others if len(one.live) >= FEWEST]
    won = compare(better, CONFIDENCE)
    compared = tuple(compare(one, 1 - (1 - CONFIDENCE) / len(large_enough)) for one in large_enough)
    against = [f"Not significantly better. {won}."] if not won.is_better else []
    against += [f"Significantly worse. {one}." for one in compared if one.is_worse]
    against += [
        f"More often. {one.what}: {one.candidate} against {one.live}." for one in counts if one.candidate > one.live
    ]
    reasons = against or [f"Significantly better. {won}.", "Nowhere significantly worse."]
    return Ruling(not against, tuple(reasons), won, compared, tuple(counts))


def compare(paired: Paired, confidence: float) -> Comparison:
    """Compare mean losses by a paired bootstrap (percentile intervals)."""
    difference = np.asarray(paired.candidate, float) - np.asarray(paired.live, float)
    lower, upper = _interval(difference, confidence)
    return Comparison(
        paired.what,
        len(difference),
        float(np.mean(paired.live)),
        float(np.mean(paired.candidate)),
        float(difference.mean()),
        lower,
        upper,
    )


def _interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    if np.ptp(values) == 0.0:  # every resample has this mean
        return float(values[0]), float(values[0])
    found = bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        n_resamples=RESAMPLES,
        batch=1000,
        method="percentile",
        random_state=SEED,
    ).confidence_interval
    return float(found.low), float(found.high)
