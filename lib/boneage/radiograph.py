"""Room 1: a file -> Radiograph: bone bright, 0..1, with what the file says of spacing, sex, age and side.

DICOM, PNG, TIFF, JPEG, NIfTI and NRRD files are told apart by their first bytes; names matter when folders are listed.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import replace
from pathlib import Path

from boneage.dicom_ages import months_between, months_from_dicom_age
from boneage.errors import UnreadableRadiograph
from boneage.polarity import looks_inverted
from boneage.types import Radiograph

__all__ = [
    "is_dicom",
    "is_probably_radiograph_file",
    "looks_inverted",
    "months_between",
    "months_from_dicom_age",
    "read_radiograph",
    "supported_suffixes",
]

supported_suffixes = (
    ".dcm", ".dicom", ".jpeg", ".jpg", ".nii", ".nii.gz", ".nrrd", ".png", ".tif", ".tiff",
)  # fmt: skip
"""Endings, in lower case, that a folder is searched for; files without one are looked into."""

TURN_IF_SILENT = 0.5
TURN_AGAINST_DICOM = 0.995
"""How sure `looks_inverted` must be to turn a picture: of a file silent on its polarity, and of one that states it."""

UNSURE = 0.1
"""Above it, a picture that was not turned gets a warning."""

HEADER_BYTES = 352


def read_radiograph(path: Path) -> Radiograph:
    """Read one radiograph.

    Args:
        path: A file of one hand radiograph; its first bytes decide on the format, not its name.

    Returns:
        Its pixels (rows, columns) float32, 0..1, bone bright, contiguous, as displayed; `pixel_spacing_mm` from DICOM,
        NIfTI and NRRD only.

    Raises:
        UnreadableRadiograph: If there is no such file, or it is not one whole grey radiograph of sane size.
    """
    path = Path(path)
    file_format = _format_of(_first_bytes(path))
    return _bone_bright(_read_as(file_format, path), says_polarity=file_format == "DICOM")


def is_probably_radiograph_file(path: Path) -> bool:
    """Say whether a folder run should try this file: by its ending, or without one by its first bytes (DICOM)."""
    name = path.name.lower()
    if name.startswith(".") or not path.is_file():
        return False
    if name.endswith(supported_suffixes):
        return True
    has_no_ending = path.suffix[1:].isdigit() or not path.suffix  # archives name files by UID: 1.2.840.10008.5
    try:
        return has_no_ending and _first_bytes(path)[128:132] == b"DICM"
    except UnreadableRadiograph:
        return False


def is_dicom(path: Path) -> bool:
    """Say whether a file is read as DICOM, by its first bytes.

    Raises:
        UnreadableRadiograph: If it cannot be read.
    """
    return _format_of(_first_bytes(path)) == "DICOM"


def _read_as(file_format: str, path: Path) -> Radiograph:
    """Call the reader of a format; each imports its heavy library only now."""
    if file_format == "DICOM":
        from boneage.dicom_in import read_dicom

        return read_dicom(path)
    if file_format in ("NIfTI", "NRRD"):
        from boneage.volume_in import read_nifti, read_nrrd

        return read_nifti(path) if file_format == "NIfTI" else read_nrrd(path)
    from boneage.raster_in import read_raster

    return read_raster(path)


def _first_bytes(path: Path) -> bytes:
    """Return the first bytes, of what is inside if the file is gzipped."""
    if path.is_dir():
        raise UnreadableRadiograph(f"Expected a file, got the folder {path}.", "Name one file in it.")
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(path) as file:
                head = file.read(HEADER_BYTES)
    except FileNotFoundError:
        raise UnreadableRadiograph(f"There is no file {path}.", "Check the path.") from None
    except PermissionError:
        raise UnreadableRadiograph(f"No permission to read {path}.", "Ask its owner for access.") from None
    except (OSError, EOFError, zlib.error):
        raise UnreadableRadiograph(
            "The file cannot be read: disk error or damaged compression.", "Copy it again."
        ) from None
    if not head:
        raise UnreadableRadiograph("The file is empty (0 bytes).", "Copy or export it again.")
    return head


def _format_of(head: bytes) -> str:
    """Name the format that begins like this: "DICOM", "NIfTI", "NRRD" or "raster" (PNG, TIFF, JPEG)."""
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "raster"
    if head.startswith(b"NRRD"):
        return "NRRD"
    if head[344:347] == b"n+1":
        return "NIfTI"
    if head[128:132] == b"DICM" or _begins_with_dicom_element(head):
        return "DICOM"
    raise UnreadableRadiograph(
        f"Expected a DICOM, PNG, TIFF, JPEG, NIfTI or NRRD file; this one begins with {head[:4].hex(' ')}.",
        "Export the radiograph as one of them.",
    )


def _begins_with_dicom_element(head: bytes) -> bool:
    """Recognise DICOM without a preamble: a first element of group 0002 or 0008, of sane length, in either order."""
    if len(head) < HEADER_BYTES:
        return False
    for order in ("<", ">"):
        group, element, long_length = struct.unpack_from(f"{order}HHI", head)
        short_length = struct.unpack_from(f"{order}H", head, 6)[0]
        length = short_length if head[4:6].isalpha() else long_length
        if group in (0x0002, 0x0008) and element <= 0x0020 and length <= 128:
            return True
    return False


def _bone_bright(radiograph: Radiograph, says_polarity: bool) -> Radiograph:
    """Turn a picture whose bone is dark; one that says its polarity is believed unless it is plainly wrong."""
    inverted = looks_inverted(radiograph.pixels)
    if inverted > (TURN_AGAINST_DICOM if says_polarity else TURN_IF_SILENT):
        return radiograph.turned(inverted)
    if not says_polarity and inverted > UNSURE:
        note = f"Whether bone is bright is uncertain (inverted with probability {inverted:.2f})."
        return replace(radiograph, warnings=(*radiograph.warnings, note))
    return radiograph
