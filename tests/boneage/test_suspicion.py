"""What looks wrong among corrections; the models' answers are made on the spot."""

from dataclasses import replace

import numpy as np
import pytest

from boneage.suspicion import Looked, suspicions
from boneage.types import Correction, Sex

SD = 8.0


def looked(months, model, i=0, reader="R1", **more):
    correction = Correction(f"image-{i}", reader, bone_age_months=months, sex=Sex.MALE, id=f"{i:032x}")
    return Looked(correction, float(model), SD, **more)


def a_clinic(count=100, bias=0.0, seed=1, **more):
    """Make ages that follow the model's with an error of one spread."""
    rng = np.random.default_rng(seed)
    models = rng.uniform(20, 210, count)
    return [looked(m + bias + rng.normal(0, 0.8 * SD), m, i, **more) for i, m in enumerate(models)]


def with_ages(rows, ages):
    return [
        replace(row, correction=replace(row.correction, bone_age_months=float(age)))
        for row, age in zip(rows, ages, strict=True)
    ]


def test_an_age_far_from_the_models_is_named_with_both_ages():
    rows = [*a_clinic(), looked(60, 150, 100)]
    [first, *_] = suspicions(rows)
    assert (first.correction, first.image_id, first.reader) == (f"{100:032x}", "image-100", "R1")
    assert "Age 60 months, the model says 150" in first.why and first.weight > 2


def test_good_corrections_raise_next_to_no_suspicion():
    assert len(suspicions(a_clinic(400))) <= 4


def test_a_model_that_errs_for_all_young_children_makes_few_corrections_suspicious():
    rows = [replace(row, months=max(row.months, 100 - 0.4 * (100 - row.months))) for row in a_clinic(200)]
    young = [row for row in rows if row.months < 100]
    assert np.mean([row.months - row.correction.bone_age_months for row in young]) > 15
    assert len(suspicions(rows)) <= 0.05 * len(young)
    assert any("readers here usually -" in one.why for one in suspicions([*rows, looked(180, 70, 300)]))


def test_an_age_that_the_model_agrees_with_is_not_suspicious_where_others_disagree():
    rows = [looked(m - 40, m, i) for i, m in enumerate(range(60, 210))]
    assert not suspicions([*rows, looked(121, 120, 999)])


def test_ages_of_wrong_patients_are_found_and_few_others():
    rows = a_clinic(200)
    ages = [row.correction.bone_age_months for row in rows]
    mixed_up = list(range(0, 200, 10))
    for i, j in zip(mixed_up, mixed_up[1:] + mixed_up[:1], strict=True):
        ages[i] = rows[j].correction.bone_age_months
    far = {i for i in mixed_up if abs(ages[i] - rows[i].months) > 5 * SD}
    found = {int(one.correction, 16) for one in suspicions(with_ages(rows, ages))}
    assert far <= found and len(found - set(mixed_up)) <= 3


def test_ages_that_are_all_of_other_patients_are_named_as_a_whole_and_one_by_one():
    rows = a_clinic(200)
    ages = np.random.default_rng(3).permutation([row.correction.bone_age_months for row in rows])
    [first, *others] = suspicions(with_ages(rows, ages))
    assert first.correction == "" and "as if of other patients" in first.why
    assert len(others) > 100


def test_a_reader_with_a_bias_is_named():
    found = suspicions([*a_clinic(60), *a_clinic(40, bias=14.0, seed=2, reader="R2")])
    assert {one.reader for one in found if not one.correction} == {"R1", "R2"}
    assert any("Beside the model, +1" in one.why for one in found)


def test_the_same_age_for_many_in_a_row_is_named_but_not_for_one_read_often():
    rows = a_clinic(20)
    in_a_row = [looked(120, 120 + i, 50 + i) for i in range(5)]
    found = suspicions([*rows, *in_a_row])
    assert {one.correction for one in found if "in a row" in one.why} == {row.correction.id for row in in_a_row}
    one_radiograph = [replace(row, correction=replace(row.correction, image_id="image-x")) for row in in_a_row]
    assert not any("in a row" in one.why for one in suspicions([*rows, *one_radiograph]))


def test_two_ages_of_one_radiograph_are_named_at_both():
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(3, 64)).astype(np.float32)
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    rows = [looked(60, 60, 0, small=pictures[0]), looked(100, 100, 1, small=pictures[1])]
    assert not suspicions(rows)
    found = suspicions([*rows, looked(98, 98, 2, small=pictures[0])])
    assert {one.correction for one in found} == {f"{0:032x}", f"{2:032x}"}
    assert "Age 98 months, 60 for as good as the same radiograph." in found[0].why + found[1].why


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dice": 0.4}, "share only 40% (Dice)"),
        ({"filled": 0.01}, "fills only 1%"),
        ({"inside": 0.3}, "Only 30% of the outline"),
        ({"box_overlap": 0.1}, "overlap by 10% only"),
    ],
)
def test_outlines_and_boxes_far_from_the_models_are_named(values, words):
    correction = Correction("image", "R1", id="f" * 32)
    [one] = suspicions([Looked(correction, **values)])
    assert words in one.why
    assert not suspicions([Looked(correction, **dict.fromkeys(values, 0.97))])


def test_several_reasons_against_a_correction_become_one_entry():
    [one] = suspicions([Looked(Correction("image", "R1", id="f" * 32), dice=0.1, filled=0.05)])
    assert "Dice" in one.why and "fills only" in one.why and one.weight > 3


def test_only_what_a_model_learns_from_counts_for_its_training():
    row = replace(looked(60, 150), dice=0.1)
    rows = [*a_clinic(), replace(row, correction=replace(row.correction, id="f" * 32))]
    assert any("model says" in one.why for one in suspicions(rows, "bone_age_regressor"))
    assert [one.correction for one in suspicions(rows, "hand_segmenter")] == ["f" * 32]


def test_few_corrections_are_compared_with_the_model_alone():
    [one] = suspicions([looked(100, 102, 0), looked(60, 150, 1)])
    assert one.correction == f"{1:032x}" and "usually" not in one.why
