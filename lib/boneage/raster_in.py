"""PNG, TIFF and JPEG files -> Radiograph, through Pillow."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from boneage.errors import UnreadableRadiograph
from boneage.pixels import LARGEST_AREA, check_size, grey_from_rgb, to_unit_range
from boneage.types import Radiograph

FORMATS = ("PNG", "TIFF", "JPEG")
PHOTOMETRIC_INTERPRETATION, WHITE_IS_ZERO = 262, 0
DEEP_GREY_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")


def read_raster(path: Path) -> Radiograph:
    """Read a PNG, TIFF or JPEG file; its resolution is one for print and gives no pixel spacing.

    Raises:
        UnreadableRadiograph: If it is damaged, in colour, blank, of several pages or of absurd size.
    """
    # Given a name, Pillow 13 maps uncompressed TIFF into memory and scrambles what is stored turned; given a file, not.
    with _pillow_errors(), path.open("rb") as file, Image.open(file, formats=FORMATS) as picture:
        check_size(picture.height, picture.width)
        _check_single(picture)
        picture.load()
        values, notes = _grey_values(ImageOps.exif_transpose(picture))
        if _is_white_zero_left(picture):
            values = np.iinfo(values.dtype).max - values
    return Radiograph(to_unit_range(values), source=path, warnings=notes)


def _check_single(picture: Image.Image) -> None:
    frames = getattr(picture, "n_frames", 1)
    if frames != 1:
        raise UnreadableRadiograph(f"Expected one picture, got {frames} pages or frames.", "Export one radiograph.")


def _grey_values(picture: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (rows, columns) of uint8, uint16, int32 or float32, and warnings; what is transparent becomes black."""
    if picture.mode in DEEP_GREY_MODES:
        values = np.asarray(picture)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise UnreadableRadiograph("Expected finite grey values, got NaN or infinity.", "Export it again.")
        return values.astype(values.dtype.newbyteorder("="), copy=False), ()
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L")), ()
    rgba = np.asarray(picture.convert("RGBA"))
    grey, notes = grey_from_rgb(rgba[..., :3])
    alpha = rgba[..., 3]
    return (grey if alpha.min() == 255 else (grey * (alpha / 255.0)).round().astype(np.uint8)), notes


def _is_white_zero_left(picture: Image.Image) -> bool:
    """Say whether a TIFF means 0 as white and Pillow left it so; Pillow turns pictures of up to 8 bits itself."""
    tags = getattr(picture, "tag_v2", {})
    return picture.mode.startswith("I;16") and tags.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO


@contextmanager
def _pillow_errors() -> Iterator[None]:
    """Translate what Pillow raises, and keep it from filling truncated pictures with grey (other packages allow it)."""
    allowed, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError:
        raise UnreadableRadiograph(
            f"The picture has more than {LARGEST_AREA // 10**6} million pixels.", "Reduce the radiograph."
        ) from None
    except UnidentifiedImageError:
        raise UnreadableRadiograph(
            f"Expected {', '.join(FORMATS)}; the file begins like one but is damaged.", "Export the radiograph again."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error):
        raise UnreadableRadiograph(
            "The picture is damaged or cut off.", "Copy or export the radiograph again."
        ) from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = allowed
