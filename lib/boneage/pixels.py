"""What every reader asks of pixels: a sane size, something to see, grey, values from 0 to 1."""

from __future__ import annotations

import numpy as np

from boneage.errors import UnreadableRadiograph

SMALLEST_SIDE = 64
LARGEST_SIDE = 15_000
LARGEST_AREA = 150_000_000

SHOWN_PERCENTILES = (0.1, 99.9)
"""Values stretched to 0..1 where a file names no window; the ends leave out dead pixels, not lead markers."""

LEAST_LEVELS = 8
"""Fewer grey levels than this between the 0.5 and the 99.5 percentile show nothing."""

GREY_TOLERANCE = 8
"""Levels of 255 that channels may differ in a picture that counts as grey (JPEG noise)."""

TINT_TOLERANCE = 6.0
"""Levels of 255 (root mean square) that channels may stray from one tint per grey level; photographs stray more."""

LEAST_SPACING_MM, LARGEST_SPACING_MM = 0.01, 2.0
"""Detectors and film scanners lie between 0.02 and 0.4 mm; reduced copies above."""


def check_size(rows: int, columns: int) -> None:
    """Refuse pictures too small to show a hand or too large to be a radiograph; to be called before decoding.

    Raises:
        UnreadableRadiograph: If a side or the area is out of range.
    """
    if min(rows, columns) < SMALLEST_SIDE:
        raise UnreadableRadiograph(
            f"Expected at least {SMALLEST_SIDE} pixels a side, got {columns} x {rows}.", "Use the original radiograph."
        )
    if max(rows, columns) > LARGEST_SIDE or rows * columns > LARGEST_AREA:
        raise UnreadableRadiograph(
            f"Expected at most {LARGEST_SIDE} pixels a side and {LARGEST_AREA // 10**6} million in all, "
            f"got {columns} x {rows}.",
            "Reduce the radiograph.",
        )


def to_unit_range(values: np.ndarray) -> np.ndarray:
    """Scale grey values to 0..1: 8-bit ones by 255, deeper ones from `SHOWN_PERCENTILES`, since few use their range.

    Args:
        values: (rows, columns), any number type.

    Returns:
        (rows, columns) float32, contiguous.

    Raises:
        UnreadableRadiograph: If the picture is blank.
    """
    sample = thinned(values, 1_000_000)
    darkest, brightest = np.percentile(sample, (0.5, 99.5))
    check_not_blank(darkest, brightest, is_integer=values.dtype.kind in "iub")
    low, high = (0.0, 255.0) if values.dtype == np.uint8 else np.percentile(sample, SHOWN_PERCENTILES)
    pixels = np.ascontiguousarray(values, dtype=np.float32)
    pixels = (pixels - np.float32(low)) * np.float32(1.0 / (high - low))
    return np.clip(pixels, 0.0, 1.0, out=pixels)


def check_not_blank(low: float, high: float, is_integer: bool = True) -> None:
    """Refuse a picture whose grey values between the 0.5 percentile (`low`) and the 99.5 percentile (`high`) are one.

    Raises:
        UnreadableRadiograph: If there is next to nothing between them.
    """
    least = LEAST_LEVELS if is_integer else 1e-3 * max(abs(low), abs(high), 1e-30)
    if high - low < least:
        raise UnreadableRadiograph(
            f"The picture is blank: 99 % of it lies between the grey values {low:g} and {high:g}.",
            "Export the radiograph again.",
        )


def grey_from_rgb(channels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reduce three channels to grey if they show a grey or evenly tinted picture.

    Args:
        channels: (rows, columns, 3) uint8, red, green, blue.

    Returns:
        (rows, columns) uint8, and a warning if the picture was tinted.

    Raises:
        UnreadableRadiograph: If it is a colour picture.
    """
    sample = thinned(channels, 250_000).reshape(-1, 3)
    if np.percentile(np.ptp(sample, axis=1), 99.9) <= GREY_TOLERANCE:
        return np.ascontiguousarray(channels[..., 1]), ()
    stray = _stray_from_tint(sample)
    if stray > TINT_TOLERANCE:
        raise UnreadableRadiograph(
            f"Expected a grey picture, got colours: the channels stray by {stray:.0f} of 255 levels from one tint "
            f"(at most {TINT_TOLERANCE:.0f}).",
            "Use the radiograph itself, not a photograph or a coloured overlay.",
        )
    grey = channels.mean(axis=2, dtype=np.float32).round().astype(np.uint8)
    return grey, ("The picture is tinted; its colours were reduced to grey.",)


def believable_spacing(spacing_mm: tuple[float, float]) -> bool:
    """Say whether (row, column) spacing can be a radiograph's."""
    return all(LEAST_SPACING_MM <= one <= LARGEST_SPACING_MM for one in spacing_mm)


def thinned(values: np.ndarray, most: int) -> np.ndarray:
    """Return every n-th row and column, so that at most about `most` pixels remain."""
    step = max(1, int(np.ceil((values.shape[0] * values.shape[1] / most) ** 0.5)))
    return values[::step, ::step]


def _stray_from_tint(sample: np.ndarray) -> float:
    """Measure how far (pixels, 3) uint8 channels lie from the mean colour of their grey level, in levels (RMS)."""
    grey = sample.mean(axis=1).round().astype(np.intp)
    counts = np.maximum(np.bincount(grey, minlength=256), 1)
    tints = np.stack([np.bincount(grey, weights=sample[:, i], minlength=256) / counts for i in range(3)], axis=1)
    return float(np.sqrt(np.mean((sample - tints[grey]) ** 2)))
