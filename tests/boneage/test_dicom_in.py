"""Room 1 on DICOM files made on the spot."""

import contextlib
import io
import os
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from boneage.errors import UnreadableRadiograph
from boneage.radiograph import read_radiograph
from boneage.types import DicomIdentity, Laterality, Sex

NOT_HAND = Path(os.environ.get("BONEAGE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "not-hand"
DIGITAL_XRAY = "1.2.840.10008.5.1.4.1.1.1.1"


def hand() -> np.ndarray:
    """Draw bone-bright fingers of 12 bits, (120, 96) uint16."""
    y, x = np.mgrid[0:120, 0:96] / np.array([120, 96]).reshape(2, 1, 1)
    picture = 200.0 + 150.0 * x
    for centre in (0.25, 0.4, 0.55, 0.7):
        picture = np.where((abs(x - centre) < 0.06) & (y > 0.2), 1600, picture)
        picture = np.where((abs(x - centre) < 0.02) & (y > 0.22) & (y % 0.2 > 0.03), 3600, picture)
    return (picture + 30 * np.random.default_rng(0).standard_normal(picture.shape)).clip(1, 4094).astype(np.uint16)


def stretched(values: np.ndarray) -> np.ndarray:
    """Return what is expected where no window is named."""
    low, high = np.percentile(values, (0.1, 99.9))
    return ((values - low) / (high - low)).clip(0, 1)


def a_dataset(pixels: np.ndarray, bits: int, **tags) -> FileDataset:
    """Return a DX data set of `pixels`, explicit little endian; tags of None are left out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DIGITAL_XRAY
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.is_little_endian, dataset.is_implicit_VR = True, False
    dataset.PixelData = pixels.tobytes()
    values = {
        "SOPClassUID": DIGITAL_XRAY, "SOPInstanceUID": "1.2.3.4", "StudyInstanceUID": "1.2.3.2",
        "SeriesInstanceUID": "1.2.3.3", "Modality": "DX", "PhotometricInterpretation": "MONOCHROME2",
        "Rows": pixels.shape[0], "Columns": pixels.shape[1], "SamplesPerPixel": 1,
        "BitsAllocated": 8 * pixels.dtype.itemsize, "BitsStored": bits, "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"), "PatientName": "Secret^Name", "PatientID": "ID4711",
    } | tags  # fmt: skip
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelPaddingValue" in dataset:
        dataset["PixelPaddingValue"].VR = "SS" if dataset.PixelRepresentation else "US"
    return dataset


def a_dicom(folder: Path, pixels: np.ndarray | None = None, bits: int = 12, **tags) -> Path:
    """Write a DX file of `pixels` (the 12-bit hand if None)."""
    path = folder / "a.dcm"
    a_dataset(hand() if pixels is None else pixels, bits, **tags).save_as(path, write_like_original=False)
    return path


def refusal(path: Path) -> str:
    """Return what is said when a file is refused; never whose it is."""
    with pytest.raises(UnreadableRadiograph) as caught:
        read_radiograph(path)
    assert caught.value.advice
    assert not any(secret in str(caught.value) for secret in ("Secret", "4711"))
    return caught.value.message


def encoded(pixels: np.ndarray, kind: str, **options) -> bytes:
    """Encode pixels with Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless],
)
@pytest.mark.parametrize("bits", [8, 12])
def test_every_exact_transfer_syntax_gives_the_same_pixels(tmp_path, syntax, bits):
    pixels = hand() if bits == 12 else (hand() >> 4).astype(np.uint8)
    dataset = a_dataset(pixels, bits)
    if syntax == RLELossless:
        dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.is_little_endian = syntax != ExplicitVRBigEndian
    dataset.is_implicit_VR = syntax == ImplicitVRLittleEndian
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    dataset.save_as(tmp_path / "a.dcm", write_like_original=False)
    radiograph = read_radiograph(tmp_path / "a.dcm")
    np.testing.assert_allclose(radiograph.pixels, stretched(pixels), atol=0.01)
    np.testing.assert_array_equal(radiograph.pixels, read_radiograph(a_dicom(tmp_path, pixels, bits)).pixels)
    assert radiograph.pixels.dtype == np.float32
    assert radiograph.pixels.flags.c_contiguous


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_jpegs_give_the_pixels_of_an_uncompressed_file(tmp_path, syntax, bits):
    pixels = hand() if bits == 16 else (hand() >> 4).astype(np.uint8)
    if syntax == JPEGLSLossless:
        pytest.importorskip("pillow_jpls")
        stream = encoded(pixels, "JPEG-LS")
    else:
        stream = encoded(pixels, "JPEG2000", no_jp2=True, irreversible=False)
    expected = read_radiograph(a_dicom(tmp_path, pixels, bits)).pixels
    np.testing.assert_array_equal(
        read_radiograph(a_jpeg_dicom(tmp_path, stream, syntax, pixels, bits)).pixels, expected
    )


