"""Adult heights against the worked examples of the papers, and against what must hold for every table."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boneage import bayley_pinneau as bp
from boneage import rwt
from boneage.adult_height import adult_heights, target_height
from boneage.errors import InvalidInput
from boneage.reference_tables import months_of, printed_age, table_rows
from boneage.types import BAYLEY_PINNEAU, RWT_1975, TARGET_HEIGHT, Heights, Sex

CLASSES = (bp.ACCELERATED, bp.AVERAGE, bp.RETARDED)
INCH = 2.54
EVERYTHING = Heights(150.0, 151.0, 40.0, 165.0, 180.0)

sexes = st.sampled_from(Sex)
ages = st.floats(0, 300)


# Bayley-Pinneau


@pytest.mark.parametrize(
    ("sex", "bone_age", "age", "inches", "adult_inches"),
    [
        (Sex.MALE, "13-3", "13-3", 60.0, 67.4),
        (Sex.MALE, "15-6", "14-0", 67.5, 69.5),
        (Sex.FEMALE, "10-3", "12-0", 55.0, 62.2),
    ],
)
def test_bayley_pinneau_gives_the_heights_of_its_worked_examples(sex, bone_age, age, inches, adult_inches):
    found = bp.bayley_pinneau(inches * INCH, months_of(bone_age), months_of(age), sex)
    assert found.cm / INCH == pytest.approx(adult_inches, abs=0.05)


@pytest.mark.parametrize(
    ("advance", "maturity"),
    [(12, bp.ACCELERATED), (11.99, bp.AVERAGE), (0, bp.AVERAGE), (-11.99, bp.AVERAGE), (-12, bp.RETARDED)],
)
def test_the_class_changes_at_twelve_months_exactly(advance, maturity):
    for age in np.arange(80, 180, 0.1):
        assert bp.maturity_class(age + advance, age) == maturity


@pytest.mark.parametrize(
    ("sex", "maturity", "bone_age", "percent"),
    [
        (Sex.MALE, bp.ACCELERATED, "11-6", 78.6),
        (Sex.FEMALE, bp.ACCELERATED, "11-3", 88.7),
        (Sex.FEMALE, bp.ACCELERATED, "13-6", 96.3),
        (Sex.FEMALE, bp.AVERAGE, "6-10", 75.1),
        (Sex.FEMALE, bp.AVERAGE, "7-10", 78.2),
    ],
)
def test_cells_that_transcriptions_disagreed_on_are_those_of_the_paper(sex, maturity, bone_age, percent):
    assert bp.percent_of_mature_height(months_of(bone_age), sex, maturity) == percent


@given(sexes, st.sampled_from(CLASSES), ages, ages)
def test_the_part_of_the_adult_height_never_falls_with_the_bone_age(sex, maturity, one, other):
    parts = [bp.percent_of_mature_height(months, sex, maturity) for months in sorted((one, other))]
    assert None in parts or 66 < parts[0] <= parts[1] <= 100


@given(sexes, ages)
def test_at_one_bone_age_the_retarded_have_reached_most_and_the_accelerated_least(sex, months):
    parts = [bp.percent_of_mature_height(months, sex, maturity) for maturity in CLASSES]
    known = [part for part in parts if part is not None]
    assert known == sorted(known)


@given(sexes, st.floats(60, 240), st.floats(60, 240), st.floats(90, 200))
def test_an_adult_is_never_predicted_smaller_than_the_child(sex, bone_age, age, height_cm):
    found = bp.bayley_pinneau(height_cm, bone_age, age, sex)
    assert found.note
    if found.cm is not None:
        assert height_cm <= found.cm <= height_cm / 0.66
    if found.lower_cm is not None:
        assert found.lower_cm < found.cm < found.upper_cm


@pytest.mark.parametrize(
    ("sex", "age", "bone_age", "covered"),
    [
        (Sex.MALE, "15-0", "13-1", "6-0 to 13-0"),  # retarded boys: the paper has no table beyond
        (Sex.MALE, "7-0", "6-11", "7-0 to 18-6"),
        (Sex.MALE, "19-0", "18-7", "7-0 to 18-6"),
        (Sex.FEMALE, "5-0", "5-0", "6-0 to 18-0"),
        (Sex.FEMALE, "16-0", "17-7", "7-0 to 17-6"),
    ],
)
def test_outside_the_table_there_is_no_height_but_what_the_table_covers(sex, age, bone_age, covered):
    found = bp.bayley_pinneau(150, months_of(bone_age), months_of(age), sex)
    assert (found.cm, found.lower_cm, found.upper_cm) == (None, None, None)
    assert found.note.startswith("outside the table")
    assert covered in found.note and f"this one is {bone_age}" in found.note


def test_the_last_bone_age_of_retarded_boys_is_in_the_table():
    assert bp.bayley_pinneau(150, 156, 180, Sex.MALE).cm == pytest.approx(150 / 0.88)


def test_the_range_is_1_645_sd_of_the_authors_errors():
    found = bp.bayley_pinneau(150, 120, 120, Sex.MALE)  # 1.33 inches at 10 years
    assert found.upper_cm - found.cm == pytest.approx(1.645 * 1.33 * 2.54)
    assert "error SD of 3.4 cm" in found.range_means


def test_an_error_is_interpolated_where_the_validating_sample_has_none():
    assert bp.error_sd_cm(102, Sex.FEMALE) == pytest.approx((1.73 + 1.46) / 2 * INCH)


@pytest.mark.parametrize("age", ["7-11", "18-1"])
def test_outside_the_ages_of_the_errors_there_is_no_range(age):
    found = bp.bayley_pinneau(170, months_of(age), months_of(age), Sex.MALE)
    assert found.cm is not None and found.lower_cm is None and not found.range_means
    assert "the authors give no error for this age" in found.note


# RWT


def test_rwt_gives_the_height_of_its_worked_example():
    found = rwt.rwt_1975(108.7, 17.4, 169.0, 5.4 * 12, months_of("6-3"), Sex.MALE)
    assert found.cm == pytest.approx(168.839, abs=0.001)
    assert found.upper_cm - found.cm == pytest.approx(4.7)
    assert found.cm - found.lower_cm == pytest.approx(4.7)


@pytest.mark.parametrize("sex", Sex)
def test_rwt_changes_smoothly_from_age_to_age(sex):
    """A misread digit of a coefficient would show as a jump: here a child that follows the usual growth."""
    usual = {
        12: (76, 10),
        36: (96, 14.5),
        60: (110, 18.5),
        96: (128, 26),
        132: (145, 37),
        168: (163, 52),
        192: (172, 62),
    }
    grid = np.arange(12, 193 if sex is Sex.MALE else 169, 3)
    lengths, weights = (np.interp(grid, list(usual), column) for column in zip(*usual.values(), strict=True))
    found = [
        rwt.rwt_1975(length, weight, 170, age, age, sex).cm
        for age, length, weight in zip(grid, lengths, weights, strict=True)
    ]
    assert min(found) > 150 and max(found) < 195
    assert np.abs(np.diff(found)).max() < 2.0


KNOWN_ODD_WEIGHTS = {
    "rwt_1975_boys.csv": "16-0",
    "rwt_1975_girls.csv": "13-9",
}  # as the paper prints them: see the headers


@pytest.mark.parametrize("file", KNOWN_ODD_WEIGHTS)
@pytest.mark.parametrize(
    ("column", "bound"),
    [
        ("height_length_coefficient", 0.005),
        ("weight_coefficient", 0.004),
        ("midparental_height_coefficient", 0.004),
        ("bone_age_coefficient", 0.012),
        ("regression_intercept", 0.28),
    ],
)
def test_rwt_coefficients_follow_a_smooth_curve(file, column, bound):
    """The paper smoothed them, so their third differences are tiny, and a misread digit would stand out."""
    rows = table_rows(file)
    values = np.array([float(row[column]) for row in rows])
    ages = [f"{row['age_years']}-{row['age_months']}" for row in rows]
    jumps = [ages[first : first + 4] for first in np.flatnonzero(np.abs(np.diff(values, 3)) > bound)]
    if column == "weight_coefficient":
        assert jumps and all(KNOWN_ODD_WEIGHTS[file] in four for four in jumps)
    else:
        assert not jumps


@pytest.mark.parametrize(
    ("sex", "age", "odd"),
    [(Sex.MALE, 192, True), (Sex.MALE, 189, False), (Sex.FEMALE, 165, True), (Sex.FEMALE, 168, False)],
)
def test_rwt_says_where_its_paper_looks_misprinted(sex, age, odd):
    assert ("looks misprinted" in rwt.rwt_1975(165, 60, 170, age, age, sex).note) is odd


@given(sexes, st.floats(0, 240), st.floats(60, 190), st.floats(5, 100), st.floats(140, 200), st.floats(0, 220))
def test_rwt_outside_its_ages_gives_no_height_and_inside_a_range(sex, age, length, weight, midparent, bone_age):
    found = rwt.rwt_1975(length, weight, midparent, bone_age, age, sex)
    if 12 <= age <= (192 if sex is Sex.MALE else 168):
        assert found.cm - found.lower_cm == pytest.approx(found.upper_cm - found.cm)
        assert 3 < found.upper_cm - found.cm < 6.51
    else:
        assert found.cm is None
        assert "it covers ages of 1-0 to 1" in found.note


# The parents


@pytest.mark.parametrize(("sex", "cm"), [(Sex.MALE, 178.0), (Sex.FEMALE, 165.0)])
def test_the_target_height_is_the_parents_mean_and_half_of_13_cm(sex, cm):
    found = target_height(165.0, 178.0, sex)
    assert (found.cm, found.lower_cm, found.upper_cm) == (cm, cm - 8.5, cm + 8.5)
    assert found.method == TARGET_HEIGHT


# All together


def test_everything_given_gives_every_method():
    found = adult_heights(EVERYTHING, 150, 156, Sex.MALE)
    assert [one.method for one in found] == [BAYLEY_PINNEAU, RWT_1975, TARGET_HEIGHT]
    assert all(one.cm for one in found)


def test_nothing_given_gives_nothing():
    assert adult_heights(Heights(), 150, 156, Sex.MALE) == ()


def test_standing_height_never_takes_the_place_of_recumbent_length():
    with_height = Heights(height_cm=150, weight_kg=40, mother_height_cm=165, father_height_cm=180)
    found = {one.method: one for one in adult_heights(with_height, 150, 156, Sex.MALE)}
    assert found[RWT_1975].cm is None
    assert found[RWT_1975].note == "needs the recumbent length (standing height does not do)"
    assert found[BAYLEY_PINNEAU].cm


def test_what_a_method_lacks_is_named():
    assert [one.note for one in adult_heights(Heights(mother_height_cm=165), 150, 156, Sex.MALE)] == [
        "needs the father's height"
    ]
    notes = [one.note for one in adult_heights(Heights(height_cm=150, weight_kg=40), 150, None, Sex.FEMALE)]
    assert notes[0] == "needs the chronological age"
    assert notes[1].endswith("the mother's height, the father's height, the chronological age")


@pytest.mark.parametrize(("bone_age", "age"), [(float("nan"), 100), (100, float("nan")), (100, float("inf"))])
def test_an_age_that_is_no_number_is_refused(bone_age, age):
    with pytest.raises(InvalidInput, match="in months"):
        adult_heights(EVERYTHING, bone_age, age, Sex.MALE)


def test_the_uncertainty_of_the_bone_age_is_told_too():
    alone = bp.bayley_pinneau(150, 150, 150, Sex.MALE)
    found = adult_heights(Heights(height_cm=150), 150, 150, Sex.MALE, (140, 160))[0]
    assert (found.cm, found.lower_cm, found.upper_cm) == (alone.cm, alone.lower_cm, alone.upper_cm)
    ends = [bp.bayley_pinneau(150, months, 150, Sex.MALE).cm for months in (140, 160)]
    assert found.over_bone_age_cm == pytest.approx(sorted(ends))


def test_a_change_of_class_within_the_interval_of_the_bone_age_is_seen():
    """At 12 months of advance the height jumps up, so that the ends of the interval are not the extremes."""
    found = adult_heights(Heights(height_cm=150), 150, 140, Sex.MALE, (145, 153))[0]
    least, most = found.over_bone_age_cm
    assert least == pytest.approx(bp.bayley_pinneau(150, 151.5, 140, Sex.MALE).cm)
    assert most == pytest.approx(bp.bayley_pinneau(150, 152, 140, Sex.MALE).cm)
    assert most > 1.02 * least


def test_an_interval_that_reaches_beyond_the_table_is_said():
    beyond = adult_heights(Heights(height_cm=120), 90, 90, Sex.MALE, (80, 100))[0]
    assert beyond.note.endswith("the 90 % interval of the bone age reaches beyond the table")
    assert beyond.over_bone_age_cm[1] == pytest.approx(120 / 0.695)  # the first cell, 7-0
    assert "beyond" not in adult_heights(Heights(height_cm=120), 95, 95, Sex.MALE, (85, 100))[0].note


# The tables


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("bayley_pinneau_1952_pmh.csv", 251),
        ("bayley_pinneau_1952_error_sd_inches.csv", 42),
        ("rwt_1975_boys.csv", 61),
        ("rwt_1975_girls.csv", 53),
        ("rwt_1975_limits.csv", 31),
    ],
)
def test_every_table_is_whole(file, rows):
    assert len(table_rows(file)) == rows


@pytest.mark.parametrize(("sex", "maturity"), list(itertools.product(Sex, CLASSES)))
def test_the_ages_of_a_column_rise(sex, maturity):
    months = [
        float(row["skeletal_age_months"])
        for row in table_rows("bayley_pinneau_1952_pmh.csv")
        if (row["sex"], row["category"]) == (sex.value, maturity)
    ]
    assert months == sorted(set(months))
    assert max(np.diff(months)) <= 6


def test_errors_of_the_prediction_are_small_and_shrink_until_adulthood():
    for sex in Sex:
        sds = [bp.error_sd_cm(age, sex) for age in range(96, 217, 6)]
        assert all(0.2 < sd < 4.5 for sd in sds)
        assert max(sds[-4:]) < min(sds[:8])


def test_ages_are_written_as_the_tables_print_them():
    assert [printed_age(months_of(age)) for age in ("6-0", "6-10", "13-3")] == ["6-0", "6-10", "13-3"]
    assert printed_age(156.9) == "13-0"
