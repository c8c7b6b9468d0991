"""From Slicer's volumes (i, j, k; RAS millimetres) to the picture that the server sees (x, y; pixels), and back.

The server shows files of NIfTI and NRRD as viewers do: rows and columns are turned to x, y, z before a hand is looked
for. Of other files it takes the order in which they store their pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from .contract import HandBox
from .errors import ClientError, ErrorKind
from .exif import stored_from_shown

SHOWN_AS = ("PIL", "LIP", "LPS")
"""Directions (column, row, slice order) in which a slice across x, y, z is shown; the server's own choice."""

SKEW_TOLERANCE = 1e-4
"""How far the axes of a volume may be from right angles (cosine)."""

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Geometry:
    """Where the voxels of a volume lie.

    Attributes:
        size: Voxels along i, j, k.
        ijk_to_ras: 4 x 4, rows as tuples; columns at right angles to each other.
    """

    size: tuple[int, int, int]
    ijk_to_ras: tuple[tuple[float, ...], ...]

    @property
    def matrix(self) -> np.ndarray:
        return np.array(self.ijk_to_ras, float)

    @property
    def spacing(self) -> tuple[float, ...]:
        return tuple(float(length) for length in np.linalg.norm(self.matrix[:3, :3], axis=0))

    @property
    def origin_lps(self) -> tuple[float, ...]:
        return tuple((_RAS_FROM_LPS @ self.matrix)[:3, 3].tolist())

    @property
    def direction_lps(self) -> tuple[float, ...]:
        """Return the direction cosines in LPS, row by row, as SimpleITK takes them."""
        return tuple(((_RAS_FROM_LPS @ self.matrix)[:3, :3] / self.spacing).ravel().tolist())


@dataclass(frozen=True, eq=False)
class PictureGrid:
    """How the server's picture lies in a volume.

    Attributes:
        geometry: Of the volume.
        columns: Width of the picture.
        rows: Height of the picture.
        picture_to_ijk: 4 x 4, from (x, y, 0) at pixel centres to i, j, k: turns and flips only.
    """

    geometry: Geometry
    columns: int
    rows: int
    picture_to_ijk: np.ndarray

    def picture_of(self, voxels: np.ndarray) -> np.ndarray:
        """Return (rows, columns) of (k, j, i)."""
        axes, flips = self._turns()
        turned = np.transpose(voxels.T, axes)
        return turned[tuple(slice(None, None, flip) for flip in flips)][..., 0].T

    def voxels_of(self, picture: np.ndarray) -> np.ndarray:
        """Return (k, j, i) of (rows, columns): the inverse of `picture_of`."""
        axes, flips = self._turns()
        turned = picture.T[..., None][tuple(slice(None, None, flip) for flip in flips)]
        return np.ascontiguousarray(np.transpose(turned, np.argsort(axes)).T)

    def _turns(self) -> tuple[np.ndarray, np.ndarray]:
        """Return, for x, y and slice of the picture, the volume's axis and its sense: along (1) or against (-1)."""
        turn = self.picture_to_ijk[:3, :3]
        axes = np.argmax(np.abs(turn), axis=0)
        return axes, np.sign(turn[axes, range(3)]).astype(int)


def grid_of(geometry: Geometry, is_turned_by_server: bool, orientation: int = 1) -> PictureGrid:
    """Return the grid of the server's picture in a volume of one slice.

    Args:
        geometry: Of the volume.
        is_turned_by_server: True for the formats that the server turns (NIfTI, NRRD); False for those whose order of
            pixels it takes (DICOM, PNG, JPEG, TIFF).
        orientation: By which EXIF asks to turn a JPEG or TIFF.

    Raises:
        ClientError: UNSUITABLE if the volume is not one slice, or is skewed.
    """
    if sorted(geometry.size).count(1) != 1:
        size = " x ".join(map(str, geometry.size))
        raise ClientError(ErrorKind.UNSUITABLE, f"Expected one radiograph, got a volume of {size}.", "Show another.")
    stored = _image(geometry)
    if not is_turned_by_server:
        return _stored_grid(geometry, orientation)
    slice_axis = geometry.size.index(1)
    across = int(np.argmax(np.abs(np.reshape(geometry.direction_lps, (3, 3))[:, slice_axis])))
    shown = sitk.DICOMOrient(stored, SHOWN_AS[across])
    picture_to_ijk = np.rint(np.linalg.inv(_index_to_lps(stored)) @ _index_to_lps(shown))
    columns, rows, _ = shown.GetSize()
    return PictureGrid(geometry, columns, rows, picture_to_ijk)


