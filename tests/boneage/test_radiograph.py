"""Room 1 on PNG, TIFF, JPEG, NIfTI and NRRD files made on the spot."""

import gzip
import os
import subprocess
import sys
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image, ImageFile

from boneage.errors import UnreadableRadiograph
from boneage.radiograph import (
    is_probably_radiograph_file,
    months_between,
    months_from_dicom_age,
    read_radiograph,
)


def hand(rows: int = 120, columns: int = 90) -> np.ndarray:
    """Draw a crude bone-bright hand, (rows, columns) uint8: five fingers with bright bones on a palm, dark air."""
    y, x = np.mgrid[0:rows, 0:columns] / np.array([rows, columns]).reshape(2, 1, 1)
    picture = 12.0 + 6.0 * x
    for centre in (0.2, 0.35, 0.5, 0.65, 0.8):
        picture = np.where((abs(x - centre) < 0.05) & (y > 0.15) & (y < 0.6), 90, picture)
        picture = np.where((abs(x - centre) < 0.02) & (y > 0.17) & (y % 0.15 > 0.02) & (y < 0.8), 200, picture)
    picture = np.where((abs(x - 0.5) < 0.33) & (y >= 0.6) & (y < 0.85) & (picture < 150), 110, picture)
    picture = np.where((abs(x - 0.5) < 0.12) & (y >= 0.85), 160, picture)
    return (picture + 3 * np.random.default_rng(0).standard_normal(picture.shape)).clip(0, 255).astype(np.uint8)


def saved(path: Path, picture: np.ndarray | Image.Image, **options) -> Path:
    """Save a picture with Pillow."""
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def refusal(path: Path) -> str:
    """Return what is said when a file is refused."""
    with pytest.raises(UnreadableRadiograph) as caught:
        read_radiograph(path)
    assert caught.value.advice
    return caught.value.message


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "no_suffix"])
def test_an_8_bit_grey_picture_is_divided_by_255(tmp_path, name):
    path = saved(tmp_path / name, hand(), format="PNG" if "." not in name else None)
    radiograph = read_radiograph(path)
    np.testing.assert_allclose(radiograph.pixels, hand() / 255, atol=1e-6)
    assert radiograph.pixels.dtype == np.float32
    assert radiograph.pixels.flags.c_contiguous
    assert radiograph.source == path
    assert not radiograph.was_inverted


def test_a_jpeg_comes_close_to_its_original(tmp_path):
    pixels = read_radiograph(saved(tmp_path / "a.jpg", hand(), quality=95)).pixels
    assert np.abs(pixels - hand() / 255).mean() < 0.02


def in_mode(mode: str) -> Image.Image:
    """Return the hand in a Pillow mode."""
    grey = Image.fromarray(hand())
    if mode == "palette":
        return grey.convert("P")
    return grey.convert(mode)


@pytest.mark.parametrize("mode", ["LA", "RGB", "RGBA", "palette"])
def test_grey_in_other_clothes_is_still_grey(tmp_path, mode):
    radiograph = read_radiograph(saved(tmp_path / "a.png", in_mode(mode)))
    np.testing.assert_allclose(radiograph.pixels, hand() / 255, atol=1e-6)


def test_one_bit_pictures_are_black_and_white(tmp_path):
    pixels = read_radiograph(saved(tmp_path / "a.png", Image.fromarray(hand() > 60))).pixels
    assert set(np.unique(pixels)) == {0.0, 1.0}


def test_transparent_pixels_become_black(tmp_path):
    alpha = np.full(hand().shape, 255, np.uint8)
    alpha[-10:] = 0
    pixels = read_radiograph(saved(tmp_path / "a.png", np.dstack([hand(), alpha]))).pixels
    assert pixels[-10:].max() == 0
    assert pixels[:-10].max() > 0.5


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_12_bits_in_a_16_bit_picture_are_stretched_to_the_whole_scale(tmp_path, suffix):
    deep = hand().astype(np.uint16) * 16
    pixels = read_radiograph(saved(tmp_path / f"a{suffix}", deep)).pixels
    assert pixels.min() == 0
    assert pixels.max() == 1
    assert np.corrcoef(pixels.ravel(), deep.ravel())[0, 1] > 0.999


def test_a_float_tiff_is_stretched_and_nan_in_it_is_refused(tmp_path):
    deep = hand().astype(np.float32) * 1e4
    assert read_radiograph(saved(tmp_path / "a.tif", deep)).pixels.max() == 1
    deep[3, 3] = np.nan
    assert "NaN" in refusal(saved(tmp_path / "b.tif", deep))


def deep_tiff_with_white_zero(path: Path) -> Path:
    """Write a 16-bit TIFF by hand whose Photometric Interpretation says that 0 is white."""
    values = 65535 - hand().astype("<u2") * 257
    rows, columns = values.shape
    tags = {256: columns, 257: rows, 258: 16, 259: 1, 262: 0, 273: 8, 277: 1, 278: rows, 279: values.nbytes}
    ifd = len(tags).to_bytes(2, "little")
    for tag, value in tags.items():
        ifd += tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
    path.write_bytes(b"II*\0" + (8 + values.nbytes).to_bytes(4, "little") + values.tobytes() + ifd + bytes(4))
    return path


