"""The four infer tasks: detector, segmenter, regressor, and the one-click assessment of them all."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from boneage.assessment import Models, assess, bright_hand
from boneage.errors import BoneAgeError, InvalidInput
from boneage.mask_files import read_mask, write_mask
from boneage.radiograph import read_radiograph
from boneage.report import report_json
from boneage.types import Assessment, HandBox, Heights, Radiograph, Sex
from monailabel_app.live_models import LiveModels
from monailabel_app.scratch import scratch_folder

log = logging.getLogger(__name__)

_SIDES = ("left", "top", "right", "bottom")
_SEXES = {"female": (Sex.FEMALE,), "male": (Sex.MALE,), "both": (Sex.FEMALE, Sex.MALE)}
_OLDEST_MONTHS = 30 * 12


def infer_tasks(models: LiveModels, growth_reference: str) -> dict[str, InferTask]:
    """Return the tasks by name; they share the loaded models."""
    return {
        "bone_age": BoneAgeTask(models, growth_reference, "One click: hand box, outline and bone age"),
        "hand_detector": DetectorTask(models, growth_reference, "Hand box and key points (YOLO11)"),
        "hand_segmenter": SegmenterTask(models, growth_reference, "Outline of the hand (U-Net)"),
        "bone_age_regressor": BoneAgeTask(
            models, growth_reference, "Bone age of the hand that is sent along: hand_box_px, label"
        ),
    }


def is_upload(path: str) -> bool:
    """Say whether this is a file that the server itself wrote of an upload; no other file may be named."""
    candidate = Path(path)
    return candidate.parent == Path(tempfile.gettempdir()) and candidate.name.startswith("tmp") and candidate.is_file()


class RoomTask(InferTask):
    """What the tasks have in common: the door where expected errors become an answer."""

    kind: InferType = InferType.OTHERS

    def __init__(self, models: LiveModels, growth_reference: str, description: str) -> None:
        super().__init__(self.kind, {"hand": 1}, 2, description)
        self._models = models
        self._growth_reference = growth_reference

    def info(self) -> dict[str, Any]:
        """Describe the task, with the versions of the models behind it."""
        return super().info() | {"model_versions": self._models.versions}

    def is_valid(self) -> bool:
        return True

    def __call__(self, request: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Return the task's file, if it has one, and an answer that follows `boneage.schema`."""
        head = {"task": request["model"], "image_id": request["image_id"]}
        try:
            radiograph = _given(read_radiograph(request["path"]), request)
            assessment = self._assess(radiograph, request)
            file = self._file(assessment, request)
        except BoneAgeError as error:
            return None, head | {"error": {"kind": error.kind, "message": error.message, "advice": error.advice}}
        return file, head | _answer(assessment)

    def _assess(self, radiograph: Radiograph, request: dict[str, Any]) -> Assessment:
        raise NotImplementedError

    def _file(self, assessment: Assessment, request: dict[str, Any]) -> str | None:
        """Return what goes along with the answer: the mask, in the geometry of the radiograph's own file."""
        return _mask_file(assessment, request["path"])


class DetectorTask(RoomTask):
    """Room 2 alone."""

    kind = InferType.DETECTION

    def _file(self, assessment: Assessment, request: dict[str, Any]) -> None:
        return None

    def _assess(self, radiograph: Radiograph, request: dict[str, Any]) -> Assessment:
        start = time.perf_counter()
        models = self._models()
        hand = models.detector.find_hand(radiograph, _hand_box(request, radiograph))
        nothing = np.zeros(radiograph.pixels.shape, bool)
        return _without_age(radiograph, hand, nothing, models, start)


class SegmenterTask(RoomTask):
    """Rooms 2 and 3."""

    kind = InferType.SEGMENTATION

    def _assess(self, radiograph: Radiograph, request: dict[str, Any]) -> Assessment:
        start = time.perf_counter()
        models = self._models()
        box = _hand_box(request, radiograph)
        return _without_age(*bright_hand(radiograph, models.detector, models.segmenter, box), models, start)


class BoneAgeTask(RoomTask):
    """All rooms; a box and a mask that come with the request take the place of what the models would find."""

    kind = InferType.SEGMENTATION

    def _assess(self, radiograph: Radiograph, request: dict[str, Any]) -> Assessment:
        return assess(
            radiograph,
            self._models(),
            _sexes(request),
            _hand_box(request, radiograph),
            self._growth_reference,
            _mask(request),
            explain=_explain(request),
        )


