"""An object to where it is kept, once: asked for before and after it is sent; and how long to wait between tries."""

from __future__ import annotations

from typing import Protocol

from pydicom.dataset import Dataset

from boneage.errors import ArchiveRefused

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 900.0


class Keeper(Protocol):
    """Where objects are sent: an archive by DICOMweb, a PACS by DICOM."""

    def holds(self, dataset: Dataset) -> bool:
        """Say whether it has this object."""

    def store(self, dataset: Dataset) -> None:
        """Send this object."""


def deliver(keeper: Keeper, dataset: Dataset) -> None:
    """Store an object unless it is there, and ask for it afterwards.

    With the same UID at each try, what was stored when a connection broke is not sent twice, and what a server only
    says that it took (full disk, filter) is not lost.

    Raises:
        ArchiveRefused: If it is not taken, or is said to be taken and is not there.
        ArchiveUnreachable: If there is no answer.
    """
    if keeper.holds(dataset):
        return
    keeper.store(dataset)
    if not keeper.holds(dataset):
        raise ArchiveRefused(
            "The archive said that it stored the object, and does not have it.",
            "Check its disk, its quota and its filters.",
        )


def pause_after(tries: int) -> float:
    """Return the seconds to wait after the first try (0), the second (1), ..."""
    return min(FIRST_PAUSE_SECONDS * 2 ** min(tries, 16), LONGEST_PAUSE_SECONDS)
