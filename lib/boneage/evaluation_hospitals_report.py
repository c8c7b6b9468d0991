"""From rows of `boneage.evaluation_hospitals` to figures, a table in Markdown, and the list of silent wrong ages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from boneage.evaluation import Figure, mean_figures
from boneage.evaluation_hospitals import UNCHANGED
from boneage.evaluation_stress_report import WRONG_MONTHS, is_inside, rows_by_change
from boneage.output import write_atomically

Row = Mapping[str, str]


@dataclass(frozen=True)
class Spread:
    """A median and a 95 % quantile."""

    median: float
    percentile_95: float


@dataclass(frozen=True)
class FilmFigures:
    """What one style of film does; figures in months are of the radiographs with an age before and after.

    Attributes:
        family: Of the style.
        strength: Of the style.
        radiographs: That got an age as they are.
        refused: Share of these that got none as this film, 0..1.
        warned: Share of these with an age and a warning about the hand, 0..1.
        mae_months: Against the readers; None if all were refused, like the others below.
        coverage_90: Share of the readers' ages inside the 90 % interval.
        difference_months: Mean absolute difference from the age of the unchanged radiograph.
        mirrored_months: Mean absolute difference between the film and its mirror image.
        points: Largest of the three key points' errors against those found unchanged, in hand lengths.
        drawn_points: The same against those set by hand; None without any.
        dice: Of the outline with that found unchanged.
        drawn_dice: The same with those drawn by hand; None without any.
        wrong: Ages that differ by more than `WRONG_MONTHS`.
        silent_wrong: Those of them without a warning: their radiographs' ids.
    """

    family: str
    strength: str
    radiographs: int
    refused: float
    warned: float
    mae_months: Figure | None
    coverage_90: Figure | None
    difference_months: Figure | None
    mirrored_months: Figure | None
    points: Spread | None
    drawn_points: Spread | None
    dice: Figure | None
    drawn_dice: Figure | None
    wrong: int
    silent_wrong: tuple[str, ...]


def measure_films(rows: Iterable[Row]) -> list[FilmFigures]:
    """Measure every style, the unchanged radiographs first.

    Raises:
        InvalidData: If no unchanged radiograph got an age.
    """
    unchanged, by_style = rows_by_change(rows)
    before = {id: float(row["predicted_months"]) for id, row in unchanged.items()}
    return [_figures(name, before, list(after.values())) for name, after in by_style.items()]


def _figures(name: tuple[str, str], before: Mapping[str, float], rows: Sequence[Row]) -> FilmFigures:
    shown = [row for row in rows if row["id"] in before]
    aged = [row for row in shown if row["predicted_months"]]
    wrong = [row for row in aged if _apart(row, before) > WRONG_MONTHS]
    return FilmFigures(
        *name,
        radiographs=len(shown),
        refused=1 - len(aged) / max(len(shown), 1),
        warned=sum(bool(row["warnings"]) for row in aged) / max(len(shown), 1),
        mae_months=_mean(abs(_number(row, "predicted_months") - _number(row, "reference_months")) for row in aged),
        coverage_90=_mean(is_inside(row) for row in aged),
        difference_months=_mean(_apart(row, before) for row in aged),
        mirrored_months=_mean(
            abs(_number(row, "mirrored_months") - _number(row, "predicted_months"))
            for row in aged
            if row["mirrored_months"]
        ),
        points=_spread(aged, "point_error"),
        drawn_points=_spread(aged, "drawn_point_error"),
        dice=_mean(_number(row, "dice") for row in aged),
        drawn_dice=_mean(_number(row, "drawn_dice") for row in aged if row["drawn_dice"]),
        wrong=len(wrong),
        silent_wrong=tuple(row["id"] for row in wrong if not row["warnings"]),
    )


def _number(row: Row, column: str) -> float:
    return float(row[column])


def _apart(row: Row, before: Mapping[str, float]) -> float:
    return abs(_number(row, "predicted_months") - before[row["id"]])


def _mean(values: Iterable[float]) -> Figure | None:
    column = np.array(list(values), float)
    return mean_figures(column[:, None])[0] if len(column) else None


def _spread(rows: Sequence[Row], column: str) -> Spread | None:
    values = [_number(row, column) for row in rows if row[column]]
    return Spread(float(np.median(values)), float(np.percentile(values, 95))) if values else None


def films_markdown(figures: Sequence[FilmFigures]) -> str:
    """Write the figures as a table in Markdown, and the silent wrong ages under it."""
    lines = [
        "| film | strength | radiographs | key points off, found / by hand: median (95 %) | Dice, found / by hand "
        "| MAE, months | inside 90 % | ages differ | mirrored differ | refused | warned | over 12 months: silent |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *map(_line, figures),
    ]
    made = [one for one in figures if one.family != UNCHANGED.family]
    films = sum(one.radiographs for one in made)
    wrong, silent = sum(one.wrong for one in made), sum(len(one.silent_wrong) for one in made)
    lines += ["", f"Of {films} films, {wrong} got an age more than {WRONG_MONTHS:g} months from that of the unchanged"]
    lines[-1] += f" radiograph, {silent} of them ({silent / max(films, 1):.2%} of the films) without a warning."
    return "\n".join(lines) + "\n"


def _line(one: FilmFigures) -> str:
    cells = [
        one.family,
        one.strength,
        str(one.radiographs),
        f"{_percent(one.points)} / {_percent(one.drawn_points)}",
        f"{_text(one.dice, '.3f')} / {_text(one.drawn_dice, '.3f')}",
        _interval(one.mae_months),
        _text(one.coverage_90, ".0%"),
        _text(one.difference_months, ".1f"),
        _text(one.mirrored_months, ".1f"),
        f"{one.refused:.1%}",
        f"{one.warned:.1%}",
        f"{one.wrong}: {len(one.silent_wrong)}",
    ]
    return f"| {' | '.join(cells)} |"


def _percent(spread: Spread | None) -> str:
    return f"{100 * spread.median:.1f} ({100 * spread.percentile_95:.0f}) %" if spread else "-"


def _text(figure: Figure | None, form: str) -> str:
    return format(figure.value, form) if figure else "-"


def _interval(figure: Figure | None) -> str:
    return f"{figure.value:.1f} [{figure.lower:.1f}, {figure.upper:.1f}]" if figure else "-"


def write_films(figures: Sequence[FilmFigures], folder: Path) -> None:
    """Write hospitals.json and hospitals.md into an existing folder.

    Raises:
        OutputFailed: If a file cannot be written.
    """
    with write_atomically(folder / "hospitals.json") as temporary:
        temporary.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n", encoding="utf-8")
    with write_atomically(folder / "hospitals.md") as temporary:
        temporary.write_text(films_markdown(figures), encoding="utf-8")
