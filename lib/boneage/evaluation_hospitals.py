"""What films of other hospitals do to key points, outline and age: each radiograph in every style, file to answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.batch import assess_many, usable_cores
from boneage.datasets import Annotation, radiograph_of, read_annotations
from boneage.errors import BoneAgeError
from boneage.evaluation_drawn import dice, drawn_mask, drawn_pose, point_errors
from boneage.evaluation_film_moves import Film, mirrored, original_film
from boneage.evaluation_films import FILM_STYLES, FilmStyle
from boneage.evaluation_rooms import Drawn
from boneage.evaluation_run import check_models, choose_examples, spread
from boneage.evaluation_stress import age_cells, warnings_about_the_hand, with_square_pixels, written
from boneage.geometry import invert, move_pose
from boneage.predictions import models_of
from boneage.progress import with_progress
from boneage.radiograph import read_radiograph
from boneage.row_file import RowFile
from boneage.types import Assessment, HandPose, Radiograph

if TYPE_CHECKING:
    from boneage.assessment import Models

COLUMNS = (
    *("id", "sex", "reference_months", "family", "strength", "models", "error_kind", "warnings"),
    *("predicted_months", "lower_90_months", "upper_90_months", "mirrored_months"),
    *("point_error", "drawn_point_error", "dice", "drawn_dice"),
)
UNCHANGED = FilmStyle("unchanged", "", lambda film: film)


@dataclass(frozen=True, eq=False)
class _Truth:
    """What lies where on the original, on its grid of square pixels; None where nobody drew it."""

    pose: HandPose
    hand_mask: np.ndarray
    drawn_pose: HandPose | None
    drawn_mask: np.ndarray | None


def choose_drawn(data: Path, split: str, limit: int | None = None) -> list[Drawn]:
    """Return radiographs of a split with their annotations: those with an outline, then with key points by hand first.

    Raises:
        InvalidData: If there is no radiograph.
    """
    annotations = read_annotations(data)
    all_of_them = [Drawn(one, annotations.get(one.id, Annotation(one.id))) for one in choose_examples(data, split)]
    by_value: list[list[Drawn]] = [[], [], []]
    for one in all_of_them:
        by_value[0 if one.annotation.outline else 1 if _has_points(one.annotation) else 2].append(one)
    chosen: list[Drawn] = []
    for group in by_value:
        chosen += spread(group, None if limit is None else limit - len(chosen))
    return chosen


def _has_points(annotation: Annotation) -> bool:
    return annotation.key_points is not None and annotation.by_hand


def look_at_films(
    drawn: Sequence[Drawn],
    rows: RowFile,
    models: Models,
    workers: int | None = None,
    styles: Sequence[FilmStyle] = FILM_STYLES,
) -> None:
    """Assess each radiograph unchanged and in every style, and its mirror image; append its rows when all are done.

    Raises:
        InvalidInput: If the earlier rows were made by other models.
        OutputFailed: If rows cannot be written.
    """
    done = {row["id"] for row in rows.earlier_rows}
    earlier_models = {row["models"] for row in rows.earlier_rows if row["models"]}
    todo = [one for one in drawn if one.example.id not in done]

    def all_styles(one: Drawn) -> list[dict[str, str]]:
        return list(_rows_of(one, models, styles))

    with closing(assess_many(todo, all_styles, workers or usable_cores())) as outcomes:
        for outcome in with_progress(outcomes, len(todo), "Making films"):
            for row in outcome.answer or []:
                check_models(row["models"] or min(earlier_models, default=""), earlier_models, rows.path)
            rows.append(outcome.answer or [])


def _rows_of(one: Drawn, models: Models, styles: Sequence[FilmStyle]) -> Iterator[dict[str, str]]:
    radiograph = radiograph_of(one.example)
    assert one.example.sex is not None, "an example with an age has a sex"
    start = {
        "id": one.example.id,
        "sex": one.example.sex.value,
        "reference_months": f"{one.example.bone_age_months:.2f}",
    }
    try:
        original = film_of(radiograph, models)
    except BoneAgeError as error:
        yield start | {"family": UNCHANGED.family, "strength": "", "error_kind": error.kind, "models": ""}
        return
    truth = _truth(original, one.annotation)
    for style in (UNCHANGED, *styles):
        film = style.make(original)
        yield start | {"family": style.family, "strength": style.strength} | _looked(film, radiograph, truth, models)


def film_of(radiograph: Radiograph, models: Models) -> Film:
    """Return a radiograph as a film, with the hand that is found in it, wrist down.

    Raises:
        BoneAgeError: If no single hand is found.
    """
    pixels = with_square_pixels(radiograph)
    found = _assessed(replace(radiograph, pixels=pixels, pixel_aspect=1.0), models)
    return original_film(pixels, found.hand_mask, found.hand.pose)


def _truth(film: Film, annotation: Annotation) -> _Truth:
    back = invert(film.moved)
    rows, columns = film.hand_mask.shape
    is_turned = film.moved[0, 0] == 0
    shape = (columns, rows) if is_turned else (rows, columns)
    return _Truth(
        move_pose(film.pose, back),
        _moved_back(film.hand_mask, back, shape),
        drawn_pose(annotation, shape) if _has_points(annotation) else None,
        drawn_mask(annotation, shape) if annotation.outline else None,
    )


def _looked(film: Film, original: Radiograph, truth: _Truth, models: Models) -> dict[str, str]:
    """Assess a film and its mirror image, and compare what was found with the truth, on the original's grid."""
    try:
        found = _assessed(film_as_read(film, original), models)
    except BoneAgeError as error:
        return {"error_kind": error.kind, "models": ""}
    back = invert(film.moved)
    pose = move_pose(found.hand.pose, back)
    hand_mask = _moved_back(found.hand_mask, back, truth.hand_mask.shape)
    return {
        "models": models_of(found),
        "warnings": " ".join(warnings_about_the_hand(found)),
        **age_cells(found.estimates[0].bone_age),
        "mirrored_months": _mirrored_months(film, original, models),
        "point_error": f"{max(point_errors(truth.pose, pose, 1.0)):.4f}",
        "drawn_point_error": f"{max(point_errors(truth.drawn_pose, pose, 1.0)):.4f}" if truth.drawn_pose else "",
        "dice": f"{dice(truth.hand_mask, hand_mask):.4f}",
        "drawn_dice": "" if truth.drawn_mask is None else f"{dice(truth.drawn_mask, hand_mask):.4f}",
    }


def film_as_read(film: Film, original: Radiograph) -> Radiograph:
    """Store a film as a PNG and read it as any file is read, with the sex of the original."""
    assert original.sex is not None
    with tempfile.TemporaryDirectory() as folder:
        file = written(film.pixels, None, Path(folder))
        return read_radiograph(file).with_sex(original.sex, original.sex_source)


def _mirrored_months(film: Film, original: Radiograph, models: Models) -> str:
    try:
        found = _assessed(film_as_read(mirrored(film), original), models)
    except BoneAgeError:
        return ""
    return f"{found.estimates[0].bone_age.months:.3f}"


def _moved_back(mask: np.ndarray, transform: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    from boneage.imaging import cut

    return cut(mask.astype(np.float32), transform, shape[0], shape[1]) > 0.5


def _assessed(radiograph: Radiograph, models: Models) -> Assessment:
    from boneage import assessment  # heavy

    return assessment.assess(radiograph, models)
