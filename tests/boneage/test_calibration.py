"""The spread: fitted so that 90 % intervals hold 90 %, and written into the regressor's card."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_models
from builders import a_hand, a_hand_mask, a_radiograph
from fake_models import NO_HAND_COLUMNS, a_png
from scipy.stats import norm

from boneage import regression
from boneage.assessment import Models
from boneage.errors import InvalidData, NoHandFound
from boneage.models import ModelFile, check_model
from boneage.regression import BoneAgeRegressor
from boneage.spread import KNOTS, Spread, bone_age
from boneage.training import calibration
from boneage.training.calibration import (
    COVERAGE,
    FEWEST_OF_A_SEX,
    FLATTENING,
    LEAST,
    RARE,
    RAREST,
    Predictions,
    calibrate,
    coverage,
    fit_adjustments,
    fit_stretches,
    fit_temperature,
)
from boneage.training.publish import publish
from boneage.types import Sex

MONTHS = np.arange(240)


def normal_around(means, sd_months):
    """Make (n, 240) log-probabilities of normal distributions."""
    density = -0.5 * ((MONTHS - np.asarray(means)[:, None]) / sd_months) ** 2
    return density - np.log(np.exp(density).sum(1, keepdims=True))


def references_around(mean_months, sd_months, count=200):
    """Make references whose errors have exactly the quantiles of a normal distribution."""
    return mean_months + sd_months * norm.ppf((np.arange(count) + 0.5) / count)


def predictions(log_probabilities, references, sexes=None):
    """Make predictions of girls of the validation split, or of other sexes."""
    sexes = sexes or [Sex.FEMALE] * len(references)
    examples = [SimpleNamespace(bone_age_months=month, sex=sex) for month, sex in zip(references, sexes, strict=True)]
    return Predictions(examples, log_probabilities)


@pytest.mark.parametrize("true_sd, temperature", [(12.0, 4.0), (6.0, 1.0), (3.0, 0.25)])
def test_the_temperature_is_that_which_makes_the_spread_true(true_sd, temperature):
    references = references_around(120, true_sd)
    found = fit_temperature(predictions(normal_around(np.full(200, 120.0), 6.0), references))
    assert found == pytest.approx(temperature, rel=0.12)


def test_nine_in_ten_references_lie_inside_at_the_fitted_temperature_and_fewer_just_below_it():
    random = np.random.default_rng(3)
    references = random.uniform(30, 200, 150)
    predicted = predictions(normal_around(references + random.normal(0, 11, 150), 5.0), references)
    found = fit_temperature(predicted)
    assert coverage(predicted, Spread(found)) >= COVERAGE
    assert coverage(predicted, Spread(found * 0.99)) < COVERAGE


def test_perfect_predictions_get_the_least_temperature():
    perfect = predictions(normal_around([60.0, 120.0], 6.0), [60.0, 120.0])
    assert fit_temperature(perfect) == pytest.approx(LEAST, rel=0.01)


def test_predictions_that_no_spread_can_save_are_refused():
    with pytest.raises(InvalidData, match="0%"):
        fit_temperature(predictions(normal_around([20.0, 20.0], 2.0), [230.0, 220.0]))


def test_nothing_to_fit_on_is_refused():
    with pytest.raises(InvalidData):
        fit_temperature(predictions(np.empty((0, 240)), []))


def wider_errors_above_ten_years(sex, count=600):
    """Make predictions of SD 6 months whose errors have an SD of 6 months below 120 months and of 12 from there on."""
    random = np.random.default_rng(7)
    predicted = random.uniform(24, 216, count)
    references = predicted + random.normal(0, np.where(predicted < 120, 6.0, 12.0))
    return predictions(normal_around(predicted, 6.0), references, [sex] * count)


def test_a_stretch_is_what_the_intervals_of_an_age_need():
    stretches = fit_stretches(wider_errors_above_ten_years(Sex.MALE), Spread())
    assert set(stretches) == {Sex.MALE}
    by_age = dict(zip(KNOTS, stretches[Sex.MALE], strict=True))
    assert by_age[60] == pytest.approx(1.0, rel=0.25)
    assert by_age[180] == pytest.approx(2.0, rel=0.25)


def test_with_stretches_the_intervals_of_each_age_hold():
    found = wider_errors_above_ten_years(Sex.FEMALE)
    spread = Spread(stretches=fit_stretches(found, Spread(fit_temperature(found))))
    spread = replace(spread, temperature=fit_temperature(found, spread))
    older = np.array([age.months >= 120 for age in found.ages(spread)])
    for group in (older, ~older):
        chosen = Predictions([found.examples[index] for index in np.flatnonzero(group)], found.log_probabilities[group])
        assert coverage(chosen, spread) == pytest.approx(0.9, abs=0.04)


def test_a_sex_with_few_hands_is_not_stretched():
    assert fit_stretches(wider_errors_above_ten_years(Sex.MALE, FEWEST_OF_A_SEX - 1), Spread()) == {}


def of_ages(months, sex):
    """Make examples of a sex."""
    return [SimpleNamespace(bone_age_months=month, sex=sex) for month in months]


def test_a_rare_young_age_is_favoured_by_a_power_of_how_rare_it_is():
    months = np.repeat([156.0, 96.0, 36.0], [400, 200, 40])
    adjustments = fit_adjustments(of_ages(months, Sex.FEMALE))
    assert set(adjustments) == {Sex.FEMALE}
    by_age = dict(zip(KNOTS, adjustments[Sex.FEMALE], strict=True))
    assert by_age[156] == by_age[96] == 0  # half as common is not rare
    assert by_age[36] == pytest.approx(FLATTENING * np.log(RARE * 10), rel=0.01)
    assert by_age[0] == pytest.approx(FLATTENING * np.log(RARE / RAREST))  # never seen: no rarer than that
    assert by_age[228] == 0  # as rare, but grown hands look alike


def test_what_the_young_are_drawn_to_the_middle_by_is_taken_back_in_part():
    random = np.random.default_rng(5)
    ages = np.clip(random.normal(150, 30, 20000), 0, 228)  # rare below 95 months
    # A perfect reader of blurred hands, who knows how frequent each age is: its young are too old, its old too young.
    seen = ages[:1500] + random.normal(0, 12, 1500)
    prior = -0.5 * ((MONTHS - 150) / 30) ** 2
    scores = -0.5 * ((MONTHS - seen[:, None]) / 12) ** 2 + prior
    found = predictions(scores, ages[:1500], [Sex.MALE] * 1500)
    young = ages[:1500] < 90
    biases = [
        np.mean([age.months for age in found.ages(spread)] - ages[:1500], where=young)
        for spread in (Spread(), Spread(adjustments=fit_adjustments(of_ages(ages, Sex.MALE))))
    ]
    assert 0 < biases[1] < 0.85 * biases[0]


def test_a_sex_with_few_hands_is_not_adjusted():
    assert fit_adjustments(of_ages([120.0] * (FEWEST_OF_A_SEX - 1), Sex.MALE)) == {}


# The regressor


@pytest.fixture
def a_regressor(monkeypatch, tmp_path):
    """Return a function that makes a regressor of a temperature; its network says 100 months, 20 more for a boy."""

    def network(hands, male):
        assert len(hands) == len(male)
        return normal_around(100.0 + 20.0 * male[:, 0], 6.0)

    monkeypatch.setattr(regression, "Network", lambda model, threads: network)
    return lambda temperature: BoneAgeRegressor(
        ModelFile("bone_age_regressor", "1", "", tmp_path, {"temperature": temperature})
    )


def test_an_estimate_is_the_networks_answer_at_the_cards_temperature(a_regressor):
    asked = (a_radiograph(), a_hand(), a_hand_mask(), (Sex.FEMALE, Sex.MALE))
    raw = a_regressor(4.0).log_probabilities(*asked)
    assert raw.shape == (2, 240)
    assert np.array_equal(raw, a_regressor(1.0).log_probabilities(*asked))
    assert a_regressor(4.0).estimate(*asked) == [bone_age(row / 4.0) for row in raw]
    girl, boy = a_regressor(4.0).estimate(*asked)
    assert (girl.months, boy.months) == pytest.approx((100, 120), abs=0.01)
    assert girl.sd_months == pytest.approx(12, rel=0.01)


# The step


class FakeRooms:
    """Stands in for the three rooms: columns of the radiograph are the months; widths above `NO_HAND_COLUMNS` fail."""

    def find_hand(self, radiograph, box=None):
        if radiograph.pixels.shape[1] == NO_HAND_COLUMNS:
            raise NoHandFound("No hand.")
        return a_hand(*radiograph.pixels.shape)

    def outline(self, radiograph, hand):
        return a_hand_mask(*radiograph.pixels.shape)

    def log_probabilities(self, radiograph, hand, hand_mask, sexes):
        assert len(sexes) == 1
        return normal_around([float(radiograph.pixels.shape[1])], 6.0)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return a data set: 60 validation radiographs with errors of SD 12 months, one without a hand, one of train."""
    references = references_around(120, 12, 60)
    table, splits = ["id,boneage,male"], {}
    for id, reference in enumerate([*references, 100, 10]):
        columns = {60: NO_HAND_COLUMNS, 61: 150}.get(id, 120)
        a_png(tmp_path / "rsna" / "boneage-training-dataset" / f"{id}.png", columns)
        table.append(f"{id},{reference:.3f},{id % 2 == 1}")
        splits[str(id)] = "train" if id == 61 else "validation"
    (tmp_path / "rsna" / "boneage-training-dataset.csv").write_text("\n".join(table) + "\n")
    monkeypatch.setattr("boneage.datasets.split_by_id", lambda: splits)
    return tmp_path / "rsna"