def _without_age(radiograph: Radiograph, hand: Any, mask: np.ndarray, models: Models, start: float) -> Assessment:
    seconds = time.perf_counter() - start
    return Assessment(radiograph, hand, mask, (), models.versions, radiograph.warnings, seconds)


def _answer(assessment: Assessment) -> dict[str, Any]:
    answer = report_json(assessment)
    if not assessment.hand_mask.any():
        answer["hand"]["outline"] = None
    return answer


def _mask_file(assessment: Assessment, radiograph_file: Path) -> str:
    """Write the mask to a file that the server sends and then removes."""
    with tempfile.NamedTemporaryFile(dir=scratch_folder(), prefix="hand-", suffix=".nrrd", delete=False) as file:
        out = Path(file.name)
    write_mask(assessment.hand_mask, radiograph_file, out)
    return str(out)


# The request's words become values


def _given(radiograph: Radiograph, request: dict[str, Any]) -> Radiograph:
    """Return the radiograph with the sex, the age and the heights of the request, where it has them."""
    radiograph = radiograph.with_heights(_heights(request))
    sexes = _sexes(request)
    if sexes is not None and len(sexes) == 1:
        radiograph = radiograph.with_sex(sexes[0], "request")
    months = request.get("chronological_age_months")
    if months is None:
        return radiograph
    if isinstance(months, bool) or not isinstance(months, (int, float)) or not 0 <= months <= _OLDEST_MONTHS:
        raise InvalidInput(
            f"Expected chronological_age_months from 0 to {_OLDEST_MONTHS}, got {str(months)[:20]!r}.", "Correct it."
        )
    return radiograph.with_age(float(months), "request")


def _heights(request: dict[str, Any]) -> Heights:
    """Return the heights of the request; whether they can be true is for the assessment to say."""
    given = {field.name: request[field.name] for field in fields(Heights) if request.get(field.name) is not None}
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InvalidInput(f"Expected {name} as a number, got {str(value)[:20]!r}.", "Correct it.")
    return Heights(**given)


def _sexes(request: dict[str, Any]) -> Sequence[Sex] | None:
    word = request.get("sex")
    if word in (None, ""):
        return None
    if word not in _SEXES:
        raise InvalidInput(f"Expected sex female, male or both, got {str(word)[:20]!r}.", "Correct it.")
    return _SEXES[word]


def _explain(request: dict[str, Any]) -> bool:
    wanted = request.get("explain", False)
    if not isinstance(wanted, bool):
        raise InvalidInput(f"Expected explain as true or false, got {str(wanted)[:20]!r}.", "Correct it.")
    return wanted


def _hand_box(request: dict[str, Any], radiograph: Radiograph) -> HandBox | None:
    box = request.get("hand_box_px")
    return None if box is None else hand_box_from_json(box, radiograph.pixels.shape)


def hand_box_from_json(box: Any, shape: tuple[int, ...]) -> HandBox:
    """Return the box of {left, top, right, bottom} in pixels, inside a radiograph of `shape`.

    Raises:
        InvalidInput: If it is none.
    """
    sides = [box.get(side) for side in _SIDES] if isinstance(box, dict) else [None]
    if not all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in sides):
        raise InvalidInput("Expected hand_box_px with the numbers left, top, right and bottom.", "Draw the box anew.")
    left, top, right, bottom = (float(side) for side in sides)
    if not (0 <= left < right <= shape[1] and 0 <= top < bottom <= shape[0]):
        raise InvalidInput(
            f"Expected a hand box inside {shape[1]} x {shape[0]} pixels, got {left:g}, {top:g}, {right:g}, {bottom:g}.",
            "Draw the box anew.",
        )
    return HandBox(left, top, right, bottom)


def _mask(request: dict[str, Any]) -> np.ndarray | None:
    label = request.get("label")
    if not label:
        return None
    if not is_upload(str(label)):
        raise InvalidInput("Expected the mask as an upload with the request.", "Send it as the file `label`.")
    mask = read_mask(Path(label), request["path"])
    if not mask.any():
        raise InvalidInput("The mask that was sent is empty.", "Draw the outline anew, or send none.")
    return mask
