"""Heights that cannot be true are refused: most are a wrong unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boneage.errors import InvalidInput
from boneage.heights import USUAL_HEIGHT_CM, check_heights, plausible_range_cm
from boneage.types import Heights


@pytest.mark.parametrize("years", USUAL_HEIGHT_CM)
def test_usual_heights_pass_and_the_same_number_in_inches_or_metres_does_not(years):
    usual = USUAL_HEIGHT_CM[years]
    for part in (0.85, 1.0, 1.25):
        cm = usual * part
        check_heights(Heights(height_cm=cm), 12 * years)
        for wrong in (cm / 2.54, cm * 2.54, cm / 100, cm * 10):
            with pytest.raises(InvalidInput, match="half to one and a half of what is usual"):
                check_heights(Heights(height_cm=wrong), 12 * years)


def test_sixty_inches_typed_as_cm_name_the_range_and_its_reason():
    with pytest.raises(InvalidInput) as caught:
        check_heights(Heights(height_cm=60), 156)
    assert caught.value.message == (
        "Expected a height of 78 to 234 cm at 13.0 years (half to one and a half of what is usual at that age); "
        "got 60 cm."
    )
    assert "unit" in caught.value.advice


@given(st.floats(0, 300), st.floats(0, 300))
def test_the_range_grows_with_age(one, other):
    younger, older = (plausible_range_cm(months) for months in sorted((one, other)))
    assert younger[0] <= older[0] and younger[1] <= older[1]


@pytest.mark.parametrize("field", ["height_cm", "length_cm", "weight_kg", "mother_height_cm", "father_height_cm"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -150.0, 0.0, 1.65, 1520.0])
@pytest.mark.parametrize("age", [156.0, None])
def test_what_no_child_and_no_parent_has_is_refused(field, value, age):
    if (field, value) == ("weight_kg", 1.65):
        value = 0.4
    with pytest.raises(InvalidInput, match="Expected a"):
        check_heights(Heights(**{field: value}), age)


def test_a_weight_in_pounds_or_grams_does_not_fit_the_height():
    check_heights(Heights(height_cm=110, weight_kg=18), 60)
    with pytest.raises(InvalidInput, match="body mass index of 7 to 80; 180 kg at 110 cm make 148"):
        check_heights(Heights(height_cm=110, weight_kg=180), 60)


def test_nothing_given_is_nothing_to_refuse():
    check_heights(Heights(), 10)


def test_what_another_source_knows_takes_the_place_of_what_was_known():
    table, option = Heights(height_cm=150, weight_kg=40), Heights(height_cm=151)
    assert table.with_given(option) == Heights(height_cm=151, weight_kg=40)
    assert Heights().given() == {}
