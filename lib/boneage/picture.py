"""Room 6: an assessment as one picture for screen and print: the hand as found, and its bone age.

Drawn with matplotlib's objects, without pyplot's global state, so that threads may draw at the same time.
"""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from boneage.drawing import (
    AMBER,
    GREY,
    INK,
    LARGE,
    NORMAL,
    PALE,
    SMALL,
    draw_ages,
    draw_hand,
    legend_items,
    write_caption,
)
from boneage.errors import InvalidInput
from boneage.output import write_atomically
from boneage.types import Assessment, Estimate, Verdict
from boneage.wording import (
    NOT_A_MEDICAL_DEVICE,
    chronological_age_in_words,
    interval_in_words,
    local_calibration_in_words,
    model_versions_in_words,
    sds_in_words,
    sex_in_words,
    years_and_months,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_SUFFIXES = (".png", ".pdf", ".svg")

_WIDTH_INCHES, _HEIGHT_INCHES = 11.69, 8.27  # A4, landscape
_LEFT, _HAND_RIGHT, _MIDDLE, _RIGHT = 0.035, 0.45, 0.5, 0.965  # columns, as fractions of the figure
_TOP, _BOTTOM = 0.925, 0.035
_LINE = 0.023  # height of a line of small print
_CHARACTERS_ACROSS = 145  # of small print
_MOST_WARNING_LINES, _MOST_MODEL_LINES = 7, 2

_VERDICT = {
    Verdict.DELAYED: "delayed",
    Verdict.NORMAL: "normal for age",
    Verdict.ADVANCED: "advanced",
    Verdict.OUTSIDE_TABLE: "the growth reference does not cover this age",
}


def save_picture(assessment: Assessment, path: str | os.PathLike[str], title: str = "") -> None:
    """Draw an assessment and write it as PNG, PDF or SVG, by the suffix of `path`.

    Args:
        assessment: What was found.
        path: Where to write; its folder must exist.
        title: Printed at the top. Only this, and what is burnt into the
            radiograph itself, can identify the patient.

    Raises:
        InvalidInput: If the suffix is another one.
        OutputFailed: If the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PICTURE_SUFFIXES:
        raise InvalidInput(f"Expected a picture named {', '.join(PICTURE_SUFFIXES)}; got {path}.")
    figure = draw_picture(assessment, title)
    with write_atomically(path) as temporary:
        figure.savefig(temporary, format=suffix[1:], dpi=150)


def draw_picture(assessment: Assessment, title: str = "") -> Figure:
    """Draw an assessment: left the radiograph with the hand as found, right its bone age, below what to know about it.

    Args:
        assessment: What was found.
        title: Printed at the top.

    Returns:
        A figure, A4 landscape, on white.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), facecolor="white")
    _draw_title(figure, title)
    bottom = _draw_footer(figure, assessment)
    hand = _axes(figure, _LEFT, bottom + 2 * _LINE, _HAND_RIGHT, _TOP)
    draw_hand(hand, assessment)
    write_caption(hand, assessment)
    top = _draw_headlines(figure, assessment)
    bottom = _draw_legend(figure, assessment, bottom) + 0.065
    middle = bottom + 1.15 * _LINE * len(assessment.estimates)
    curves, ranges = _axes(figure, _MIDDLE, middle, _RIGHT, top), _axes(figure, _MIDDLE, bottom, _RIGHT, middle)
    draw_ages(curves, ranges, assessment)
    return figure


def _axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    return figure.add_axes((left, bottom, right - left, top - bottom))


# What is written


def _write(figure: Figure, x: float, y: float, text: str, **style: Any) -> None:
    """Write text with its top at `y`; dollar signs stay what they are."""
    defaults: dict[str, Any] = {"fontsize": SMALL, "color": INK, "va": "top", "parse_math": False}
    figure.text(x, y, text, **(defaults | style))


def _draw_rule(figure: Figure, y: float) -> None:
    from matplotlib.lines import Line2D

    figure.add_artist(Line2D((_LEFT, _RIGHT), (y, y), color=PALE, linewidth=0.8))


