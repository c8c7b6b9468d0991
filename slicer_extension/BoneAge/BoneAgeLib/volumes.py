"""A volume node <-> its voxels, its geometry, and the file that is sent or was fetched."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from .contract import Downloaded, Outgoing
from .dicom_facts import DicomFacts, facts_of
from .dicom_pixels import content_sha256, is_left_negative, is_same_picture, read_dicom
from .errors import ClientError, ErrorKind
from .exif import orientation_of
from .geometry import Geometry, PictureGrid, grid_of
from .pictures import grey_from_colour, nrrd_of, pixels_sha256, read_image

SERVER, IMAGE_ID, PIXELS, GRID = "BoneAge.Server", "BoneAge.ImageId", "BoneAge.Pixels", "BoneAge.Grid"
SENT = "BoneAge.Sent"  # pixels when the volume was last made ready to be sent
TURNED, STORED = "turned", "stored"
DICOM_UIDS = "DICOM.instanceUIDs"
RASTER_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
INVERTED_GREY = "vtkMRMLColorTableNodeInvertedGrey"
SMALLEST_SIDE = 64

FileOfInstance = Callable[[str], str]
MOST_HASHES = 256
_hashes: dict[int, str] = {}


def geometry_of(volume: Any) -> Geometry:
    """Return the geometry of a volume node.

    Raises:
        ClientError: UNSUITABLE if it has no image.
    """
    image = volume.GetImageData() if volume is not None else None
    if image is None or min(image.GetDimensions()) < 1:
        raise ClientError(ErrorKind.UNSUITABLE, "No radiograph is shown.", "Load one, or take one from the work list.")
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    rows = tuple(tuple(matrix.GetElement(row, column) for column in range(4)) for row in range(4))
    return Geometry(image.GetDimensions(), rows)


def voxels_of(volume: Any) -> np.ndarray:
    """Return a view of the voxels: (k, j, i), or (k, j, i, channels) for a volume in colour."""
    image = volume.GetImageData()
    shape = tuple(reversed(image.GetDimensions()))
    values = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    return values.reshape(shape if values.ndim == 1 else (*shape, values.shape[1]))


def grid_of_volume(volume: Any) -> PictureGrid:
    """Return how the server's picture lies in a volume: as was noted when it was sent or fetched."""
    noted = volume.GetAttribute(GRID) or TURNED
    orientation = int(noted[len(STORED) :] or 1) if noted.startswith(STORED) else 1
    return grid_of(geometry_of(volume), noted == TURNED, orientation)


def pixels_of(volume: Any) -> str:
    """Return the hash by which a volume's pixels are known; of pixels that were hashed before, without delay."""
    stamp = volume.GetImageData().GetMTime()  # VTK counts all modifications of all objects: one stamp, one content
    if stamp not in _hashes:
        if len(_hashes) >= MOST_HASHES:
            _hashes.pop(next(iter(_hashes)))
        _hashes[stamp] = pixels_sha256(voxels_of(volume))
    return _hashes[stamp]


def outgoing_of(volume: Any, file_of_instance: FileOfInstance) -> Outgoing:
    """Return what to send of the volume that is shown: its own DICOM file if it shows just that, else its pixels.

    Args:
        volume: The node; its grid is noted on it.
        file_of_instance: From a SOP Instance UID to a file, or to an empty text.

    Raises:
        ClientError: UNSUITABLE if it is not one grey radiograph.
    """
    geometry, voxels = geometry_of(volume), voxels_of(volume)
    grid_of(geometry, True)  # refuses what is not one slice
    sides = sorted(geometry.size)[1:]
    if sides[0] < SMALLEST_SIDE:
        raise ClientError(
            ErrorKind.UNSUITABLE, f"Expected at least {SMALLEST_SIDE} pixels a side, got {sides[0]}.", "Show another."
        )
    instance = (volume.GetAttribute(DICOM_UIDS) or "").split()[:1]
    file = Path(file_of_instance(instance[0]) or "") if instance else Path()
    if file.is_file():
        outgoing = _outgoing_dicom(file, geometry, voxels, instance[0])
    else:
        outgoing = _outgoing_pixels(geometry, voxels, "".join(instance), DicomFacts())
    volume.SetAttribute(GRID, STORED if outgoing.from_dicom else TURNED)
    volume.SetAttribute(SENT, pixels_sha256(voxels))
    return outgoing