def a_jpeg_dicom(folder: Path, stream: bytes, syntax: str, pixels: np.ndarray, bits: int) -> Path:
    """Write a DX file with one encapsulated frame."""
    dataset = a_dataset(pixels, bits)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(folder / "jpeg.dcm", write_like_original=False)
    return folder / "jpeg.dcm"


def test_baseline_jpeg_comes_close(tmp_path):
    pixels = (hand() >> 4).astype(np.uint8)
    path = a_jpeg_dicom(tmp_path, encoded(pixels, "JPEG", quality=97), JPEGBaseline8Bit, pixels, 8)
    assert np.abs(read_radiograph(path).pixels - stretched(pixels)).mean() < 0.02


@pytest.mark.parametrize(("kind", "syntax"), [("JPEG", JPEGBaseline8Bit), ("JPEG2000", JPEG2000)])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.98])
def test_a_compressed_frame_without_its_end_is_refused_not_filled(tmp_path, kind, syntax, share):
    pixels = (hand() >> 4).astype(np.uint8)
    stream = encoded(pixels, kind, **({"no_jp2": True} if kind == "JPEG2000" else {}))
    path = a_jpeg_dicom(tmp_path, stream[: int(len(stream) * share)], syntax, pixels, 8)
    assert "cut off" in refusal(path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("is_rle", [False, True])
def test_a_cut_off_file_is_refused(tmp_path, share, is_rle):
    dataset = a_dataset(hand(), 12)
    if is_rle:
        dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "a.dcm", write_like_original=False)
    content = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(content[: int(len(content) * share)])
    assert refusal(tmp_path / "a.dcm")


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_file_without_preamble_or_suffix_is_known_by_its_content(tmp_path, syntax):
    dataset = a_dataset(hand(), 12)
    dataset.is_implicit_VR = syntax == ImplicitVRLittleEndian
    dataset.file_meta, dataset.preamble = FileMetaDataset(), None
    dataset.save_as(tmp_path / "IM0001", write_like_original=True)
    assert (tmp_path / "IM0001").read_bytes()[128:132] != b"DICM"
    np.testing.assert_allclose(read_radiograph(tmp_path / "IM0001").pixels, stretched(hand()), atol=0.01)


