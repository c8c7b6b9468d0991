import cv2
import numpy as np
import pytest

from boneage.geometry import letterbox, move
from boneage.imaging import cut, stretched


def a_blob(rows, columns, x, y, sigma):
    """Make a soft spot around (x, y); pixel centres are at whole numbers."""
    row, column = np.mgrid[0:rows, 0:columns]
    return np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2)).astype(np.float32)


def centre_of(pixels):
    row, column = np.mgrid[0 : pixels.shape[0], 0 : pixels.shape[1]]
    return np.array([(pixels * column).sum(), (pixels * row).sum()]) / pixels.sum()


def test_the_identity_changes_nothing():
    pixels = np.random.default_rng(0).random((20, 30), np.float32)
    assert cut(pixels, np.eye(3)[:2], 20, 30) == pytest.approx(pixels, abs=1e-6)


@pytest.mark.parametrize("side", [400, 130, 64, 33])
def test_a_point_is_found_where_the_transform_says_at_every_reduction(side):
    pixels = a_blob(300, 200, 80.3, 170.8, 9.0)
    to_square = letterbox(pixels.shape, 1.0, side)
    assert centre_of(cut(pixels, to_square, side, side)) == pytest.approx(
        move(np.array((80.3, 170.8)), to_square), abs=0.06
    )


def test_a_squashed_picture_is_reduced_along_one_side_only_and_keeps_its_points():
    pixels = a_blob(300, 300, 140.0, 90.0, 14.0)
    transform = np.array([[0.9, 0.0, 2.0], [0.0, 0.3, 5.0]])
    assert centre_of(cut(pixels, transform, 100, 280)) == pytest.approx((0.9 * 140 + 2, 0.3 * 90 + 5), abs=0.06)


def test_a_cut_does_not_depend_on_how_many_pixels_the_file_has():
    small = a_blob(160, 120, 50.0, 80.0, 10.0)
    large = cv2.resize(small, (1200, 1600), interpolation=cv2.INTER_CUBIC)
    pieces = [cut(pixels, letterbox(pixels.shape, 1.0, 64), 64, 64) for pixels in (small, large)]
    assert np.abs(pieces[0] - pieces[1]).max() < 0.03


def test_fine_stripes_become_grey_instead_of_false_patterns():
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (400, 200))
    piece = cut(stripes, letterbox(stripes.shape, 1.0, 37), 37, 37)
    assert piece[5:-5, 5:-5] == pytest.approx(0.5, abs=0.06)


def test_outside_of_the_radiograph_is_the_fill():
    piece = cut(np.zeros((10, 10), np.float32), np.array([[1.0, 0.0, 20.0], [0.0, 1.0, 0.0]]), 10, 40, fill=0.7)
    assert piece[:, :18] == pytest.approx(0.7)
    assert piece[:, 21:29] == pytest.approx(0.0)


def test_stretching_brings_any_contrast_to_one_range():
    pixels = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    assert stretched(pixels) == pytest.approx(stretched(0.2 + 0.3 * pixels), abs=1e-4)
    assert (stretched(pixels).min(), stretched(pixels).max()) == (0.0, 1.0)
    assert stretched(pixels).dtype == np.float32


def test_a_blank_picture_stays_blank_when_stretched():
    assert not stretched(np.full((20, 20), 0.4, np.float32)).any()
