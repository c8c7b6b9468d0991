"""NIfTI and NRRD files of one slice -> Radiograph, through SimpleITK."""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from boneage.errors import UnreadableRadiograph
from boneage.pixels import believable_spacing, check_size, to_unit_range
from boneage.types import Radiograph

MOST_NOT_FINITE = 0.001
"""Share of pixels that may be NaN or infinite; they become the darkest value (NRRD) or 0 (NIfTI)."""

SHOWN_AS = ("PIL", "LIP", "LPS")
"""Directions (column, row, slice order) in which viewers show a slice across x, y, z: sagittal, coronal, axial."""

NIFTI_HEADER_BYTES = 352
NIFTI_FLOATS = {16: "f4", 64: "f8"}
BLOCK_BYTES = 2**23

NOT_SET_MM = (1.0, 1.0)
"""What writers put where the spacing is unknown; no detector has it."""


def read_nifti(path: Path) -> Radiograph:
    """Read a NIfTI file of one slice (.nii, .nii.gz).

    Raises:
        UnreadableRadiograph: If it is damaged, in colour, of several slices, blank, not finite or of absurd size.
    """
    return _read(path, "NiftiImageIO", _nifti_not_finite(path))


def read_nrrd(path: Path) -> Radiograph:
    """Read an NRRD file of one slice, data and header in one file.

    Raises:
        UnreadableRadiograph: As `read_nifti`.
    """
    with path.open("rb") as file:
        header = file.read(65_536).split(b"\n\n", 1)[0]
    if re.search(rb"^data ?file:", header, re.IGNORECASE | re.MULTILINE):
        raise UnreadableRadiograph(
            "Expected NRRD with its data in the same file, got a header that points to another one.",
            "Save it as one .nrrd file.",
        )
    return _read(path, "NrrdImageIO")


def _read(path: Path, image_io: str, replaced: int = 0) -> Radiograph:
    image, was_turned = as_displayed(_load(path, image_io))
    values = sitk.GetArrayFromImage(image)[0]
    values, notes = _finite(values, replaced)
    column_mm, row_mm = image.GetSpacing()[:2]
    if was_turned:
        notes += ("The rows and columns were turned to the order in which viewers show them.",)
    spacing_mm = (float(row_mm), float(column_mm))
    known = believable_spacing(spacing_mm) and spacing_mm != NOT_SET_MM
    return Radiograph(
        to_unit_range(values),
        pixel_spacing_mm=spacing_mm if known else None,
        pixel_aspect=row_mm / column_mm if min(spacing_mm) > 0 else 1.0,
        source=path,
        warnings=notes,
    )


def _load(path: Path, image_io: str) -> sitk.Image:
    """Read the header, check it, then read the pixels; returns an image of three dimensions with one slice."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(image_io)
    had_warnings = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        reader.ReadImageInformation()
        _check_header(reader.GetSize(), reader.GetNumberOfComponents())
        image = reader.Execute()
    except (RuntimeError, ValueError):
        raise UnreadableRadiograph(
            f"Expected {image_io.removesuffix('ImageIO')} with the suffix of its kind; the file is damaged or cut off.",
            "Copy or export the radiograph again.",
        ) from None
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(had_warnings)
    return three_dimensional(image)


def _check_header(size: tuple[int, ...], channels: int) -> None:
    sides = [side for side in size if side != 1]
    if len(sides) != 2:
        raise UnreadableRadiograph(
            f"Expected one slice, got {' x '.join(map(str, size))} voxels.", "Export one radiograph, not a volume."
        )
    if channels != 1:
        raise UnreadableRadiograph(f"Expected one grey channel, got {channels}.", "Export the radiograph in grey.")
    check_size(sides[1], sides[0])


def _nifti_not_finite(path: Path) -> int:
    """Count NaN and infinity in a file, and refuse a cut-off one: the NIfTI library silently makes zeros of both."""
    with path.open("rb") as file:
        is_gzipped = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if is_gzipped else path.open("rb") as file:
        try:
            header = file.read(NIFTI_HEADER_BYTES)
            order = "<" if 1 <= struct.unpack_from("<h", header, 40)[0] <= 7 else ">"
            dimensions, *sides = struct.unpack_from(f"{order}8h", header, 40)
            kind, bits = struct.unpack_from(f"{order}2h", header, 70)
            (offset,) = struct.unpack_from(f"{order}f", header, 108)
            _check_header(tuple(sides[:dimensions]), 1)
            file.seek(int(offset))
            blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
            sizes_and_counts = [(len(block), _not_finite(block, order, NIFTI_FLOATS.get(kind))) for block in blocks]
        except (EOFError, OSError, OverflowError, ValueError, struct.error, zlib.error):
            raise UnreadableRadiograph("The NIfTI file is damaged or cut off.", "Copy it again.") from None
    expected, came = math.prod(sides[:dimensions]) * bits // 8, sum(size for size, _ in sizes_and_counts)
    if came < expected:
        raise UnreadableRadiograph(
            f"Expected {expected} bytes of pixels, got {came}: the file is cut off.", "Copy it again."
        )
    return sum(count for _, count in sizes_and_counts)


def _not_finite(block: bytes, order: str, kind: str | None) -> int:
    if kind is None:
        return 0
    values = np.frombuffer(block, f"{order}{kind}", count=len(block) // int(kind[1:]))
    return int(np.count_nonzero(~np.isfinite(values)))


def three_dimensional(image: sitk.Image) -> sitk.Image:
    """Return a flat image as one slice, and the first of more dimensions than three."""
    if image.GetDimension() == 2:
        return sitk.JoinSeries(image)
    if image.GetDimension() > 3:
        return image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    return image


def as_displayed(image: sitk.Image) -> tuple[sitk.Image, bool]:
    """Put rows and columns into the order of viewers, the slice last; says whether that moved any pixel."""
    slice_axis = image.GetSize().index(1)
    across = int(np.argmax(np.abs(np.reshape(image.GetDirection(), (3, 3))[:, slice_axis])))
    wanted = SHOWN_AS[across]
    axes = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return sitk.DICOMOrient(image, wanted), axes[:2] != wanted[:2]


def _finite(values: np.ndarray, replaced: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make what is not finite dark; `replaced` such pixels are zeros already."""
    bad = ~np.isfinite(values)
    count = int(np.count_nonzero(bad)) + replaced
    if count > MOST_NOT_FINITE * values.size:
        raise UnreadableRadiograph(
            f"Expected finite grey values, got NaN or infinity in {count} of {values.size} pixels.",
            "Export the radiograph again.",
        )
    if count == 0:
        return values, ()
    notes = (f"{count} pixels without a finite value were replaced.",)
    return np.where(bad, values[~bad].min(), values), notes
