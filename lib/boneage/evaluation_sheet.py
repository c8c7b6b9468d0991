"""A contact sheet of the hands that the detector and the segmenter got most wrong, for people to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.datasets import radiograph_of
from boneage.evaluation_drawn import drawn_box, drawn_mask, drawn_pose
from boneage.evaluation_plots import INK, save_plot
from boneage.evaluation_rooms import Finders, Look, Looked
from boneage.geometry import pose_points
from boneage.imaging import stretched
from boneage.types import HandBox, HandPose, Radiograph

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EACH = 6  # cases a row
DRAWN, FOUND = "#56b4e9", "#e69f00"  # Okabe and Ito's sky blue and orange
REFUSED = float("inf")


def save_sheet(looked: Sequence[Looked], finders: Finders, path: Path) -> None:
    """Write the sheet as PNG: a row each of the worst boxes, key points and outlines; refused hands come first.

    Raises:
        OutputFailed: If it cannot be written.
    """
    save_plot(draw_sheet(looked, finders), path)


def draw_sheet(looked: Sequence[Looked], finders: Finders) -> Figure:
    """Draw the sheet; what was drawn by people is blue, what was found is orange."""
    from matplotlib.figure import Figure

    rows = {title: _worst(looked, badness) for title, badness in _BADNESS.items()}
    rows = {title: cases for title, cases in rows.items() if cases}
    figure = Figure(figsize=(2.3 * EACH, 3.0 * max(len(rows), 1) + 0.5), layout="constrained")
    figure.suptitle("Worst cases: drawn by people in blue, found in orange", fontsize=12, color=INK)
    for place, (title, cases) in enumerate(rows.items()):
        for column, one in enumerate(cases):
            axes = figure.add_subplot(len(rows), EACH, place * EACH + column + 1)
            _draw_case(axes, one, finders)
            axes.set_title(f"{title if column == 0 else ''}\n{_caption(one)}", fontsize=7, loc="left", color=INK)
    return figure


def _box_badness(one: Looked) -> float | None:
    if one.item.annotation.box is None:
        return None
    return REFUSED if one.answer is None else 1.0 - (one.answer.iou or 0.0)


def _point_badness(one: Looked) -> float | None:
    return max(one.answer.point_errors) if one.answer and one.answer.point_errors else None


def _outline_badness(one: Looked) -> float | None:
    if not one.item.annotation.outline:
        return None
    return REFUSED if one.answer is None else 1.0 - (one.answer.dice or 0.0)


_BADNESS: dict[str, Callable[[Looked], float | None]] = {
    "Boxes": _box_badness,
    "Key points": _point_badness,
    "Outlines": _outline_badness,
}


def _worst(looked: Sequence[Looked], badness: Callable[[Looked], float | None]) -> list[Looked]:
    rated = [(bad, one) for one in looked if (bad := badness(one)) is not None]
    return [one for _, one in sorted(rated, key=lambda pair: -pair[0])[:EACH]]


def _caption(one: Looked) -> str:
    if one.error:
        return f"{one.item.example.id}: {one.error.kind}"
    assert one.answer is not None, "an outcome has an answer or an error"
    return f"{one.item.example.id}: {', '.join(_figures(one.answer))}"


def _figures(look: Look) -> list[str]:
    figures = []
    if look.iou is not None:
        figures.append(f"IoU {look.iou:.2f}")
    if look.point_errors is not None:
        figures.append(f"points {100 * max(look.point_errors):.0f} %")
    if look.dice is not None:
        figures.append(f"Dice {look.dice:.3f}")
    return figures


def _draw_case(axes: Axes, one: Looked, finders: Finders) -> None:
    axes.set_axis_off()
    if one.error and one.error.kind == "unreadable":
        return
    radiograph, annotation = radiograph_of(one.item.example), one.item.annotation
    shape = radiograph.pixels.shape
    axes.imshow(stretched(radiograph.pixels), cmap="gray", aspect=radiograph.pixel_aspect)
    if annotation.box is not None:
        _draw_box(axes, drawn_box(annotation.box, shape), DRAWN)
    if annotation.outline:
        draw_mask(axes, drawn_mask(annotation, shape), DRAWN)
    if annotation.by_hand and (pose := drawn_pose(annotation, shape)):
        draw_points(axes, pose, DRAWN)
    if one.answer:
        _draw_found(axes, one.answer, radiograph, finders, with_outline=bool(annotation.outline))


def _draw_found(axes: Axes, look: Look, radiograph: Radiograph, finders: Finders, with_outline: bool) -> None:
    _draw_box(axes, look.hand.box, FOUND)
    draw_points(axes, look.hand.pose, FOUND)
    if with_outline:
        draw_mask(axes, finders.segmenter.outline(radiograph, look.hand), FOUND)


def _draw_box(axes: Axes, box: HandBox, colour: str) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((box.left, box.top), box.width, box.height, fill=False, edgecolor=colour, lw=0.8))


def draw_points(axes: Axes, pose: HandPose, colour: str) -> None:
    """Draw key points, in pixels of the picture."""
    axes.plot(*pose_points(pose).T, "o", markersize=3, color=colour, markeredgecolor="white", markeredgewidth=0.4)


def draw_mask(axes: Axes, mask: np.ndarray, colour: str) -> None:
    """Draw the border of a mask (rows, columns)."""
    if mask.any() and not mask.all():
        axes.contour(mask.astype(np.float32), levels=[0.5], colors=[colour], linewidths=0.7)