def test_a_16_bit_tiff_whose_zero_is_white_is_turned_without_a_word(tmp_path):
    radiograph = read_radiograph(deep_tiff_with_white_zero(tmp_path / "a.tif"))
    assert not radiograph.was_inverted
    assert np.corrcoef(radiograph.pixels.ravel(), hand().ravel())[0, 1] > 0.999


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_exif_orientation_is_honoured(tmp_path, suffix):
    exif = Image.Exif()
    exif[274] = 6  # turn a quarter clockwise to show
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(hand())))
    pixels = read_radiograph(saved(tmp_path / f"a{suffix}", stored, exif=exif)).pixels
    assert pixels.shape == hand().shape
    assert np.abs(pixels - hand() / 255).mean() < 0.03


def test_print_resolution_is_no_pixel_spacing(tmp_path):
    radiograph = read_radiograph(saved(tmp_path / "a.png", hand(), dpi=(300, 150)))
    assert radiograph.pixel_spacing_mm is None
    assert radiograph.pixel_aspect == 1.0


def test_an_inverted_picture_is_turned_and_says_so(tmp_path):
    radiograph = read_radiograph(saved(tmp_path / "a.png", 255 - hand()))
    assert radiograph.was_inverted
    assert "inverted" in radiograph.warnings[0]
    np.testing.assert_allclose(radiograph.pixels, hand() / 255, atol=1e-6)


def test_a_tinted_scan_becomes_grey_with_a_warning(tmp_path):
    tinted = (hand()[..., None] * np.array([0.75, 0.9, 1.0])).astype(np.uint8)
    radiograph = read_radiograph(saved(tmp_path / "a.png", tinted))
    assert "tinted" in radiograph.warnings[0]
    assert np.corrcoef(radiograph.pixels.ravel(), hand().ravel())[0, 1] > 0.999


def test_a_colour_photograph_is_refused(tmp_path):
    colours = np.dstack([hand(), np.roll(hand(), 20, axis=1), np.roll(hand(), 40, axis=0)])
    assert "colours" in refusal(saved(tmp_path / "a.jpg", colours))


def test_a_missing_file_is_named(tmp_path):
    assert "nothing.png" in refusal(tmp_path / "nothing.png")


def test_a_folder_is_refused(tmp_path):
    assert "folder" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = saved(tmp_path / "a.png", hand())
    path.chmod(0)
    assert "permission" in refusal(path)


def test_permission_errors_are_translated(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", hand())
    monkeypatch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(PermissionError("no")))
    assert "permission" in refusal(path)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.png").touch()
    assert "0 bytes" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"hello, this is text", b"%PDF-1.4" + bytes(500), bytes(1000)])
def test_what_is_no_picture_is_refused_whatever_its_name(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert "Expected a DICOM, PNG" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".nii", ".nii.gz", ".nrrd"])
def test_a_truncated_file_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"a{suffix}"
    if suffix in (".png", ".jpg", ".tif"):
        saved(path, hand(240, 180))
    else:
        sitk.WriteImage(sitk.GetImageFromArray(hand(240, 180)), str(path))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert refusal(path)


