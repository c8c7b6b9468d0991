"""DICOM files (CR, DX and their like) -> Radiograph, through pydicom.

A pixel goes from its stored value to what is shown by one table of all stored values: modality LUT or rescale, VOI LUT
or window (PS3.3, C.11), polarity and padding are worked out once per value instead of once per pixel.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import generate_pixel_data_frame
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixel_data_handlers.util import convert_color_space
from pydicom.uid import UID

from boneage.dicom_grey import display_table
from boneage.dicom_tags import OWN_MANUFACTURER, acquisition_date, age_months, identity, laterality, sex, spacing
from boneage.errors import UnreadableRadiograph
from boneage.pixels import check_size, grey_from_rgb, thinned, to_unit_range
from boneage.types import Radiograph

ACCEPTED_MODALITIES = ("CR", "DX", "RG", "RF", "XA", "HC", "OT", "SC", "")
"""Projection radiographs, scanned films, and what archives call them when they do not know; CT, MR, US, SR are not."""

JPEG_FAMILY = "1.2.840.10008.1.2.4."
"""Beginning of the transfer syntaxes whose code streams end with the marker FF D9 (JPEG, JPEG-LS, JPEG 2000)."""

GREY, COLOUR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def read_dicom(path: Path) -> Radiograph:
    """Read one DICOM image with or without a preamble.

    Returns:
        Its pixels bone bright as the file says (MONOCHROME1 is turned once), and what the file says of the child.

    Raises:
        UnreadableRadiograph: If it holds no single grey projection radiograph, or is damaged.
    """
    with pydicom_errors():
        _check_header(pydicom.dcmread(path, stop_before_pixels=True, force=True))
        dataset = pydicom.dcmread(path, force=True)
        pixels, notes = _pixels(dataset)
        spacing_mm, aspect, spacing_notes = spacing(dataset)
        age, age_notes = age_months(dataset)
        side, side_notes = laterality(dataset)
        return Radiograph(
            pixels,
            pixel_spacing_mm=spacing_mm,
            pixel_aspect=aspect,
            sex=sex(dataset),
            sex_source="DICOM" if sex(dataset) else "",
            chronological_age_months=age,
            age_source="DICOM" if age is not None else "",
            acquisition_date=acquisition_date(dataset),
            laterality=side,
            identity=identity(dataset),
            source=path,
            warnings=(*notes, *spacing_notes, *age_notes, *side_notes),
        )


def _check_header(header: Dataset) -> None:
    if "SOPClassUID" not in header and "Rows" not in header:
        raise UnreadableRadiograph("The file is not DICOM: it names no SOP class and no image.", "Choose another file.")
    modality = str(header.get("Modality") or "")
    if modality not in ACCEPTED_MODALITIES:
        raise UnreadableRadiograph(
            f"Expected a radiograph (modality CR or DX), got modality {modality!r:.12}.", "Choose the hand radiograph."
        )
    if header.get("Manufacturer") == OWN_MANUFACTURER:
        raise UnreadableRadiograph("This picture was made by this program.", "Choose the radiograph itself.")
    if not header.get("Rows") or not header.get("Columns"):
        raise UnreadableRadiograph("The DICOM file holds no picture.", "Choose the image of the series.")
    frames = int(header.get("NumberOfFrames") or 1)
    if frames != 1:
        raise UnreadableRadiograph(f"Expected one frame, got {frames}.", "Export one frame.")
    check_size(int(header.Rows), int(header.Columns))


def _pixels(dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (rows, columns) float32, 0..1, bone bright as the file says, and warnings."""
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric not in GREY + COLOUR:
        raise UnreadableRadiograph(
            f"Expected MONOCHROME1 or MONOCHROME2, got photometric interpretation {photometric!r:.20}.",
            "Export the radiograph in grey.",
        )
    decoded = _decoded(dataset)
    if photometric in COLOUR:
        if decoded.dtype != np.uint8:
            raise UnreadableRadiograph(f"Expected 8 bits a colour, got {decoded.dtype}.", "Export it in grey.")
        rgb = convert_color_space(decoded, str(dataset.PhotometricInterpretation), "RGB")
        grey, notes = grey_from_rgb(rgb)
        return to_unit_range(grey), notes
    stored, bits, notes = _stored_values(dataset, decoded)
    counts = np.bincount(thinned(stored, 4_000_000).ravel(), minlength=2**bits)
    table, table_notes = display_table(dataset, bits, counts)
    return table[stored], notes + table_notes