@pytest.mark.parametrize(
    "tags",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_dark_bone_that_the_file_declares_is_turned_exactly_once(tmp_path, tags):
    radiograph = read_radiograph(a_dicom(tmp_path, 4095 - hand(), **tags))
    np.testing.assert_allclose(radiograph.pixels, stretched(hand()), atol=0.01)
    assert not radiograph.was_inverted


def shown(tmp_path, **tags) -> np.ndarray:
    """Return the pixels shown for some tags."""
    return read_radiograph(a_dicom(tmp_path, **tags)).pixels


def test_a_linear_window_is_applied_as_the_standard_writes_it(tmp_path):
    expected = ((hand() - 1999.5) / 2999 + 0.5).clip(0, 1)
    np.testing.assert_allclose(shown(tmp_path, WindowCenter=2000, WindowWidth=3000), expected, atol=1e-5)


def test_linear_exact_and_sigmoid_windows_are_told_apart(tmp_path):
    window = {"WindowCenter": 2000, "WindowWidth": 3000}
    exact = ((hand() - 2000.0) / 3000 + 0.5).clip(0, 1)
    np.testing.assert_allclose(shown(tmp_path, VOILUTFunction="LINEAR_EXACT", **window), exact, atol=1e-5)
    sigmoid = 1 / (1 + np.exp(-4 * (hand() - 2000.0) / 3000))
    np.testing.assert_allclose(shown(tmp_path, VOILUTFunction="SIGMOID", **window), sigmoid, atol=1e-5)


def test_the_first_of_several_windows_counts(tmp_path):
    several = shown(tmp_path, WindowCenter=[2000, 300], WindowWidth=[3000, 50])
    np.testing.assert_array_equal(several, shown(tmp_path, WindowCenter=2000, WindowWidth=3000))


def test_rescaling_comes_before_the_window(tmp_path):
    tags = {"RescaleSlope": "0.5", "RescaleIntercept": "-100", "WindowCenter": 900, "WindowWidth": 1500}
    expected = ((hand() * 0.5 - 100 - 899.5) / 1499 + 0.5).clip(0, 1)
    np.testing.assert_allclose(shown(tmp_path, **tags), expected, atol=1e-5)


def a_lut(function, first: int = 0) -> Dataset:
    """Return an item of a LUT sequence with 4096 entries of 12 bits."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, first, 12])
    item.add_new("LUTData", "US", [int(function(value)) for value in range(4096)])
    return item


def test_a_voi_lut_is_preferred_to_a_window(tmp_path):
    lut = a_lut(lambda value: value**2 / 4095)
    pixels = shown(tmp_path, VOILUTSequence=[lut], WindowCenter=1, WindowWidth=2)
    np.testing.assert_allclose(pixels, np.floor(hand() ** 2.0 / 4095) / 4095, atol=1e-5)


def test_a_modality_lut_replaces_the_rescaling(tmp_path):
    lut = a_lut(lambda value: 4095 - value)
    pixels = shown(
        tmp_path, ModalityLUTSequence=[lut], WindowCenter=2048, WindowWidth=4096, PresentationLUTShape="INVERSE"
    )
    np.testing.assert_allclose(pixels, hand() / 4095, atol=1e-3)


@pytest.mark.parametrize(
    ("centre", "width"), [(-50000, 100), (2000, 0), (2000, -5), (2000, 10**9), (60000, 2), (1000, 1)]
)
def test_an_absurd_window_is_ignored_with_a_warning(tmp_path, centre, width):
    radiograph = read_radiograph(a_dicom(tmp_path, WindowCenter=centre, WindowWidth=width))
    assert "window" in radiograph.warnings[0]
    np.testing.assert_allclose(radiograph.pixels, stretched(hand()), atol=0.01)


def test_signed_pixels_are_read_as_signed(tmp_path):
    pixels = hand().astype(np.int16) - 2048
    radiograph = read_radiograph(a_dicom(tmp_path, pixels, 12))
    np.testing.assert_allclose(radiograph.pixels, stretched(pixels), atol=0.01)


def test_overlay_bits_above_the_stored_value_are_cut_off(tmp_path):
    dataset = a_dataset(hand() | (np.eye(120, 96, dtype=np.uint16) << 12), 12)
    dataset.add_new((0x6000, 0x0102), "US", 12)
    dataset.save_as(tmp_path / "a.dcm", write_like_original=False)
    np.testing.assert_allclose(read_radiograph(tmp_path / "a.dcm").pixels, stretched(hand()), atol=0.01)


def test_values_above_the_declared_bits_are_kept_with_a_warning(tmp_path):
    radiograph = read_radiograph(a_dicom(tmp_path, hand(), 10))
    assert "above the 10 bits" in radiograph.warnings[0]
    np.testing.assert_allclose(radiograph.pixels, stretched(hand()), atol=0.01)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_dark_and_does_not_count_for_the_grey_scale(tmp_path, photometric):
    pixels = hand() if photometric == "MONOCHROME2" else 4095 - hand()
    pixels[:, :10] = 0
    path = a_dicom(tmp_path, pixels, 12, PixelPaddingValue=0, PhotometricInterpretation=photometric)
    radiograph = read_radiograph(path)
    assert radiograph.pixels[:, :10].max() == 0
    np.testing.assert_allclose(radiograph.pixels[:, 10:], stretched(hand()[:, 10:]), atol=0.01)


def test_bone_that_is_plainly_dark_is_turned_against_the_tag(tmp_path):
    rows, columns = np.mgrid[0:300, 0:240]
    big = hand()[rows * 120 // 300, columns * 96 // 240]
    radiograph = read_radiograph(a_dicom(tmp_path, 4095 - big))
    assert radiograph.was_inverted
    assert "inverted" in radiograph.warnings[-1]
    np.testing.assert_allclose(radiograph.pixels, stretched(big), atol=0.01)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15)),
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.3, 0.3]}, (0.2, 0.1)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.3, 0.3]}, (0.3, 0.3)),
        ({"PixelSpacing": [-0.1, 0.1]}, None),
        ({"PixelSpacing": [25.4, 25.4]}, None),
        ({"PixelSpacing": 0.1}, None),
        ({}, None),
    ],
)
def test_pixel_spacing_is_row_then_column_and_never_absurd(tmp_path, tags, expected):
    radiograph = read_radiograph(a_dicom(tmp_path, **tags))
    assert radiograph.pixel_spacing_mm == expected
    assert radiograph.pixel_aspect == pytest.approx(expected[0] / expected[1] if expected else 1.0)


def test_an_aspect_ratio_without_spacing_is_kept(tmp_path):
    radiograph = read_radiograph(a_dicom(tmp_path, PixelAspectRatio=[3, 2]))
    assert radiograph.pixel_spacing_mm is None
    assert radiograph.pixel_aspect == pytest.approx(1.5)


@pytest.mark.parametrize(("said", "sex"), [("M", Sex.MALE), ("F", Sex.FEMALE), ("O", None), ("", None), (None, None)])
def test_sex_is_read_and_never_guessed(tmp_path, said, sex):
    radiograph = read_radiograph(a_dicom(tmp_path, PatientSex=said))
    assert radiograph.sex is sex
    assert radiograph.sex_source == ("DICOM" if sex else "")


@pytest.mark.parametrize(
    ("tags", "months", "words"),
    [
        ({"PatientBirthDate": "20100301", "AcquisitionDate": "20200301"}, 120.0, ""),
        ({"PatientBirthDate": "20100301", "StudyDate": "20200301", "PatientAge": "010Y"}, 120.0, ""),
        ({"PatientBirthDate": "20100301", "AcquisitionDate": "20200301", "PatientAge": "020M"}, 120.0, "PatientAge 20"),
        ({"PatientBirthDate": "20210301", "AcquisitionDate": "20200301", "PatientAge": "126M"}, 126.0, "not used"),
        ({"PatientBirthDate": "garbage", "AcquisitionDate": "20200301", "PatientAge": "009Y"}, 108.0, "whole years"),
        ({"PatientAge": "126M"}, 126.0, ""),
        ({"PatientAge": "12"}, None, ""),
        ({"PatientBirthDate": "20100301"}, None, ""),
        ({}, None, ""),
    ],
)
def test_age_comes_from_the_dates_or_else_from_the_age_string(tmp_path, tags, months, words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = a_dicom(tmp_path, **tags)
    radiograph = read_radiograph(path)
    assert radiograph.chronological_age_months == (None if months is None else pytest.approx(months, abs=0.1))
    assert radiograph.age_source == ("" if months is None else "DICOM")
    assert bool(radiograph.warnings) == bool(words)
    assert words in " ".join(radiograph.warnings)


def test_a_damaged_birth_date_is_not_printed(tmp_path, capfd, recwarn):
    with contextlib.suppress(UnreadableRadiograph), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = a_dicom(tmp_path, PatientBirthDate="2010-SECRET", PatientAge="SECRET")
    recwarn.clear()
    read_radiograph(path)
    assert not recwarn.list
    assert "SECRET" not in "".join(capfd.readouterr())


def test_dates_sides_and_uids_are_carried_over(tmp_path):
    radiograph = read_radiograph(
        a_dicom(tmp_path, AcquisitionDate="20200315", StudyDate="20200101", ImageLaterality="L")
    )
    assert radiograph.acquisition_date == date(2020, 3, 15)
    assert radiograph.laterality is Laterality.LEFT
    assert radiograph.identity == DicomIdentity("1.2.3.2", "1.2.3.3", "1.2.3.4", DIGITAL_XRAY)


def test_contradicting_sides_are_unknown(tmp_path):
    radiograph = read_radiograph(a_dicom(tmp_path, ImageLaterality="L", Laterality="R"))
    assert radiograph.laterality is None
    assert "different sides" in radiograph.warnings[0]


@pytest.mark.parametrize("modality", ["CR", "DX", "RG", "OT", "", None])
def test_projection_radiographs_are_accepted(tmp_path, modality):
    assert read_radiograph(a_dicom(tmp_path, Modality=modality)).pixels.shape == (120, 96)


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "MG"])
def test_other_modalities_are_refused(tmp_path, modality):
    assert f"got modality '{modality}'" in refusal(a_dicom(tmp_path, Modality=modality))


def test_several_frames_are_refused(tmp_path):
    assert "got 2" in refusal(a_dicom(tmp_path, np.vstack([hand(), hand()]), Rows=120, NumberOfFrames=2))


def test_a_file_without_a_picture_is_refused(tmp_path):
    dataset = a_dataset(hand(), 12, Rows=None)
    del dataset.PixelData
    dataset.save_as(tmp_path / "a.dcm", write_like_original=False)
    assert "no picture" in refusal(tmp_path / "a.dcm")


def test_an_absurd_size_is_refused_before_decoding(tmp_path):
    assert "million" in refusal(a_dicom(tmp_path, Rows=40000))
    assert "at least 64" in refusal(a_dicom(tmp_path, hand()[:20]))


def test_a_blank_picture_is_refused(tmp_path):
    assert "blank" in refusal(a_dicom(tmp_path, np.full((120, 96), 700, np.uint16)))


def test_grey_rgb_is_accepted_and_colour_refused(tmp_path):
    grey = (hand() >> 4).astype(np.uint8)
    colour = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "Modality": "SC"}
    radiograph = read_radiograph(a_dicom(tmp_path, np.dstack([grey] * 3), 8, **colour))
    np.testing.assert_allclose(radiograph.pixels, grey / 255, atol=1e-5)
    photograph = np.dstack([grey, np.roll(grey, 30, axis=1), np.roll(grey, 30, axis=0)])
    assert "colours" in refusal(a_dicom(tmp_path, photograph, 8, **colour))
    palette = {"PhotometricInterpretation": "PALETTE COLOR"}
    assert "PALETTE COLOR" in refusal(a_dicom(tmp_path, **palette))


def test_an_unknown_transfer_syntax_is_named(tmp_path):
    path = a_jpeg_dicom(tmp_path, b"\x00\x00\x01\xb3", "1.2.840.10008.1.2.4.100", hand(), 12)
    assert refusal(path)


@pytest.mark.skipif(not NOT_HAND.is_dir(), reason="needs the public DICOM test files; set BONEAGE_DATA")
@pytest.mark.parametrize(
    ("name", "shape", "spacing"),
    [
        ("Monochrome1-Jpeg.dcm", (2446, 2010), (0.175, 0.175)),
        ("RG2_JPLL.dcm", (2140, 1760), (0.2, 0.2)),
        ("RG3_J2KR.dcm", (1760, 1760), None),
    ],
)
def test_real_compressed_files_are_read(name, shape, spacing):
    radiograph = read_radiograph(NOT_HAND / name)
    assert radiograph.pixels.shape == shape
    assert radiograph.pixel_spacing_mm == spacing
    assert not radiograph.was_inverted


def test_pydicom_settings_are_left_as_they_were(tmp_path):
    before = pydicom.config.settings.reading_validation_mode
    read_radiograph(a_dicom(tmp_path))
    assert pydicom.config.settings.reading_validation_mode == before
