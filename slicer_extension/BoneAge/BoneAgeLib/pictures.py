"""Grey pictures and outlines as files, and back, through SimpleITK; and what a picture is known by: its pixels."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .contract import Downloaded
from .errors import ClientError, ErrorKind
from .geometry import Geometry

GREY_TOLERANCE = 8
"""Levels of 255 that channels may differ in a picture that counts as grey (JPEG noise), as on the server."""

TINT_TOLERANCE = 6.0
"""Levels of 255 (root mean square) that channels may stray from one tint per grey level, as on the server."""


def grey_from_colour(channels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reduce a picture of 2 to 4 channels to grey, as the server does with the same file, and say what was assumed.

    Args:
        channels: (..., 2, 3 or 4) uint8: grey or red, green, blue; the last of 2 or 4 is transparency.

    Returns:
        (...) uint8, and warnings.

    Raises:
        ClientError: UNSUITABLE if it shows colours.
    """
    if channels.dtype != np.uint8:
        raise _unsuitable(f"Expected 8 bits a colour, got {channels.dtype}.", "Export the radiograph in grey.")
    count = channels.shape[-1]
    colours = channels[..., :3] if count >= 3 else np.repeat(channels[..., :1], 3, axis=-1)
    grey, notes = _from_rgb(colours)
    alpha = channels[..., -1]
    if count in (2, 4) and alpha.min() < 255:
        grey = (grey * (alpha / 255.0)).round().astype(np.uint8)
    return grey, notes


def _from_rgb(colours: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    sample = colours.reshape(-1, 3)[:: max(1, colours.size // 750_000)]
    if np.percentile(np.ptp(sample, axis=1), 99.9) <= GREY_TOLERANCE:
        return np.ascontiguousarray(colours[..., 1]), ()
    if _stray_from_tint(sample) > TINT_TOLERANCE:
        raise _unsuitable("The picture is in colour.", "Use the radiograph itself, not a photograph of it.")
    grey = colours.mean(axis=-1, dtype=np.float32).round().astype(np.uint8)
    return grey, ("The picture is tinted; its colours were reduced to grey.",)


def _stray_from_tint(sample: np.ndarray) -> float:
    """Measure how far (pixels, 3) channels lie from the mean colour of their grey level, in levels (RMS)."""
    grey = sample.mean(axis=1).round().astype(np.intp)
    counts = np.maximum(np.bincount(grey, minlength=256), 1)
    tints = np.stack([np.bincount(grey, weights=sample[:, i], minlength=256) / counts for i in range(3)], axis=1)
    return float(np.sqrt(np.mean((sample - tints[grey]) ** 2)))


def pixels_sha256(voxels: np.ndarray) -> str:
    """Return the hash of a picture's pixels: values, their type, and the size."""
    plain = np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("<"))
    head = f"{plain.dtype.str} {'x'.join(map(str, plain.shape))} "
    return hashlib.sha256(head.encode() + plain.tobytes()).hexdigest()


def pixels_sha256_of_file(file: Downloaded) -> str:
    """Return `pixels_sha256` of an image file."""
    return pixels_sha256(sitk.GetArrayFromImage(read_image(file.name, file.content)))


def nrrd_of(voxels: np.ndarray, geometry: Geometry) -> bytes:
    """Return an NRRD file.

    Args:
        voxels: (k, j, i), as Slicer's arrays.
        geometry: Of the volume.
    """
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels))
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(geometry.direction_lps)
    with tempfile.TemporaryDirectory(prefix="boneage-") as folder:
        file = Path(folder) / "picture.nrrd"
        sitk.WriteImage(image, str(file), useCompression=True)
        return file.read_bytes()


def read_image(name: str, content: bytes) -> sitk.Image:
    """Return the picture of a file's content; its format is told by the ending of `name`.

    Raises:
        ClientError: UNSUITABLE if it cannot be read.
    """
    ending = "".join(Path(name).suffixes[-2:] if name.lower().endswith(".nii.gz") else Path(name).suffixes[-1:])
    with tempfile.TemporaryDirectory(prefix="boneage-") as folder:
        file = Path(folder) / f"picture{ending}"
        file.write_bytes(content)
        try:
            return sitk.ReadImage(str(file))
        except RuntimeError:
            raise _unsuitable("The picture cannot be read.", "Fetch or export it again.") from None


def mask_voxels(mask_nrrd: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Return the outline of an NRRD file as (k, j, i) bool.

    Args:
        mask_nrrd: On the grid of the radiograph's file.
        shape: (k, j, i) of the volume that it must fit.

    Raises:
        ClientError: WRONG_IMAGE if it is of another size.
    """
    voxels = sitk.GetArrayFromImage(read_image("mask.nrrd", mask_nrrd))
    if voxels.ndim == 2:
        voxels = voxels[None]
    if voxels.shape != tuple(shape):
        raise ClientError(
            ErrorKind.WRONG_IMAGE,
            f"The outline has {_in_words(voxels.shape)} pixels, the radiograph {_in_words(shape)}.",
            "Assess it again.",
        )
    return voxels > 0


def _in_words(shape: tuple[int, ...]) -> str:
    return " x ".join(str(side) for side in reversed(shape) if side != 1)


def _unsuitable(message: str, advice: str) -> ClientError:
    return ClientError(ErrorKind.UNSUITABLE, message, advice)
