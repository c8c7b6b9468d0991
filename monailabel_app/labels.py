"""The params of PUT /datastore/label become a correction, and a correction becomes a label's info."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from boneage.errors import InvalidInput
from boneage.types import Correction, CorrectionStatus, HandBox, Sex

_SIDES = ("left", "top", "right", "bottom")


def correction_from_params(image_id: str, params: dict[str, Any], hand_mask: np.ndarray | None) -> Correction:
    """Return the correction that a client sent; what is missing is None, what is not known is not looked at.

    Raises:
        InvalidInput: If a value is of the wrong kind.
    """
    box, sex = params.get("hand_box_px"), params.get("sex") or None
    facts = params.get("based_on") or {}
    if not isinstance(facts, dict):
        raise InvalidInput("Expected based_on as names and short texts.", "Correct it.")
    return Correction(
        image_id,
        _text(params, "reader"),
        _one_of(CorrectionStatus, params.get("status") or "final", "status"),
        None if box is None else _box(box),
        hand_mask,
        _number(params.get("bone_age_months"), "bone_age_months"),
        None if sex is None else _one_of(Sex, sex, "sex"),
        _text(params, "comment"),
        rejected_because=_text(params, "rejected_because"),
        based_on={str(name): str(value) for name, value in facts.items()},
        id=_text(params, "submission_id"),
    )


def info_of(correction: Correction) -> dict[str, Any]:
    """Return a correction as plain values."""
    box, made_at = correction.hand_box, correction.made_at
    return {
        "reader": correction.reader,
        "status": correction.status.value,
        "bone_age_months": correction.bone_age_months,
        "hand_box_px": {side: getattr(box, side) for side in _SIDES} if box else None,
        "sex": correction.sex.value if correction.sex else None,
        "comment": correction.comment,
        "rejected_because": correction.rejected_because,
        "based_on": correction.based_on,
        "ts": int(made_at.timestamp()) if made_at else None,
    }


def _text(params: dict[str, Any], name: str) -> str:
    value = params.get(name) or ""
    if not isinstance(value, str):
        raise InvalidInput(f"Expected {name} as text.", "Correct it.")
    return value


def _one_of(kind: Any, value: Any, name: str) -> Any:
    known = [member.value for member in kind]
    if value not in known:
        raise InvalidInput(f"Expected {name} as {' or '.join(known)}, got {str(value)[:20]!r}.", "Correct it.")
    return kind(value)


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidInput(f"Expected {name} as a number of months, got {str(value)[:20]!r}.", "Correct it.")
    return float(value)


def _box(box: Any) -> HandBox:
    sides = [box.get(side) for side in _SIDES] if isinstance(box, dict) else [None]
    numbers = [_number(side, "hand_box_px") for side in sides]
    if len(numbers) != len(_SIDES) or None in numbers:
        raise InvalidInput("Expected hand_box_px with the numbers left, top, right and bottom.", "Draw it anew.")
    return HandBox(*(number for number in numbers if number is not None))
