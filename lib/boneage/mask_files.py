"""A hand mask as a file that lies exactly over its radiograph in a viewer, and back.

Viewers read PNG, JPEG, TIFF, NIfTI, NRRD and DICOM through ITK: the mask gets the size, spacing, origin and direction
that ITK gives the radiograph's own file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image, UnidentifiedImageError

from boneage.errors import InvalidInput, UnreadableRadiograph
from boneage.radiograph import is_dicom
from boneage.volume_in import as_displayed, three_dimensional

_EXIF_ORIENTATION = 0x0112
# What brings the picture of a file as stored to the picture as displayed, by EXIF orientation; and back.
_TO_DISPLAYED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_INVERSE = {
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
}


def write_mask(hand_mask: np.ndarray, radiograph_file: Path, out: Path) -> None:
    """Write a mask as a label image (0 and 1, one slice) in the geometry of the radiograph's file.

    Args:
        hand_mask: (rows, columns) bool on the radiograph's grid.
        radiograph_file: Which the radiograph was read from.
        out: A file name that ends in .nrrd or .nii.gz.
    """
    source = _source(radiograph_file)
    stored = _turned(hand_mask, _orientation(radiograph_file), back=True)
    label = sitk.GetImageFromArray(stored.astype(np.uint8)[None])
    label.CopyInformation(_as_read(source, radiograph_file))
    sitk.WriteImage(sitk.DICOMOrient(label, _axes(source)), str(out), useCompression=True)


def read_mask(file: Path, radiograph_file: Path) -> np.ndarray:
    """Read a label image of a radiograph: (rows, columns) bool on the radiograph's grid; all that is not 0 is hand.

    Raises:
        InvalidInput: If it is no image, or of another size than the radiograph.
    """
    source = _source(radiograph_file)
    try:
        label = three_dimensional(sitk.ReadImage(str(file)))
    except RuntimeError:
        raise InvalidInput("Expected the mask as an image file; it cannot be read.", "Send NRRD or NIfTI.") from None
    if label.GetSize() != source.GetSize() or label.GetNumberOfComponentsPerPixel() != 1:
        raise InvalidInput(
            f"Expected a mask of {_in_words(source)} pixels, as the radiograph, got {_in_words(label)}.",
            "Send the mask on the radiograph's own grid.",
        )
    label.CopyInformation(source)  # a PNG says nothing of the geometry; the size decides
    read = _as_read(label, radiograph_file)
    return _turned(sitk.GetArrayFromImage(read)[0] > 0, _orientation(radiograph_file))


def _as_read(image: sitk.Image, radiograph_file: Path) -> sitk.Image:
    """Put rows and columns into the order of the radiograph's pixels: a volume's are turned, a DICOM file's are not."""
    return image if is_dicom(radiograph_file) else as_displayed(image)[0]


def _source(path: Path) -> sitk.Image:
    """Return the radiograph's file as ITK sees it, without its grey values: an image of three dimensions."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise UnreadableRadiograph("The radiograph's file cannot be read.", "Copy or export it again.") from None
    size, dimension = reader.GetSize(), reader.GetDimension()
    empty = sitk.Image(size, sitk.sitkUInt8)
    empty.SetSpacing(reader.GetSpacing())
    empty.SetOrigin(reader.GetOrigin())
    if dimension <= 3:
        empty.SetDirection(reader.GetDirection())
    return three_dimensional(empty)


def _axes(image: sitk.Image) -> str:
    return sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())


def _orientation(path: Path) -> int:
    """Return the EXIF orientation of a JPEG or TIFF, which ITK does not heed; 1 for every other file."""
    try:
        with Image.open(path) as picture:
            return picture.getexif().get(_EXIF_ORIENTATION, 1)
    except (UnidentifiedImageError, OSError):
        return 1


def _turned(mask: np.ndarray, orientation: int, back: bool = False) -> np.ndarray:
    turn = _TO_DISPLAYED.get(orientation)
    if turn is None:
        return mask
    turn = _INVERSE.get(turn, turn) if back else turn
    return np.array(Image.fromarray(mask.astype(np.uint8)).transpose(turn), dtype=bool)


def _in_words(image: sitk.Image) -> str:
    return " x ".join(str(side) for side in image.GetSize() if side != 1)
