"""Room 5 against values worked out by hand from the tables."""

import pytest

from boneage.errors import InvalidInput
from boneage.growth import (
    growth_range_months,
    growth_references,
    outside_table_warning,
    score_growth,
    verdict_depends_on_reference,
)
from boneage.types import Sex, Verdict


def test_sd_is_read_from_the_table_at_its_own_ages():
    score = score_growth(129.79, 120, Sex.MALE)
    assert score.reference_sd_months == pytest.approx(9.79)
    assert score.sds == pytest.approx(1.0)
    assert score.verdict is Verdict.NORMAL
    assert score.chronological_age_months == 120


@pytest.mark.parametrize(
    ("sex", "reference", "age", "sd"),
    [
        (Sex.MALE, "brush-foundation", 114, (9.0 + 9.79) / 2),
        (Sex.FEMALE, "brush-foundation", 147, 10.24 + (10.67 - 10.24) / 4),
        (Sex.MALE, "tables-v-vi", 75, 9.3 + (10.1 - 9.3) / 4),
        (Sex.FEMALE, "tables-v-vi", 138, (12.3 + 14.0) / 2),
    ],
)
def test_sd_is_interpolated_linearly_between_the_ages_of_the_table(sex, reference, age, sd):
    score = score_growth(age - sd, age, sex, reference)
    assert score.reference_sd_months == pytest.approx(sd)
    assert score.sds == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("sex", "reference", "first", "last"),
    [
        (Sex.MALE, "brush-foundation", 3, 204),
        (Sex.FEMALE, "brush-foundation", 3, 192),
        (Sex.MALE, "tables-v-vi", 12, 204),
        (Sex.FEMALE, "tables-v-vi", 12, 180),
    ],
)
def test_outside_the_table_there_is_no_sds(sex, reference, first, last):
    assert growth_range_months(sex, reference) == (first, last)
    for age in (first, last):
        assert score_growth(age, age, sex, reference).verdict is Verdict.NORMAL
        assert outside_table_warning(age, sex, reference) == ""
    for age in (first - 0.01, last + 0.01, -1):
        score = score_growth(age, age, sex, reference)
        assert (score.sds, score.reference_sd_months, score.verdict) == (None, None, Verdict.OUTSIDE_TABLE)
        assert f"covers {first / 12:g} to {last / 12:g} years ({sex.value})" in outside_table_warning(
            age, sex, reference
        )


@pytest.mark.parametrize(
    ("sds", "verdict"),
    [
        (-2.001, Verdict.DELAYED),
        (-2, Verdict.NORMAL),
        (0, Verdict.NORMAL),
        (2, Verdict.NORMAL),
        (2.001, Verdict.ADVANCED),
    ],
)
@pytest.mark.parametrize("age", [24, 60, 84, 114, 150, 180])
def test_verdict_changes_beyond_two_sd(sds, verdict, age):
    sd = score_growth(age, age, Sex.FEMALE).reference_sd_months
    assert score_growth(age + sds * sd, age, Sex.FEMALE).verdict is verdict


def test_every_score_names_its_reference():
    for name, title in growth_references().items():
        assert score_growth(100, 100, Sex.MALE, name).growth_reference == title
        assert score_growth(100, 100, Sex.MALE, title).growth_reference == title


def test_default_reference_is_one_of_the_references():
    assert score_growth(100, 100, Sex.MALE) == score_growth(100, 100, Sex.MALE, "brush-foundation")


def test_a_verdict_that_the_other_reference_flips_is_told_with_both_scores():
    # A boy of 10 years: 21 months are 2.15 SD of 9.79 months, but 1.84 SD of 11.4 months.
    sentence = verdict_depends_on_reference(141, 120, Sex.MALE)
    assert sentence == (
        "The verdict depends on the growth reference: "
        "advanced (SDS +2.15) by Greulich-Pyle 1959, Brush Foundation series (Tables III/IV), "
        "but normal (SDS +1.84) by Greulich-Pyle 1959, Tables V/VI."
    )
    other_way_round = verdict_depends_on_reference(141, 120, Sex.MALE, "tables-v-vi")
    assert other_way_round.startswith("The verdict depends on the growth reference: normal (SDS +1.84)")


@pytest.mark.parametrize(("bone_age", "age"), [(125, 120), (160, 120), (20, 8), (180, 230)])
def test_nothing_is_said_where_no_other_reference_contradicts(bone_age, age):
    assert verdict_depends_on_reference(bone_age, age, Sex.MALE) == ""


def test_unknown_reference_is_refused_with_the_names_to_choose_from():
    with pytest.raises(InvalidInput, match="one of brush-foundation, tables-v-vi; got 'tanner'"):
        score_growth(100, 100, Sex.MALE, "tanner")


@pytest.mark.parametrize(("bone_age", "age"), [(float("nan"), 100), (100, float("nan")), (100, float("inf"))])
def test_an_age_that_is_no_number_is_refused(bone_age, age):
    with pytest.raises(InvalidInput, match="in months"):
        score_growth(bone_age, age, Sex.MALE)
