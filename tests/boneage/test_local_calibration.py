"""A calibration of one's own: what it does to an age, when it is in force, and what of it is kept."""

import hashlib
import json
from datetime import date

import numpy as np
import pytest
import tiny_models
from builders import a_bone_age

from boneage.distribution import moved
from boneage.errors import InvalidInput, ModelRefused
from boneage.local_calibration import (
    NAME,
    Adjustment,
    FittedFor,
    Force,
    LocalCalibration,
    local_state,
    roll_back_local,
    write_candidate,
)
from boneage.models import check_model
from boneage.registry import Action, Entry, live_bundle, promote
from boneage.training.publish import amend_card, publish
from boneage.types import Sex

GIRLS = Adjustment(6.0, 0.0, 120.0, 24.0, 190.0, 1.0, 60)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Publish three tiny models, regressor 1.0.0."""
    tiny_models.install(monkeypatch)
    return tiny_models.publish_all(tmp_path / "models", "1.0.0")


@pytest.fixture
def put(models, tmp_path):
    """Let a calibration of the girls go live."""

    def run(version="1", girls=GIRLS):
        fitted_for = FittedFor.of(check_model("bone_age_regressor", models))
        calibration = LocalCalibration(version, date(2026, 11, 25), fitted_for, {Sex.FEMALE: girls})
        sha256 = write_candidate(calibration, tmp_path / version / NAME)
        entry = Entry(Action.PROMOTED, NAME, "", version, sha256, "", "a test")
        promote(tmp_path / version / NAME, models, entry)
        return calibration

    return run


def state(models, wanted=True):
    return local_state(models, check_model("bone_age_regressor", models), wanted)


@pytest.mark.parametrize("months", [0.0, 3.0, 60.0, 126.4, 200.0, 228.0])
@pytest.mark.parametrize("shift", [-30.0, -0.4, 7.3, 40.0])
@pytest.mark.parametrize("stretch", [0.7, 1.0, 1.6])
def test_age_interval_and_distribution_stay_consistent_and_on_the_scale(months, shift, stretch):
    found = moved(a_bone_age(months, 8.0), months + shift, stretch)
    distribution = np.array(found.distribution)
    assert len(distribution) == 240 and distribution.min() >= 0
    assert distribution.sum() == pytest.approx(1) and distribution[229:].sum() == pytest.approx(0, abs=1e-9)
    assert found.months == pytest.approx(distribution @ np.arange(240))
    assert 0 <= found.lower_90_months <= found.months <= found.upper_90_months <= 228


def test_far_from_the_ends_mean_and_spread_are_as_wanted():
    found = moved(a_bone_age(110.0, 8.0), 123.4, 1.5)
    assert found.months == pytest.approx(123.4, abs=0.01)
    assert found.sd_months == pytest.approx(12.0, rel=0.01)
    assert (found.lower_90_months, found.upper_90_months) == pytest.approx((123.4 - 19.7, 123.4 + 19.7), abs=0.3)


def test_a_line_keeps_the_order_of_ages_and_goes_on_level_where_it_was_not_fitted():
    line = Adjustment(2.0, -0.5, 120.0, 60.0, 180.0, 1.0, 50)
    ages = np.arange(0.0, 229.0)
    calibrated = ages + line.shift_months(ages)
    assert (np.diff(calibrated) > 0).all()
    assert line.shift_months(10.0) == line.shift_months(60.0) == 32.0
    assert line.shift_months(220.0) == line.shift_months(180.0) == -28.0


def test_it_changes_the_sex_that_it_was_fitted_to_and_tells_the_age_without_it(put):
    calibration = put()
    girl, shift = calibration(a_bone_age(100.0), Sex.FEMALE)
    assert girl.months == pytest.approx(106.0, abs=0.01)
    assert (shift.uncalibrated.months, shift.ages, shift.version) == (100.0, 60, "1")
    boy = a_bone_age(100.0)
    assert calibration(boy, Sex.MALE) == (boy, None)


def test_what_is_kept_is_what_was_fitted(models, put):
    calibration = put()
    assert state(models).in_force == calibration
    assert state(models).plain() == {
        "state": "in force",
        "reason": None,
        "version": "1",
        "made_on": "2026-11-25",
        "ages": 60,
        "fitted_for": "1.0.0",
    }


def test_without_one_and_when_it_is_switched_off_none_is_in_force(models, put):
    assert state(models).force is Force.NONE
    put()
    assert state(models, wanted=False).in_force is None
    assert state(models, wanted=False).plain()["state"] == "off"


def test_another_regressor_takes_it_out_of_force_and_says_for_which_it_was_fitted(models, put, tmp_path):
    put()
    publish(
        "bone_age_regressor", tiny_models.write_weights(tmp_path / "new.safetensors", 0.25), "2.0.0", {}, {}, models
    )
    found = state(models)
    assert (found.force, found.in_force) == (Force.NOT_IN_FORCE, None)
    assert "fitted for regressor 1.0.0 and is not in force with 2.0.0: fit it anew" in found.reason


@pytest.mark.parametrize(
    "calibrated", [{"temperature": 0.7}, {"stretches": {"male": [1.2] * 20}}, {"adjustments": {"female": [0.3] * 20}}]
)
def test_the_same_weights_calibrated_anew_take_it_out_of_force(models, put, calibrated):
    put()
    amend_card("bone_age_regressor", calibrated, models)
    assert "not in force with 1.0.0, which was calibrated anew" in state(models).reason


def test_one_for_a_calibrated_regressor_is_read_as_it_was_written(models, put):
    amend_card("bone_age_regressor", {"temperature": 0.7, "adjustments": {"female": [0.3] * 20}}, models)
    calibration = put()
    assert state(models).in_force == calibration


def test_one_that_tells_the_temperature_alone_stays_in_force_where_there_is_no_more(models, put):
    put()
    card = live_bundle(models, NAME) / "configs" / "metadata.json"
    values = json.loads(card.read_text())
    values["fitted_for"] = {name: values["fitted_for"][name] for name in ("version", "sha256", "temperature")}
    del values["sha256"]
    values["sha256"] = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    card.write_text(json.dumps(values))
    assert state(models).force is Force.IN_FORCE


def test_rolling_back_goes_back_one_at_a_time_until_there_is_none(models, put):
    put("1")
    put("2", Adjustment(9.0, 0.0, 120.0, 24.0, 190.0, 1.0, 90))
    assert roll_back_local(models, "a test").version == "1"
    assert state(models).in_force.ages == 60
    assert roll_back_local(models, "a test", "Odd.").version == "none"
    assert state(models).force is Force.NONE
    with pytest.raises(InvalidInput, match="no local calibration"):
        roll_back_local(models, "a test")


@pytest.mark.parametrize("damage", ["offset", "cut", "gone"])
def test_a_changed_or_damaged_one_is_refused_and_can_still_be_taken_back(models, put, damage):
    put()
    card = live_bundle(models, NAME) / "configs" / "metadata.json"
    text = card.read_text()
    card.unlink() if damage == "gone" else card.write_text(
        text.replace('"offset_months": 6.0', '"offset_months": 60.0') if damage == "offset" else text[:100]
    )
    with pytest.raises(ModelRefused, match="missing or damaged"):
        state(models)
    assert state(models, wanted=False).in_force is None
    roll_back_local(models, "a test")
    assert state(models).force is Force.NONE


def test_the_card_is_plain_json_without_anything_of_a_patient(models, put):
    put()
    card = json.loads((live_bundle(models, NAME) / "configs" / "metadata.json").read_text())
    assert set(card) == {"version", "made_on", "fitted_for", "adjustments", "sha256"}