@pytest.fixture
def models_dir(tmp_path, monkeypatch):
    """Return a models folder with a tiny regressor; the rooms are stand-ins."""
    tiny_models.install(monkeypatch)
    rooms = FakeRooms()
    monkeypatch.setattr(calibration, "load_models", lambda directory, threads: Models(rooms, rooms, rooms, {}))
    weights = tiny_models.write_weights(tmp_path / "model.safetensors")
    publish("bone_age_regressor", weights, "1.0.0", {}, {}, tmp_path / "models")
    return tmp_path / "models"


def test_calibrating_writes_the_temperature_into_the_card_and_leaves_the_weights(data, models_dir):
    before = check_model("bone_age_regressor", models_dir)
    spread = calibrate(data, models_dir)
    after = check_model("bone_age_regressor", models_dir)
    assert spread.temperature == pytest.approx(4.0, rel=0.2)
    assert Spread.of(after.card) == spread
    assert after.sha256 == before.sha256
    told = after.card["calibration"]
    assert (told["split"], told["radiographs"], told["train_radiographs"]) == ("validation", 60, 1)
    assert told["coverage_90_before"] < 0.8 < COVERAGE <= told["coverage_90"]
    assert (
        f"Temperature {spread.temperature:.3g}"
        in (models_dir / "bone_age_regressor" / "docs" / "README.md").read_text()
    )


