"""Where an age comes from: the map must lie where the network looks, on the radiograph as it is."""

from dataclasses import replace

import numpy as np
import pytest
from builders import a_hand, a_radiograph, an_assessment
from matplotlib.text import Text

from boneage import regression
from boneage.frames import AGE_FRAME
from boneage.geometry import frame_from_radiograph, move
from boneage.models import ModelFile
from boneage.picture import draw_picture
from boneage.regression import BoneAgeRegressor
from boneage.report import report_json, report_text
from boneage.saliency import PARTS, shares
from boneage.types import Saliency, Sex

MONTHS = np.arange(240)
WHERE = {"fingers": (0.31, 0.47), "carpus": (0.745, 0.42)}  # (row, column) of the upright view, as parts of its sides


def network_that_looks_at(row, column):
    """Return a network whose age grows with the contrast around one place of the view."""

    def network(hands, male):
        contrast = hands[:, 0, row - 6 : row + 6, column - 6 : column + 6].std(axis=(1, 2))
        return np.stack([-0.5 * ((MONTHS - 60 - 200 * c) / 6) ** 2 for c in contrast])

    return network


@pytest.fixture
def explained(monkeypatch, tmp_path):
    """Explain the age of a network that looks at one place of a hand full of fine detail."""

    def explain(row, column):
        monkeypatch.setattr(regression, "Network", lambda model, threads: network_that_looks_at(row, column))
        regressor = BoneAgeRegressor(ModelFile("bone_age_regressor", "1.0.0", "0" * 64, tmp_path, {}))
        radiograph = a_radiograph(440, 330)
        detail = np.random.default_rng(0).uniform(0.2, 1.0, radiograph.pixels.shape).astype(np.float32)
        radiograph, hand = replace(radiograph, pixels=detail), a_hand(440, 330)
        return radiograph, hand, regressor.explain(radiograph, hand, np.ones((440, 330), bool), Sex.FEMALE)

    return explain


@pytest.mark.parametrize("part", WHERE)
def test_the_map_is_highest_where_the_network_looks(explained, part):
    down, across = WHERE[part]
    row, column = round(down * AGE_FRAME.rows), round(across * AGE_FRAME.columns)
    radiograph, hand, found = explained(row, column)
    rows, columns = found.months.shape
    top, left = np.unravel_index(found.months.argmax(), found.months.shape)
    spot = np.array([(left + 0.5) * 330 / columns - 0.5, (top + 0.5) * 440 / rows - 0.5])
    upright = move(spot, frame_from_radiograph(hand.pose, radiograph.pixel_aspect, AGE_FRAME))
    assert np.abs(upright - (column, row)).max() < 0.04 * AGE_FRAME.rows
    assert max(found.shares, key=found.shares.get) == part


def test_the_map_covers_the_whole_radiograph_in_its_proportions(explained):
    _, _, found = explained(100, 70)
    assert found.months.shape == (96, 72)
    assert found.months.dtype == np.float32
    assert found.months.min() >= 0


def test_the_shares_of_an_even_map_follow_the_parts_of_the_frame():
    found = shares(np.ones((AGE_FRAME.rows, AGE_FRAME.columns)))
    assert sum(found.values()) == pytest.approx(1)
    assert set(found) == set(PARTS)
    length, below = AGE_FRAME.hand_length, 1 - AGE_FRAME.capitate[1]
    expected = {"metacarpals": 0.28 * length, "carpus": 0.26 * length, "forearm": below - 0.12 * length}
    assert {part: found[part] for part in expected} == pytest.approx(expected, abs=1.5 / AGE_FRAME.rows)


def test_a_map_without_any_movement_has_no_shares():
    assert sum(shares(np.zeros((192, 148))).values()) == 0


def with_saliency():
    months = np.zeros((96, 72), np.float32)
    months[60, 30] = 4.25
    return replace(an_assessment(), saliency=Saliency(months, {"fingers": 0.2, "carpus": 0.7, "forearm": 0.1}))


def test_the_report_names_the_parts_that_the_age_comes_from():
    assert "carpus 70 %, fingers 20 %, forearm 10 %" in report_text(with_saliency())
    assert "Seen mostly in" not in report_text(an_assessment())


def test_the_json_has_the_map_in_months_and_says_for_which_sex():
    answer = report_json(with_saliency())["saliency"]
    assert answer["sex"] == "female"
    assert answer["months_on_grid"][60][30] == 4.25
    assert (len(answer["months_on_grid"]), len(answer["months_on_grid"][0])) == (96, 72)
    assert report_json(an_assessment())["saliency"] is None


def test_the_picture_shows_the_map_over_the_radiograph_and_says_what_it_is():
    figure = draw_picture(with_saliency())
    assert any("blurring moves the age, by up to 4.2 months" in text.get_text() for text in figure.findobj(Text))
    hand = figure.axes[0]
    assert hand.images[0].get_extent() == hand.images[1].get_extent()
    assert hand.get_aspect() == draw_picture(an_assessment()).axes[0].get_aspect() == 1.0
