"""The files of a PACS watcher: radiographs until their results are sent, results until each has arrived."""

from __future__ import annotations

import fcntl
import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from boneage.errors import InvalidInput, OutputFailed
from boneage.output import private_folder, write_durably


class PacsFiles:
    """A private folder beside the state; a file's name does not show whose it is.

    Args:
        folder: Made if need be.

    Raises:
        OutputFailed: From every method, if a file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)

    def path(self, sop_instance_uid: str) -> Path:
        """Return where the object of this UID is, if it is there."""
        return self._folder / f"{hashlib.sha256(sop_instance_uid.encode()).hexdigest()[:32]}.dcm"

    def keep(self, sop_instance_uid: str, content: bytes) -> None:
        """Write a DICOM file; it is on the disk when this returns."""
        write_durably(self.path(sop_instance_uid), content)

    def keep_dataset(self, dataset: Dataset) -> None:
        """Write a data set; it is on the disk when this returns."""
        file = io.BytesIO()
        pydicom.dcmwrite(file, dataset, write_like_original=False)
        self.keep(str(dataset.SOPInstanceUID), file.getvalue())

    def dataset(self, sop_instance_uid: str) -> Dataset:
        """Read a data set that was kept."""
        try:
            return pydicom.dcmread(self.path(sop_instance_uid))
        except (OSError, InvalidDicomError) as error:
            raise OutputFailed("A kept result is gone or damaged.", "Check the disk.") from error

    def remove(self, *sop_instance_uids: str) -> None:
        """Remove files; those that are not there do not matter."""
        for uid in sop_instance_uids:
            _remove(self.path(uid))

    def remove_others(self, sop_instance_uids: Iterable[str]) -> int:
        """Remove what a killed program left without noting it, and return how many files that were."""
        kept = {self.path(uid) for uid in sop_instance_uids}
        others = [path for path in self._folder.iterdir() if path not in kept]
        for path in others:
            _remove(path)
        return len(others)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputFailed(f"A file of the state cannot be removed: {error.strerror}.", "Check its folder.") from error


def lock(file: Path) -> TextIO:
    """Keep other watchers from a state file until the answer is closed or the program ends, however it ends.

    Raises:
        InvalidInput: If another one has it.
        OutputFailed: If the file cannot be made.
    """
    try:
        opened = file.open("w")
    except OSError as error:
        raise OutputFailed(f"Cannot write {file}: {error.strerror}.", "Name another --state.") from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        opened.close()
        raise InvalidInput(
            "Another `boneage pacs` works on this --state.", "Stop that one, or name another file."
        ) from None
    return opened
