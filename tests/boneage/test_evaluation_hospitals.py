"""Films of other hospitals: hands stay where they are said to be; figures against sums done by hand; the command."""

import csv

import fake_models
import numpy as np
import pytest
from builders import a_hand, a_hand_mask
from fake_models import a_png

from boneage import cli
from boneage.evaluation_film_moves import mirrored, original_film, padded, quarter_turned, turned, with_forearm
from boneage.evaluation_films import FILM_STYLES
from boneage.evaluation_hospitals import COLUMNS, choose_drawn
from boneage.evaluation_hospitals_report import films_markdown, measure_films
from boneage.evaluation_hospitals_sheet import worst_silent
from boneage.geometry import hand_length, invert, move_pose, pose_points

DOT = 0.9
GREY_FAMILIES = ("markers", "CLAHE", "sharpened")


def a_film(rows=240, columns=160):
    """A hand whose wrist reaches the lower edge, its key points brighter than all else."""
    pixels = np.full((rows, columns), 0.1, np.float32)
    mask = a_hand_mask(rows, columns)
    mask[round(0.8 * rows) :, round(0.4 * columns) : round(0.6 * columns)] = True
    pixels[mask] = 0.5
    pose = a_hand(rows, columns).pose
    for x, y in pose_points(pose).round().astype(int):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = DOT
    return original_film(pixels, mask, pose)


def greys_at(film):
    return [film.pixels[y, x] for x, y in pose_points(film.pose).round().astype(int)]


@pytest.mark.parametrize("style", FILM_STYLES, ids=lambda style: f"{style.family} {style.strength}")
def test_key_points_and_outline_go_along_into_every_film(style):
    before = a_film()
    after = style.make(before)
    assert after.pixels.shape == after.hand_mask.shape and after.pixels.dtype == np.float32
    assert np.isfinite(after.pixels).all() and not np.array_equal(after.pixels, before.pixels)
    back = move_pose(after.pose, invert(after.moved))
    assert pose_points(back) == pytest.approx(pose_points(before.pose), abs=1e-6)
    inside = [after.hand_mask[y, x] for x, y in pose_points(after.pose).round().astype(int)]
    assert inside == [before.hand_mask[y, x] for x, y in pose_points(before.pose).round().astype(int)]
    if style.family not in (*GREY_FAMILIES, "all at once"):
        assert greys_at(after) == pytest.approx([DOT] * 3, abs=0.1)


def test_a_radiograph_that_lies_on_its_side_is_turned_until_its_wrist_is_down():
    for turns in range(4):
        lying = a_film()
        for _ in range(turns):
            lying = quarter_turned(lying, clockwise=True)
        upright = original_film(lying.pixels, lying.hand_mask, lying.pose)
        assert upright.pose.capitate[1] > upright.pose.middle_tip[1] + 100
        assert greys_at(upright) == pytest.approx([DOT] * 3)


def test_a_forearm_is_drawn_out_to_the_lower_edge_and_gets_wider():
    film = with_forearm(a_film(), 3.0)
    assert film.pixels.shape == (480, 160)
    widths = film.hand_mask.sum(axis=1)
    assert widths[-1] > widths[250] > 0
    assert film.pixels[-1][film.hand_mask[-1]].mean() > film.pixels[-1][~film.hand_mask[-1]].mean() + 0.2


def test_a_leaning_forearm_is_turned_upright_first():
    film = with_forearm(turned(a_film(), 20.0), 2.0)
    middles = [np.flatnonzero(film.hand_mask[row]).mean() for row in (-1, -60)]
    assert middles[0] == pytest.approx(middles[1], abs=4)


def test_borders_are_as_wide_as_they_say_and_a_small_hand_is_small():
    film = padded(a_film(), 1.0, left=0.5)
    assert film.pixels.shape == (240, 280) and film.pixels[0, 0] == 1.0
    small = next(style for style in FILM_STYLES if style.family == "small hand").make(a_film())
    assert 1.3 * hand_length(small.pose) / small.pixels.shape[0] == pytest.approx(0.3, abs=0.01)


def test_a_mirrored_film_shows_the_other_hand_at_its_place():
    film = mirrored(a_film())
    assert film.pose.thumb_tip[0] == pytest.approx(160 - 1 - a_film().pose.thumb_tip[0])
    assert greys_at(film) == pytest.approx([DOT] * 3)


# Figures


def a_row(id, family, predicted, warnings="", **values):
    row = dict.fromkeys(COLUMNS, "") | {"id": id, "family": family, "reference_months": "100", "sex": "male"}
    if predicted:
        row |= {"predicted_months": predicted, "lower_90_months": "90", "upper_90_months": "110", "dice": "0.9"}
        row |= {"mirrored_months": str(float(predicted) + 2), "point_error": "0.02", "warnings": warnings}
    return row | values