def test_enough_hands_of_the_train_split_stretch_by_age_and_the_card_says_so(data, models_dir, monkeypatch):
    monkeypatch.setattr(calibration, "FEWEST_OF_A_SEX", 1)
    spread = calibrate(data, models_dir)
    assert set(spread.stretches) == set(spread.adjustments) == {Sex.MALE}  # the only one of the train split
    assert Spread.of(check_model("bone_age_regressor", models_dir).card) == spread
    readme = (models_dir / "bone_age_regressor" / "docs" / "README.md").read_text(encoding="utf-8")
    assert "By predicted age the intervals are stretched (male" in readme
    assert "Young ages, rare in the train split, are favoured (male up to 1.0 times)" in readme  # it is no rare one


def test_only_a_part_of_a_large_train_split_is_looked_at(monkeypatch):
    monkeypatch.setattr(calibration, "TRAIN_LOOKED_AT", 3)
    splits = ["train"] * 8 + ["validation"] * 2 + ["held-out"]
    examples = [SimpleNamespace(id=id, split=split) for id, split in enumerate(splits)]
    assert [one.id for one in calibration._chosen(examples)] == [8, 9, 0, 3, 6]


def test_too_few_radiographs_change_nothing(data, models_dir, monkeypatch):
    monkeypatch.setattr(calibration, "FEWEST", 61)
    card = models_dir / "bone_age_regressor" / "configs" / "metadata.json"
    before = card.read_text()
    with pytest.raises(InvalidData, match="at least 61 radiographs"):
        calibrate(data, models_dir)
    assert card.read_text() == before
    assert json.loads(before)["temperature"] == 1.0
