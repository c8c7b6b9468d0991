"""From the network's log-probabilities to a bone age with its interval."""

import numpy as np
import pytest

from boneage.spread import KNOTS, Spread, bone_age
from boneage.types import Sex

MONTHS = np.arange(240)


def a_gaussian(mean, sd):
    return (-0.5 * ((MONTHS - mean) / sd) ** 2).astype(np.float32)


def test_mean_spread_and_interval_are_those_of_the_distribution():
    found = bone_age(a_gaussian(120, 10))
    assert found.months == pytest.approx(120, abs=0.01)
    assert found.sd_months == pytest.approx(10, abs=0.05)
    assert (found.lower_90_months, found.upper_90_months) == pytest.approx((120 - 16.45, 120 + 16.45), abs=0.2)
    assert sum(found.distribution) == pytest.approx(1)
    assert len(found.distribution) == 240


def test_the_interval_of_a_skewed_distribution_is_skewed():
    probability = np.where(MONTHS >= 60, np.exp(-(MONTHS - 60) / 20), 1e-12)
    found = bone_age(np.log(probability))
    assert found.upper_90_months - found.months > 2 * (found.months - found.lower_90_months)


def test_a_temperature_widens_the_spread_and_keeps_the_mean():
    narrow, wide = (Spread(temperature).bone_age(a_gaussian(120, 6), Sex.MALE) for temperature in (1.0, 4.0))
    assert wide.sd_months == pytest.approx(2 * narrow.sd_months, rel=0.01)
    assert wide.months == pytest.approx(narrow.months, abs=0.01)
    assert wide.upper_90_months > narrow.upper_90_months


def test_unnormalised_scores_make_no_difference():
    assert bone_age(a_gaussian(60, 5) - 700).months == pytest.approx(60, abs=0.01)


def test_ages_stay_on_the_scale_at_its_ends():
    certain = np.full(240, -1e3, np.float32)
    certain[0] = 0
    newborn = bone_age(certain)
    assert (newborn.months, newborn.sd_months, newborn.lower_90_months) == (0.0, 0.0, 0.0)
    assert bone_age(certain[::-1].copy()).upper_90_months <= 239.5


def test_a_stretch_widens_the_interval_about_the_mean_for_its_sex_alone():
    spread = Spread(stretches={Sex.FEMALE: (1.5,) * len(KNOTS)})
    girl, boy = (spread.bone_age(a_gaussian(120, 6), sex) for sex in (Sex.FEMALE, Sex.MALE))
    assert boy == bone_age(a_gaussian(120, 6))
    assert girl.months == pytest.approx(120, abs=0.01)
    assert girl.upper_90_months - 120 == pytest.approx(1.5 * (boy.upper_90_months - 120), rel=0.02)
    assert 120 - girl.lower_90_months == pytest.approx(1.5 * (120 - boy.lower_90_months), rel=0.02)
    assert sum(girl.distribution) == pytest.approx(1)


def test_a_stretch_is_that_of_the_age_between_its_knots():
    spread = Spread(stretches={Sex.MALE: tuple(0.5 + 0.1 * index for index in range(len(KNOTS)))})
    assert spread.stretch(0, Sex.MALE) == pytest.approx(0.5)
    assert spread.stretch(18, Sex.MALE) == pytest.approx(0.65)
    assert spread.stretch(400, Sex.MALE) == pytest.approx(0.5 + 0.1 * (len(KNOTS) - 1))


def test_the_temperature_counts_before_the_stretch():
    warm = Spread(4.0, {Sex.MALE: (0.5,) * len(KNOTS)}).bone_age(a_gaussian(120, 6), Sex.MALE)
    assert warm.sd_months == pytest.approx(6, rel=0.02)


def test_an_adjustment_favours_what_is_rare_by_how_unsure_the_network_is():
    spread = Spread(adjustments={Sex.FEMALE: tuple(0.01 * month for month in KNOTS)})
    sure, unsure, boy = (
        spread.bone_age(a_gaussian(120, sd), sex) for sd, sex in ((5, Sex.FEMALE), (10, Sex.FEMALE), (10, Sex.MALE))
    )
    assert boy == bone_age(a_gaussian(120, 10))
    assert (sure.months, unsure.months) == pytest.approx((120.25, 121), abs=0.02)  # by 0.01 a month and the variance
    assert unsure.sd_months == pytest.approx(10, rel=0.01)


def test_temperature_and_stretch_leave_the_adjustments_strength():
    adjusted = {Sex.MALE: tuple(0.01 * month for month in KNOTS)}
    warm = Spread(4.0, {Sex.MALE: (0.5,) * len(KNOTS)}, adjusted)
    assert warm.unstretched(a_gaussian(120, 5), Sex.MALE).months == pytest.approx(121, abs=0.02)
    assert warm.bone_age(a_gaussian(120, 5), Sex.MALE).months == pytest.approx(121, abs=0.02)


def test_a_card_without_a_spread_leaves_what_the_network_says():
    assert Spread.of({}) == Spread(1.0, {})
    row = [1.0] * len(KNOTS)
    told = Spread.of({"temperature": 0.7, "stretches": {"female": row}, "adjustments": {"male": row}})
    assert told == Spread(0.7, {Sex.FEMALE: tuple(row)}, {Sex.MALE: tuple(row)})
