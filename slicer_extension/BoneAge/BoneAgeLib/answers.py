"""The server's JSON becomes values, or a `ClientError` that says which piece was not as expected."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .contract import (
    SIDES,
    Assessment,
    Estimate,
    Hand,
    HandBox,
    Info,
    LocalShift,
    ModelCard,
    NextCase,
    Outline,
    Pose,
    Reading,
    Saliency,
    WorkListItem,
)  # fmt: skip
from .errors import ClientError, ErrorKind
from .pieces import finite, maybe, maybe_number, number, numbers, pair, piece, texts, unexpected, words
from .training import retraining


def assessment(answer: Any) -> Assessment:
    """Read the answer of an infer task.

    Raises:
        ClientError: WRONG_ANSWER; or REFUSED in the server's words, if it is an expected error.
    """
    refuse_error(answer)
    picture = piece(answer, "radiograph", dict)
    return Assessment(
        task=piece(answer, "task", str),
        image_id=piece(answer, "image_id", str),
        sex=maybe(answer, "sex", str),
        sex_source=maybe(answer, "sex_source", str),
        chronological_age_months=maybe_number(answer, "chronological_age_months"),
        chronological_age_source=maybe(answer, "chronological_age_source", str),
        estimates=tuple(_estimate(one) for one in piece(answer, "estimates", list)),
        hand=_hand(piece(answer, "hand", dict)),
        rows=piece(picture, "rows", int),
        columns=piece(picture, "columns", int),
        pixel_spacing_mm=pair(picture, "pixel_spacing_mm") if picture.get("pixel_spacing_mm") else None,
        was_inverted=piece(picture, "was_inverted", bool),
        warnings=texts(answer, "warnings"),
        model_versions=words(answer, "model_versions"),
        seconds=number(answer, "seconds"),
        notice=piece(answer, "notice", str),
        saliency=_saliency(maybe(answer, "saliency", dict)),
    )


def refuse_error(answer: Any, status: int = 0) -> None:
    """Raise the error that an answer carries, if it carries one, in the server's words."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        message, advice, kind = (str(error.get(name) or "") for name in ("message", "advice", "kind"))
        raise ClientError(ErrorKind.REFUSED, message, advice, kind, status)


def info(answer: Any) -> Info:
    """Read the answer of GET /info/.

    Raises:
        ClientError: NOT_BONE_AGE if it is another server; WRONG_ANSWER.
    """
    models = answer.get("models") if isinstance(answer, dict) else None
    if not isinstance(models, dict) or "bone_age" not in models or "model_cards" not in answer:
        raise ClientError(
            ErrorKind.NOT_BONE_AGE,
            "At this address answers another server than one for bone age.",
            "Check the address.",
        )
    strategies, work_list = piece(answer, "strategies", dict), piece(answer, "work_list", dict)
    low, high = pair(piece(answer, "limits", dict), "bone_age_months")
    return Info(
        name=piece(answer, "name", str),
        description=piece(answer, "description", str),
        version=piece(answer, "version", str),
        models=tuple(models),
        strategies={name: str(about.get("description", "")) for name, about in strategies.items()},
        trainers=tuple(piece(answer, "trainers", dict)),
        model_cards=tuple(_card(card) for card in piece(answer, "model_cards", list)),
        bone_age_limits=(low, high),
        states=texts(work_list, "states"),
        radiographs=piece(work_list, "radiographs", int),
        scored=piece(work_list, "scored", int),
        retraining=retraining(piece(answer, "retraining", dict)),
        languages=words(answer, "report_languages") if "report_languages" in answer else {},
    )


def work_list(answer: Any) -> tuple[WorkListItem, ...]:
    """Read the answer of GET /datastore/?output=all, sorted by id."""
    objects = piece(answer, "objects", dict)
    return tuple(_item(image_id, objects[image_id]) for image_id in sorted(objects))


def next_case(answer: Any) -> NextCase | None:
    """Read the answer of POST /activelearning/NAME; None if the server has nothing to give."""
    if answer == {}:
        return None
    readings = answer.get("readings", []) if isinstance(answer, dict) else []
    return NextCase(piece(answer, "id", str), tuple(reading(one) for one in readings))