def test_a_truncated_picture_is_refused_even_if_another_package_allowed_them(tmp_path, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    path = saved(tmp_path / "a.jpg", hand(240, 180))
    path.write_bytes(path.read_bytes()[:3000])
    assert "cut off" in refusal(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize("shape", [(63, 500), (500, 10)])
def test_a_picture_too_small_for_a_hand_is_refused(tmp_path, shape):
    assert f"at least 64 pixels a side, got {shape[1]} x {shape[0]}" in refusal(saved(tmp_path / "a.png", hand(*shape)))


@pytest.mark.parametrize(("columns", "rows"), [(15001, 64), (14000, 14000), (60000, 60000)])
def test_an_absurdly_large_picture_is_refused_before_it_is_decoded(tmp_path, columns, rows):
    path = saved(tmp_path / "a.png", hand())
    content = bytearray(path.read_bytes())
    content[16:24] = columns.to_bytes(4, "big") + rows.to_bytes(4, "big")
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "million" in refusal(path)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_is_refused(tmp_path, value):
    blank = np.full((100, 100), value, np.uint8)
    blank[5, 5] = 77
    assert "blank" in refusal(saved(tmp_path / "a.png", blank))


def test_several_pages_are_refused(tmp_path):
    path = saved(tmp_path / "a.tif", hand(), save_all=True, append_images=[Image.fromarray(hand())])
    assert "got 2 pages" in refusal(path)


def as_image(values: np.ndarray, spacing=(0.2, 0.1)) -> sitk.Image:
    """Return a SimpleITK image with (row, column) spacing."""
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((spacing[1], spacing[0], 1.0)[: image.GetDimension()])
    return image


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_one_slice_keeps_its_rows_columns_and_spacing(tmp_path, suffix, dimensions):
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(as_image(hand() if dimensions == 2 else hand()[None]), str(path))
    radiograph = read_radiograph(path)
    np.testing.assert_allclose(radiograph.pixels, hand() / 255, atol=1e-6)
    assert radiograph.pixel_spacing_mm == pytest.approx((0.2, 0.1))
    assert radiograph.pixel_aspect == pytest.approx(2.0)
    assert radiograph.warnings == ()


def test_a_slice_stored_upside_down_is_shown_as_viewers_show_it(tmp_path):
    image = as_image(hand()[None, ::-1].copy())
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, -1))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    radiograph = read_radiograph(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(radiograph.pixels, hand() / 255, atol=1e-6)
    assert "turned" in radiograph.warnings[0]


def test_a_coronal_slice_has_the_head_at_the_top(tmp_path):
    image = as_image(hand()[::-1][:, None].copy(), (1.0, 1.0))
    image.SetSpacing((0.1, 1.0, 0.2))
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    radiograph = read_radiograph(tmp_path / "a.nii.gz")
    np.testing.assert_allclose(radiograph.pixels, hand() / 255, atol=1e-6)
    assert radiograph.pixel_spacing_mm == pytest.approx((0.2, 0.1))


def test_a_spacing_of_exactly_one_is_a_default_and_not_believed(tmp_path):
    sitk.WriteImage(as_image(hand(), (1.0, 1.0)), str(tmp_path / "a.nrrd"))
    assert read_radiograph(tmp_path / "a.nrrd").pixel_spacing_mm is None


def test_several_slices_are_refused(tmp_path):
    sitk.WriteImage(as_image(np.stack([hand()] * 3)), str(tmp_path / "a.nii.gz"))
    assert "one slice, got 90 x 120 x 3" in refusal(tmp_path / "a.nii.gz")


def test_a_colour_volume_is_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.dstack([hand()] * 3), isVector=True), str(tmp_path / "a.nrrd"))
    assert "got 3" in refusal(tmp_path / "a.nrrd")


def test_a_header_that_points_to_another_file_is_refused(tmp_path):
    sitk.WriteImage(as_image(hand()), str(tmp_path / "a.nhdr"))
    assert "points to another" in refusal(tmp_path / "a.nhdr")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd"])
def test_a_few_pixels_that_are_not_finite_become_dark_and_many_are_refused(tmp_path, suffix):
    values = hand().astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    sitk.WriteImage(as_image(values), str(tmp_path / f"a{suffix}"))
    radiograph = read_radiograph(tmp_path / f"a{suffix}")
    assert "3 pixels" in radiograph.warnings[0]
    assert radiograph.pixels[0, :3].max() == 0
    values[:50] = np.nan
    sitk.WriteImage(as_image(values), str(tmp_path / f"b{suffix}"))
    assert f"{50 * 90} of {values.size}" in refusal(tmp_path / f"b{suffix}")


def test_a_gzipped_text_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"no picture at all" * 50))
    assert "Expected a DICOM" in refusal(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(
    ("age", "months"), [("126M", 126.0), ("010Y", 120.0), ("052W", 11.96), ("365D", 11.99), (" 126M", 126.0)]
)
def test_an_age_string_becomes_months(age, months):
    assert months_from_dicom_age(age) == pytest.approx(months, abs=0.01)


@pytest.mark.parametrize("age", ["", "126", "12Y", "10.5Y", "126m", "-10Y", "abcY"])
def test_what_is_no_age_string_is_refused(age):
    with pytest.raises(UnreadableRadiograph, match="three digits"):
        months_from_dicom_age(age)


def test_months_between_two_dates():
    assert months_between(date(2010, 3, 1), date(2020, 3, 1)) == pytest.approx(120.0, abs=0.05)
    with pytest.raises(UnreadableRadiograph, match="31 days before"):
        months_between(date(2010, 2, 1), date(2010, 1, 1))


@pytest.mark.parametrize(
    "name", ["a.png", "b.JPG", "c.jpeg", "d.tif", "e.tiff", "f.nii", "g.nii.gz", "h.nrrd", "i.dcm", "j.DICOM"]
)
def test_a_folder_run_tries_files_by_their_ending(tmp_path, name):
    (tmp_path / name).touch()
    assert is_probably_radiograph_file(tmp_path / name)


@pytest.mark.parametrize("name", ["IM00001", "1.2.840.10008.5.1"])
def test_a_folder_run_tries_nameless_dicom_files(tmp_path, name):
    (tmp_path / name).write_bytes(bytes(128) + b"DICM" + bytes(300))
    assert is_probably_radiograph_file(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "b.gz", "README", ".hidden.png", "c.txt", "1.2.3"])
def test_a_folder_run_passes_over_other_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"text" * 100)
    assert not is_probably_radiograph_file(tmp_path / name)


def test_a_folder_is_no_radiograph_file(tmp_path):
    (tmp_path / "a.png").mkdir()
    assert not is_probably_radiograph_file(tmp_path / "a.png")


def test_importing_the_room_loads_no_image_library():
    code = (
        "import sys, boneage.radiograph; "
        "print([name for name in ('PIL', 'pydicom', 'SimpleITK', 'scipy', 'torch') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
