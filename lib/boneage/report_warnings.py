"""Warnings in the reader's language.

Every room words its warnings in English, with their values in them. Here stands each of these sentences once more with
names in the place of its values: a warning that fits one is written anew in the other language, with its numbers in
that language's form. One that fits none stays in English rather than unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from string import Formatter

from boneage.language import N_, Language

SENTENCES = (
    # assessment
    N_(
        "The pose of the hand is unsure (two looks differ by {difference} of its length): "
        "check the key points before trusting the age."
    ),
    N_("The outline fills only {share} of the hand's box: check it before trusting the age."),
    N_("A finger tip or the wrist lies outside the picture: the hand is not shown whole."),
    N_("The file says {said} hand, the thumb lies as in a {seen} hand seen from its back."),
    N_("At the end of the scale for the {sex} sex: the hand may be mature, and older than it says."),
    # growth
    N_(
        "The verdict depends on the growth reference: {verdict} (SDS {sds}) by {reference}, "
        "but {other_verdict} (SDS {other_sds}) by {other_reference}."
    ),
    N_(
        "No SDS: the growth reference {reference} covers {first} to {last} years ({sex}); "
        "the chronological age is {age} years."
    ),
    # radiograph
    N_("Bone was dark (certainty {certainty}); the picture was inverted."),
    N_("Whether bone is bright is uncertain (inverted with probability {probability})."),
    N_("Pixels reach {highest}, above the {bits} bits that the file names."),
    N_("The file's window leaves the picture nearly blank and was ignored."),
    N_("{keyword} cannot be a radiograph's pixel spacing and was ignored."),
    N_("Birth and acquisition dates give an age of {years} years: not used."),
    N_("The dates give an age of {by_dates} months, PatientAge {stated}; the dates were used."),
    N_("The age is known in whole years only; the child may be up to 12 months older."),
    N_("ImageLaterality and Laterality name different sides."),
    N_("The picture is tinted; its colours were reduced to grey."),
    N_("The rows and columns were turned to the order in which viewers show them."),
    N_("{count} pixels without a finite value were replaced."),
)
VALUES = (
    *(N_("female"), N_("male"), N_("left"), N_("right")),
    *(N_("delayed"), N_("normal"), N_("advanced")),
    N_("Greulich-Pyle 1959, Brush Foundation series (Tables III/IV)"),
    N_("Greulich-Pyle 1959, Tables V/VI"),
)
"""Words that stand in the place of values, in `SENTENCES` and elsewhere on the page."""

_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<digits>\d+(?:\.(?P<decimals>\d+))?)(?P<unit> ?%?)")


def translated_warning(warning: str, language: Language) -> str:
    """Write a warning of `Assessment.warnings` in another language; one that is not known stays as it is."""
    return next(_translations(warning, language), warning)


def _translations(warning: str, language: Language) -> Iterator[str]:
    for sentence in SENTENCES:
        if match := _pattern(sentence).fullmatch(warning):
            values = {name: _translated_value(value, language) for name, value in match.groupdict().items()}
            yield language.gettext(sentence, **values)


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    parts = Formatter().parse(sentence)
    return re.compile("".join(re.escape(text) + (f"(?P<{name}>.+?)" if name else "") for text, name, _, _ in parts))


def _translated_value(value: str, language: Language) -> str:
    """Write a number in the form of the language, with as many decimals as it has; translate anything else."""
    number = _NUMBER.fullmatch(value)
    if number is None:
        return language.gettext(value)
    digits = len(number["decimals"] or "")
    written = language.decimal(float(number["sign"] + number["digits"]), digits, signed=number["sign"] == "+")
    return written + ("\u00a0%" if number["unit"] else "")
