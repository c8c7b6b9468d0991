"""Warnings and notes, which other rooms word in English, in another language."""

import ast
from itertools import product
from pathlib import Path

import pytest

import boneage
from boneage.adult_height import adult_heights
from boneage.course import course
from boneage.growth import growth_references, outside_table_warning, verdict_depends_on_reference
from boneage.language import language
from boneage.report_sentences import SENTENCES, translated
from boneage.types import CoursePoint, Heights, Sex

PACKAGE = Path(boneage.__file__).parent
WARNING_ROOMS = "types assessment doubts covering legibility squash growth radiograph pixels "
WARNING_ROOMS += "dicom_in dicom_tags dicom_grey raster_in volume_in"
GIRL, BOY = Sex.FEMALE, Sex.MALE


def sentences_that_are_no_errors(room):
    """Find the sentences in a module's source that are neither raised nor documentation, {} for each value."""
    tree = ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8"))
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            left_out |= {id(part) for part in ast.walk(node)}
        if isinstance(node, ast.Expr):
            left_out.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in ast.walk(node) if part is not node}
    found = [as_text(node) for node in ast.walk(tree) if id(node) not in left_out]
    return [one for one in found if one.endswith(".") and " " in one]


def as_text(node):
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def in_russian(sentence):
    return translated(sentence, language("ru"))


def is_russian(sentence):
    """Say whether the sentence was translated: no English word of its own is left."""
    english = {"the", "of", "at", "and", "was", "is", "for", "this", "years", "height", "age", "female", "male"}
    return not english & set(sentence.replace("«", " ").replace(",", " ").split())


@pytest.mark.parametrize("room", WARNING_ROOMS.split())
def test_every_warning_that_a_room_can_give_is_known(room):
    for sentence in sentences_that_are_no_errors(room):
        if sentence.startswith("The verdict depends"):  # made of parts; tested below
            continue
        warning = sentence.replace("{}", "7")
        assert in_russian(warning) != warning


def test_the_rooms_still_say_what_is_known():
    said = {one for room in WARNING_ROOMS.split() for one in sentences_that_are_no_errors(room)}
    known = {sentence for sentence in SENTENCES if sentence.endswith(".") and "{start}" not in sentence}
    patterns = {"".join("{}" if part else text for text, part in parts(one)) for one in known}
    assert len(said & patterns) == len(said) - 1  # that the verdict depends on the reference is made of parts


def parts(sentence):
    for number, text in enumerate(sentence.replace("}", "{").split("{")):
        yield ("", True) if number % 2 else (text, False)


def test_numbers_and_words_in_a_warning_are_translated_too():
    warning = "The outline fills only 22% of the hand's box: check it before trusting the age."
    assert "22\u00a0%" in in_russian(warning)
    assert "левая" in in_russian("The file says right hand, the thumb lies as in a left hand seen from its back.")


@pytest.mark.parametrize(("sex", "reference"), list(product(Sex, growth_references())))
def test_warnings_of_the_growth_room_are_translated_whatever_their_values(sex, reference):
    warnings = {outside_table_warning(age, sex, reference) for age in (0.5, 235.0)}
    bone_ages = [month / 2 for month in range(60, 300)]
    warnings |= {verdict_depends_on_reference(months, 96.0, sex, reference) for months in bone_ages}
    assert len(warnings - {""}) > 2
    assert all(is_russian(in_russian(warning)) for warning in warnings), warnings


def test_a_verdict_that_depends_on_the_reference_reads_well_in_russian():
    bone_age = next(month for month in range(60, 96) if verdict_depends_on_reference(month, 96.0, GIRL))
    said = in_russian(verdict_depends_on_reference(bone_age, 96.0, GIRL))
    assert said.startswith("Вывод зависит от таблицы: ")
    assert "(SDS -" in said and "," in said and "1959, таблицы V/VI" in said


def test_notes_on_adult_heights_are_translated_whatever_they_say():
    given = [
        Heights(140, 141, 35, 165, 180),
        Heights(140),
        Heights(length_cm=141),
        Heights(weight_kg=35, mother_height_cm=165),
        Heights(father_height_cm=180),
    ]
    for heights, sex, bone_age, age in product(given, Sex, range(30, 235, 9), (None, 12.5, 100, 166, 190.5, 215)):
        for adult in adult_heights(heights, bone_age, age, sex, (bone_age - 9, bone_age + 9)):
            for words in filter(None, (adult.method, adult.note, adult.range_means)):
                assert in_russian(words) != words
                assert is_russian(in_russian(words)), in_russian(words)


def test_warnings_of_a_course_are_translated():
    points = [CoursePoint(100, 100), CoursePoint(100, 104), CoursePoint(103, 90, 8.0), CoursePoint(230, 200)]
    warnings = course(points, BOY).warnings
    assert len(warnings) == 4
    assert all(is_russian(in_russian(warning)) for warning in warnings)
    assert "8 лет 4 месяца" in " ".join(map(in_russian, warnings))


def test_an_unknown_warning_stays_in_english_rather_than_unsaid():
    assert in_russian("A bone is broken.") == "A bone is broken."


def test_english_stays_what_it_was():
    for sentence in SENTENCES:
        warning = "".join("7" if part else text for text, part in parts(sentence))
        assert translated(warning, language("en")) == warning
