"""The server's JSON becomes values, or a `ClientError` that says which piece was not as expected."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Any

from .contract import (
    SIDES,
    Assessment,
    Estimate,
    Hand,
    HandBox,
    Info,
    ModelCard,
    NextCase,
    Outline,
    Pose,
    Reading,
    TrainingTask,
    WorkListItem,
)  # fmt: skip
from .errors import ClientError, ErrorKind


def assessment(answer: Any) -> Assessment:
    """Read the answer of an infer task.

    Raises:
        ClientError: WRONG_ANSWER; or REFUSED in the server's words, if it is an expected error.
    """
    refuse_error(answer)
    picture = _piece(answer, "radiograph", dict)
    return Assessment(
        task=_piece(answer, "task", str),
        image_id=_piece(answer, "image_id", str),
        sex=_maybe(answer, "sex", str),
        sex_source=_maybe(answer, "sex_source", str),
        chronological_age_months=_maybe_number(answer, "chronological_age_months"),
        chronological_age_source=_maybe(answer, "chronological_age_source", str),
        estimates=tuple(_estimate(one) for one in _piece(answer, "estimates", list)),
        hand=_hand(_piece(answer, "hand", dict)),
        rows=_piece(picture, "rows", int),
        columns=_piece(picture, "columns", int),
        pixel_spacing_mm=_pair(picture, "pixel_spacing_mm") if picture.get("pixel_spacing_mm") else None,
        was_inverted=_piece(picture, "was_inverted", bool),
        warnings=_texts(answer, "warnings"),
        model_versions=_words(answer, "model_versions"),
        seconds=_number(answer, "seconds"),
        notice=_piece(answer, "notice", str),
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
    strategies, work_list = _piece(answer, "strategies", dict), _piece(answer, "work_list", dict)
    low, high = _pair(_piece(answer, "limits", dict), "bone_age_months")
    return Info(
        name=_piece(answer, "name", str),
        description=_piece(answer, "description", str),
        version=_piece(answer, "version", str),
        models=tuple(models),
        strategies={name: str(about.get("description", "")) for name, about in strategies.items()},
        trainers=tuple(_piece(answer, "trainers", dict)),
        model_cards=tuple(_card(card) for card in _piece(answer, "model_cards", list)),
        bone_age_limits=(low, high),
        states=_texts(work_list, "states"),
        radiographs=_piece(work_list, "radiographs", int),
        scored=_piece(work_list, "scored", int),
        retraining=_piece(answer, "retraining", dict),
    )


def work_list(answer: Any) -> tuple[WorkListItem, ...]:
    """Read the answer of GET /datastore/?output=all, sorted by id."""
    objects = _piece(answer, "objects", dict)
    return tuple(_item(image_id, objects[image_id]) for image_id in sorted(objects))


def next_case(answer: Any) -> NextCase | None:
    """Read the answer of POST /activelearning/NAME; None if the server has nothing to give."""
    if answer == {}:
        return None
    readings = answer.get("readings", []) if isinstance(answer, dict) else []
    return NextCase(_piece(answer, "id", str), tuple(reading(one) for one in readings))


def reading(answer: Any) -> Reading:
    """Read one standing correction."""
    box, seconds = _maybe(answer, "hand_box_px", dict), _maybe_number(answer, "ts")
    return Reading(
        id=_piece(answer, "id", str),
        reader=_piece(answer, "reader", str),
        status=_piece(answer, "status", str),
        bone_age_months=_maybe_number(answer, "bone_age_months"),
        hand_box=None if box is None else _box(box),
        sex=_maybe(answer, "sex", str),
        comment=_piece(answer, "comment", str),
        rejected_because=_piece(answer, "rejected_because", str),
        based_on=_words(answer, "based_on"),
        made_at=None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc),
        has_mask=_piece(answer, "has_mask", bool),
    )


def training_task(answer: Any) -> TrainingTask:
    """Read the answer of GET /train/ or POST /train/MODEL."""
    status, details = str(answer.get("status", "")) if isinstance(answer, dict) else "", _maybe(answer, "details", list)
    return TrainingTask(
        id=_piece(answer, "id", str),
        model=str((_maybe(answer, "request", dict) or {}).get("model") or ""),
        status=status,
        progress=_maybe(answer, "progress", dict) or {},
        is_running=status in ("SUBMITTED", "RUNNING"),
        details=tuple(str(line) for line in details or ()),
    )


def image_id(answer: Any) -> str:
    """Read the answer of PUT /datastore/image."""
    return _piece(answer, "image", str)


def label_id(answer: Any) -> str:
    """Read the answer of PUT /datastore/label."""
    return _piece(answer, "label", str)


def _item(image_id: str, about: Any) -> WorkListItem:
    readings = tuple(reading(one) for one in _piece(about, "readings", list))
    return WorkListItem(image_id, _piece(about, "state", str), readings, _maybe(about, "held_by", str))


def _card(card: Any) -> ModelCard:
    figures = _maybe(card, "figures", dict) or {}
    task = str(card.get("task") or "")
    return ModelCard(_piece(card, "name", str), _piece(card, "version", str), task, figures, card.get("limits"),
                     card.get("intended_use"))  # fmt: skip


def _estimate(one: Any) -> Estimate:
    return Estimate(
        sex=_piece(one, "sex", str),
        **{
            name: _number(one, name)
            for name in ("bone_age_months", "bone_age_sd_months", "lower_90_months", "upper_90_months")
        },
        sds=_maybe_number(one, "sds"),
        reference_sd_months=_maybe_number(one, "reference_sd_months"),
        verdict=_maybe(one, "verdict", str),
        growth_reference=_maybe(one, "growth_reference", str),
        distribution=_numbers(one, "distribution_by_whole_month"),
    )


def _hand(hand: Any) -> Hand:
    pose, outline = _piece(hand, "pose_px", dict), _maybe(hand, "outline", dict)
    return Hand(
        confidence=_number(hand, "confidence"),
        laterality=_maybe(hand, "laterality", str),
        box=_box(_piece(hand, "box_px", dict)),
        pose=Pose(*(_pair(pose, name) for name in ("middle_tip", "thumb_tip", "capitate"))),
        pose_error=_number(hand, "pose_error"),
        outline=None if outline is None else _outline(outline),
    )


def _outline(outline: Any) -> Outline:
    area_mm2, fraction = _maybe_number(outline, "area_mm2"), _number(outline, "fraction_of_image")
    return Outline(_piece(outline, "area_px", int), area_mm2, fraction)


def _box(box: Any) -> HandBox:
    return HandBox(*(_number(box, side) for side in SIDES))


# Pieces of JSON


def _piece(data: Any, name: str, kind: type[Any]) -> Any:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _unexpected(name, kind.__name__)
    return value


def _maybe(data: Any, name: str, kind: type[Any]) -> Any:
    return None if isinstance(data, dict) and data.get(name) is None else _piece(data, name, kind)


def _number(data: Any, name: str) -> float:
    return _finite(data.get(name) if isinstance(data, dict) else None, name)


def _finite(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _unexpected(name, "number")
    return float(value)


def _maybe_number(data: Any, name: str) -> float | None:
    return None if isinstance(data, dict) and data.get(name) is None else _number(data, name)


def _numbers(data: Any, name: str) -> tuple[float, ...]:
    return tuple(_finite(one, name) for one in _piece(data, name, list))


def _pair(data: Any, name: str) -> tuple[float, float]:
    pair = _numbers(data, name)
    if len(pair) != 2:
        raise _unexpected(name, "pair of numbers")
    return pair[0], pair[1]


def _texts(data: Any, name: str) -> tuple[str, ...]:
    return tuple(str(one) for one in _piece(data, name, list))


def _words(data: Any, name: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in _piece(data, name, dict).items()}


def _unexpected(name: str, kind: str) -> ClientError:
    return ClientError(
        ErrorKind.WRONG_ANSWER,
        f"The server's answer is not understood: expected {name} as {kind}.",
        "Check that server and extension are of the same version.",
    )
