"""Pictures without a whole hand, and the rates of what is refused against sums done by hand."""

import csv

import fake_models
import numpy as np
import pytest
from builders import a_hand, a_hand_mask, a_radiograph
from fake_models import NO_HAND_COLUMNS, a_png

from boneage import cli
from boneage.assessment import END_OF_SCALE
from boneage.evaluation_film_moves import original_film
from boneage.evaluation_not_hand_made import MADE_PICTURES, part_of_hand
from boneage.evaluation_refusals import ACCEPTED, BODY_PART, COLUMNS, DOUBTED, MATURE, NO_WHOLE_HAND, REAL_HAND, REFUSED
from boneage.evaluation_refusals_report import measure_mature, measure_refusals, refusals_markdown


def a_film(rows=240, columns=160):
    return original_film(a_radiograph(rows, columns).pixels, a_hand_mask(rows, columns), a_hand(rows, columns).pose)


@pytest.mark.parametrize("picture", MADE_PICTURES, ids=lambda picture: picture.family)
def test_every_made_picture_can_be_looked_at_and_is_the_same_each_time(picture):
    once, again = (picture.make(a_film(), a_film(200, 150), np.random.default_rng(7)) for _ in range(2))
    assert once.ndim == 2 and min(once.shape) >= 20 and np.isfinite(once).all()
    assert np.array_equal(once, again)


def test_a_part_of_a_hand_is_the_part_it_says():
    film = a_film()
    around_tip = part_of_hand(film, film, None, left=-0.1, top=-1.1, right=0.1, bottom=-0.9)
    x, y = (round(value) for value in film.pose.middle_tip)
    assert around_tip[150, 150] == pytest.approx(film.pixels[y, x], abs=0.05)


def a_row(family="as it is", outcome=ACCEPTED, question=REAL_HAND, reason="", reference="100", sex="male"):
    age = "" if outcome == REFUSED else "99"
    values = (question, "1", family, sex, reference if question == REAL_HAND else "", outcome, reason, age, "")
    return dict(zip(COLUMNS, values, strict=True))


def test_the_rates_are_what_the_hand_computes():
    rows = [
        *(a_row("noise", outcome, NO_WHOLE_HAND, "no_hand") for outcome in (REFUSED, REFUSED, DOUBTED, ACCEPTED)),
        *(a_row("cut at the capitate", outcome, NO_WHOLE_HAND) for outcome in (DOUBTED, ACCEPTED, MATURE, DOUBTED)),
        a_row("as it is", REFUSED, BODY_PART, "several_hands"),
        *(a_row(outcome=outcome, reason="no_hand") for outcome in (ACCEPTED, DOUBTED, MATURE, REFUSED)),
    ]
    real, noise, cut, body = measure_refusals(rows)
    assert (real.expected, real.pictures, real.refused, real.as_expected.value) == (ACCEPTED, 4, {"no_hand": 1}, 0.75)
    assert (noise.expected, noise.as_expected.value, noise.accepted, noise.doubted) == (REFUSED, 0.5, 1, 1)
    assert (cut.expected, cut.as_expected.value, cut.accepted) == (DOUBTED, 0.5, 2)
    assert (body.expected, body.refused) == (REFUSED, {"several_hands": 1})
    assert (body.as_expected.lower, body.as_expected.upper) == (pytest.approx(0.2065, abs=1e-3), 1.0)  # Wilson, 1 of 1
    assert "| no whole hand | noise | refused | 4 | 2 no_hand | 1 | 1 | 50.0 %" in refusals_markdown([noise], [])


def test_mature_hands_are_counted_by_what_readers_said():
    said = f"{END_OF_SCALE} for the male sex."
    rows = [
        a_row(outcome=MATURE, reason=said, reference="228"),
        a_row(outcome=DOUBTED, reason=f"Cut off. {said}", reference="222"),
        a_row(reference="216"),
        a_row(reference="100"),
        a_row(outcome=REFUSED, reason="no_hand", reference="228"),
    ]
    groups = {one.group: (one.radiographs, one.said.value) for one in measure_mature(rows)}
    assert groups["read as 18 years or more"] == (3, pytest.approx(2 / 3))
    assert groups["male, read as 18.5 years or more"] == (2, 1.0)
    assert groups["male, read as younger"] == (2, 0.0)
    assert not any("female" in group for group in groups)


def test_the_command_counts_all_three_questions_and_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    fake_models.install(monkeypatch)
    data, legs = tmp_path / "data", tmp_path / "legs"
    for name in ("1", "2"):
        a_png(data / "boneage-training-dataset" / f"{name}.png")
    a_png(legs / "leg.png", NO_HAND_COLUMNS)
    (data / "boneage-training-dataset.csv").write_text("id,boneage,male\n1,126,True\n2,220,False\n")
    command = ["evaluate-refusals", "--data", str(data), "--split", "all", "--not-hand", str(legs)]
    command += ["--made-from", "1", "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--limit", "1"]) == 0
    assert cli.main(command) == 0
    with (tmp_path / "out" / "refusals.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(row["question"] == NO_WHOLE_HAND for row in rows) == len(MADE_PICTURES)
    assert [row["id"] for row in rows if row["question"] == REAL_HAND] == ["1", "2"]
    assert next(row["outcome"] for row in rows if row["question"] == BODY_PART) == REFUSED
    assert "| female, read as 16 years or more | 1 |" in capsys.readouterr().out
    assert (tmp_path / "out" / "refusals.json").exists()
