"""A folder of studies: its radiographs, their ids, and which of them are of one patient."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from boneage.radiograph import is_probably_radiograph_file, supported_suffixes

_WHOSE = ["IssuerOfPatientID", "PatientID"]


def image_id_of(relative: Path) -> str:
    """Return the id of a file by its path in the studies: its name and, to tell it from others, a hash of the path."""
    name = relative.name.lower()
    suffix = next((s for s in sorted(supported_suffixes, key=len, reverse=True) if name.endswith(s)), "")
    stem = relative.name[: len(name) - len(suffix)] or "image"
    digest = hashlib.sha256(relative.as_posix().encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', stem)[:80].lstrip('.')}-{digest}"


def radiographs_by_id(folder: Path) -> dict[str, Path]:
    """Return the radiographs of a folder and its subfolders by id, relative to it; no hidden ones, no links."""
    found = (path.relative_to(folder) for path in radiographs_in(folder))
    return {image_id_of(relative): relative for relative in found}


def radiographs_in(folder: Path) -> Iterator[Path]:
    """Yield the radiographs of a folder and its subfolders; no hidden ones, none that a link leads out to."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from radiographs_in(Path(entry.path))
            elif is_probably_radiograph_file(Path(entry.path)):
                yield Path(entry.path)


def patient_in(file: Path) -> str:
    """Return issuer and id of the patient in a DICOM file, in one word that gives neither away; empty without an id."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_WHOSE)
    except (InvalidDicomError, OSError):
        return ""
    if not header.get("PatientID"):
        return ""
    return hashlib.sha256("\n".join(str(header.get(name, "")) for name in _WHOSE).encode()).hexdigest()
