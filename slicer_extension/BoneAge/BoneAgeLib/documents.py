"""What the server writes about a radiograph: a report to sign, and DICOM objects; how they come onto the disk."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .contract import BOTH, Assessment, HandBox
from .disk import write_durably
from .errors import ClientError, ErrorKind

REPORT, DICOM = "bone_age_report", "bone_age_dicom"  # the server's tasks
FORMATS = ("pdf", "html")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Signature:
    """Who stands for a bone age, and for which."""

    reader: str
    bone_age_months: float


@dataclass(frozen=True)
class DocumentRequest:
    """What a document is to be about: the assessment that is shown, with the hand as the reader has it now.

    Attributes:
        task: `REPORT` or `DICOM`.
        assessment: What is shown; sex and chronological age are those that it is for.
        hand_box: The box, if it was moved.
        mask_nrrd: The outline, if it was edited.
        form: Of a report: "pdf" or "html".
        language: Of a report: a code that the server has offered.
        signature: None while nobody but the models has said anything.
    """

    task: str
    assessment: Assessment
    hand_box: HandBox | None = None
    mask_nrrd: bytes | None = field(default=None, repr=False)
    form: str = ""
    language: str = ""
    signature: Signature | None = None

    def params(self) -> dict[str, Any]:
        """Return the parameters of the server's task."""
        sexes = [estimate.sex for estimate in self.assessment.estimates]
        params = {
            "sex": sexes[0] if len(sexes) == 1 else BOTH,
            "chronological_age_months": self.assessment.chronological_age_months,
            "hand_box_px": self.hand_box.as_json() if self.hand_box else None,
            "format": self.form,
            "language": self.language,
            "signed_by": self.signature.reader if self.signature else None,
            "signed_bone_age_months": self.signature.bone_age_months if self.signature else None,
        }
        return {name: value for name, value in params.items() if value not in (None, "")}


def format_of(file: Path) -> str:
    """Return the form of a report by the ending of its file.

    Raises:
        ClientError: INVALID if it is none that the server writes.
    """
    form = file.suffix.lower().lstrip(".")
    if form not in FORMATS:
        raise ClientError(ErrorKind.INVALID, f"Expected a file name ending in {_or(FORMATS)}.", "Choose another name.")
    return form


def save(file: Path, content: bytes) -> None:
    """Write a document so that it is there whole or not at all.

    Raises:
        ClientError: DISK.
    """
    try:
        write_durably(file, content)
    except OSError as error:
        raise ClientError(
            ErrorKind.DISK, f"The file cannot be written: {error.strerror or 'disk error'}.", "Choose another place."
        ) from None


def save_all(folder: Path, archive: bytes) -> list[Path]:
    """Write the files of a ZIP archive into a folder and return them; nothing that is there already is replaced.

    Raises:
        ClientError: WRONG_ANSWER if it is no archive of plain files; DISK if one is there already or cannot be made.
    """
    contents = _contents(archive)
    files = [folder / name for name in contents]
    there = [file.name for file in files if file.exists()]
    if there:
        raise ClientError(ErrorKind.DISK, f"The folder already holds {there[0]}.", "Choose another folder.")
    for file, content in zip(files, contents.values()):
        save(file, content)
    return files


def _contents(archive: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as files:
            contents = {one.filename: files.read(one) for one in files.infolist()}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError):
        contents = {}
    if not contents or not all(_PLAIN_NAME.fullmatch(name) for name in contents):
        raise ClientError(ErrorKind.WRONG_ANSWER, "The server has sent no DICOM files.", "Tell who runs the server.")
    return contents


def _or(words: Sequence[str]) -> str:
    return " or ".join(f".{word}" for word in words)
