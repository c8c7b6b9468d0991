"""What changes do to a picture, and the figures of a stress test against sums done by hand."""

import csv

import fake_models
import numpy as np
import pytest
from fake_models import a_png

from boneage import cli
from boneage.evaluation_changes import CHANGES, SEVEN_PUBLISHED, cropped, framed, in_a_cast, marked, resized, rotated
from boneage.evaluation_stress import COLUMNS
from boneage.evaluation_stress_report import measure_stress, stress_markdown


def a_picture(rows=60, columns=40):
    pixels = np.full((rows, columns), 0.3, np.float32)
    pixels[5:15, 5:12] = 0.9
    return pixels


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: f"{change.family} {change.strength}")
def test_every_change_changes_the_picture_and_keeps_it_a_picture(change):
    before = a_picture(300, 200)
    after = change.apply(before.copy())
    assert after.ndim == 2 and np.isfinite(after).all()
    assert change.jpeg_quality or after.shape != before.shape or not np.array_equal(after, before)


def test_the_seven_published_families_are_there():
    assert set(SEVEN_PUBLISHED) <= {change.family for change in CHANGES}


def test_a_turned_picture_is_larger_and_loses_nothing():
    assert np.allclose(rotated(a_picture(), 180), np.flip(a_picture()), atol=1e-4)
    assert rotated(a_picture(), 90).shape == (40, 60)
    assert rotated(a_picture(), 45).sum() == pytest.approx(a_picture().sum(), rel=0.02)


def test_frames_crops_letters_and_sizes_are_as_large_as_they_say():
    assert framed(a_picture(), 0.1, 1.0).shape == (72, 52) and framed(a_picture(), 0.1, 1.0)[0, 0] == 1
    assert cropped(a_picture(), 0.1).shape == (54, 32)
    assert resized(a_picture(), 0.5).shape == (30, 20)
    assert (marked(a_picture(300, 200), "L") > 0.95).any() and not (a_picture() > 0.95).any()
    assert np.array_equal(in_a_cast(a_picture(), 0.5)[:38], a_picture()[:38])


def a_row(id, family, strength, predicted, reference=100.0, error="", warnings=""):
    interval = (float(predicted) - 20, float(predicted) + 20) if predicted else ("", "")
    cells = (id, "male", reference, family, strength, error, warnings, predicted, *interval)
    return dict(zip(COLUMNS, cells, strict=True))


def test_the_figures_are_what_the_hand_computes():
    rows = [
        *(a_row(id, "unchanged", "", predicted) for id, predicted in (("1", "104"), ("2", "98"), ("3", "100"))),
        *(a_row(id, "blur", "much", predicted) for id, predicted in (("1", "110"), ("2", "150"))),
        a_row("3", "blur", "much", "", error="no_hand"),
        a_row("4", "unchanged", "", "", error="no_hand"),
        a_row("4", "blur", "much", "100"),
    ]
    [figures] = measure_stress(rows)
    assert (figures.family, figures.radiographs, figures.refused) == ("blur", 2, pytest.approx(1 / 3))
    assert figures.mae_change_months.value == (6 + 48) / 2 and figures.difference_months.value == (6 + 52) / 2
    assert figures.verdict_flips.value == 0.5 and figures.coverage_90.value == 0.5
    assert "| blur | much | 2 | +27.00" in stress_markdown([figures])


def test_ages_far_astray_are_counted_and_those_without_a_warning_named():
    rows = [a_row(id, "unchanged", "", "100") for id in "1234"]
    rows += [a_row(id, "noise", "SD 1", age) for id, age in (("1", "112"), ("2", "113"))]
    rows += [a_row(id, "noise", "SD 1", age, warnings="Noisy.") for id, age in (("3", "80"), ("4", "101"))]
    [figures] = measure_stress(rows)
    assert (figures.warned, figures.wrong, figures.silent_wrong) == (0.5, 2, ("2",))
    assert stress_markdown([figures]).endswith("| 0.0% | 50.0% | 2: 1 |\n")


def test_a_change_that_leaves_no_age_is_written_as_such():
    rows = [a_row("1", "unchanged", "", "100"), a_row("1", "crop", "most", "", error="no_hand")]
    [figures] = measure_stress(rows)
    assert figures.refused == 1.0 and figures.radiographs == 0
    assert "| crop | most | 0 | - | - | - | - | 100.0% | 0.0% | 0: 0 |" in stress_markdown([figures])


def test_the_command_goes_through_every_change_and_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    fake_models.install(monkeypatch)
    data = tmp_path / "data"
    for name in ("1", "2"):
        a_png(data / "boneage-training-dataset" / f"{name}.png")
    (data / "boneage-training-dataset.csv").write_text("id,boneage,male\n1,126,True\n2,120,False\n")
    command = ["evaluate", "--data", str(data), "--split", "all", "--stress", "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--limit", "1"]) == 0
    assert cli.main(command) == 0
    with (tmp_path / "out" / "stress.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * (len(CHANGES) + 1) and {row["id"] for row in rows} == {"1", "2"}
    assert "| gamma | 0.5 | 2 |" in capsys.readouterr().out
    assert (tmp_path / "out" / "stress.json").exists()
