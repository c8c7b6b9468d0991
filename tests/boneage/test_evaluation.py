"""Figures of an evaluation against sums done by hand, and `boneage evaluate` with stand-ins for the models only."""

import json
import os
import signal
import subprocess
import sys
import time
from csv import DictReader
from pathlib import Path

import fake_models
import numpy as np
import pytest
from fake_models import FAULTY_COLUMNS, NO_HAND_COLUMNS, a_png

from boneage import cli
from boneage.errors import InvalidData
from boneage.evaluation import SEED, Figure, age_bands, mean_figures, measure, measure_agreement, summarise
from boneage.evaluation_plots import draw_bland_altman, draw_mae_by_age, draw_scatter

HERE = Path(__file__).parent


def made_up(count=200, seed=0):
    """Make references, predictions, intervals and sexes."""
    random = np.random.default_rng(seed)
    reference = random.uniform(0, 228, count)
    predicted = reference + random.normal(2, 8, count)
    sex = np.where(random.random(count) < 0.5, "female", "male")
    return reference, predicted, predicted - 13, predicted + 13, sex


# Figures


def test_metrics_are_what_the_hand_computes():
    reference = np.array([100.0, 100.0, 100.0, 100.0])
    predicted = np.array([103.0, 96.0, 106.0, 125.0])
    metrics = measure(reference, predicted, predicted - 5, predicted + 5)
    assert metrics.count == 4
    assert metrics.mae_months.value == pytest.approx((3 + 4 + 6 + 25) / 4)
    assert metrics.rmse_months.value == pytest.approx(((9 + 16 + 36 + 625) / 4) ** 0.5)
    assert metrics.bias_months.value == pytest.approx((3 - 4 + 6 + 25) / 4)
    assert {months: share.value for months, share in metrics.within_months.items()} == {6: 0.75, 12: 0.75, 24: 0.75}
    assert metrics.coverage_90.value == 0.5
    assert metrics.interval_width_months == 10
    assert metrics.error_sd_months == pytest.approx(np.std([3, -4, 6, 25], ddof=1))


def test_bootstrap_intervals_agree_with_the_theory_of_the_mean():
    values = np.random.default_rng(1).normal(5, 2, (1000, 1))
    [figure] = mean_figures(values)
    half_width = 1.96 * 2 / 1000**0.5
    assert figure.value == pytest.approx(values.mean())
    assert figure.upper - figure.value == pytest.approx(half_width, rel=0.15)
    assert figure.value - figure.lower == pytest.approx(half_width, rel=0.15)


def test_the_same_predictions_give_the_same_intervals():
    assert SEED == 2017
    assert summarise(*made_up()) == summarise(*made_up())


def test_one_radiograph_has_figures_without_spread():
    metrics = measure(*(np.array([months]) for months in (100.0, 104.0, 90.0, 110.0)))
    assert metrics.mae_months == Figure(4, 4, 4)
    assert metrics.error_sd_months == 0


def test_an_age_band_holds_its_first_month_and_the_oldest_its_last_too():
    months = np.array([0, 47.9, 48, 96, 144, 192, 228, 229])
    expected = ["0-4", "0-4", "4-8", "8-12", "12-16", "16-19", "16-19"]
    assert age_bands(months).tolist() == [f"{band} years" for band in expected] + ["over 19 years"]


def test_groups_hold_every_radiograph_once():
    summary = summarise(*made_up())
    for groups in (summary.by_sex, summary.by_age_band, summary.by_sex_and_age_band):
        assert sum(metrics.count for metrics in groups.values()) == summary.all.count == 200
    female = made_up()[4] == "female"
    assert summary.by_sex["female"].count == female.sum()
    assert len(summary.by_sex_and_age_band) == 10


def test_groups_without_a_radiograph_are_left_out():
    reference = np.array([10.0, 20.0])
    summary = summarise(reference, reference, reference, reference, np.array(["male", "male"]))
    assert list(summary.by_sex) == ["male"]
    assert list(summary.by_sex_and_age_band) == ["male 0-4 years"]


@pytest.mark.parametrize("broken", ["empty", "lengths", "nan"])
def test_predictions_that_cannot_be_measured_are_refused(broken):
    reference, *others = made_up(5)
    if broken == "empty":
        arrays = [array[:0] for array in (reference, *others)]
    elif broken == "lengths":
        arrays = [reference[:3], *others]
    else:
        arrays = [reference, others[0] * np.nan, *others[1:]]
    with pytest.raises(InvalidData):
        summarise(*arrays)


