"""Ways in which a radiograph may differ without the hand being another: what a bone age should not depend on.

The families are those of Santomartino et al., Radiology: Artificial Intelligence 2024;6(3):e230240 (rotation, flip,
brightness, contrast, inversion, marker, resolution), and more: gamma, noise, blur, JPEG, frames, casts, crops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

SEED = 2017
SEVEN_PUBLISHED = ("rotation", "flip", "brightness", "contrast", "inversion", "marker", "resolution")


@dataclass(frozen=True)
class Change:
    """One change at one strength.

    Attributes:
        family: What kind of change it is.
        strength: How much, in words.
        apply: (rows, columns) float32, 0..1, square pixels -> the same, perhaps of another size.
        jpeg_quality: The changed radiograph is stored as a JPEG of this quality; as PNG if None.
    """

    family: str
    strength: str
    apply: Callable[[np.ndarray], np.ndarray]
    jpeg_quality: int | None = None


def rotated(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Turn counter-clockwise on a black ground that is large enough for all of it."""
    import cv2

    rows, columns = pixels.shape
    turn = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), degrees, 1.0)
    cosine, sine = np.abs(turn[0, :2])
    width, height = round(columns * cosine + rows * sine), round(columns * sine + rows * cosine)
    turn[:, 2] += (width - columns) / 2, (height - rows) / 2
    return cv2.warpAffine(pixels, turn, (width, height), flags=cv2.INTER_LINEAR)


def resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Change the number of pixels, averaging where there get fewer."""
    import cv2

    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=way)


def blurred(pixels: np.ndarray, part: float) -> np.ndarray:
    """Blur with a Gaussian whose SD is a part of the longer side."""
    import cv2

    return cv2.GaussianBlur(pixels, None, part * max(pixels.shape))


def noisy(pixels: np.ndarray, sd: float) -> np.ndarray:
    """Add the same white noise each time."""
    return pixels + np.random.default_rng(SEED).normal(0.0, sd, pixels.shape).astype(np.float32)


def framed(pixels: np.ndarray, part: float, value: float) -> np.ndarray:
    """Put a frame of one grey around it, as collimators and prints do."""
    width = round(part * max(pixels.shape))
    return np.pad(pixels, width, constant_values=value)


def cropped(pixels: np.ndarray, part: float) -> np.ndarray:
    """Cut a part off at the left, the right and the top."""
    rows, columns = round(part * pixels.shape[0]), round(part * pixels.shape[1])
    return pixels[rows:, columns : pixels.shape[1] - columns]


def marked(pixels: np.ndarray, letters: str) -> np.ndarray:
    """Write bright letters into the upper corners, as side markers are."""
    import cv2

    out = pixels.copy()
    size = max(pixels.shape) / 400
    for left, letter in zip((0.04, 0.88), letters, strict=False):
        place = round(left * pixels.shape[1]), round(0.1 * pixels.shape[0])
        cv2.putText(out, letter, place, cv2.FONT_HERSHEY_SIMPLEX, size, 1.0, max(round(2 * size), 1), cv2.LINE_AA)
    return out


def in_a_cast(pixels: np.ndarray, opacity: float) -> np.ndarray:
    """Lay a grey veil with a weave over the lower third, as a forearm cast."""
    rows, columns = np.indices(pixels.shape) / max(pixels.shape)
    weave = 0.5 + 0.15 * np.sin(400 * rows) * np.sin(400 * columns)
    begins = 0.68 * pixels.shape[0] / max(pixels.shape)
    veil = opacity * np.clip((rows - begins) / 0.03, 0.0, 1.0)
    return ((1 - veil) * pixels + veil * weave).astype(np.float32)


def brightened(pixels: np.ndarray, by: float) -> np.ndarray:
    """Add the same to every pixel."""
    return pixels + by


def contrasted(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Move every pixel away from middle grey, or towards it."""
    return 0.5 + factor * (pixels - 0.5)


def with_gamma(pixels: np.ndarray, gamma: float) -> np.ndarray:
    """Raise every pixel to a power."""
    return pixels**gamma


def inverted(pixels: np.ndarray) -> np.ndarray:
    """Show bone dark."""
    return 1 - pixels


def same(pixels: np.ndarray) -> np.ndarray:
    """Change nothing."""
    return pixels


CHANGES = (
    *(Change("rotation", f"{turn} degrees", partial(rotated, degrees=turn)) for turn in (10, 30, 90, 180, 270)),
    Change("flip", "left-right", np.fliplr),
    Change("flip", "upside down", np.flipud),
    *(Change("brightness", f"{by:+.1f}", partial(brightened, by=by)) for by in (-0.2, -0.1, 0.1, 0.2)),
    *(Change("contrast", f"x {by}", partial(contrasted, factor=by)) for by in (0.5, 0.75, 1.25, 1.5)),
    Change("inversion", "whole", inverted),
    Change("marker", "one letter", partial(marked, letters="L")),
    Change("marker", "two letters", partial(marked, letters="LR")),
    *(Change("resolution", f"x {by}", partial(resized, factor=by)) for by in (0.5, 0.75, 1.5, 2.0)),
    *(Change("gamma", f"{by}", partial(with_gamma, gamma=by)) for by in (0.5, 0.7, 1.5, 2.0)),
    *(Change("noise", f"SD {sd}", partial(noisy, sd=sd)) for sd in (0.02, 0.05, 0.1)),
    *(Change("blur", f"SD {100 * part:g} %", partial(blurred, part=part)) for part in (0.002, 0.004, 0.008)),
    *(Change("jpeg", f"quality {quality}", same, quality) for quality in (60, 30, 10)),
    Change("frame", "black 10 %", partial(framed, part=0.1, value=0.0)),
    Change("frame", "white 10 %", partial(framed, part=0.1, value=1.0)),
    Change("frame", "black 50 %", partial(framed, part=0.5, value=0.0)),
    *(Change("cast", f"opacity {by}", partial(in_a_cast, opacity=by)) for by in (0.3, 0.6)),
    *(Change("crop", f"{100 * part:g} %", partial(cropped, part=part)) for part in (0.03, 0.06)),
)