def _decoded(dataset: Dataset) -> np.ndarray:
    """Decode by one chosen decoder; pydicom would try others until one forgives a damaged stream."""
    if "PixelData" not in dataset:
        raise UnreadableRadiograph(
            "The DICOM file holds no whole-numbered pixels, or is cut off before their end.", "Fetch it again."
        )
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _found_syntax(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.startswith(JPEG_FAMILY):
        _check_code_stream_ends(dataset)
    is_plain = syntax in pydicom.uid.UncompressedTransferSyntaxes
    try:
        dataset.convert_pixel_data("numpy" if is_plain else "pylibjpeg")
    except NotImplementedError:
        raise UnreadableRadiograph(
            f"No decoder for transfer syntax {syntax.name:.80}.",
            "Export the radiograph uncompressed or as JPEG 2000.",
        ) from None
    return dataset.pixel_array


def _found_syntax(dataset: Dataset) -> UID:
    """Name the uncompressed encoding that pydicom found in a file without file meta information."""
    if not dataset.is_little_endian:
        return pydicom.uid.ExplicitVRBigEndian
    return pydicom.uid.ImplicitVRLittleEndian if dataset.is_implicit_VR else pydicom.uid.ExplicitVRLittleEndian


def _check_code_stream_ends(dataset: Dataset) -> None:
    frame = next(generate_pixel_data_frame(dataset.PixelData, 1))
    if not frame.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise UnreadableRadiograph(
            f"The compressed picture is cut off: {len(frame)} bytes without an end marker.", "Fetch the file again."
        )


def _stored_values(dataset: Dataset, decoded: np.ndarray) -> tuple[np.ndarray, int, tuple[str, ...]]:
    """Return the stored values as unsigned bit patterns, how many bits they have, and warnings."""
    if decoded.dtype.itemsize > 2 or decoded.dtype.kind not in "iu":
        raise UnreadableRadiograph(f"Expected 8 to 16 bits a pixel, got {decoded.dtype}.", "Export it with 16 bits.")
    bits = int(dataset.BitsStored)
    shift = int(dataset.get("HighBit", bits - 1)) + 1 - bits
    patterns = decoded.view(decoded.dtype.str.replace("i", "u"))
    is_unsigned = not dataset.PixelRepresentation
    if is_unsigned and shift == 0 and int(patterns.max()) >= 2**bits and not _has_embedded_overlay(dataset):
        note = f"Pixels reach {int(patterns.max())}, above the {bits} bits that the file names."
        return patterns, 8 * decoded.dtype.itemsize, (note,)
    return (patterns >> max(shift, 0)) & (2**bits - 1), bits, ()


def _has_embedded_overlay(dataset: Dataset) -> bool:
    """Say whether an overlay plane lies in bits above the stored value (Overlay Bit Position, retired)."""
    positions = (dataset.get((group, 0x0102)) for group in range(0x6000, 0x6100, 2))
    return any(position is not None and position.value for position in positions)


@contextmanager
def pydicom_errors() -> Iterator[None]:
    """Translate what pydicom and its decoders raise; their own words may quote the child's data, so none are kept."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (
        OSError, EOFError, ValueError, RuntimeError, AttributeError, KeyError, IndexError, TypeError, OverflowError,
        StopIteration, struct.error, zlib.error, InvalidDicomError, BytesLengthException,
    ):  # fmt: skip
        raise UnreadableRadiograph(
            "The DICOM file is damaged, cut off or not DICOM.", "Fetch or export the file again."
        ) from None
