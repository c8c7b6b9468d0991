"""Does a hand radiograph show bone dark? A rule of four measures, for files that do not say.

Each measure changes its sign when the picture is inverted, so that their weighted sum does too.
"""

from __future__ import annotations

import numpy as np

from boneage.pixels import thinned

SIDE = 128
"""The picture is looked at as SIDE x SIDE means: bones and fingers remain, noise and size do not matter."""

WEIGHTS = (1.0, 1.0, 1.0, 1.0)
"""Of the measures in `_measures`."""


def looks_inverted(pixels: np.ndarray) -> float:
    """Say how likely it is that bone is dark.

    Args:
        pixels: (rows, columns), 0..1, or any scale that grows with brightness.

    Returns:
        0..1: 0 bone is bright, 1 bone is dark, around 0.5 unsure. `looks_inverted(1 - pixels)` is 1 minus it.
    """
    small = _without_frame(_stretched(_reduced(thinned(pixels, 500_000))))
    small = _stretched(_reduced(small)) if min(small.shape) >= SIDE // 8 else small
    evidence = float(np.dot(WEIGHTS, _measures(small)))
    return float(1.0 / (1.0 + np.exp(np.clip(evidence, -50.0, 50.0))))


def _measures(small: np.ndarray) -> tuple[float, float, float, float]:
    """Measure what tells bright bone from dark bone; every value is positive where bone is bright.

    In this order: structure against smooth ground (median); middle against border (median); skew of fine detail
    where there is most of it (a cortex is a thin bright line); overall darkness (most of a picture is air).
    """
    detail = small - _blurred(small, 1)
    activity = _blurred(np.abs(detail), 2)
    textured = activity > 1e-3
    if np.count_nonzero(textured) < small.size // 64:
        textured = np.ones_like(textured)
    smooth = textured & (activity < np.percentile(activity[textured], 40.0))
    structure = np.median(small[textured & ~smooth]) - np.median(small[smooth]) if smooth.any() else 0.0
    inner, outer = small.shape[0] // 6, max(small.shape[0] // 20, 1)
    border = np.ones(small.shape, bool)
    border[outer:-outer, outer:-outer] = False
    inside = np.median(small[inner:-inner, inner:-inner]) - np.median(small[border])
    spread = detail.std() + 1e-9
    fine = np.clip(detail[activity > np.percentile(activity, 60.0)] / spread, -2.5, 2.5)
    skew = np.mean((fine - fine.mean()) ** 3) / (fine.std() ** 3 + 1e-9)
    return float(structure), float(inside), float(skew), float(0.5 - small.mean())


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Average over a grid of at most SIDE x SIDE cells."""
    rows, columns = (np.linspace(0, n, min(SIDE, n) + 1).astype(int) for n in pixels.shape)
    sums = np.add.reduceat(pixels, rows[:-1], axis=0, dtype=np.float64)
    sums = np.add.reduceat(sums, columns[:-1], axis=1)
    return sums / np.outer(np.diff(rows), np.diff(columns))


def _stretched(small: np.ndarray) -> np.ndarray:
    low, high = np.percentile(small, (1.0, 99.0))
    return np.clip((small - low) / max(high - low, 1e-9), 0.0, 1.0)


def _without_frame(small: np.ndarray) -> np.ndarray:
    """Cut off rows and columns at the edges that hold one value (padding, a printed frame), up to three nested ones."""
    for _ in range(3):
        rows = np.flatnonzero(np.ptp(small, axis=1) > 0.03)
        columns = np.flatnonzero(np.ptp(small, axis=0) > 0.03)
        if len(rows) < SIDE // 8 or len(columns) < SIDE // 8:
            return small
        small = small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return small


def _blurred(small: np.ndarray, half: int) -> np.ndarray:
    """Average over squares of 2 * half + 1 cells; edges are repeated outward."""
    side = 2 * half + 1
    sums = np.pad(small, ((half + 1, half), (half + 1, half)), mode="edge").cumsum(axis=0).cumsum(axis=1)
    return (sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]) / side**2
