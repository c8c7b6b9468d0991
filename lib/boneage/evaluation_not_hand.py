"""Whether the detector keeps its hands off images that show none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from boneage.batch import Outcome, assess_many, usable_cores
from boneage.errors import InvalidData, UnreadableRadiograph
from boneage.progress import with_progress
from boneage.radiograph import read_radiograph
from boneage.types import Hand, Radiograph


@dataclass(frozen=True)
class NotHandFigures:
    """Of images without a hand.

    Attributes:
        files: In the folder.
        unreadable: Of these, files that are no radiograph at all.
        refused: Kind of error -> how many were rightly refused for it.
        with_hand: Files in which a hand was found although there is none, with its confidence.
    """

    files: int
    unreadable: int
    refused: dict[str, int]
    with_hand: dict[str, float]


def look_for_no_hand(
    folder: Path, find_hand: Callable[[Radiograph], Hand], workers: int | None = None
) -> NotHandFigures:
    """Look for a hand in every readable file of a folder and its subfolders.

    Args:
        folder: Of images without a hand.
        find_hand: As `HandDetector.find_hand`; called from several threads.
        workers: Threads; None for one a core.

    Raises:
        InvalidData: If no file can be read, since that would look like a perfect answer.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())

    def look(path: Path) -> Hand:
        return find_hand(read_radiograph(path))

    with closing(assess_many(files, look, workers or usable_cores())) as outcomes:
        looked = list(with_progress(outcomes, len(files), "Looking where no hand is"))
    unreadable = sum(_kind(one) == UnreadableRadiograph.kind for one in looked)
    if unreadable == len(files):
        raise InvalidData(f"None of the {len(files)} files in {folder} is a readable radiograph.")
    kinds = [_kind(one) for one in looked if one.error and _kind(one) != UnreadableRadiograph.kind]
    return NotHandFigures(
        files=len(files),
        unreadable=unreadable,
        refused={kind: kinds.count(kind) for kind in sorted(set(kinds))},
        with_hand={
            one.item.relative_to(folder).as_posix(): round(one.answer.confidence, 3) for one in looked if one.answer
        },
    )


def _kind(outcome: Outcome[Path, Hand]) -> str:
    return outcome.error.kind if outcome.error else ""
