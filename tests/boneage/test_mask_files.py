import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image
from test_dicom_in import a_dicom

from boneage.errors import InvalidInput
from boneage.mask_files import read_mask, write_mask
from boneage.radiograph import read_radiograph


def a_picture(rows=120, columns=80):
    """Return a dark picture with a bright block that lies in no symmetric place."""
    pixels = np.full((rows, columns), 20, np.uint8)
    pixels[:, ::7] += 5
    pixels[10:60, 8:28] = 200
    return pixels


def a_volume(path, axes):
    image = sitk.JoinSeries(sitk.GetImageFromArray(a_picture()))
    image.SetSpacing((0.2, 0.3, 1.0))
    image.SetOrigin((5.0, -7.0, 2.0))
    sitk.WriteImage(sitk.DICOMOrient(image, axes), str(path))
    return path


def the_file(kind, folder):
    path = folder / kind.split("-")[0]
    if path.suffix in (".nrrd", ".gz"):
        return a_volume(path, kind.split("-")[1])
    exif = Image.Exif()
    if "-" in kind:
        exif[0x0112] = int(kind.split("-")[1])
    Image.fromarray(a_picture()).save(path, exif=exif)
    return path


KINDS = ("a.png", "a.tif", *(f"a.jpg-{turn}" for turn in range(1, 9)))
VOLUMES = tuple(f"a.{kind}-{axes}" for kind in ("nrrd", "nii.gz") for axes in ("LPS", "RAS", "PLS", "LSA", "SPR"))


@pytest.mark.parametrize("kind", KINDS + VOLUMES)
def test_a_mask_lies_over_its_radiograph_in_the_files_own_geometry_and_comes_back(kind, tmp_path):
    path = the_file(kind, tmp_path)
    mask = read_radiograph(path).pixels > 0.6
    write_mask(mask, path, tmp_path / "label.nrrd")
    source, label = sitk.ReadImage(str(path)), sitk.ReadImage(str(tmp_path / "label.nrrd"))
    source = sitk.JoinSeries(source) if source.GetDimension() == 2 else source
    for property in ("Size", "Spacing", "Origin", "Direction"):
        assert getattr(label, f"Get{property}")() == pytest.approx(getattr(source, f"Get{property}")())
    bright = sitk.GetArrayFromImage(source) > 120
    assert np.array_equal(sitk.GetArrayFromImage(label) > 0, bright) and 900 < bright.sum() < 1100
    assert np.array_equal(read_mask(tmp_path / "label.nrrd", path), mask)


@pytest.mark.parametrize("tags", [{}, {"PhotometricInterpretation": "MONOCHROME1"}])
def test_a_mask_lies_over_a_dicom_radiograph(tags, tmp_path):
    path = a_dicom(tmp_path, a_picture().astype(np.uint16) * 16, PixelSpacing=[0.2, 0.3], **tags)
    mask = a_picture() > 120
    write_mask(mask, path, tmp_path / "label.nii.gz")
    source, label = sitk.ReadImage(str(path)), sitk.ReadImage(str(tmp_path / "label.nii.gz"))
    assert label.GetSize() == source.GetSize() and label.GetSpacing() == pytest.approx(source.GetSpacing())
    assert label.GetOrigin() == pytest.approx(source.GetOrigin())
    assert np.array_equal(sitk.GetArrayFromImage(label)[0] > 0, mask)
    assert np.array_equal(read_mask(tmp_path / "label.nii.gz", path), mask)


@pytest.mark.parametrize(
    "orientation", ["1 0 0 0 1 0", "-1 0 0 0 1 0", "1 0 0 0 -1 0", "0 1 0 1 0 0", "0 1 0 0 0 -1", "0 0 -1 1 0 0"]
)
def test_a_mask_lies_over_a_dicom_radiograph_however_it_lay_in_space(orientation, tmp_path):
    space = {"ImageOrientationPatient": orientation.split(), "ImagePositionPatient": [5.0, -7.0, 2.0]}
    path = a_dicom(tmp_path, a_picture().astype(np.uint16) * 16, PixelSpacing=[0.2, 0.3], **space)
    mask = a_picture() > 120
    write_mask(mask, path, tmp_path / "label.nrrd")
    source, label = sitk.ReadImage(str(path)), sitk.ReadImage(str(tmp_path / "label.nrrd"))
    assert label.GetDirection() == pytest.approx(source.GetDirection())
    assert label.GetOrigin() == pytest.approx(source.GetOrigin())
    assert np.array_equal(sitk.GetArrayFromImage(label)[0] > 0, mask)
    assert np.array_equal(read_mask(tmp_path / "label.nrrd", path), mask)


def test_a_mask_of_another_size_or_no_image_at_all_is_refused(tmp_path):
    path = the_file("a.png", tmp_path)
    Image.fromarray(np.ones((120, 81), np.uint8)).save(tmp_path / "label.png")
    with pytest.raises(InvalidInput, match="Expected a mask of 80 x 120 pixels, as the radiograph, got 81 x 120"):
        read_mask(tmp_path / "label.png", path)
    (tmp_path / "text.nrrd").write_text("hello")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_mask(tmp_path / "text.nrrd", path)