def _draw_title(figure: Figure, title: str) -> None:
    _write(figure, _LEFT, 0.975, "Bone age from a hand radiograph", fontsize=NORMAL, fontweight="bold")
    _write(figure, _RIGHT, 0.975, _shortened(" ".join(title.split()), 70), ha="right", color=GREY)
    _draw_rule(figure, 0.945)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"…{text[1 - most :]}"


def _draw_footer(figure: Figure, assessment: Assessment) -> float:
    """Write warnings, models and the notice at the bottom.

    Returns:
        The height at which it ends, as a fraction of the figure.
    """
    models = f"Models: {model_versions_in_words(assessment)}. Time: {assessment.seconds:.2f} s."
    facts = wrap(models, _CHARACTERS_ACROSS)[:_MOST_MODEL_LINES]
    y = _write_upwards(figure, _BOTTOM, [NOT_A_MEDICAL_DEVICE], fontweight="bold")
    y = _write_upwards(figure, y, facts, color=GREY)
    if assessment.warnings:
        y = _write_upwards(figure, y + 0.6 * _LINE, _warning_lines(assessment.warnings), color=AMBER)
    _draw_rule(figure, y + 0.5 * _LINE)
    return y + _LINE


def _write_upwards(figure: Figure, bottom: float, lines: list[str], **style: Any) -> float:
    """Write lines above `bottom` and return the height at which they end."""
    for number, line in enumerate(reversed(lines), start=1):
        _write(figure, _LEFT, bottom + number * _LINE, line, **style)
    return bottom + len(lines) * _LINE


def _warning_lines(warnings: tuple[str, ...]) -> list[str]:
    lines = [
        line
        for warning in warnings
        for line in wrap(f"Warning: {warning}", _CHARACTERS_ACROSS, subsequent_indent="    ")
    ]
    if len(lines) <= _MOST_WARNING_LINES:
        return lines
    return [*lines[: _MOST_WARNING_LINES - 1], "More warnings are in the written report."]


def _draw_legend(figure: Figure, assessment: Assessment, bottom: float) -> float:
    """Draw the legend of the ages, one line for two items, and return the height at which it ends."""
    items = legend_items(assessment)
    figure.legend(
        handles=items,
        loc="lower center",
        bbox_to_anchor=((_MIDDLE + _RIGHT) / 2, bottom),
        borderaxespad=0,
        ncol=2,
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
    )
    return bottom + _LINE * -(-len(items) // 2)


def _draw_headlines(figure: Figure, assessment: Assessment) -> float:
    """Write the bone age of each sex in large letters, with its interval and verdict.

    Returns:
        The height at which they end, as a fraction of the figure.
    """
    y = _TOP
    for estimate in assessment.estimates:
        y = _draw_headline(figure, assessment, estimate, y)
    _write(figure, _MIDDLE, y, f"Chronological age: {chronological_age_in_words(assessment)}", color=GREY)
    y -= _LINE
    for reference in sorted({e.growth.growth_reference for e in assessment.estimates if e.growth}):
        _write(figure, _MIDDLE, y, f"Growth reference: {reference}", color=GREY)
        y -= _LINE
    return y - 0.5 * _LINE


def _draw_headline(figure: Figure, assessment: Assessment, estimate: Estimate, y: float) -> float:
    bone_age, growth = estimate.bone_age, estimate.growth
    size = LARGE if len(assessment.estimates) == 1 else 0.75 * LARGE
    _write(figure, _MIDDLE, y, f"Bone age, {sex_in_words(assessment, estimate.sex)}", fontsize=NORMAL, color=GREY)
    _write(figure, _RIGHT, y, f"{bone_age.months:.1f} months", fontsize=NORMAL, ha="right", color=GREY)
    y -= 0.028
    _write(figure, _MIDDLE, y, years_and_months(bone_age.months), fontsize=size, fontweight="bold")
    y -= 0.002 * size
    _write(figure, _MIDDLE, y, f"90 % interval  {interval_in_words(bone_age)}", fontsize=NORMAL)
    if estimate.local:
        y -= 0.029
        _write(figure, _MIDDLE, y, local_calibration_in_words(estimate), color=GREY)
    if growth:
        y -= 0.029
        verdict = f"SDS {sds_in_words(growth)}: {_VERDICT[growth.verdict]}"
        _write(figure, _MIDDLE, y, verdict, fontsize=NORMAL, fontweight="bold")
    return y - 0.044