def test_agreement_is_the_second_minus_the_first():
    agreement = measure_agreement(np.array([100.0, 100.0]), np.array([104.0, 98.0]))
    assert (agreement.count, agreement.bias_months.value) == (2, 1)
    assert agreement.mean_absolute_difference_months.value == 3


# Plots


def test_the_bland_altman_plot_shows_bias_and_limits_of_agreement():
    reference, predicted, _, _, sex = made_up()
    [axes] = draw_bland_altman(reference, predicted, sex).axes
    error = predicted - reference
    expected = [error.mean(), error.mean() + 1.96 * error.std(ddof=1), error.mean() - 1.96 * error.std(ddof=1)]
    lines = [line.get_ydata()[0] for line in axes.lines]
    assert lines[1:] == pytest.approx(expected)
    assert axes.get_ylim()[1] > np.abs(error).max()


def test_the_scatter_plot_shows_every_radiograph_in_years():
    reference, predicted, _, _, sex = made_up()
    [axes] = draw_scatter(reference, predicted, sex).axes
    dots = max((points.get_offsets() for points in axes.collections), key=len)
    assert sorted(dots[:, 0]) == pytest.approx(sorted(reference / 12))
    assert sorted(dots[:, 1]) == pytest.approx(sorted(predicted / 12))


def test_the_error_plot_keeps_the_bands_in_order_even_if_one_sex_lacks_the_youngest():
    reference = np.array([200.0, 20.0, 100.0])
    summary = summarise(reference, reference + 1, reference, reference, np.array(["female", "male", "male"]))
    [axes] = draw_mae_by_age(summary.by_sex_and_age_band).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0-4 years", "8-12 years", "16-19 years"]


@pytest.mark.parametrize("count", [1, 2])
def test_plots_of_very_few_radiographs_can_be_drawn(count, tmp_path):
    reference, predicted, lower, upper, sex = made_up(count)
    summary = summarise(reference, predicted, lower, upper, sex)
    for figure in (
        draw_scatter(reference, predicted, sex),
        draw_bland_altman(reference, predicted, sex),
        draw_mae_by_age(summary.by_sex_and_age_band),
    ):
        figure.savefig(tmp_path / "plot.png", dpi=40)


# The command


@pytest.fixture
def data(tmp_path):
    """Return a data set in RSNA layout: four radiographs with errors of 0, +10, none (no hand), none (a fault)."""
    folder = tmp_path / "rsna"
    table = ["id,boneage,male"]
    for id, reference, columns in ((1, 120, 120), (2, 120, 130), (3, 100, NO_HAND_COLUMNS), (4, 100, FAULTY_COLUMNS)):
        a_png(folder / "boneage-training-dataset" / f"{id}.png", columns)
        table.append(f"{id},{reference},{id % 2 == 1}")
    (folder / "boneage-training-dataset.csv").write_text("\n".join(table) + "\n")
    return folder


@pytest.fixture
def evaluate(monkeypatch, capsys, data, tmp_path):
    """Return a function that runs `boneage evaluate` and gives (exit status, metrics, stdout, stderr)."""
    fake_models.install(monkeypatch)

    def run(*arguments, out=tmp_path / "out"):
        status = cli.main(["evaluate", "--data", str(data), "--out", str(out), *map(str, arguments)])
        metrics = out / "metrics.json"
        return status, json.loads(metrics.read_text()) if metrics.exists() else None, *capsys.readouterr()

    return run


def predictions_in(folder):
    with open(folder / "predictions.csv", newline="") as file:
        return list(DictReader(file))


def test_an_evaluation_counts_what_failed_and_measures_the_rest(evaluate, tmp_path):
    status, metrics, out, _ = evaluate("--split", "all")
    assert status == 0
    assert metrics["radiographs"] == 4
    assert metrics["failed"] == {"internal": 1, "no_hand": 1}
    assert metrics["summary"]["all"]["count"] == 2
    assert metrics["summary"]["all"]["mae_months"]["value"] == 5
    assert metrics["summary"]["by_sex"]["female"]["bias_months"]["value"] == 10
    assert "- no_hand: 1" in (tmp_path / "out" / "report.md").read_text()
    assert "## Accuracy" in out
    for plot in ("scatter.png", "bland_altman.png", "mae_by_age.png"):
        assert (tmp_path / "out" / plot).read_bytes().startswith(b"\x89PNG")
    first, second, third, _ = predictions_in(tmp_path / "out")
    assert (first["error_months"], second["error_months"], third["error_kind"]) == ("0.00", "10.00", "no_hand")


