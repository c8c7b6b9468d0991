"""Warnings and notes in the reader's language.

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
    N_(
        "The thumb may lie on either side, and the hand be read as its mirror image: "
        "check the key points before trusting the age."
    ),
    N_("The outline fills only {share} of the hand's box: check it before trusting the age."),
    N_("It is not sure that this is one whole hand (confidence {confidence}): check it."),
    N_("The hand runs out of the picture: a part of it may be missing."),
    N_(
        "Only {share} of the hand's length is shown below the capitate: "
        "the growth plates of radius and ulna may be missing."
    ),
    N_(
        "The age is unsure: looks at the hand, slightly turned and resized, give ages {apart} months apart, "
        "and the 90 % interval is {width} months wide."
    ),
    N_("A finger tip or the wrist lies outside the picture: the hand is not shown whole."),
    N_("In {share} of the hand the film is plain white: bone may be lost there."),
    N_("In {share} of the hand the film is plain black: bone may be lost there."),
    N_("The film is noisy ({noise} of the hand's contrast): the age may be wrong."),
    N_("The film is blurred: growth plates may not be seen, and the age may be wrong."),
    N_("Fine detail of the film is lost, as by strong compression: the age may be wrong."),
    N_("The wrist looks covered, as by a cast: its bones may not be seen, and the age may be wrong."),
    N_("The file says {said} hand, the thumb lies as in a {seen} hand seen from its back."),
    N_("At the end of the scale for the {sex} sex, or near it: the hand may be mature, and older than it says."),
    # local_calibration
    N_(
        "The local calibration of {day} from {ages} ages was fitted for regressor {version} and is not in force with "
        "{now}: fit it anew (boneage models calibrate-locally)."
    ),
    N_("Local calibration of {day} from {ages} ages: {shift} months ({months} without it)"),
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
    N_(
        "The picture is square and the hand in it distorted: its pixels are taken to be {aspect} times as high as wide."
    ),
    N_("The rows and columns were turned to the order in which viewers show them."),
    N_("{count} pixels without a finite value were replaced."),
    # course
    N_("Two bone ages at the same age, {age}: {first} and {second} months. There is no velocity between them."),
    N_("Between {start} and {end} the bone age falls, which bones do not do: look at both radiographs again."),
    N_(
        "Between {start} and {end} lie {months} months, less than the error of the difference of the two bone ages "
        "({error} months, 1 SD): this velocity says little."
    ),
    # adult_height and its methods
    N_("needs {what}"),
    N_("class '{maturity}': {difference}"),
    N_("{percent} % of the adult height is reached"),
    N_(
        "outside the table: for the {sex} sex and class '{maturity}' ({difference}) it covers "
        "bone ages of {first} to {last} years-months; this one is {bone_age}"
    ),
    N_("outside the table: for the {sex} sex it covers ages of {first} to {last} years-months; this one is {age}"),
    N_("90 % limits from the authors' error SD of {sd} cm at this age, all classes together"),
)
VALUES = (
    *(N_("female"), N_("male"), N_("left"), N_("right")),
    *(N_("delayed"), N_("normal"), N_("advanced")),
    N_("Greulich-Pyle 1959, Brush Foundation series (Tables III/IV)"),
    N_("Greulich-Pyle 1959, Tables V/VI"),
    *(N_("Bayley-Pinneau 1952"), N_("Roche-Wainer-Thissen 1975"), N_("Target height (Tanner 1970)")),
    *(N_("accelerated"), N_("average"), N_("retarded")),
    N_("bone age 12 months or more ahead of age"),
    N_("bone age within 12 months of age"),
    N_("bone age 12 months or more behind age"),
    *(N_("the recumbent length (standing height does not do)"), N_("the weight"), N_("the chronological age")),
    *(N_("the mother's height"), N_("the father's height")),
    N_("from the parents' heights alone, not from the bone age"),
    N_("target range"),
    N_("90 % limits, read off the authors' figure, so within about 0.3 cm"),
    N_("height at 18 years"),
    N_("the authors give no error for this age"),
    N_("the 90 % interval of the bone age reaches beyond the table"),
    N_("at this age the paper's factor for the weight looks misprinted, which may shift the height by up to 2 cm"),
)
"""Words that stand in the place of values, in `SENTENCES` and elsewhere on the page."""

_AGE = re.compile(r"(?:(?P<years>\d+) years? )?(?P<months>\d+) months?")  # as `wording.years_and_months` writes it
_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<digits>\d+(?:\.(?P<decimals>\d+))?)(?P<unit> ?%?)")


def translated(sentence: str, language: Language) -> str:
    """Write a warning or a note in another language, or each part of a note; what is not known stays as it is."""
    whole = language.gettext(sentence)
    whole = whole if whole != sentence else next(_translations(sentence, language), sentence)
    if whole != sentence or "; " not in sentence:
        return whole
    return "; ".join(translated(part, language) for part in sentence.split("; "))


def _translations(sentence: str, language: Language) -> Iterator[str]:
    """Give the translations of the sentences that it fits, that with the most words of its own first."""
    for pattern, template in _patterns():
        if match := pattern.fullmatch(sentence):
            values = {name: _translated_value(value, language) for name, value in match.groupdict().items()}
            yield language.gettext(template, **values)


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(template), template) for template in sorted(SENTENCES, key=len, reverse=True)]


def _pattern(sentence: str) -> re.Pattern[str]:
    parts = Formatter().parse(sentence)
    return re.compile("".join(re.escape(text) + (f"(?P<{name}>[^;]+?)" if name else "") for text, name, _, _ in parts))


def _translated_value(value: str, language: Language) -> str:
    """Write numbers and ages in the form of the language, and translate words, also those of a list."""
    if number := _NUMBER.fullmatch(value):
        digits = len(number["decimals"] or "")
        written = language.decimal(float(number["sign"] + number["digits"]), digits, signed=number["sign"] == "+")
        return written + ("\u00a0%" if number["unit"] else "")
    if age := _AGE.fullmatch(value):
        return language.years_and_months(12 * int(age["years"] or 0) + int(age["months"]))
    known = language.gettext(value)
    return known if known != value else ", ".join(map(language.gettext, value.split(", ")))