def _stored_grid(geometry: Geometry, orientation: int) -> PictureGrid:
    if geometry.size[2] != 1:
        raise ClientError(ErrorKind.UNSUITABLE, "The slice lies across the radiograph's rows.", "Load it again.")
    columns, rows = geometry.size[:2]
    shown = (rows, columns) if orientation >= 5 else (columns, rows)
    return PictureGrid(geometry, *shown, stored_from_shown(orientation, columns, rows))


def _image(geometry: Geometry) -> sitk.Image:
    axes = geometry.matrix[:3, :3]
    if min(geometry.spacing) <= 0 or not np.allclose(_normed(axes).T @ _normed(axes), np.eye(3), atol=SKEW_TOLERANCE):
        raise ClientError(
            ErrorKind.UNSUITABLE, "The volume's axes are not at right angles.", "Load the radiograph anew."
        )
    image = sitk.Image(geometry.size, sitk.sitkUInt8)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin_lps)
    image.SetDirection(geometry.direction_lps)
    return image


def _normed(axes: np.ndarray) -> np.ndarray:
    return axes / np.linalg.norm(axes, axis=0)


def _index_to_lps(image: sitk.Image) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return matrix


# The hand box: half-open in pixels; pixel x covers x - 0.5 to x + 0.5 around its centre


@dataclass(frozen=True, eq=False)
class BoxInSpace:
    """A box as a markups ROI has it.

    Attributes:
        object_to_ras: 4 x 4: right-handed unit axes along the volume's, origin in the middle of the box.
        size_mm: Along these axes.
    """

    object_to_ras: np.ndarray
    size_mm: tuple[float, float, float]


def box_in_space(box: HandBox, grid: PictureGrid) -> BoxInSpace:
    """Return the ROI of a hand box: as thick as the slice."""
    corners = np.array([[box.left - 0.5, box.top - 0.5, -0.5, 1.0], [box.right - 0.5, box.bottom - 0.5, 0.5, 1.0]])
    ends = (grid.picture_to_ijk @ corners.T)[:3]
    spacing = np.array(grid.geometry.spacing)
    size = np.abs(ends[:, 1] - ends[:, 0]) * spacing
    object_to_ras = np.eye(4)
    object_to_ras[:3, :3] = grid.geometry.matrix[:3, :3] / spacing
    if np.linalg.det(object_to_ras[:3, :3]) < 0:
        object_to_ras[:3, 2] *= -1
    object_to_ras[:, 3] = grid.geometry.matrix @ np.append(ends.mean(axis=1), 1.0)
    return BoxInSpace(object_to_ras, (float(size[0]), float(size[1]), float(size[2])))


def box_from_space(roi: BoxInSpace, grid: PictureGrid) -> HandBox:
    """Return the hand box around an ROI, cut to the picture and rounded to a thousandth of a pixel.

    Raises:
        ClientError: INVALID if no part of it lies on the picture.
    """
    half = np.array(roi.size_mm) / 2
    signs = np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1)
    corners = roi.object_to_ras @ np.vstack([signs * half[:, None], np.ones(signs.shape[1])])
    to_picture = np.linalg.inv(grid.geometry.matrix @ grid.picture_to_ijk)
    x, y = (to_picture @ corners)[:2] + 0.5
    left, right = np.clip((x.min(), x.max()), 0, grid.columns).round(3).tolist()
    top, bottom = np.clip((y.min(), y.max()), 0, grid.rows).round(3).tolist()
    if left >= right or top >= bottom:
        raise ClientError(ErrorKind.INVALID, "The hand box lies outside the radiograph.", "Draw it over the hand.")
    return HandBox(left, top, right, bottom)