def test_a_split_without_radiographs_names_the_others(evaluate):
    status, _, _, err = evaluate("--split", "held-out")
    assert status == 2
    assert "--split all" in err


def test_radiographs_of_another_split_are_left_out(evaluate, monkeypatch):
    monkeypatch.setattr("boneage.datasets.split_by_id", lambda: {"1": "train", "2": "held-out"})
    assert evaluate("--split", "held-out")[1]["summary"]["all"]["mae_months"]["value"] == 10


def test_a_report_on_training_data_says_that_it_flatters(evaluate, monkeypatch):
    monkeypatch.setattr("boneage.datasets.split_by_id", lambda: {"1": "train", "2": "held-out"})
    _, metrics, out, _ = evaluate("--split", "all")
    assert "flatter" in out
    assert set(metrics["by_split"]) == {"train", "held-out"}


def test_a_limit_takes_radiographs_from_the_whole_table(evaluate, tmp_path):
    evaluate("--split", "all", "--limit", 2)
    assert [row["id"] for row in predictions_in(tmp_path / "out")] == ["1", "3"]


def test_predictions_are_made_once(evaluate, tmp_path, monkeypatch):
    _, before, _, _ = evaluate("--split", "all")
    fake_models.install(monkeypatch, seconds=-1)  # an assessment would fail now
    status, after, _, _ = evaluate("--split", "all")
    assert (status, after) == (0, before)
    assert len(predictions_in(tmp_path / "out")) == 4


def test_predictions_of_other_models_are_not_mixed_in(evaluate, data):
    evaluate("--split", "all")
    a_png(data / "boneage-training-dataset" / "5.png")
    with open(data / "boneage-training-dataset.csv", "a") as file:
        file.write("5,120,True\n")
    table = data.parent / "out" / "predictions.csv"
    table.write_text(table.read_text().replace("regression 1.2.0", "regression 0.9.0"))
    status, _, _, err = evaluate("--split", "all")
    assert status == 2
    assert "regression 0.9.0" in err and "regression 1.2.0" in err


def test_larger_copies_are_evaluated_and_compared_with_the_standard_ones(evaluate, data):
    a_png(data / "larger" / "1.png", columns=124, rows=300)
    a_png(data / "larger" / "2.png", columns=128, rows=300)
    (data / "larger.csv").write_text(
        "file,id,boneage,male,width,height,kind\n"
        "larger/1.png,1,120,True,124,300,original pixels\n"
        "larger/2.png,2,120,False,128,300,true aspect; longest side 512\n"
    )
    status, metrics, _, _ = evaluate("--split", "all", "--larger")
    assert status == 0
    assert metrics["summary"]["all"]["count"] == 2
    assert metrics["summary"]["all"]["mae_months"]["value"] == (4 + 8) / 2
    assert metrics["agreement"]["count"] == 2
    assert metrics["agreement"]["mean_absolute_difference_months"]["value"] == (4 + 2) / 2
    assert metrics["agreement"]["bias_months"]["value"] == (4 - 2) / 2
    assert set(metrics["by_kind"]) == {"original pixels", "true aspect; longest side 512"}


def test_an_interrupted_evaluation_keeps_its_predictions(data, tmp_path):
    table = ["id,boneage,male"]
    for id in range(10, 50):
        a_png(data / "boneage-training-dataset" / f"{id}.png")
        table.append(f"{id},126,True")
    (data / "boneage-training-dataset.csv").write_text("\n".join(table) + "\n")
    out = tmp_path / "out"
    code = "import fake_models, sys; fake_models.install(seconds=0.1); from boneage.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "evaluate", "--data", data, "--split", "all", "--out", out],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])},
    )
    deadline = time.monotonic() + 60
    while not (out / "predictions.csv").exists() or len(predictions_in(out)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"--out {out} goes on" in err
    assert 3 <= len(predictions_in(out)) < 40
    assert {row["error_kind"] for row in predictions_in(out)} == {""}
