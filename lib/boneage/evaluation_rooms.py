"""How good the detector and the segmenter are, each measured on what people drew on held-out radiographs.

The segmenter gets the pose that the detector found, as in an assessment, never the drawn one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.batch import Outcome, assess_many, usable_cores
from boneage.datasets import Annotation, Example, radiograph_of, read_annotations, read_rsna
from boneage.errors import InvalidData
from boneage.evaluation import Figure, mean_figures
from boneage.evaluation_drawn import box_iou, dice, drawn_box, drawn_mask, drawn_pose, hausdorff_95, point_errors
from boneage.geometry import hand_length
from boneage.models import check_model
from boneage.progress import with_progress
from boneage.types import Hand

if TYPE_CHECKING:
    from boneage.detection import HandDetector
    from boneage.segmentation import HandSegmenter

RECALL_IOU = 0.5
KEY_POINTS = ("middle finger tip", "thumb tip", "capitate")


@dataclass(frozen=True)
class Finders:
    """The two rooms that are measured; may be used from several threads.

    Attributes:
        detector: Room 2.
        segmenter: Room 3.
        versions: Model name -> version.
    """

    detector: HandDetector
    segmenter: HandSegmenter
    versions: dict[str, str]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A radiograph with what people drew on it, in fractions of its width and height."""

    example: Example
    annotation: Annotation


@dataclass(frozen=True, eq=False)
class Look:
    """What the rooms found in one radiograph against what was drawn; None where nothing was drawn.

    Attributes:
        hand: As found.
        iou: Of the found and the drawn box.
        point_errors: Of `KEY_POINTS`, as fractions of the drawn hand's length; only where they were set by hand.
        dice: Of the found and the drawn mask.
        hausdorff_95: 95 % Hausdorff distance of the two outlines, in pixels of the radiograph's width.
        hausdorff_95_lengths: The same as a fraction of the hand's length.
    """

    hand: Hand
    iou: float | None = None
    point_errors: tuple[float, ...] | None = None
    dice: float | None = None
    hausdorff_95: float | None = None
    hausdorff_95_lengths: float | None = None


Looked = Outcome[Drawn, Look]


@dataclass(frozen=True)
class PointFigures:
    """Distances of one key point from where it was set by hand, as fractions of the hand's length."""

    median: float
    percentile_95: float


@dataclass(frozen=True)
class DetectorFigures:
    """Of the detector.

    Attributes:
        boxes: Drawn boxes.
        recall: Share of them that a found box overlaps with an IoU above `RECALL_IOU`; a refused radiograph is a miss.
        mean_iou: Of the radiographs with a found hand; None without.
        hands_with_points: Found hands whose key points were also set by hand.
        points: Of each of `KEY_POINTS`; empty without such hands.
        unsure_pose: Share of the found hands that come with a warning; None without a found hand.
    """

    boxes: int
    recall: Figure | None
    mean_iou: Figure | None
    hands_with_points: int
    points: dict[str, PointFigures]
    unsure_pose: Figure | None


@dataclass(frozen=True)
class SegmenterFigures:
    """Of the segmenter, means over the radiographs with a drawn outline and a found hand; None without.

    Attributes:
        outlines: Drawn outlines.
        without_hand: Of these, radiographs in which no hand was found.
        dice: Overlap of found and drawn mask, 0..1.
        hausdorff_95_px: In pixels of the radiograph's width.
        hausdorff_95_hand_lengths: As a fraction of the hand's length.
    """

    outlines: int
    without_hand: int
    dice: Figure | None
    hausdorff_95_px: Figure | None
    hausdorff_95_hand_lengths: Figure | None


def load_finders(models_dir: Path | None = None) -> Finders:
    """Load the detector and the segmenter, for one core an inference.

    Raises:
        ModelRefused: As `boneage.models.check_model`.
    """
    from boneage.detection import HandDetector
    from boneage.segmentation import HandSegmenter

    detector, segmenter = (check_model(name, models_dir) for name in ("hand_detector", "hand_segmenter"))
    versions = {model.name: model.version for model in (detector, segmenter)}
    return Finders(HandDetector(detector, threads=1), HandSegmenter(segmenter, threads=1), versions)