def test_the_figures_are_what_the_hand_computes():
    rows = [
        *(a_row(id, "unchanged", "100") for id in "1234"),
        a_row("5", "unchanged", "", error_kind="no_hand"),
        a_row("1", "padding", "104"),
        a_row("2", "padding", "120"),
        a_row("3", "padding", "80", warnings="The pose is unsure.", drawn_point_error="0.5", lower_90_months="101"),
        a_row("4", "padding", "", error_kind="no_hand"),
    ]
    unchanged, padding = measure_films(rows)
    assert (unchanged.radiographs, unchanged.wrong, unchanged.refused) == (4, 0, 0.0)
    assert (padding.radiographs, padding.refused, padding.warned) == (4, 0.25, 0.25)
    assert padding.wrong == 2 and padding.silent_wrong == ("2",)
    assert padding.difference_months.value == pytest.approx((4 + 20 + 20) / 3)
    assert padding.mae_months.value == pytest.approx(44 / 3) and padding.mirrored_months.value == pytest.approx(2)
    assert padding.coverage_90.value == pytest.approx(2 / 3)
    assert padding.drawn_points.median == 0.5 and padding.drawn_dice is None
    text = films_markdown([unchanged, padding])
    assert "| padding |  | 4 | 2.0 (2) % / 50.0 (50) % | 0.900 / - |" in text
    assert "Of 4 films, 2 got an age more than 12 months" in text and "1 of them (25.00% of the films)" in text


def test_a_style_in_which_all_are_refused_has_no_figures():
    [_, refused] = measure_films([a_row("1", "unchanged", "100"), a_row("1", "padding", "", error_kind="no_hand")])
    assert refused.refused == 1.0 and refused.mae_months is None and refused.points is None
    assert "| padding |  | 1 | - / - | - / - | - | - | - | - | 100.0% | 0.0% | 0: 0 |" in films_markdown([refused])


def test_the_sheet_shows_the_silent_ones_worst_first():
    rows = [a_row(id, "unchanged", "100") for id in "123"]
    rows += [a_row("1", "padding", "104"), a_row("2", "padding", "70"), a_row("3", "padding", "10", warnings="Unsure.")]
    assert [(row["id"], apart) for row, apart in worst_silent(rows)][:2] == [("2", -30.0), ("1", 4.0)]


# The command


def some_data(folder, count=3):
    for number in range(1, count + 1):
        a_png(folder / "boneage-training-dataset" / f"{number}.png", columns=120 + number)
    rows = "".join(f"{number},126,True\n" for number in range(1, count + 1))
    (folder / "boneage-training-dataset.csv").write_text("id,boneage,male\n" + rows)
    return folder


def test_what_people_drew_on_is_taken_first(tmp_path):
    data = some_data(tmp_path)
    points = "middle_tip_x,middle_tip_y,thumb_tip_x,thumb_tip_y,capitate_x,capitate_y"
    (data / "hand_keypoints_3.csv").write_text(
        f"id,{points},made_by\n2,.5,.1,.7,.5,.5,.8,hand\n1,.5,.1,.7,.5,.5,.8,model\n"
    )
    (data / "hand_outlines.json").write_text('{"3": [{"exterior": [[0, 0], [1, 0], [1, 1]], "interior": null}]}')
    assert [one.example.id for one in choose_drawn(data, "all")] == ["3", "2", "1"]
    assert [one.example.id for one in choose_drawn(data, "all", 2)] == ["3", "2"]


def test_the_command_makes_every_film_and_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    fake_models.install(monkeypatch)
    data = some_data(tmp_path / "data", 2)
    command = ["evaluate", "--data", str(data), "--split", "all", "--other-hospitals", "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--limit", "1"]) == 0
    assert cli.main(command) == 0
    with (tmp_path / "out" / "hospitals.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (len(FILM_STYLES) + 1) and {row["id"] for row in rows} == {"1", "2"}
    assert "| CLAHE | clip 2 | 2 |" in capsys.readouterr().out
    assert (tmp_path / "out" / "hospitals.json").exists() and (tmp_path / "out" / "hospitals_worst.png").exists()


def test_films_of_other_models_are_not_mixed_in(tmp_path, monkeypatch, capsys):
    fake_models.install(monkeypatch)
    data = some_data(tmp_path / "data", 2)
    command = ["evaluate", "--data", str(data), "--split", "all", "--other-hospitals", "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--limit", "1"]) == 0
    table = tmp_path / "out" / "hospitals.csv"
    table.write_text(table.read_text().replace("regression 1.2.0", "regression 1.1.0"))
    assert cli.main(command) == 2
    assert "these models are" in capsys.readouterr().err
