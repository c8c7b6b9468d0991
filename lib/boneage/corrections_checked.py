"""What a correction may say: ranges, sizes and lengths."""

from __future__ import annotations

import math
import re

import numpy as np

from boneage.errors import InvalidInput
from boneage.types import Correction, HandBox

OLDEST_MONTHS = 228.0
LONGEST_ID = 255
LONGEST_READER = 64
LONGEST_COMMENT = 4000
LONGEST_FACT = 200


def validated(correction: Correction, shape: tuple[int, int] | None = None) -> Correction:
    """Return the correction if it says something, and nothing impossible.

    Args:
        correction: To check.
        shape: Rows and columns of its radiograph, if known; box and mask must fit.

    Raises:
        InvalidInput: Which value was expected, which came.
    """
    _check_text("an image id", correction.image_id, 1, LONGEST_ID)
    _check_text("the reader, a short name or number", correction.reader.strip(), 1, LONGEST_READER)
    _check_text("a comment", correction.comment, 0, LONGEST_COMMENT, lines=True)
    _check_text("a reason to reject", correction.rejected_because, 0, LONGEST_COMMENT, lines=True)
    _check_id(correction.id)
    for name, value in correction.based_on.items():
        _check_text("a short fact in based_on", f"{name}{value}", 1, LONGEST_FACT)
    if correction.withdraws is None:
        _check_says_something(correction)
    if correction.bone_age_months is not None:
        _check_age(correction.bone_age_months)
    if correction.hand_box is not None:
        _check_box(correction.hand_box, shape)
    if correction.hand_mask is not None:
        _check_mask(correction.hand_mask, shape)
    return correction


def _check_text(what: str, text: str, least: int, most: int, lines: bool = False) -> None:
    printable = all(character.isprintable() or (lines and character in "\n\t") for character in text)
    if not (least <= len(text) <= most and printable):
        raise InvalidInput(
            f"Expected {what} of {least} to {most} printable characters, got {len(text)} characters.",
            "Correct it and send it again.",
        )


def _check_id(id: str) -> None:
    if id and not re.fullmatch(r"[0-9a-f]{32}", id):
        raise InvalidInput(
            f"Expected an id of 32 hexadecimal digits, got {len(id)} characters.", "Send a UUID, or none."
        )


def _check_says_something(correction: Correction) -> None:
    has_finding = (
        correction.hand_box is not None or correction.hand_mask is not None or correction.bone_age_months is not None
    )
    if not has_finding and not correction.rejected_because.strip():
        raise InvalidInput(
            "Expected a bone age, a hand box, a mask or a reason to reject; the correction has none of them.",
            "Send at least one.",
        )
    if correction.rejected_because and correction.bone_age_months is not None:
        raise InvalidInput("Expected a bone age or a reason to reject, got both.", "Send one of them.")


def _check_age(months: float) -> None:
    if not (math.isfinite(months) and 0 <= months <= OLDEST_MONTHS):
        raise InvalidInput(
            f"Expected a bone age of 0 to {OLDEST_MONTHS:.0f} months, got {months:g}.", "Give it in months, not years."
        )


def _check_box(box: HandBox, shape: tuple[int, int] | None) -> None:
    rows, columns = shape or (math.inf, math.inf)
    sides = (box.left, box.top, box.right, box.bottom)
    inside = all(math.isfinite(side) for side in sides) and box.left >= 0 and box.top >= 0
    if not (inside and box.left < box.right <= columns and box.top < box.bottom <= rows):
        limits = f" within {columns} x {rows} pixels" if shape else ""
        raise InvalidInput(
            f"Expected a hand box with left < right and top < bottom{limits}, got "
            f"{', '.join(f'{side:g}' for side in sides)}.",
            "Draw the box anew.",
        )


def _check_mask(mask: np.ndarray, shape: tuple[int, int] | None) -> None:
    if mask.dtype != bool or mask.ndim != 2 or not mask.any():
        raise InvalidInput(
            f"Expected a mask of rows and columns with a hand in it, got {mask.dtype} {mask.shape} with "
            f"{int(np.count_nonzero(mask))} pixels marked.",
            "Draw the outline anew.",
        )
    if shape is not None and mask.shape != tuple(shape):
        raise InvalidInput(
            f"Expected a mask of {shape[0]} x {shape[1]} pixels, as the radiograph, got {mask.shape[0]} x "
            f"{mask.shape[1]}.",
            "Send the mask on the radiograph's own grid.",
        )