def drawn_radiographs(data: Path, split: str, limit: int | None = None) -> list[Drawn]:
    """Return the radiographs of a split with a drawn box, key points set by hand, or a drawn outline.

    Raises:
        InvalidData: If there is none.
    """
    annotations = read_annotations(data)
    drawn = [
        Drawn(example, annotations[example.id])
        for example in read_rsna(data, with_age=False)
        if split in ("all", example.split) and example.id in annotations and _by_people(annotations[example.id])
    ]
    if not drawn:
        raise InvalidData(
            f"On no radiograph of split {split} in {data} has anyone drawn a hand.",
            "Expected hand_boxes.csv, hand_keypoints_3.csv, hand_keypoints_21.csv or hand_outlines.json.",
        )
    if limit is None or limit >= len(drawn):
        return drawn
    return [drawn[index * len(drawn) // limit] for index in range(limit)]  # spread evenly over the table


def look_at_all(drawn: Sequence[Drawn], finders: Finders, workers: int | None = None) -> list[Looked]:
    """Look at every radiograph, in several threads; refused ones are among the outcomes."""
    with closing(assess_many(drawn, lambda one: look_at(one, finders), workers or usable_cores())) as outcomes:
        return list(with_progress(outcomes, len(drawn), "Looking for hands"))


def look_at(drawn: Drawn, finders: Finders) -> Look:
    """Find the hand of one radiograph, and its outline if one was drawn; compare both with what was drawn.

    Raises:
        BoneAgeError: If the radiograph cannot be read or no single hand is found.
    """
    radiograph = radiograph_of(drawn.example)
    shape, aspect, annotation = radiograph.pixels.shape, radiograph.pixel_aspect, drawn.annotation
    hand = finders.detector.find_hand(radiograph)
    true_pose = drawn_pose(annotation, shape)
    look = Look(
        hand,
        iou=None if annotation.box is None else box_iou(hand.box, drawn_box(annotation.box, shape)),
        point_errors=point_errors(true_pose, hand.pose, aspect) if true_pose and annotation.by_hand else None,
    )
    if not annotation.outline:
        return look
    true_mask, found_mask = drawn_mask(annotation, shape), finders.segmenter.outline(radiograph, hand)
    distance = hausdorff_95(true_mask, found_mask, aspect)
    length = hand_length(true_pose or hand.pose, aspect)
    return Look(hand, look.iou, look.point_errors, dice(true_mask, found_mask), distance, distance / length)


def measure_detector(looked: Sequence[Looked]) -> DetectorFigures:
    """Measure the detector on what `look_at_all` returned."""
    from boneage.detection import SURE_POSE

    boxed = [one for one in looked if one.item.annotation.box is not None]
    found = [one.answer for one in looked if one.answer]
    errors = np.array([look.point_errors for look in found if look.point_errors is not None]).reshape(-1, 3)
    recalled = [one.answer is not None and (one.answer.iou or 0.0) > RECALL_IOU for one in boxed]
    return DetectorFigures(
        boxes=len(boxed),
        recall=_mean(recalled),
        mean_iou=_mean([look.iou for look in found if look.iou is not None]),
        hands_with_points=len(errors),
        points={name: _point_figures(column) for name, column in zip(KEY_POINTS, errors.T, strict=True) if len(errors)},
        unsure_pose=_mean([look.hand.pose_error > SURE_POSE for look in found]),
    )


def measure_segmenter(looked: Sequence[Looked]) -> SegmenterFigures | None:
    """Measure the segmenter on what `look_at_all` returned; None if no outline was drawn."""
    outlined = [one for one in looked if one.item.annotation.outline]
    found = [one.answer for one in outlined if one.answer]
    if not outlined:
        return None
    return SegmenterFigures(
        outlines=len(outlined),
        without_hand=len(outlined) - len(found),
        dice=_mean([look.dice for look in found]),
        hausdorff_95_px=_mean([look.hausdorff_95 for look in found]),
        hausdorff_95_hand_lengths=_mean([look.hausdorff_95_lengths for look in found]),
    )


def refusals(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return kind of error -> how many radiographs were refused for it."""
    return dict(sorted(Counter(one.error.kind for one in outcomes if one.error).items()))


def _by_people(annotation: Annotation) -> bool:
    points = annotation.key_points is not None and annotation.by_hand
    return annotation.box is not None or points or bool(annotation.outline)


def _point_figures(errors: np.ndarray) -> PointFigures:
    return PointFigures(float(np.median(errors)), float(np.percentile(errors, 95)))


def _mean(values: Sequence[float | None]) -> Figure | None:
    return mean_figures(np.array(values, float)[:, None])[0] if len(values) else None
