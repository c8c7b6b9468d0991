"""The two drawings of picture and page: the hand as found on the radiograph, and the bone age over years.

Words are English; `translate` puts them into another language.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from boneage.types import MONTHS_PER_YEAR, Assessment, BoneAge, Estimate, HandBox, Sex
from boneage.wording import chronological_age_months

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

Translate = Callable[[str], str]
_Side = Literal["left", "right"]

SMALL, NORMAL, LARGE = 8.5, 11.0, 27.0  # points
INK, GREY, PALE, AMBER = "#1a1a1a", "#5f6368", "#d5d8db", "#8a5a00"
# Okabe and Ito's colour-blind safe colours. Orange and blue differ in lightness, and in line style, for grey print.
_ORANGE, _BLUE, _SKY_BLUE = "#e69f00", "#0072b2", "#56b4e9"
_COLOUR = {Sex.FEMALE: _ORANGE, Sex.MALE: _BLUE}
_LINE_STYLES: tuple[Any, ...] = ("solid", (0, (5, 2)))  # of the first and the second sex
_CHRONOLOGICAL: dict[str, Any] = {"color": INK, "linewidth": 1.4, "linestyle": (0, (2, 1.5))}

_LONGEST_SIDE_PX = 1400  # of the radiograph as drawn
_TOP_OF_SCALE_YEARS = 20.0
_FEWEST_YEARS = 5.0


# The hand


def draw_hand(axes: Axes, assessment: Assessment) -> None:
    """Draw the radiograph in its true shape, with the hand's box, outline and key points."""
    radiograph, hand = assessment.radiograph, assessment.hand
    rows, columns = radiograph.pixels.shape
    darkest, brightest = _window(radiograph.pixels, hand.box)
    axes.imshow(
        _reduced(radiograph.pixels),
        cmap="gray",
        vmin=darkest,
        vmax=brightest,
        extent=(0, columns, rows, 0),
        aspect=radiograph.pixel_aspect,
    )
    axes.set_anchor("N")
    axes.set_axis_off()
    if assessment.saliency is not None:
        _draw_saliency(axes, assessment.saliency.months, (0, columns, rows, 0), radiograph.pixel_aspect)
    _draw_box(axes, hand.box)
    _draw_outline(axes, assessment.hand_mask)
    points = np.array([hand.pose.middle_tip, hand.pose.thumb_tip, hand.pose.capitate])
    axes.plot(*points.T, "o", markersize=6, markerfacecolor=_ORANGE, markeredgecolor="white", markeredgewidth=1.0)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)


def write_caption(axes: Axes, assessment: Assessment) -> None:
    """Write below the hand what is drawn over it."""
    caption = f"Hand as found, confidence {assessment.hand.confidence:.2f}: box, outline and three key points"
    if assessment.saliency is not None:
        caption += f"\nYellow: where blurring moves the age, by up to {assessment.saliency.months.max():.1f} months"
    axes.text(0.5, -0.012, caption, transform=axes.transAxes, ha="center", va="top", fontsize=SMALL, color=GREY)


def _draw_saliency(axes: Axes, months: np.ndarray, extent: tuple[float, float, float, float], aspect: float) -> None:
    """Lay the map over the radiograph: clear where the age does not move, yellow where it moves most."""
    strength = np.clip(months / max(float(months.max()), 1e-6), 0, 1)
    axes.imshow(months, cmap="inferno", alpha=0.65 * strength, extent=extent, interpolation="bilinear", aspect=aspect)


def _draw_box(axes: Axes, box: HandBox) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle((box.left, box.top), box.width, box.height, fill=False, edgecolor="white", lw=0.9, ls=(0, (4, 3)))
    )


