"""What a local calibration is worth: held-out radiographs as a population of one's own, whose girls are read older.

    .venv/bin/boneage evaluate --data DATA --split held-out --out runs/held-out
    .venv/bin/python tools/local_calibration_trial.py runs/held-out/predictions.csv

Some radiographs, drawn by chance, are fitted to and go through the gate; the error is that on all the others. Prints a
table in Markdown, beside it what an unshrunken line (least squares for each sex, no gate) would have done.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from boneage.progress import with_progress
from boneage.promotion_local import LocalAge, fit, rule_on_local
from boneage.types import BoneAge, Sex

COUNTS = (100, 121, 200)
SHIFTS = (0.0, 3.0, 6.0, 9.0, 12.0)


@dataclass(frozen=True)
class Trial:
    """One draw: whether the gate let it through, and the mean error in months on the rest.

    Attributes:
        goes_live: Whether the gate let it through.
        before: Without a calibration.
        after: With what was fitted.
        line: With least squares for each sex.
        girls: After less before, of the girls.
        boys: The same of the boys.
    """

    goes_live: bool
    before: float
    after: float
    line: float
    girls: float
    boys: float

    @property
    def in_use(self) -> float:
        """Error of what a user gets: calibrated only if it went live."""
        return self.after if self.goes_live else self.before


@click.command()
@click.argument("predictions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--draws", type=click.IntRange(1), default=100, show_default=True)
def main(predictions: Path, draws: int) -> None:
    """Try each number of ages and each shift of the girls' readings."""
    ages = read_predictions(predictions)
    print(
        "| girls read older by | ages | goes live | MAE before | in use | worst draw | girls | boys | least squares |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for shift in SHIFTS:
        shifted = [replace(one, read_months=one.read_months + shift * (one.sex is Sex.FEMALE)) for one in ages]
        for count in COUNTS:
            drawn = (try_once(shifted, count, np.random.default_rng((count, seed))) for seed in range(draws))
            print(row(shift, count, list(with_progress(drawn, draws, f"{shift:+.0f}, {count} ages"))), flush=True)


def read_predictions(path: Path) -> list[LocalAge]:
    """Return the ages of a table that `boneage evaluate` wrote; each radiograph is a patient of its own."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["predicted_months"]]
    return [
        LocalAge(
            BoneAge(float(row["predicted_months"]), 0.0, float(row["lower_90_months"]), float(row["upper_90_months"])),
            Sex(row["sex"]),
            float(row["reference_months"]),
            row["id"],
        )
        for row in rows
    ]


def try_once(ages: Sequence[LocalAge], count: int, rng: np.random.Generator) -> Trial:
    """Fit to some ages and look at the others."""
    order = rng.permutation(len(ages))
    own, rest = [ages[i] for i in order[:count]], [ages[i] for i in order[count:]]
    fitted = fit(own)
    read, months = (
        np.array(column) for column in zip(*((o.read_months, o.bone_age.months) for o in rest), strict=True)
    )
    is_girl = np.array([one.sex is Sex.FEMALE for one in rest])
    new = np.array([fitted[one.sex](one.bone_age).months if one.sex in fitted else one.bone_age.months for one in rest])
    before, after = np.abs(months - read), np.abs(new - read)
    line = np.abs(months + least_squares(own, months, is_girl) - read)
    gain = after - before
    live = rule_on_local(own, None).goes_live
    return Trial(live, before.mean(), after.mean(), line.mean(), gain[is_girl].mean(), gain[~is_girl].mean())


def least_squares(own: Sequence[LocalAge], months: np.ndarray, is_girl: np.ndarray) -> np.ndarray:
    """Return (n,) what a plain straight line for each sex adds to ages."""
    added = np.zeros(len(months))
    for sex, chosen in ((Sex.FEMALE, is_girl), (Sex.MALE, ~is_girl)):
        pairs = [(one.bone_age.months, one.read_months - one.bone_age.months) for one in own if one.sex is sex]
        added[chosen] = np.polyval(np.polyfit(*zip(*pairs, strict=True), deg=1), months[chosen])
    return added


def row(shift: float, count: int, trials: Sequence[Trial]) -> str:
    """Write a line of the table; `girls` and `boys` are changes by what went live."""
    live = [one for one in trials if one.goes_live]
    changed = [one.in_use - one.before for one in trials]
    girls, boys = (f"{np.mean([getattr(one, sex) for one in live]):+.2f}" if live else "-" for sex in ("girls", "boys"))
    cells = (
        f"{shift:+.0f}",
        f"{count}",
        f"{len(live) / len(trials):.0%}",
        f"{np.mean([one.before for one in trials]):.2f}",
        f"{np.mean([one.in_use for one in trials]):.2f}",
        f"{max(changed):+.2f}",
        girls,
        boys,
        f"{np.mean([one.line for one in trials]):.2f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
