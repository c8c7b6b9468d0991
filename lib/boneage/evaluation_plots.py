"""Plots of an evaluation, drawn through matplotlib's object interface (no window, no global state)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.evaluation import Metrics, band_names
from boneage.output import write_atomically
from boneage.types import MONTHS_PER_YEAR, Sex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLOURS = {Sex.FEMALE.value: "#b2456e", Sex.MALE.value: "#2b6c99"}
INK, GRID = "#333333", "#e3e3e3"
FEW = 1000
LIMITS_OF_AGREEMENT_SD = 1.96


def draw_scatter(reference: np.ndarray, predicted: np.ndarray, sex: np.ndarray) -> Figure:
    """Draw predicted against reference bone age; arrays (n,), months."""
    figure, axes = _page("Predicted against reference bone age", (6.4, 6.4))
    end = float(np.ceil(max(reference.max(), predicted.max(), MONTHS_PER_YEAR) / MONTHS_PER_YEAR)) + 0.5
    line = np.array([0.0, end])
    axes.fill_between(line, line - 1, line + 1, color="#f0f0f0", zorder=0, label="within 12 months")
    axes.plot(line, line, color=INK, linewidth=1, label="equal")
    _scatter_by_sex(axes, reference / MONTHS_PER_YEAR, predicted / MONTHS_PER_YEAR, sex)
    axes.set(xlabel="Reference (years)", ylabel="Predicted (years)", xlim=(0, end), ylim=(0, end), aspect="equal")
    _tick_every(axes.xaxis, 2)
    _tick_every(axes.yaxis, 2)
    axes.legend(frameon=False, loc="upper left")
    return figure


def draw_bland_altman(reference: np.ndarray, predicted: np.ndarray, sex: np.ndarray) -> Figure:
    """Draw the differences against the means of both, with bias and 95 % limits of agreement; arrays (n,), months."""
    figure, axes = _page("Agreement with the reference (Bland-Altman)", (8.0, 5.0))
    difference = predicted - reference
    _scatter_by_sex(axes, (predicted + reference) / 2 / MONTHS_PER_YEAR, difference, sex)
    bias = float(difference.mean())
    spread = LIMITS_OF_AGREEMENT_SD * float(difference.std(ddof=1)) if len(difference) > 1 else 0.0
    axes.axhline(0, color=GRID, linewidth=1, zorder=0)
    for name, months, style in (
        ("bias", bias, "-"),
        ("+1.96 SD", bias + spread, "--"),
        ("-1.96 SD", bias - spread, "--"),
    ):
        axes.axhline(months, color=INK, linewidth=1, linestyle=style)
        axes.annotate(
            f"{name}\n{months:+.1f}",
            (1.01, months),
            xycoords=("axes fraction", "data"),
            va="center",
            color=INK,
            fontsize=9,
        )
    largest = max(float(np.abs(difference).max()), abs(bias) + spread) * 1.1 + 1
    axes.set(xlabel="Mean of predicted and reference (years)", ylabel="Predicted - reference (months)")
    axes.set(ylim=(-largest, largest))
    _tick_every(axes.xaxis, 2)
    _tick_every(axes.yaxis, MONTHS_PER_YEAR * np.ceil(largest / 96))
    axes.legend(frameon=False, loc="upper left", ncols=2)
    return figure


def draw_mae_by_age(by_sex_and_age_band: dict[str, Metrics]) -> Figure:
    """Draw the mean absolute error of each sex and age band with its 95 % interval, and how many radiographs it has."""
    figure, axes = _page("Mean absolute error by age and sex", (8.0, 4.6))
    seen = {name.split(" ", 1)[1] for name in by_sex_and_age_band}
    bands = [band for band in band_names() if band in seen]
    tallest = max(metrics.mae_months.upper for metrics in by_sex_and_age_band.values())
    for shift, (sex, colour) in zip((-0.2, 0.2), COLOURS.items(), strict=True):
        found = [(index, by_sex_and_age_band.get(f"{sex} {band}")) for index, band in enumerate(bands)]
        bars = [(index + shift, metrics) for index, metrics in found if metrics]
        _bars(axes, bars, sex, colour, tallest)
    axes.set_xticks(range(len(bands)), bands)
    axes.set(xlabel="Reference bone age", ylabel="MAE (months)", ylim=(0, max(tallest * 1.2, 1)))
    axes.grid(axis="x", visible=False)
    axes.legend(frameon=False, loc="upper right", ncols=2)
    return figure


def save_plot(figure: Figure, path: Path) -> None:
    """Write a plot as PNG.

    Raises:
        OutputFailed: If it cannot be written.
    """
    with write_atomically(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _bars(axes: Axes, bars: list[tuple[float, Metrics]], sex: str, colour: str, tallest: float) -> None:
    if not bars:
        return
    places = [place for place, _ in bars]
    figures = [metrics.mae_months for _, metrics in bars]
    reach = [[one.value - one.lower for one in figures], [one.upper - one.value for one in figures]]
    axes.bar(places, [one.value for one in figures], width=0.36, color=colour, label=sex, zorder=2)
    axes.errorbar(
        places, [one.value for one in figures], yerr=np.maximum(reach, 0), fmt="none", ecolor=INK, capsize=3, zorder=3
    )
    for place, metrics in bars:
        height = metrics.mae_months.upper + tallest * 0.02
        axes.text(place, height, f"n={metrics.count}", ha="center", va="bottom", fontsize=8, color=INK, clip_on=True)


def _scatter_by_sex(axes: Axes, x: np.ndarray, y: np.ndarray, sex: np.ndarray) -> None:
    """Draw one dot a radiograph, in random order, so that neither sex hides the other."""
    order = np.random.default_rng(0).permutation(len(x))
    colours = np.array([COLOURS[name] for name in sex])[order]
    size = 14 if len(x) < FEW else 5
    axes.scatter(x[order], y[order], s=size, c=colours, alpha=0.45, linewidths=0, rasterized=True)
    for name, colour in COLOURS.items():
        axes.scatter([], [], s=20, color=colour, label=f"{name} (n={np.sum(sex == name)})")


def _tick_every(axis: Axis, step: float) -> None:
    from matplotlib.ticker import MultipleLocator

    axis.set_major_locator(MultipleLocator(step))


def _page(title: str, size_inches: tuple[float, float]) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_inches, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=12, color=INK, pad=12)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(colors=INK, length=3)
    return figure, axes
