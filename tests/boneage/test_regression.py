from dataclasses import replace

import numpy as np
import pytest
from builders import a_hand, a_hand_mask, a_radiograph

from boneage import regression
from boneage.frames import AGE_FRAME
from boneage.models import ModelFile
from boneage.regression import LOOKS, BoneAgeRegressor, age_view
from boneage.runtime import EXAMPLE_SHAPES, example_shapes
from boneage.spread import KNOTS
from boneage.training.model_card import metadata
from boneage.types import Sex

MONTHS = np.arange(240)


def a_gaussian(mean, sd):
    return (-0.5 * ((MONTHS - mean) / sd) ** 2).astype(np.float32)


def a_model(tmp_path, **card):
    return ModelFile("bone_age_regressor", "1.0.0", "0" * 64, tmp_path / "none", card)


@pytest.fixture
def a_regressor(monkeypatch, tmp_path):
    """Make a regressor whose network says 100 months, 20 more for boys, and keeps what it saw."""

    def make(**card):
        seen = []

        def network(hands, male):
            seen.append((hands, male))
            return np.stack([a_gaussian(100 + 20 * row[0], 6) for row in male])

        monkeypatch.setattr(regression, "Network", lambda model, threads: network)
        made = BoneAgeRegressor(a_model(tmp_path, **card))
        made.seen = seen
        return made

    return make


def test_each_sex_gets_its_own_age_in_the_order_asked(a_regressor):
    ages = a_regressor().estimate(a_radiograph(), a_hand(), a_hand_mask(), (Sex.MALE, Sex.FEMALE))
    assert [age.months for age in ages] == pytest.approx([120, 100], abs=0.01)


def test_the_temperature_comes_from_the_card(a_regressor):
    [age] = a_regressor(temperature=9.0).estimate(a_radiograph(), a_hand(), a_hand_mask(), (Sex.FEMALE,))
    assert age.sd_months == pytest.approx(18, rel=0.02)


def test_the_stretch_of_ones_sex_comes_from_the_card(a_regressor):
    regressor = a_regressor(stretches={"male": [1.5] * len(KNOTS)})
    girl, boy = regressor.estimate(a_radiograph(), a_hand(), a_hand_mask(), (Sex.FEMALE, Sex.MALE))
    assert (girl.sd_months, boy.sd_months) == pytest.approx((6, 9), rel=0.02)
    assert boy.months == pytest.approx(120, abs=0.01)


def test_the_adjustment_of_ones_sex_comes_from_the_card(a_regressor):
    regressor = a_regressor(adjustments={"male": [0.05 * month for month in KNOTS]})
    girl, boy = regressor.estimate(a_radiograph(), a_hand(), a_hand_mask(), (Sex.FEMALE, Sex.MALE))
    assert (girl.months, boy.months) == pytest.approx((100, 120 + 0.05 * 6**2), abs=0.02)
    assert boy.looks_apart_months == pytest.approx(0, abs=0.01)


def test_what_lies_outside_of_the_mask_is_not_looked_at(a_regressor):
    regressor = a_regressor()
    radiograph = a_radiograph()
    marked = a_radiograph()
    marked.pixels[:8, :12] = 1.0  # a letter in the corner
    for one in (radiograph, marked):
        regressor.estimate(one, a_hand(), a_hand_mask(), (Sex.FEMALE,))
    (plain, _), (lettered, _) = regressor.seen
    assert plain.shape == (len(LOOKS), 1, AGE_FRAME.rows, AGE_FRAME.columns)
    assert np.array_equal(plain, lettered)


def a_piece():
    return np.random.default_rng(0).random((160, 128), np.float32)


def a_disc(radius):
    row, column = np.mgrid[0:160, 0:128]
    return ((row - 80) ** 2 + (column - 64) ** 2 < radius**2).astype(np.float32)


def test_a_view_is_black_beyond_the_mask_and_its_margin():
    margin = 0.05 * AGE_FRAME.hand_length * 160
    view = age_view(a_piece(), a_disc(40), 0.05)
    assert not view[a_disc(40 + margin + 2) == 0].any()
    assert (view[a_disc(40 + margin - 2) == 1] > 0).mean() > 0.9
    assert not age_view(a_piece(), a_disc(40), 0.0)[a_disc(41) == 0].any()


def test_the_contrast_of_a_view_is_that_of_the_hand_alone():
    piece = 0.3 + 0.2 * a_piece()
    piece[a_disc(50) == 0] = 1.0
    view = age_view(piece, a_disc(40), 0.0)
    assert view.max() == 1.0 and view[a_disc(38) == 1].std() > 0.2


def test_a_lead_marker_over_the_hand_does_not_set_its_contrast():
    piece = 0.2 + 0.1 * a_piece()
    marked = piece.copy()
    marked[80:86, 50:80] = 1.0
    plain, lettered = (age_view(one, a_disc(40), 0.0) for one in (piece, marked))
    assert lettered.max() == 1.0
    assert lettered[a_disc(20) == 1].std() > 0.5 * plain[a_disc(20) == 1].std()


def test_how_far_the_looks_are_apart_is_told_and_widens_the_interval(a_regressor):
    regressor = a_regressor()
    together = regressor._from_looks(np.stack([a_gaussian(100, 5)] * 3), Sex.FEMALE)
    apart = regressor._from_looks(np.stack([a_gaussian(months, 5) for months in (80, 100, 120)]), Sex.FEMALE)
    assert together.looks_apart_months == pytest.approx(0, abs=0.01)
    assert apart.looks_apart_months == pytest.approx(40, abs=0.5) and apart.months == pytest.approx(100, abs=0.5)
    assert apart.upper_90_months - apart.lower_90_months > 2 * (together.upper_90_months - together.lower_90_months)


@pytest.mark.parametrize("mask", [np.zeros((160, 128), np.float32), a_disc(8), None])
def test_a_mask_that_cannot_be_a_hand_hides_nothing(mask):
    assert np.array_equal(age_view(a_piece(), mask, 0.0), age_view(a_piece(), a_disc(1000), 0.0))


def test_a_blank_view_is_finite():
    assert np.isfinite(age_view(np.zeros((160, 128), np.float32), None, 0.0)).all()


def test_a_model_is_shown_hands_at_the_size_that_its_card_names(tmp_path):
    card = metadata("bone_age_regressor", "1.0.0", "0" * 64, {}, {}, {"image_sizes": [[128, 100], [256, 198]]})
    model = a_model(tmp_path, **card)
    assert example_shapes(model) == ((2, 1, 256, 198), (2, 1))
    assert example_shapes(replace(model, card={})) == EXAMPLE_SHAPES["bone_age_regressor"]
