"""What gets no age, and what should not: pictures without a whole hand, other body parts, and real hands.

Three questions. Is what shows no hand refused, and a hand in part refused or doubted? Is a real hand ever refused? Is a
mature hand said to be one?
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.batch import assess_many, usable_cores
from boneage.datasets import Example, radiograph_of
from boneage.errors import BoneAgeError
from boneage.evaluation_hospitals import film_of
from boneage.evaluation_not_hand_made import MADE_PICTURES
from boneage.evaluation_stress import warnings_about_the_hand, written
from boneage.predictions import models_of
from boneage.progress import with_progress
from boneage.radiograph import read_radiograph
from boneage.row_file import RowFile
from boneage.types import Radiograph, Sex

if TYPE_CHECKING:
    from boneage.assessment import Models

COLUMNS = ("question", "id", "family", "sex", "reference_months", "outcome", "reason", "predicted_months", "models")
REAL_HAND, NO_WHOLE_HAND, BODY_PART = "real hand", "no whole hand", "body part"
REFUSED, DOUBTED, MATURE, ACCEPTED = "refused", "doubted", "mature", "accepted"

Row = dict[str, str]


@dataclass(frozen=True, eq=False)
class Case:
    """One radiograph or file, and what is asked of it; it gives one row, or one for each picture made from it."""

    question: str
    id: str
    source: Example | Path
    other: Example | None = None


def real_hands(examples: Iterable[Example]) -> list[Case]:
    """Return the cases of radiographs that should all get an age."""
    return [Case(REAL_HAND, one.id, one) for one in examples]


def no_whole_hands(examples: Sequence[Example]) -> list[Case]:
    """Return the cases of pictures that are made from radiographs; each also needs another child's hand."""
    others = [*examples[1:], *examples[:1]]
    return [Case(NO_WHOLE_HAND, one.id, one, other) for one, other in zip(examples, others, strict=True)]


def body_parts(folder: Path) -> list[Case]:
    """Return the cases of the files of a folder, none of which shows a hand."""
    return [Case(BODY_PART, file.name, file) for file in sorted(folder.rglob("*")) if file.is_file()]


def look_at_refusals(cases: Sequence[Case], rows: RowFile, models: Models, workers: int | None = None) -> None:
    """Assess all cases that have no rows yet, and append a case's rows when it is done.

    Raises:
        OutputFailed: If rows cannot be written.
    """
    done = {(row["question"], row["id"]) for row in rows.earlier_rows}
    todo = [case for case in cases if (case.question, case.id) not in done]

    def all_rows(case: Case) -> list[Row]:
        return [{"question": case.question, "id": case.id} | row for row in _rows_of(case, models)]

    with closing(assess_many(todo, all_rows, workers or usable_cores())) as outcomes:
        for outcome in with_progress(outcomes, len(todo), "Looking for what to refuse"):
            rows.append(outcome.answer or [])


def _rows_of(case: Case, models: Models) -> Iterator[Row]:
    if isinstance(case.source, Path):
        yield from _body_part(case.source, models)
    elif case.other is None:
        assert case.source.sex is not None, "an example with an age has a sex"
        known = {"sex": case.source.sex.value, "reference_months": f"{case.source.bone_age_months:.2f}"}
        yield {"family": "as it is"} | known | _outcome(radiograph_of(case.source), models)
    else:
        yield from _made(case.source, case.other, models)


def _made(one: Example, other: Example, models: Models) -> Iterator[Row]:
    """Make every picture, of a radiograph in which a hand is found; none otherwise."""
    assert one.sex is not None, "an example with an age has a sex"
    try:
        film, second = (film_of(radiograph_of(example), models) for example in (one, other))
    except BoneAgeError:
        return
    for picture in MADE_PICTURES:
        random = np.random.default_rng(zlib.crc32(f"{one.id} {picture.family}".encode()))
        yield {"family": picture.family} | _outcome_of_pixels(picture.make(film, second, random), one.sex, models)


def _body_part(file: Path, models: Models) -> Iterator[Row]:
    """Look at a file as it is, then turned by quarters, in a border, and at nine overlapping parts of it."""
    try:
        pixels = read_radiograph(file).pixels
    except BoneAgeError as error:
        yield {"family": "as it is", "outcome": REFUSED, "reason": error.kind}
        return
    for family, changed in _body_part_pictures(pixels):
        yield {"family": family} | _outcome_of_pixels(changed, Sex.FEMALE, models)


def _body_part_pictures(pixels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield "as it is", pixels
    yield from (("turned", np.rot90(pixels, quarters)) for quarters in (1, 2, 3))
    yield "in a border", np.pad(pixels, max(pixels.shape) // 3)
    rows, columns = (side // 4 for side in pixels.shape)
    for down in range(3):
        for across in range(3):
            yield "a part of it", pixels[down * rows : (down + 2) * rows, across * columns : (across + 2) * columns]


def _outcome_of_pixels(pixels: np.ndarray, sex: Sex, models: Models) -> Row:
    """Store a picture as a PNG, and assess it as any file."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            radiograph = read_radiograph(written(pixels, None, Path(folder)))
        except BoneAgeError as error:
            return {"outcome": REFUSED, "reason": error.kind}
    return _outcome(radiograph.with_sex(sex, "data set"), models)


def _outcome(radiograph: Radiograph, models: Models) -> Row:
    from boneage import assessment  # heavy

    try:
        found = assessment.assess(radiograph, models)
    except BoneAgeError as error:
        return {"outcome": REFUSED, "reason": error.kind}
    doubts = warnings_about_the_hand(found)
    outcome = DOUBTED if doubts else MATURE if found.warnings else ACCEPTED
    age = f"{found.estimates[0].bone_age.months:.3f}"
    return {"outcome": outcome, "reason": " ".join(found.warnings), "predicted_months": age, "models": models_of(found)}
