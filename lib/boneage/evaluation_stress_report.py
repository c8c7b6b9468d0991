"""From rows of `boneage.evaluation_stress` to figures and a table in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from boneage.errors import InvalidData
from boneage.evaluation import Figure, mean_figures
from boneage.evaluation_stress import UNCHANGED
from boneage.growth import score_growth
from boneage.output import write_atomically
from boneage.types import Sex, Verdict

WRONG_MONTHS = 12.0
"""An age that differs by more from that of the unchanged radiograph is wrong; without a warning, silently so."""

NAME_UNCHANGED = (UNCHANGED.family, UNCHANGED.strength)

Row = Mapping[str, str]


@dataclass(frozen=True)
class StressFigures:
    """What one change does.

    Attributes:
        family: Of the change.
        strength: Of the change.
        radiographs: With an age both before and after it.
        mae_change_months: MAE after less MAE before, on the same radiographs.
        difference_months: Mean absolute difference of the two ages.
        coverage_90: Share of the readers' ages inside the 90 % interval, 0..1.
        verdict_flips: Share of verdicts that became others, 0..1; the chronological age is taken to be the readers'
            bone age, since the data set has no other.
        refused: Share of radiographs that got an age before and none after, 0..1.
        warned: Share of those with an age both times that get a warning about the hand, 0..1.
        wrong: Ages that differ by more than `WRONG_MONTHS`.
        silent_wrong: Those of them without a warning: their radiographs' ids.
    """

    family: str
    strength: str
    radiographs: int
    mae_change_months: Figure
    difference_months: Figure
    coverage_90: Figure
    verdict_flips: Figure
    refused: float
    warned: float
    wrong: int
    silent_wrong: tuple[str, ...]


def measure_stress(rows: Iterable[Row]) -> list[StressFigures]:
    """Measure every change, in the order of `CHANGES`.

    Raises:
        InvalidData: If no unchanged radiograph got an age.
    """
    before, by_change = rows_by_change(rows)
    return [_figures(name, before, after) for name, after in by_change.items() if name != NAME_UNCHANGED]


def rows_by_change(rows: Iterable[Row]) -> tuple[dict[str, Row], dict[tuple[str, str], dict[str, Row]]]:
    """Return the rows of unchanged radiographs that got an age, by id, and all rows, by family and strength and by id.

    Raises:
        InvalidData: If no unchanged radiograph got an age.
    """
    by_change: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        by_change.setdefault((row["family"], row["strength"]), {})[row["id"]] = row
    before = {id: row for id, row in by_change.get(NAME_UNCHANGED, {}).items() if row["predicted_months"]}
    if not before:
        raise InvalidData("There is no radiograph to compare with.", "Every radiograph failed, or there was none.")
    return before, by_change


def _figures(name: tuple[str, str], before: Mapping[str, Row], after: Mapping[str, Row]) -> StressFigures:
    both = [id for id in before if id in after and after[id]["predicted_months"]]
    if not both:
        nothing = Figure(np.nan, np.nan, np.nan)
        return StressFigures(*name, 0, nothing, nothing, nothing, nothing, 1.0, 0.0, 0, ())
    values = np.array([_compared(before[id], after[id]) for id in both])
    mae_change, difference, coverage, flips = mean_figures(values)
    wrong = [id for id, value in zip(both, values, strict=True) if value[1] > WRONG_MONTHS]
    return StressFigures(
        *name,
        radiographs=len(both),
        mae_change_months=mae_change,
        difference_months=difference,
        coverage_90=coverage,
        verdict_flips=flips,
        refused=1 - len(both) / len(before),
        warned=sum(bool(after[id]["warnings"]) for id in both) / len(both),
        wrong=len(wrong),
        silent_wrong=tuple(id for id in wrong if not after[id]["warnings"]),
    )


def _compared(before: Row, after: Row) -> tuple[float, float, float, float]:
    reference, first, second = (
        float(text) for text in (before["reference_months"], before["predicted_months"], after["predicted_months"])
    )
    sex = Sex(before["sex"])
    flipped = _verdict(first, reference, sex) is not _verdict(second, reference, sex)
    return (
        abs(second - reference) - abs(first - reference),
        abs(second - first),
        float(is_inside(after)),
        float(flipped),
    )


def is_inside(row: Row) -> bool:
    """Tell whether the readers' age of a row lies inside its 90 % interval."""
    lower, reference, upper = (float(row[name]) for name in ("lower_90_months", "reference_months", "upper_90_months"))
    return lower <= reference <= upper


def _verdict(bone_age_months: float, age_months: float, sex: Sex) -> Verdict:
    return score_growth(bone_age_months, age_months, sex).verdict


def stress_markdown(figures: Sequence[StressFigures]) -> str:
    """Write the figures as a table in Markdown."""
    lines = [
        "| change | strength | radiographs | change of MAE, months | ages differ, months | inside 90 % | verdicts flip "
        "| refused | warned | over 12 months: silent |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *map(_line, figures)]) + "\n"


def _line(one: StressFigures) -> str:
    change, difference, flips = one.mae_change_months, one.difference_months, one.verdict_flips
    measured = (
        f"{change.value:+.2f} [{change.lower:+.2f}, {change.upper:+.2f}] | {difference.value:.2f} "
        f"| {one.coverage_90.value:.0%} | {flips.value:.1%}"
    )
    cells = measured if one.radiographs else "- | - | - | -"
    told = f"{one.warned:.1%} | {one.wrong}: {len(one.silent_wrong)}"
    return f"| {one.family} | {one.strength} | {one.radiographs} | {cells} | {one.refused:.1%} | {told} |"


def write_stress(figures: Sequence[StressFigures], folder: Path) -> None:
    """Write stress.json and stress.md into an existing folder.

    Raises:
        OutputFailed: If a file cannot be written.
    """
    plain = [asdict(one) for one in figures if one.radiographs]
    with write_atomically(folder / "stress.json") as temporary:
        temporary.write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    with write_atomically(folder / "stress.md") as temporary:
        temporary.write_text(stress_markdown(figures), encoding="utf-8")
