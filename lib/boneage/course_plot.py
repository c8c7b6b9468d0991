"""The course of a child's bone age as a plot, by matplotlib's object interface (no window, no global state)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.errors import InvalidInput
from boneage.growth import SDS_LIMIT, growth_range_months, score_growth
from boneage.output import write_atomically
from boneage.types import MONTHS_PER_YEAR, Course, Sex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {Sex.FEMALE: "#b2456e", Sex.MALE: "#2b6c99"}
INK, GRID, BAND = "#333333", "#e3e3e3", "#ececec"
MARGIN_MONTHS = 12.0
FORMATS = (".png", ".pdf", ".svg")
SIZE_INCHES = (7.0, 5.4)


def course_plot(course: Course, size_inches: tuple[float, float] = SIZE_INCHES) -> Figure:
    """Draw bone age against chronological age, in years, with the band of +-2 SD of the growth reference.

    Bars are 1 SD of a bone age, where it is known. The band ends where the growth reference ends.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_inches, layout="constrained")
    axes = figure.add_subplot()
    draw_course(axes, course)
    axes.set_title(f"Bone age of a {_CHILD[course.sex]} over the years", loc="left", fontsize=12, color=INK, pad=12)
    return figure


def draw_course(axes: Axes, course: Course, translate: Callable[[str], str] = str) -> None:
    """Draw the plot without its title; `translate` puts its English words into another language."""
    ages = np.array([point.chronological_age_months for point in course.points])
    first, last = max(ages[0] - MARGIN_MONTHS, 0.0), ages[-1] + MARGIN_MONTHS
    _draw_band(axes, course, first, last, translate)
    _draw_points(axes, course, translate)
    axes.set(xlabel=translate("Chronological age (years)"), ylabel=translate("Bone age (years)"))
    axes.set_xlim(first / MONTHS_PER_YEAR, last / MONTHS_PER_YEAR)
    axes.legend(frameon=False, loc="upper left", fontsize=9)
    _style(axes)


def save_course_plot(course: Course, path: Path) -> None:
    """Write the plot in the format that the name ends with: PNG, PDF or SVG.

    Raises:
        InvalidInput: If the name ends otherwise.
        OutputFailed: If it cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise InvalidInput(f"Expected a plot's name to end with {', '.join(FORMATS)}; got '{path.name}'.")
    figure = course_plot(course)
    with write_atomically(path) as temporary:
        figure.savefig(temporary, dpi=150)


_CHILD = {Sex.FEMALE: "girl", Sex.MALE: "boy"}


def _draw_band(axes: Axes, course: Course, first: float, last: float, translate: Callable[[str], str]) -> None:
    whole = np.array([first, last]) / MONTHS_PER_YEAR
    axes.plot(whole, whole, color=INK, linewidth=1, linestyle="--", label=translate("bone age = age"))
    covered = growth_range_months(course.sex, course.growth_reference)
    ages = np.linspace(max(first, covered[0]), min(last, covered[1]), 200)
    if ages[0] >= ages[-1]:
        return
    scores = [score_growth(age, age, course.sex, course.growth_reference) for age in ages]
    reach = SDS_LIMIT * np.array([score.reference_sd_months for score in scores], float)
    label = f"±{SDS_LIMIT:g} SD, {translate(course.growth_reference)}"
    years = ages / MONTHS_PER_YEAR
    axes.fill_between(
        years, (ages - reach) / MONTHS_PER_YEAR, (ages + reach) / MONTHS_PER_YEAR, color=BAND, zorder=0, label=label
    )


def _draw_points(axes: Axes, course: Course, translate: Callable[[str], str]) -> None:
    colour = COLOURS[course.sex]
    ages = [point.chronological_age_months / MONTHS_PER_YEAR for point in course.points]
    bone_ages = [point.bone_age_months / MONTHS_PER_YEAR for point in course.points]
    sds = [(point.sd_months or 0.0) / MONTHS_PER_YEAR for point in course.points]
    label = translate("bone age ± 1 SD") if any(sds) else translate("bone age")
    axes.errorbar(
        ages, bone_ages, yerr=sds, color=colour, fmt="-o", markersize=6, capsize=3, linewidth=1.5, label=label
    )


def _style(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(colors=INK, length=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
