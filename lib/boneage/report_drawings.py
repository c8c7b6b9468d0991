"""The drawings of the page as picture files: the hand as found, the ages."""

from __future__ import annotations

from io import BytesIO
from textwrap import fill
from typing import TYPE_CHECKING, Any

from boneage.course_plot import draw_course
from boneage.drawing import draw_ages, draw_hand, legend_items
from boneage.language import N_, Language
from boneage.report_page import Drawing
from boneage.types import Assessment, Course

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HAND_LONG, _AGES_WIDE, _CURVES_HIGH, _LINE = 4.2, 3.2, 1.05, 0.145  # inches
_COURSE_INCHES = (3.8, 1.8)
_LEGEND_LETTERS = 24  # across, beside the course
_DPI = 220
_LETTERS = 7.5  # points
_IN_DRAWINGS = (
    N_("female"),
    N_("male"),
    N_("years"),
    N_("bone age, {sex} (dark: 90 % interval)"),
    N_("chronological age"),
    N_("normal for age (±2 SD)"),
)
"""What `boneage.drawing` writes."""


def hand_drawing(assessment: Assessment, words: Language) -> Drawing:
    """Draw the whole radiograph in its true shape, with box, outline and key points of the hand."""
    from matplotlib.figure import Figure

    rows, columns = assessment.radiograph.pixels.shape
    height_per_width = rows * assessment.radiograph.pixel_aspect / columns
    scale = _HAND_LONG / max(1.0, height_per_width)
    figure = Figure(figsize=(scale, scale * height_per_width), facecolor="black")
    draw_hand(figure.add_axes((0, 0, 1, 1)), assessment)
    caption = words.gettext(
        "Hand as found (confidence {confidence}): box, outline, three key points",
        confidence=words.decimal(assessment.hand.confidence, 2),
    )
    content = _saved(figure, "jpeg", pil_kwargs={"quality": 88})
    return Drawing(content, "image/jpeg", height_per_width, caption, words.gettext("Radiograph of the hand"))


def ages_drawing(assessment: Assessment, words: Language) -> Drawing:
    """Draw the distribution of the bone age, below it what is normal for the chronological age, and a legend."""
    from matplotlib.figure import Figure

    items = legend_items(assessment, words.gettext)
    legend, axis, bands = _LINE * len(items), 2.7 * _LINE, _LINE * len(assessment.estimates)
    height = legend + axis + bands + _CURVES_HIGH
    figure = Figure(figsize=(_AGES_WIDE, height), facecolor="white")
    figure.legend(handles=items, loc="lower left", frameon=False, fontsize=_LETTERS, borderaxespad=0, labelspacing=0.25)
    ground = (legend + axis) / height
    ceiling = ground + bands / height
    ranges = figure.add_axes((0.025, ground, 0.95, ceiling - ground))
    curves = figure.add_axes((0.025, ceiling, 0.95, 0.99 - ceiling))
    draw_ages(curves, ranges, assessment, words.gettext)
    ranges.tick_params(axis="x", labelsize=_LETTERS)
    ranges.xaxis.label.set_fontsize(_LETTERS)
    return Drawing(
        _saved(figure, "png"), "image/png", height / _AGES_WIDE, "", words.gettext("Distribution of the bone age")
    )


def course_drawing(course: Course, words: Language) -> Drawing:
    """Draw bone age against chronological age for all radiographs of the child."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_COURSE_INCHES, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    draw_course(axes, course, words.gettext)
    axes.tick_params(labelsize=_LETTERS)
    axes.xaxis.label.set_fontsize(_LETTERS)
    axes.yaxis.label.set_fontsize(_LETTERS)
    handles, labels = axes.get_legend_handles_labels()
    if legend := axes.get_legend():
        legend.remove()
    broken = [fill(label, _LEGEND_LETTERS) for label in labels]
    figure.legend(handles, broken, loc="outside right center", frameon=False, fontsize=_LETTERS - 0.5)
    width, height = _COURSE_INCHES
    return Drawing(_saved(figure, "png"), "image/png", height / width, "", words.gettext("Course of the bone age"))


def _saved(figure: Figure, file_format: str, **options: Any) -> bytes:
    file = BytesIO()
    figure.savefig(file, format=file_format, dpi=_DPI, **options)
    return file.getvalue()