def _draw_outline(axes: Axes, hand_mask: np.ndarray) -> None:
    rows, columns = hand_mask.shape
    soft = _softened(_reduced(hand_mask.astype(np.float32)))
    if not soft.min() < 0.5 < soft.max():
        return
    y = (np.arange(soft.shape[0]) + 0.5) * rows / soft.shape[0]
    x = (np.arange(soft.shape[1]) + 0.5) * columns / soft.shape[1]
    axes.contour(x, y, soft, levels=[0.5], colors=[_SKY_BLUE], linewidths=1.1)


def _window(pixels: np.ndarray, box: HandBox) -> tuple[float, float]:
    """Return the darkest and brightest value to show, so that the bones of the hand have contrast."""
    left, top = max(int(box.left), 0), max(int(box.top), 0)
    inside = pixels[top : int(box.bottom) + 1, left : int(box.right) + 1]
    darkest, brightest = np.percentile(inside if inside.size else pixels, (0.5, 99.7))
    return float(darkest), float(max(brightest, darkest + 1e-3))


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Average whole blocks of pixels, so that no side is longer than what can be seen."""
    step = min(-(-max(pixels.shape) // _LONGEST_SIDE_PX), *pixels.shape)
    rows, columns = (side // step * step for side in pixels.shape)
    return pixels[:rows, :columns].reshape(rows // step, step, columns // step, step).mean(axis=(1, 3))


def _softened(mask: np.ndarray) -> np.ndarray:
    """Blur away the stairs of a mask, in proportion to its size."""
    radius = max(1, max(mask.shape) // 400)
    for axis in (0, 1, 0, 1):
        margins = [(radius, radius) if axis == padded else (0, 0) for padded in (0, 1)]
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(mask, margins, mode="edge"), 2 * radius + 1, axis)
        mask = windows.mean(axis=-1)
    return mask


# The ages


def draw_ages(curves: Axes, ranges: Axes, assessment: Assessment, translate: Translate = str) -> None:
    """Draw the distribution of the bone age over years, and below it what is normal for the chronological age.

    Args:
        curves: For the distributions.
        ranges: Right below, of the same width, for one band a sex; it carries the axis in years.
        assessment: What was found.
        translate: English words -> those of the reader.
    """
    estimates, age = assessment.estimates, chronological_age_months(assessment)
    years = _years_to_show(assessment)
    for axes in (curves, ranges):
        axes.set_xlim(*years)
        axes.set_yticks([])
        axes.spines[["left", "right", "top"]].set_visible(False)
        if age is not None:
            axes.axvline(age / MONTHS_PER_YEAR, **_CHRONOLOGICAL)
    for row, estimate in enumerate(estimates):
        _draw_distribution(curves, estimate, _LINE_STYLES[row])
        _draw_normal_range(ranges, estimate, row, translate(estimate.sex.value) if len(estimates) > 1 else "")
    curves.set_ylim(0, curves.get_ylim()[1] * 1.04)
    curves.set_xticks([])
    curves.spines["bottom"].set_color(PALE)
    ranges.set_ylim(len(estimates) + 0.25, -0.25)
    _draw_years(ranges, years, translate("years"))


def legend_items(assessment: Assessment, translate: Translate = str) -> list[Artist]:
    """Return labelled samples of what `draw_ages` draws."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    items: list[Artist] = []
    for line_style, estimate in zip(_LINE_STYLES, assessment.estimates, strict=False):
        label, colour = translate("bone age, {sex} (dark: 90 % interval)"), _COLOUR[estimate.sex]
        label = label.format(sex=translate(estimate.sex.value))
        items += [Patch(facecolor=f"{colour}66", edgecolor=colour, linestyle=line_style, linewidth=1.4, label=label)]
    if chronological_age_months(assessment) is not None:
        items += [Line2D([], [], **_CHRONOLOGICAL, label=translate("chronological age"))]
    if any(_normal_range_years(estimate) for estimate in assessment.estimates):
        items += [Patch(facecolor=PALE, label=translate("normal for age (±2 SD)"))]
    return items


