"""How much the error depends on how many pixels a radiograph has: held-out radiographs, reduced.

    .venv/bin/python tools/error_by_resolution.py --data DATA

Prints a table in Markdown and draws docs/resolution.png.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click
import cv2
import numpy as np

from boneage.assessment import Models, assess, load_models
from boneage.batch import assess_many, usable_cores
from boneage.datasets import Example, radiograph_of, read_rsna
from boneage.errors import BoneAgeError
from boneage.progress import with_progress

ROOT = Path(__file__).parents[1]
SIDES = (50, 75, 100, 150, 200, 299)


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--limit", type=click.IntRange(1), default=300, show_default=True)
def main(data: Path, limit: int) -> None:
    """Measure, print and draw."""
    examples = [one for one in read_rsna(data) if one.split == "held-out"][:limit]
    models = load_models(threads=1)
    with closing(assess_many(examples, lambda one: errors_of(one, models), usable_cores())) as outcomes:
        rows = [one.answer for one in with_progress(outcomes, len(examples), "Reducing") if one.answer is not None]
    errors = np.array(rows)
    print("| longest side, pixels | radiographs with an age | MAE, months | bias |")
    print("|---:|---:|---:|---:|")
    for side, column in zip(SIDES, errors.T, strict=True):
        known = column[~np.isnan(column)]
        print(f"| {side} | {len(known)} of {len(column)} | {np.abs(known).mean():.2f} | {known.mean():+.2f} |")
    draw(errors, ROOT / "docs" / "resolution.png")


def errors_of(example: Example, models: Models) -> list[float]:
    """Return the error at each of `SIDES`, in months; NaN where no hand was found."""
    radiograph = radiograph_of(example)
    found = []
    for side in SIDES:
        factor = min(side / max(radiograph.pixels.shape), 1.0)
        pixels = cv2.resize(radiograph.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        try:
            assessed = assess(replace(radiograph, pixels=pixels), models)
            found.append(assessed.estimates[0].bone_age.months - example.bone_age_months)
        except BoneAgeError:
            found.append(np.nan)
    return found


def draw(errors: np.ndarray, path: Path) -> None:
    """Draw the mean absolute error over the resolution, with its standard error."""
    from matplotlib.figure import Figure

    absolute = np.abs(errors)
    means = np.nanmean(absolute, axis=0)
    spread = np.nanstd(absolute, axis=0) / np.sqrt((~np.isnan(absolute)).sum(axis=0))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="longest side of the radiograph, pixels", ylabel="MAE, months", xscale="log")
    axes.errorbar(SIDES, means, spread, marker="o", capsize=3)
    axes.set_xticks(SIDES, [str(side) for side in SIDES])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
