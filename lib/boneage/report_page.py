"""The report as one page: what stands on it, whichever file it becomes, and what may be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from boneage.language import ENGLISH
from boneage.types import CoursePoint


@dataclass(frozen=True)
class Patient:
    """Who the page says it is about; all empty unless somebody asks for more.

    Attributes:
        name: As it is to be printed.
        identifier: The hospital's number.
        birth_date: None leaves a blank.
        radiograph_date: Day of the exposure; with an exact age it gives the birth date away.
    """

    name: str = ""
    identifier: str = ""
    birth_date: date | None = None
    radiograph_date: date | None = None


@dataclass(frozen=True)
class ReportOptions:
    """What may be asked of the page.

    Attributes:
        language: A code of `boneage.language.languages`.
        heading: Hospital and department, printed at the top.
        patient: Printed as it is; nothing is taken from the radiograph.
        earlier: Bone ages of earlier radiographs of the same child, for the course.
        models_dir: Where the model cards are; None for the project's own.
    """

    language: str = ENGLISH
    heading: str = ""
    patient: Patient = Patient()
    earlier: tuple[CoursePoint, ...] = ()
    models_dir: Path | None = None


@dataclass(frozen=True)
class Item:
    """A name and its value; an empty value is a blank to write in."""

    name: str
    value: str = ""


@dataclass(frozen=True)
class Answer:
    """The finding for one sex, for the eye that has two seconds.

    Attributes:
        title: What it is.
        bone_age: In years and months.
        bone_age_months: The same in months, with a decimal.
        interval: The 90 % interval.
        verdict: SDS and verdict, or why there is none.
        stands_out: Whether the verdict is other than normal.
    """

    title: str
    bone_age: str
    bone_age_months: str
    interval: str
    verdict: str
    stands_out: bool


@dataclass(frozen=True)
class Section:
    """Small print under a title."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing as the bytes of a PNG or JPEG file.

    Attributes:
        content: The file.
        media_type: "image/png" or "image/jpeg".
        height_per_width: Its shape.
        caption: Printed below it; may be empty.
        description: For those who do not see it.
    """

    content: bytes
    media_type: str
    height_per_width: float
    caption: str
    description: str


@dataclass(frozen=True, eq=False)
class ReportPage:
    """Everything on the page, in the reader's language, from top to bottom.

    Attributes:
        language: Its code.
        title: What the page is.
        heading: Hospital and department; may be empty.
        notice: That this is no medical device.
        patient: Who it is about, with blanks.
        answers: One for each sex that was assessed.
        hand: The radiograph with the hand as found.
        ages: The distribution of the bone age.
        course: Bone ages of earlier radiographs with this one; None without any.
        facts: What SDS and verdict rest on.
        adult_heights: A paragraph for each method and sex; none if no height was given.
        warnings: Sentences; the title is "Warnings".
        small_print: Method and models, their figures, limits.
        remarks: Name of the frame to write into, if there is room for one.
        signature: Names of the blanks at the bottom.
        footer: Program and radiograph.
    """

    language: str
    title: str
    heading: str
    notice: str
    patient: tuple[Item, ...]
    answers: tuple[Answer, ...]
    hand: Drawing
    ages: Drawing
    course: Drawing | None
    facts: tuple[Item, ...]
    adult_heights: Section
    warnings: Section
    small_print: tuple[Section, ...]
    remarks: str
    signature: tuple[str, ...]
    footer: str
