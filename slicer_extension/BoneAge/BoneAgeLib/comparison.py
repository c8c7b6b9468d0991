"""What an expert has, against what the models found: which of it is a correction."""

from __future__ import annotations

import numpy as np

from .contract import HandBox
from .corrections import Changes, ExpertInput
from .errors import ClientError, ErrorKind

LEAST_MOVE_PX = 0.5
"""A side of the hand box that moved by less was not moved."""


def changes_of(
    expert: ExpertInput,
    box: HandBox | None,
    hand: np.ndarray | None,
    hand_nrrd: bytes | None,
    found_box: HandBox | None,
    found_hand: np.ndarray | None,
) -> Changes:
    """Return what differs from what was found; where nothing was found, all that is there counts as changed.

    Args:
        expert: What was typed.
        box: As it is now.
        hand: The outline as it is now, any shape of bool.
        hand_nrrd: The same as a file.
        found_box: Of the models.
        found_hand: Of the models, of the same shape.

    Raises:
        ClientError: INVALID if the outline was erased, or what was typed cannot be sent.
    """
    expert.checked()
    _refuse_erased(hand, found_hand, expert)
    moved = None if box is None or found_box is None else _moved_px(box, found_box)
    added, removed = _differing_px(hand, found_hand)
    return Changes(
        expert,
        hand_box=box if moved is None or moved > LEAST_MOVE_PX else None,
        mask_nrrd=hand_nrrd if hand is not None and added + removed > 0 else None,
        moved_px=moved,
        added_px=added,
        removed_px=removed,
    )


def _refuse_erased(now: np.ndarray | None, before: np.ndarray | None, expert: ExpertInput) -> None:
    """Ask instead of taking an outline as found where the person has erased it."""
    if now is None and before is not None and not expert.rejected_because.strip():
        raise ClientError(
            ErrorKind.INVALID, "The outline was erased.", "Draw it anew, assess again, or reject the radiograph."
        )


def _moved_px(now: HandBox, before: HandBox) -> float:
    return max(abs(now.as_json()[side] - before.as_json()[side]) for side in before.as_json())


def _differing_px(now: np.ndarray | None, before: np.ndarray | None) -> tuple[int, int]:
    """Return how many pixels were added and removed."""
    if now is None:
        return 0, 0 if before is None else int(before.sum())
    if before is None:
        return int(now.sum()), 0
    return int((now & ~before).sum()), int((before & ~now).sum())
