"""One radiograph of a PACS -> its results, kept; or the reason why there are none."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom
from pydicom.dataset import Dataset

from boneage.batch import outcome_of
from boneage.dicomweb import Archive, ArchivedImage
from boneage.errors import (
    ArchiveUnreachable,
    BoneAgeError,
    InvalidInput,
    NoHandFound,
    SeveralHandsFound,
    UnknownImage,
    UnknownSex,
    UnreadableHand,
    UnreadableRadiograph,
)
from boneage.pacs_files import PacsFiles
from boneage.pacs_filter import why_left_alone
from boneage.pacs_state import MOST_TRIES, Item, Origin, PacsState, State

if TYPE_CHECKING:
    from boneage.assessment import Models
    from boneage.dicom_results import ResultKind

log = logging.getLogger("boneage.pacs")

IDLE_SECONDS = 30.0
AWAY_SECONDS = 30.0


class NotForUs(BoneAgeError):
    """An object that is no radiograph of a hand by its header, or that we made ourselves."""

    kind = "not_for_us"


LEFT_ALONE = (NotForUs, NoHandFound, UnknownImage)
FOR_A_HUMAN = (UnknownSex, SeveralHandsFound, UnreadableHand)
FOR_GOOD = (UnreadableRadiograph, InvalidInput)


class Assessor:
    """Assesses what was received, one radiograph at a time.

    Args:
        state: What is to do.
        files: Where radiographs and results are kept.
        archive: From which radiographs are fetched that came by polling; None without.
        results: Makes the results of a radiograph's file.
        on_results: Called when there is something to send.
    """

    def __init__(
        self,
        state: PacsState,
        files: PacsFiles,
        archive: Archive | None,
        results: Callable[[Path], Sequence[Dataset]],
        on_results: Callable[[], None],
    ) -> None:
        self._state = state
        self._files = files
        self._archive = archive
        self._results = results
        self._on_results = on_results

    def round(self) -> float:
        """Assess one radiograph; return the seconds until there may be another."""
        item = self._state.next_due(State.RECEIVED)
        if item is None:
            return IDLE_SECONDS
        if item.tries >= MOST_TRIES:
            self._state.finish(item, State.FAILED, "The program ended each time that it was looked at.")
            return 0.0
        self._state.begin(item)
        outcome = outcome_of(item, self._made)
        if outcome.error is None:
            self._state.assessed(item, outcome.answer or [])
            self._on_results()
        else:
            self._note(item, outcome.error)
        return 0.0

    def _made(self, item: Item) -> list[str]:
        """Make and keep the results of a radiograph, and return their UIDs."""
        path = self._fetched(item) if item.origin is Origin.ARCHIVE else self._files.path(item.sop_instance_uid)
        reason = why_left_alone(header_of(path))
        if reason or self._state.is_result(item.sop_instance_uid):
            raise NotForUs(reason or "It is one of our own results.")
        made = self._results(path)
        for dataset in made:
            self._files.keep_dataset(dataset)
        return [str(dataset.SOPInstanceUID) for dataset in made]

    def _fetched(self, item: Item) -> Path:
        """Fetch a radiograph anew at each try: its sex or birth date may have been put right in the archive."""
        if self._archive is None:
            raise ArchiveUnreachable("It is in an archive, and none is named.", "Give --archive.")
        image = ArchivedImage(item.sop_instance_uid, item.series_instance_uid, item.study_instance_uid, 0, 0)
        self._files.keep(item.sop_instance_uid, self._archive.fetch(image))
        return self._files.path(item.sop_instance_uid)

    def _note(self, item: Item, error: BoneAgeError) -> None:
        """Note why there are no results; a file that nobody needs again goes."""
        if isinstance(error, ArchiveUnreachable):
            self._state.wait(item, str(error), AWAY_SECONDS)
        elif isinstance(error, LEFT_ALONE):
            self._finish(item, State.LEFT_ALONE, error)
        elif isinstance(error, FOR_A_HUMAN):
            self._finish(item, State.NEEDS_HUMAN, error)
        elif isinstance(error, FOR_GOOD):
            self._finish(item, State.FAILED, error)
        else:
            log.warning("A radiograph could not be assessed; it is tried again: %s", error)
            self._state.put_off(item, str(error))

    def _finish(self, item: Item, state: State, error: BoneAgeError) -> None:
        log.info("A radiograph: %s. %s", state.value, error.message)
        self._state.finish(item, state, error.message if state is State.LEFT_ALONE else str(error))
        if state is not State.FAILED or item.origin is Origin.ARCHIVE:
            self._files.remove(item.sop_instance_uid)


def header_of(path: Path) -> Dataset:
    """Read a radiograph's header.

    Raises:
        UnreadableRadiograph: If the file is damaged or not there.
    """
    from boneage.dicom_in import pydicom_errors

    with pydicom_errors():
        return pydicom.dcmread(path, stop_before_pixels=True)


def maker_of_results(models: Models, kinds: Sequence[ResultKind]) -> Callable[[Path], Sequence[Dataset]]:
    """Return the function that assesses a radiograph's file and makes the DICOM objects of these kinds."""
    from boneage.assessment import assess
    from boneage.dicom_results import results
    from boneage.radiograph import read_radiograph

    def made(path: Path) -> Sequence[Dataset]:
        header = header_of(path)
        assessment = assess(read_radiograph(path), models)
        id = result_id(str(header.SOPInstanceUID), models.versions)
        return results(assessment, header, kinds, id=id)

    return made


def result_id(sop_instance_uid: str, versions: dict[str, str]) -> str:
    """Return the same for the same radiograph and models, so that its results have the same UIDs however often made."""
    models = " ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return hashlib.sha256(f"{sop_instance_uid} {models}".encode()).hexdigest()[:32]
