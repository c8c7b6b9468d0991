"""The gate of a local calibration: a population that differs passes, noise does not, and nobody is made worse."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from boneage.errors import InvalidData
from boneage.local_calibration import Adjustment, FittedFor, LocalCalibration
from boneage.promotion_local import FEWEST, LocalAge, cross_validated, fingerprint, fit, rule_on_local
from boneage.spread import Spread
from boneage.types import BoneAge, Sex

SD = 8.0


def some_ages(count=160, girls=0.0, boys=0.0, seed=0, sd=SD, per_patient=1):
    """Make readings that differ from unbiased models by noise, and by a constant for each sex."""
    random = np.random.default_rng(seed)
    ages = []
    for i in range(count):
        sex = (Sex.FEMALE, Sex.MALE)[i // per_patient % 2]
        months = random.uniform(60, 180)
        read = months + random.normal(0, sd) + (girls if sex is Sex.FEMALE else boys)
        bone_age = BoneAge(months, SD, months - 1.645 * SD, months + 1.645 * SD)
        ages.append(LocalAge(bone_age, sex, read, f"P{i // per_patient}"))
    return ages


def mean_error(ages, fitted):
    now = [fitted[one.sex](one.bone_age) if one.sex in fitted else one.bone_age for one in ages]
    return np.mean([abs(age.months - one.read_months) for one, age in zip(ages, now, strict=True)])


def test_a_population_whose_girls_are_read_older_passes_and_its_boys_stay_as_they_are():
    ages = some_ages(girls=8.0)
    ruling = rule_on_local(ages, None)
    assert ruling.goes_live
    fitted = fit(ages)
    assert fitted[Sex.FEMALE].shift_months(120.0) == pytest.approx(8.0, abs=2.5)
    assert fitted[Sex.MALE].shift_months(120.0) == 0.0
    assert mean_error(some_ages(2000, girls=8.0, seed=9), fitted) < mean_error(some_ages(2000, girls=8.0, seed=9), {})


def test_a_population_like_that_of_the_models_is_refused_and_would_hardly_be_harmed():
    passed, harm = 0, []
    for seed in range(20):
        ages, others = some_ages(FEWEST, seed=seed), some_ages(1000, seed=1000 + seed)
        passed += rule_on_local(ages, None).goes_live
        harm.append(mean_error(others, fit(ages)) - mean_error(others, {}))
    assert passed <= 1
    assert np.mean(harm) < 0.05 and max(harm) < 0.6


def test_a_bias_that_grows_with_age_becomes_a_line():
    ages = [
        replace(one, read_months=one.read_months + 0.2 * (one.bone_age.months - 120))
        for one in some_ages(400, seed=2, sd=4)
    ]
    for line in fit(ages).values():
        assert line.slope == pytest.approx(0.2, abs=0.05)


def test_one_mistyped_age_moves_nothing_much():
    ages = some_ages(FEWEST, girls=8.0, sd=3.0)
    years_for_months = [replace(ages[0], read_months=ages[0].read_months / 12), *ages[1:]]
    right, wrong = (fit(some)[Sex.FEMALE].shift_months(120.0) for some in (ages, years_for_months))
    assert abs(wrong - right) < 0.6


def test_intervals_that_hold_too_few_are_widened_and_those_that_hold_90_percent_are_left_alone():
    assert {one.stretch for one in fit(some_ages(300)).values()} == {1.0}
    stretch = fit(some_ages(300, sd=2 * SD))[Sex.MALE].stretch
    assert stretch == pytest.approx(2.0, rel=0.2)


def test_a_sex_with_too_few_ages_stays_as_it_is():
    ages = [one for one in some_ages(240, girls=8.0, boys=8.0) if one.sex is Sex.FEMALE]
    boys = [one for one in some_ages(24, boys=8.0, seed=4) if one.sex is Sex.MALE]
    boys = [replace(one, patient=f"B{i}") for i, one in enumerate(boys)]
    assert set(fit(ages + boys)) == {Sex.FEMALE}
    assert rule_on_local(ages + boys, None).goes_live


def test_fewer_than_a_hundred_are_refused_with_how_many_there_are():
    with pytest.raises(InvalidData, match=r"at least 100 radiographs .* got 99 of 99"):
        rule_on_local(some_ages(99, girls=20.0), None)
    with pytest.raises(InvalidData, match="got 120 of 2"):
        rule_on_local(some_ages(120, per_patient=60), None)


def test_an_age_is_calibrated_by_what_was_fitted_without_its_patient():
    ages = some_ages(120, girls=12.0, per_patient=2)
    before = cross_validated(ages)
    odd = [replace(one, read_months=228.0) if one.patient == "P0" else one for one in ages]
    after = cross_validated(odd)
    assert [a.months for a, one in zip(before, ages, strict=True) if one.patient == "P0"] == [
        a.months for a, one in zip(after, ages, strict=True) if one.patient == "P0"
    ]


def test_one_that_helps_the_girls_and_harms_the_youngest_is_refused():
    young = [LocalAge(BoneAge(m, SD, m - 13, m + 13), Sex.FEMALE, float(m), f"Y{m}") for m in range(24, 44)]
    ruling = rule_on_local(some_ages(300, girls=8.0) + young, None)
    assert not ruling.goes_live
    assert [one.what for one in ruling.others if one.is_worse] == ["error of the age, months, 0-4 years"]


def test_the_same_ages_do_not_take_the_place_of_what_they_gave_before():
    ages = some_ages(girls=8.0)
    live = LocalCalibration("1", date(2026, 11, 25), FittedFor("1.0.0", "", Spread()), fit(ages))
    assert not rule_on_local(ages, live).goes_live
    worse = LocalCalibration(
        "1", date(2026, 11, 25), live.fitted_for, {Sex.FEMALE: Adjustment(-9.0, 0, 120, 60, 180, 1, 60)}
    )
    assert rule_on_local(ages, worse).goes_live


def test_the_fingerprint_tells_sets_of_ages_apart_and_not_their_order():
    ages = some_ages(FEWEST)
    assert fingerprint(ages) == fingerprint(ages[::-1]) != fingerprint(ages[1:])