def _outgoing_dicom(file: Path, geometry: Geometry, voxels: np.ndarray, instance: str) -> Outgoing:
    """Return the DICOM file; or only the pixels, if they are no longer those of the file."""
    content = file.read_bytes()
    facts = _facts_in(content)
    try:
        in_file = sitk.GetArrayFromImage(read_image("picture.dcm", content))
    except ClientError:
        in_file = np.zeros(0)
    if not is_same_picture(in_file, voxels):
        note = "What is shown differs from its DICOM file; the pixels that are shown are sent, without DICOM identity."
        return _outgoing_pixels(geometry, voxels, instance, replace(facts, warnings=(*facts.warnings, note)))
    name = f"sha256-{content_sha256(content)}"
    return Outgoing(
        name, f"{name}.dcm", content, hashlib.sha256(content).hexdigest(), pixels_sha256(voxels), facts.sex,
        facts.chronological_age_months, True, facts.warnings,
    )  # fmt: skip


def _outgoing_pixels(geometry: Geometry, voxels: np.ndarray, instance: str, facts: DicomFacts) -> Outgoing:
    grey, notes = (voxels, ()) if voxels.ndim == 3 else grey_from_colour(voxels)
    content = nrrd_of(grey, geometry)
    name = _name(geometry, grey, instance)
    return Outgoing(
        name, f"{name}.nrrd", content, hashlib.sha256(content).hexdigest(), pixels_sha256(grey), facts.sex,
        facts.chronological_age_months, False, (*facts.warnings, *notes),
    )  # fmt: skip


def _name(geometry: Geometry, voxels: np.ndarray, instance: str) -> str:
    """Return the content-based name: the same pixels in the same place, and for DICOM of the same instance."""
    place = " ".join(f"{value:.6g}" for row in geometry.ijk_to_ras for value in row)
    digest = hashlib.sha256(f"{pixels_sha256(voxels)} {place} {instance}".encode()).hexdigest()
    return f"sha256-{digest}"


def dicom_facts_of(volume: Any, file_of_instance: FileOfInstance) -> DicomFacts:
    """Return sex and age of the DICOM file behind a volume; unknown for any other."""
    instance = (volume.GetAttribute(DICOM_UIDS) or "").split()[:1]
    file = Path(file_of_instance(instance[0]) or "") if instance else Path()
    return _facts_in(file.read_bytes()) if file.is_file() else DicomFacts()


def _facts_in(content: bytes) -> DicomFacts:
    dataset = read_dicom(content, with_pixels=False)
    if dataset is None:
        return DicomFacts(warnings=("The DICOM header cannot be read; sex and age are not known.",))
    return facts_of(dataset)


# Fetched files


def load(downloaded: Downloaded, scene: Any, name: str) -> Any:
    """Return a new volume node with a fetched radiograph; its grid is noted on it.

    Raises:
        ClientError: UNSUITABLE if it cannot be read.
    """
    image = read_image(downloaded.name, downloaded.content)
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    voxels = sitk.GetArrayFromImage(image)
    if voxels.ndim == 4 and image.GetNumberOfComponentsPerPixel() > 1:
        voxels, _ = grey_from_colour(voxels)
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    _fill(volume, voxels, image)
    volume.SetAttribute(GRID, _grid_word(downloaded))
    if downloaded.name.lower().endswith((".dcm", ".dicom")) and is_left_negative(downloaded.content, voxels):
        volume.GetDisplayNode().SetAndObserveColorNodeID(INVERTED_GREY)
    return volume


def _grid_word(downloaded: Downloaded) -> str:
    name, content = downloaded.name.lower(), downloaded.content
    if name.endswith((".nrrd", ".nii", ".nii.gz")):
        return TURNED
    return f"{STORED}{orientation_of(content)}" if name.endswith(RASTER_ENDINGS[1:]) else STORED


def _fill(volume: Any, voxels: np.ndarray, image: sitk.Image) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    matrix[:2] *= -1  # LPS to RAS
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    slicer.util.updateVolumeFromArray(volume, np.ascontiguousarray(voxels))
    volume.CreateDefaultDisplayNodes()
