"""The rule that tells bright bone from dark bone; its measured error rates stand in the module."""

import os
from pathlib import Path

import numpy as np
import pytest

from boneage.polarity import looks_inverted

DATA = Path(os.environ.get("BONEAGE_DATA", Path(__file__).parents[3] / "shared" / "data"))
RADIOGRAPHS = DATA / "rsna" / "boneage-training-dataset"


def fingers(size: int = 200) -> np.ndarray:
    """Draw bright fingers with brighter bones on dark, slightly uneven ground; (size, size) float32."""
    y, x = np.mgrid[0:size, 0:size] / size
    picture = 0.05 + 0.05 * x
    for centre in (0.25, 0.4, 0.55, 0.7):
        picture = np.where((abs(x - centre) < 0.04) & (y > 0.2), 0.4, picture)
        picture = np.where((abs(x - centre) < 0.015) & (y > 0.22) & (y % 0.2 > 0.02), 0.9, picture)
    return (picture + 0.01 * np.random.default_rng(1).standard_normal(picture.shape)).astype(np.float32)


def test_bright_bone_on_dark_ground_does_not_look_inverted():
    assert looks_inverted(fingers()) < 0.25


def test_an_inversion_turns_the_answer_round():
    assert looks_inverted(1 - fingers()) == pytest.approx(1 - looks_inverted(fingers()), abs=1e-3)


@pytest.mark.parametrize("padding", [0.0, 1.0])
@pytest.mark.parametrize("inverted", [False, True])
def test_black_or_white_padding_does_not_change_the_answer(padding, inverted):
    picture = 1 - fingers() if inverted else fingers()
    padded = np.pad(picture, ((0, 0), (90, 60)), constant_values=padding)
    assert (looks_inverted(padded) > 0.5) is inverted


@pytest.mark.parametrize(("ground", "inverted"), [(0.0, False), (1.0, False), (1.0, True)])
def test_the_ground_beside_a_tilted_collimator_does_not_change_the_answer(ground, inverted):
    picture = 1 - fingers() if inverted else fingers()
    y, x = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    inside = (abs(0.97 * x - 0.26 * y) < 0.8) & (abs(0.26 * x + 0.97 * y) < 0.9)
    assert (looks_inverted(np.where(inside, picture, ground)) > 0.5) is inverted


def test_scale_and_offset_do_not_matter():
    assert looks_inverted(fingers() * 0.2 + 0.3) == pytest.approx(looks_inverted(fingers()), abs=1e-3)


@pytest.mark.skipif(not RADIOGRAPHS.is_dir(), reason="needs the RSNA copy; set BONEAGE_DATA")
def test_few_real_radiographs_are_mistaken():
    from PIL import Image

    files = sorted(RADIOGRAPHS.glob("*.jpg"))[::100]
    wrong = sum(looks_inverted(np.asarray(Image.open(file).convert("L")) / 255) > 0.5 for file in files)
    assert wrong <= len(files) * 0.015
