import cv2
import numpy as np
import pytest
from builders import a_hand, a_hand_mask, a_radiograph
from scipy.ndimage import gaussian_filter

from boneage.errors import UnreadableHand
from boneage.legibility import MOST_BLOCKS, legibility

ROWS, COLUMNS = 240, 160
RNG = np.random.default_rng(7)


def a_film(rows=ROWS, columns=COLUMNS):
    """Make a hand with a marker beside it."""
    film = gaussian_filter(a_radiograph(rows, columns).pixels, 0.5)
    film[: rows // 10, : columns // 10] = 1.0
    return film


def seen(pixels):
    rows, columns = pixels.shape
    return legibility(pixels.astype(np.float32), a_hand_mask(rows, columns), a_hand(rows, columns).pose, 1.0)


def doubt(pixels):
    [doubt] = seen(pixels).doubts()
    return doubt


def compressed(pixels, quality):
    _, file = cv2.imencode(".jpg", np.uint8(255 * pixels), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


@pytest.mark.parametrize("strange", [lambda film: film, lambda film: 0.3 * film, lambda film: compressed(film, 90)])
def test_a_film_as_it_comes_faint_or_lightly_compressed_is_not_doubted(strange):
    assert seen(strange(a_film())).doubts() == []


@pytest.mark.parametrize(("grey", "lost"), [("white", 1.0), ("black", 0.0)])
def test_bone_lost_in_white_or_black_is_told_with_its_share(grey, lost):
    film, mask = a_film(), a_hand_mask(ROWS, COLUMNS)
    palm = np.s_[round(0.55 * ROWS) : round(0.7 * ROWS)]
    film[palm][mask[palm]] = lost
    assert getattr(seen(film), grey) == pytest.approx(mask[palm].sum() / mask.sum(), abs=0.05)
    assert doubt(film).endswith(f"% of the hand the film is plain {grey}: bone may be lost there.")


def test_a_hand_that_is_mostly_white_is_refused():
    film = a_film()
    film[np.s_[: round(0.5 * ROWS)]] = 1.0
    seen(film).check()
    with pytest.raises(UnreadableHand, match="In 100% of the hand the film is plain white"):
        seen(np.where(a_hand_mask(ROWS, COLUMNS), 1.0, a_film())).check()


def test_a_hand_that_is_all_black_is_not_also_called_blurred():
    film = a_film()
    film[a_hand_mask(ROWS, COLUMNS)] = 0.0
    assert "plain black" in doubt(film)


def test_noise_is_measured_against_the_contrast_of_the_hand():
    noise = RNG.normal(0, 0.03, (ROWS, COLUMNS))
    assert doubt(a_film() + noise).startswith("The film is noisy")
    bright, faint = seen(a_film() + noise), seen(0.5 * a_film() + noise)
    assert faint.noise > 1.5 * bright.noise


def test_noise_between_pixels_too_small_for_the_regressor_does_not_count():
    noise = RNG.normal(0, 0.03, (ROWS, COLUMNS))
    fine = RNG.normal(0, 0.03, (4 * ROWS, 4 * COLUMNS))
    large = cv2.resize(a_film(), None, fx=4, fy=4) + fine
    assert seen(large).noise < 0.6 * seen(a_film() + noise).noise


def test_a_blurred_film_is_told():
    assert doubt(gaussian_filter(a_film(), 3)).startswith("The film is blurred")


def test_a_strongly_compressed_film_is_told():
    assert doubt(compressed(a_film(), 8)).startswith("Fine detail of the film is lost")


def test_without_a_hand_nothing_is_said():
    assert legibility(a_film(), np.zeros((ROWS, COLUMNS), bool), a_hand(ROWS, COLUMNS).pose, 1.0) is None


@pytest.mark.parametrize("quality", [90, 20])
def test_blocks_of_compression_are_seen_whatever_grain_lies_over_them(quality):
    noise = RNG.normal(0, 0.004, (ROWS, COLUMNS))
    blocks = seen(compressed(a_film() + noise, quality) + noise).blocks
    assert blocks < 0.6 if quality == 90 else blocks > MOST_BLOCKS


def test_one_edge_where_a_block_ends_is_no_compression():
    film = a_film()
    film[:, 80:] *= 0.5
    assert seen(film).blocks == pytest.approx(seen(a_film()).blocks, abs=0.1)
