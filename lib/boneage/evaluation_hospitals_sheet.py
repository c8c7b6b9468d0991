"""A contact sheet of the films whose age went furthest astray without a warning, for people to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from boneage.datasets import radiograph_of
from boneage.errors import BoneAgeError
from boneage.evaluation_films import FILM_STYLES
from boneage.evaluation_hospitals import UNCHANGED, film_as_read, film_of
from boneage.evaluation_plots import INK, save_plot
from boneage.evaluation_rooms import Drawn
from boneage.evaluation_sheet import DRAWN, FOUND, draw_mask, draw_points
from boneage.types import HandPose

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from boneage.assessment import Models

SHEET = "hospitals_worst.png"
SHOWN, A_ROW = 18, 6

Row = Mapping[str, str]


def save_films_sheet(drawn: Sequence[Drawn], rows: Sequence[Row], models: Models, path: Path) -> None:
    """Make the worst films again and write them as PNG: what should be found in blue, what is found in orange.

    Args:
        drawn: The radiographs that the rows are of.
        rows: As `boneage.evaluation_hospitals` writes them.
        models: That made them.
        path: Of the picture.

    Raises:
        OutputFailed: If it cannot be written.
    """
    from matplotlib.figure import Figure

    by_id = {one.example.id: one for one in drawn}
    worst = [(row, apart) for row, apart in worst_silent(rows) if row["id"] in by_id]
    figure = Figure(figsize=(2.4 * A_ROW, 3.0 * max(-(-len(worst) // A_ROW), 1) + 0.5), layout="constrained")
    figure.suptitle("Furthest astray without a warning: expected in blue, found in orange", fontsize=12, color=INK)
    for place, (row, apart) in enumerate(worst):
        axes = figure.add_subplot(-(-len(worst) // A_ROW), A_ROW, place + 1)
        _draw_film(axes, by_id[row["id"]], row, models)
        title = f"{row['family']}, {row['strength']}\n{row['id']}: {apart:+.0f} months"
        axes.set_title(title, fontsize=7, loc="left", color=INK)
    save_plot(figure, path)


def worst_silent(rows: Sequence[Row]) -> list[tuple[Row, float]]:
    """Return the rows without a warning that are furthest from the unchanged age, worst first, and how far."""
    unchanged = [row for row in rows if row["family"] == UNCHANGED.family and row["predicted_months"]]
    before = {row["id"]: float(row["predicted_months"]) for row in unchanged}
    silent = [row for row in rows if row["predicted_months"] and not row["warnings"] and row["id"] in before]
    apart = [(row, float(row["predicted_months"]) - before[row["id"]]) for row in silent]
    return sorted(apart, key=lambda pair: -abs(pair[1]))[:SHOWN]


def _draw_film(axes: Axes, one: Drawn, row: Row, models: Models) -> None:
    from boneage import assessment  # heavy

    axes.set_axis_off()
    radiograph = radiograph_of(one.example)
    style = next(
        style
        for style in (UNCHANGED, *FILM_STYLES)
        if (style.family, style.strength) == (row["family"], row["strength"])
    )
    try:
        film = style.make(film_of(radiograph, models))
        shown = film_as_read(film, radiograph)
        found = assessment.assess(shown, models)
    except BoneAgeError:  # other models than those of the rows
        return
    axes.imshow(shown.pixels, cmap="gray")
    _draw_hand(axes, film.hand_mask, film.pose, DRAWN)
    _draw_hand(axes, found.hand_mask, found.hand.pose, FOUND)


def _draw_hand(axes: Axes, hand_mask: np.ndarray, pose: HandPose, colour: str) -> None:
    draw_mask(axes, hand_mask, colour)
    draw_points(axes, pose, colour)
