"""An evaluation of detector and segmenter as rooms.json and rooms.md, with a sheet of the worst cases to look at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from boneage.evaluation import Figure
from boneage.evaluation_not_hand import NotHandFigures
from boneage.evaluation_rooms import (
    KEY_POINTS,
    RECALL_IOU,
    DetectorFigures,
    Looked,
    SegmenterFigures,
    measure_detector,
    measure_segmenter,
    refusals,
)
from boneage.output import write_atomically

SHEET = "rooms_worst.png"


@dataclass(frozen=True)
class RoomsEvaluation:
    """Everything that was found about the two rooms.

    Attributes:
        data: Name of the data folder.
        split: Which part was looked at.
        radiographs: With something drawn on them.
        models: Model name -> version.
        refused: Kind of error -> how many of the radiographs, all of which show a hand.
        detector: Its figures.
        segmenter: Its figures; None if no outline was drawn.
        not_hand: Of images without a hand; None if there were none to look at.
    """

    data: str
    split: str
    radiographs: int
    models: dict[str, str]
    refused: dict[str, int]
    detector: DetectorFigures
    segmenter: SegmenterFigures | None
    not_hand: NotHandFigures | None


def evaluate_rooms(
    looked: Sequence[Looked], data: str, split: str, models: dict[str, str], not_hand: NotHandFigures | None = None
) -> RoomsEvaluation:
    """Measure what `boneage.evaluation_rooms.look_at_all` returned."""
    return RoomsEvaluation(
        data=data,
        split=split,
        radiographs=len(looked),
        models=models,
        refused=refusals(looked),
        detector=measure_detector(looked),
        segmenter=measure_segmenter(looked),
        not_hand=not_hand,
    )


def write_rooms(evaluation: RoomsEvaluation, looked: Sequence[Looked], folder: Path) -> None:
    """Write rooms.json, which also tells of every radiograph, and rooms.md into an existing folder.

    Raises:
        OutputFailed: If a file cannot be written.
    """
    content = asdict(evaluation) | {"each": [_row(one) for one in looked]}
    with write_atomically(folder / "rooms.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    with write_atomically(folder / "rooms.md") as temporary:
        temporary.write_text(rooms_markdown(evaluation), encoding="utf-8")


def rooms_markdown(evaluation: RoomsEvaluation) -> str:
    """Write the evaluation for people, as Markdown."""
    return "\n\n".join("\n".join(block) for block in _blocks(evaluation)) + "\n"


def _row(one: Looked) -> dict[str, Any]:
    row: dict[str, Any] = {"id": one.item.example.id, "refused": one.error.kind if one.error else ""}
    look = one.answer
    if look is None:
        return row
    return row | {
        "confidence": look.hand.confidence,
        "pose_error": look.hand.pose_error,
        "iou": look.iou,
        "point_errors_hand_lengths": look.point_errors,
        "dice": look.dice,
        "hausdorff_95_px": look.hausdorff_95,
        "hausdorff_95_hand_lengths": look.hausdorff_95_lengths,
    }


def _blocks(evaluation: RoomsEvaluation) -> Iterator[list[str]]:
    yield ["# Evaluation of detector and segmenter"]
    yield [
        f"- Data: {evaluation.data}, split: {evaluation.split}",
        f"- Radiographs with something drawn: {evaluation.radiographs}",
        f"- Of these refused: {_counts(evaluation.refused)}",
        f"- Models: {', '.join(f'{name} {version}' for name, version in evaluation.models.items())}",
    ]
    if evaluation.split != "held-out":
        yield ["**Some of these radiographs were used to train or choose the models: the figures flatter them.**"]
    yield ["95 % bootstrap intervals in brackets; distances are given as parts of the hand (capitate to finger tip)."]
    yield ["## Detector"]
    yield list(_detector_lines(evaluation.detector))
    if evaluation.detector.points:
        yield ["| key point | median error | 95 % of the errors are below |", "|---|---:|---:|", *_points(evaluation)]
    if evaluation.segmenter:
        yield ["## Segmenter, with the pose that the detector found"]
        yield list(_segmenter_lines(evaluation.segmenter))
    if evaluation.not_hand:
        yield ["## Images without a hand"]
        yield list(_not_hand_lines(evaluation.not_hand))
    yield ["## Worst cases"]
    yield [f"![Worst cases]({SHEET})"]


def _detector_lines(figures: DetectorFigures) -> Iterator[str]:
    yield f"- Recall at IoU {RECALL_IOU}: {_percent(figures.recall)} of {figures.boxes} drawn boxes"
    yield f"- Mean IoU of the boxes found: {_number(figures.mean_iou)}"
    yield f"- Hands with key points set by hand: {figures.hands_with_points}"
    yield f"- Found hands with a warning that their pose is unsure: {_percent(figures.unsure_pose)}"


def _points(evaluation: RoomsEvaluation) -> Iterator[str]:
    for name in KEY_POINTS:
        point = evaluation.detector.points[name]
        yield f"| {name} | {100 * point.median:.1f} % | {100 * point.percentile_95:.1f} % |"


def _segmenter_lines(figures: SegmenterFigures) -> Iterator[str]:
    yield f"- Outlines: {figures.outlines}, of which {figures.without_hand} without a found hand (not in the means)"
    yield f"- Dice: {_number(figures.dice)}"
    yield f"- 95 % Hausdorff distance in pixels of the radiograph's width: {_number(figures.hausdorff_95_px, 1)}"
    yield f"- 95 % Hausdorff distance as a part of the hand: {_percent(figures.hausdorff_95_hand_lengths)}"


def _not_hand_lines(figures: NotHandFigures) -> Iterator[str]:
    yield f"- Files: {figures.files}, of which {figures.unreadable} unreadable"
    yield f"- Rightly refused: {_counts(figures.refused)}"
    yield f"- Hand found all the same: {len(figures.with_hand)}"
    yield from (f"    - {name} (confidence {confidence:.2f})" for name, confidence in figures.with_hand.items())


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"


def _number(figure: Figure | None, decimals: int = 3) -> str:
    if figure is None:
        return "not measured"
    return f"{figure.value:.{decimals}f} [{figure.lower:.{decimals}f}, {figure.upper:.{decimals}f}]"


def _percent(figure: Figure | None) -> str:
    if figure is None:
        return "not measured"
    return f"{100 * figure.value:.1f} % [{100 * figure.lower:.1f}, {100 * figure.upper:.1f}]"