def reading(answer: Any) -> Reading:
    """Read one standing correction."""
    box, seconds = maybe(answer, "hand_box_px", dict), maybe_number(answer, "ts")
    return Reading(
        id=piece(answer, "id", str),
        reader=piece(answer, "reader", str),
        status=piece(answer, "status", str),
        bone_age_months=maybe_number(answer, "bone_age_months"),
        hand_box=None if box is None else _box(box),
        sex=maybe(answer, "sex", str),
        comment=piece(answer, "comment", str),
        rejected_because=piece(answer, "rejected_because", str),
        based_on=words(answer, "based_on"),
        made_at=None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc),
        has_mask=piece(answer, "has_mask", bool),
    )


def image_id(answer: Any) -> str:
    """Read the answer of PUT /datastore/image."""
    return piece(answer, "image", str)


def label_id(answer: Any) -> str:
    """Read the answer of PUT /datastore/label."""
    return piece(answer, "label", str)


def _item(image_id: str, about: Any) -> WorkListItem:
    readings = tuple(reading(one) for one in piece(about, "readings", list))
    return WorkListItem(image_id, piece(about, "state", str), readings, maybe(about, "held_by", str))


def _card(card: Any) -> ModelCard:
    figures = maybe(card, "figures", dict) or {}
    task = str(card.get("task") or "")
    return ModelCard(piece(card, "name", str), piece(card, "version", str), task, figures, card.get("limits"),
                     card.get("intended_use"))  # fmt: skip


def _estimate(one: Any) -> Estimate:
    return Estimate(
        sex=piece(one, "sex", str),
        **{
            name: number(one, name)
            for name in ("bone_age_months", "bone_age_sd_months", "lower_90_months", "upper_90_months")
        },
        sds=maybe_number(one, "sds"),
        reference_sd_months=maybe_number(one, "reference_sd_months"),
        verdict=maybe(one, "verdict", str),
        growth_reference=maybe(one, "growth_reference", str),
        distribution=numbers(one, "distribution_by_whole_month"),
        local=_local(maybe(one, "local_calibration", dict)),
    )


def _local(told: Any) -> LocalShift | None:
    if told is None:
        return None
    months = {name: number(told, name) for name in ("shift_months", "uncalibrated_bone_age_months")}
    return LocalShift(piece(told, "made_on", str), piece(told, "ages", int), **months)


def _saliency(saliency: Any) -> Saliency | None:
    if saliency is None:
        return None
    grid = tuple(tuple(finite(one, "months_on_grid") for one in row) for row in _rows(saliency))
    shares = piece(saliency, "shares", dict)
    return Saliency(piece(saliency, "sex", str), grid, {str(part): number(shares, part) for part in shares})


def _rows(saliency: Any) -> list[list[Any]]:
    """Return the rows of a grid, all of one length."""
    rows = piece(saliency, "months_on_grid", list)
    if not rows or not all(isinstance(row, list) and row and len(row) == len(rows[0]) for row in rows):
        raise unexpected("months_on_grid", "rows of one length")
    return rows


def _hand(hand: Any) -> Hand:
    pose, outline = piece(hand, "pose_px", dict), maybe(hand, "outline", dict)
    return Hand(
        confidence=number(hand, "confidence"),
        laterality=maybe(hand, "laterality", str),
        box=_box(piece(hand, "box_px", dict)),
        pose=Pose(*(pair(pose, name) for name in ("middle_tip", "thumb_tip", "capitate"))),
        pose_error=number(hand, "pose_error"),
        outline=None if outline is None else _outline(outline),
    )


def _outline(outline: Any) -> Outline:
    area_mm2, fraction = maybe_number(outline, "area_mm2"), number(outline, "fraction_of_image")
    return Outline(piece(outline, "area_px", int), area_mm2, fraction)


def _box(box: Any) -> HandBox:
    return HandBox(*(number(box, side) for side in SIDES))