def _draw_distribution(axes: Axes, estimate: Estimate, line_style: Any) -> None:
    bone_age, colour = estimate.bone_age, _COLOUR[estimate.sex]
    years, density = _density(bone_age)
    inside = _within(years, bone_age.lower_90_months, bone_age.upper_90_months)
    axes.fill_between(years, density, color=colour, alpha=0.15, linewidth=0)
    axes.fill_between(years[inside], density[inside], color=colour, alpha=0.4, linewidth=0)
    axes.plot(years, density, color=colour, linestyle=line_style, linewidth=1.8)


def _within(years: np.ndarray, first_months: float, last_months: float) -> np.ndarray:
    return (years >= first_months / MONTHS_PER_YEAR) & (years <= last_months / MONTHS_PER_YEAR)


def _density(bone_age: BoneAge) -> tuple[np.ndarray, np.ndarray]:
    """Return ages in years, where the bone age may lie, and the probability of each whole month there.

    A bone age without a distribution gets a normal one.
    """
    months = np.linspace(0, _TOP_OF_SCALE_YEARS * MONTHS_PER_YEAR, 2401)
    if bone_age.distribution:
        density = np.interp(months, np.arange(len(bone_age.distribution)), bone_age.distribution, right=0.0)
    else:
        sd = max(bone_age.sd_months, 0.5)
        density = np.exp(-0.5 * ((months - bone_age.months) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    seen = np.flatnonzero(density > 0.003 * density.max())
    part = slice(seen[0], seen[-1] + 1)
    return months[part] / MONTHS_PER_YEAR, density[part]


def _draw_normal_range(axes: Axes, estimate: Estimate, row: int, label: str) -> None:
    limits = _normal_range_years(estimate)
    if limits is None:
        return
    first, last = limits
    axes.broken_barh([(first, last - first)], (row + 0.1, 0.8), color=PALE, linewidth=0)
    x, offset, align = _place_of_label(first, last, axes.get_xlim())
    axes.annotate(
        label,
        (x, row + 0.5),
        xytext=(offset, 0),
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=SMALL,
        color=INK,
    )


def _place_of_label(first: float, last: float, years: tuple[float, float]) -> tuple[float, float, _Side]:
    """Find room for one word: inside a wide band, else right of it, else left of it.

    Returns:
        Where to write in years, how many points further to the right, and on which side the word starts from there.
    """
    room = 0.15 * (years[1] - years[0])
    if last - first > 2 * room:
        return first, 5, "left"
    return (last, 5, "left") if years[1] - last > room else (first, -5, "right")


def _normal_range_years(estimate: Estimate) -> tuple[float, float] | None:
    growth = estimate.growth
    if growth is None or growth.reference_sd_months is None:
        return None
    age, reach = growth.chronological_age_months, 2 * growth.reference_sd_months
    return (age - reach) / MONTHS_PER_YEAR, (age + reach) / MONTHS_PER_YEAR


def _draw_years(axes: Axes, years: tuple[float, float], label: str) -> None:
    first, last = years
    axes.set_xticks(np.arange(first, last + 0.01, 1 if last - first <= 12 else 2))
    axes.set_xlabel(label, fontsize=NORMAL, color=INK)
    axes.tick_params(axis="x", labelsize=NORMAL, color=GREY, labelcolor=INK)


def _years_to_show(assessment: Assessment) -> tuple[float, float]:
    """Return whole years around everything that is drawn, a few at least, none below zero."""
    years = [limit for estimate in assessment.estimates for limit in _normal_range_years(estimate) or ()]
    years += [year for estimate in assessment.estimates for year in _density(estimate.bone_age)[0][[0, -1]]]
    age = chronological_age_months(assessment)
    years += [] if age is None else [age / MONTHS_PER_YEAR]
    first, last = max(0.0, np.floor(min(years))), np.ceil(max(years))
    missing = max(0.0, _FEWEST_YEARS - (last - first))
    first = max(0.0, min(first - missing // 2, _TOP_OF_SCALE_YEARS - _FEWEST_YEARS))
    return float(first), float(max(last, first + _FEWEST_YEARS))
