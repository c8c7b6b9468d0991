"""A DICOMweb archive (PACS) as studies: its CR and DX images; experts' masks go back to it as DICOM SEG.

The id of a radiograph is its SOP Instance UID. The original file is what is assessed, so that sex, birth date, spacing
and polarity are those of the archive.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from boneage.corrections import CorrectionStore
from boneage.dicomweb import MODALITIES, Archive, ArchivedImage, is_uid
from boneage.dicomweb_places import LIST_FILE, archive_key, cache_folder, corrections_file
from boneage.errors import InvalidInput, StoreFailed, UnknownImage
from boneage.output import private_folder
from boneage.radiograph import read_radiograph
from boneage.types import Correction, CorrectionStatus
from monailabel_app.archive_cache import FRESH_SECONDS, FileCache
from monailabel_app.archive_list import ArchiveList
from monailabel_app.archive_outbox import Outbox
from monailabel_app.archive_sender import Sender
from monailabel_app.studies import Studies

log = logging.getLogger("boneage.archive")


def open_archive(address: str, store_url: str | None, cache_bytes: int, sends: bool) -> ArchiveStudies:
    """Return the studies of an archive; it need not answer yet.

    Args:
        address: Of its DICOMweb services.
        store_url: Database of the corrections; a SQLite file in the user's data folder if None.
        cache_bytes: Of its radiographs on this machine.
        sends: False for a process that only reads.
    """
    archive = Archive(address)
    if store_url is None:
        file = corrections_file(archive.address)
        private_folder(file.parent)
        log.info("Corrections are kept in %s.", file)
        store_url = f"sqlite:///{file}"
    return ArchiveStudies(archive, CorrectionStore(store_url), cache_folder(archive.address), cache_bytes, sends)


class ArchiveStudies(Studies):
    """The CR and DX images of an archive; hands and others, since only the assessment can tell them apart.

    Args:
        archive: To ask.
        store: Of the corrections.
        cache: Folder for fetched radiographs, of this archive alone.
        cache_bytes: How large it may become.
        sends: Whether masks are sent from this process.
    """

    def __init__(self, archive: Archive, store: CorrectionStore, cache: Path, cache_bytes: int, sends: bool) -> None:
        super().__init__(store)
        self._archive = archive
        self._cache = FileCache(cache, cache_bytes)
        self._outbox = Outbox(store.engine, archive_key(archive.address))
        self._sender = Sender(self._outbox, store, archive, self._file_now, lambda image_id: self._list.knows(image_id))
        self._list = ArchiveList(archive, cache / LIST_FILE, on_return=lambda: self._sender.wake(hurry=True))
        if sends:
            self._sender.start()

    def close(self) -> None:
        """Stop sending; what waits is sent after the next start."""
        self._sender.stop()

    def description(self) -> str:
        return "CR and DX images of a DICOMweb archive"

    @property
    def work_folder(self) -> Path:
        """Return a folder beside the corrections, in the user's data folder."""
        return corrections_file(self._archive.address).with_suffix(".work")

    # Radiographs

    def list_images(self) -> list[str]:
        """Return the known ids, sorted; never waits long for the archive."""
        return self._list.ids()

    def refresh(self) -> None:
        """Ask the archive for the whole list."""
        self._list.refresh()

    def path_of(self, image_id: str) -> Path:
        """Return a radiograph's own DICOM file, from the cache or the archive.

        Raises:
            UnknownImage: If the archive has no such CR or DX image.
            ArchiveUnreachable: If the archive is needed and does not answer.
        """
        return self._file(image_id, FRESH_SECONDS)

    def _file_now(self, image_id: str) -> Path:
        """Return a radiograph's file fetched anew: a mask goes to the patient whom the archive names now."""
        return self._file(image_id, 0.0)

    def _file(self, image_id: str, fresh_seconds: float) -> Path:
        image = self._list.get(image_id)
        key = f"{image.study_instance_uid} {image.series_instance_uid} {image.sop_instance_uid}"
        try:
            return self._cache.get(key, lambda path: path.write_bytes(self._archive.fetch(image)), fresh_seconds)
        except UnknownImage:
            self._list.forget(image_id)
            raise

    def shape_of(self, image_id: str) -> tuple[int, int]:
        image = self._list.get(image_id)
        if image.rows > 0 and image.columns > 0:
            return image.rows, image.columns
        rows, columns = read_radiograph(self.path_of(image_id)).pixels.shape
        return rows, columns

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """Return what a client shows of a radiograph; strategies leave their marks here."""
        image = self._list.get(image_id)
        return {"rows": image.rows, "columns": image.columns, **self._infos.get(image_id, {})}

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Store an uploaded CR or DX file in the archive and return its id, which is its SOP Instance UID.

        Raises:
            UnreadableRadiograph: If it is no radiograph.
            InvalidInput: If it is not DICOM, or has a UID that another image of the archive has.
            ArchiveUnreachable: If the archive does not answer, or does not take it.
        """
        path = Path(image_filename)
        read_radiograph(path)
        dataset = _radiograph_dataset(path)
        uid = str(dataset.SOPInstanceUID)
        there = self._archive.find(uid)
        if any(image.study_instance_uid != dataset.StudyInstanceUID for image in there):
            raise InvalidInput("The archive has another image of this SOP Instance UID.", "Send it under a new one.")
        if not there:
            self._archive.store(dataset)
        series, study = str(dataset.SeriesInstanceUID), str(dataset.StudyInstanceUID)
        self._list.add(ArchivedImage(uid, series, study, int(dataset.Rows), int(dataset.Columns)))
        return uid

    # Corrections

    def _after_correction(self, kept: Correction, has_mask: bool) -> None:
        """Have a final mask sent; the correction is kept already, so that a failure must not look like one of it."""
        if not has_mask or kept.status is not CorrectionStatus.FINAL:
            return
        try:
            self._outbox.put(kept.id, kept.image_id)
        except StoreFailed as error:
            log.warning("A mask could not be queued; it is looked for again later: %s", error)
        self._sender.wake()

    def status(self) -> dict[str, Any]:
        """Return the counts of the work list, and how the archive does."""
        archive = {"reachable": self._list.is_reachable, "masks": self._outbox.summary()}
        return super().status() | {"archive": archive}


def _radiograph_dataset(path: Path) -> Dataset:
    """Read a file for storing.

    Raises:
        InvalidInput: If it is not DICOM of modality CR or DX with the UIDs that an archive needs.
    """
    try:
        dataset = pydicom.dcmread(path)
    except InvalidDicomError:
        raise InvalidInput(
            "Expected a DICOM file: an archive takes nothing else.",
            "Send other pictures along with the request to assess, or serve a folder.",
        ) from None
    if dataset.get("Modality") not in MODALITIES:
        raise InvalidInput(f"Expected modality {' or '.join(MODALITIES)}.", "Send the radiograph.")
    uids = (dataset.get(keyword) for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"))
    if not all(is_uid(str(uid)) for uid in uids):
        raise InvalidInput("Expected the UIDs of study, series and image.", "Export the radiograph from its archive.")
    return dataset
