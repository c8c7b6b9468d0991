"""DICOM files as pydicom reads them, and whether ITK has turned MONOCHROME1, which depends on its release."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np


def read_dicom(content: bytes, with_pixels: bool = True) -> Any:
    """Return the dataset of a DICOM file; None if it cannot be read."""
    import pydicom

    try:
        return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=not with_pixels, force=True)
    except (OSError, ValueError, AttributeError, KeyError, TypeError, NotImplementedError):
        return None


def content_sha256(content: bytes) -> str:
    """Return the hash of a DICOM file's instance and stored pixels.

    It is the same for every release of Slicer, whatever it makes of spacing and grey, and for every copy of the
    instance, whatever else was edited in its header.
    """
    dataset = read_dicom(content)
    pixels = dataset.get("PixelData") if dataset is not None else None
    known = str(dataset.get("SOPInstanceUID") or "") if dataset is not None else ""
    return hashlib.sha256(known.encode() + b" " + bytes(pixels or content)).hexdigest()


def is_same_picture(one: np.ndarray, other: np.ndarray) -> bool:
    """Say whether two pictures are one, or one the exact negative of the other."""
    if one.shape != other.shape:
        return False
    if np.array_equal(one, other):
        return True
    sums = one.astype(np.float64) + other
    return bool(sums.size) and float(np.ptp(sums)) == 0.0


def is_left_negative(content: bytes, voxels: np.ndarray) -> bool:
    """Say whether bone is dark in the voxels that ITK made of a DICOM file, because it is stored so (MONOCHROME1).

    Args:
        content: Of the file.
        voxels: (1, rows, columns) as read by ITK; newer releases turn MONOCHROME1, older ones do not.
    """
    dataset = read_dicom(content)
    if dataset is None or str(dataset.get("PhotometricInterpretation", "")) != "MONOCHROME1":
        return False
    try:
        stored = dataset.pixel_array
    except (AttributeError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False  # compressed in a way that only a new ITK reads, which turns it
    if stored.shape != voxels.shape[1:] or np.ptp(stored) == 0:
        return False
    return float(np.corrcoef(stored[::4, ::4].ravel(), voxels[0, ::4, ::4].ravel())[0, 1]) > 0
