"""Does learning from corrections work, and does the gate keep bad ones out? Simulated on real radiographs.

    .venv/bin/python tools/simulate_retraining.py --data DATA --out runs/simulate-retraining

A regressor is taught that girls are a year and a half older than they are, a segmenter knows six outlines. Then a
clinic's corrections come in rounds, and go the way that they go in the server: corrections store -> data set ->
`boneage.retraining.retrain` -> gate -> registry. In the end bad corrections come. docs/retraining.md says more. A run
that was stopped goes on where it was.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from simulated_clinic import (
    ages,
    dark_and_turned,
    drawn_masks,
    hand_in,
    outlines,
    shifted,
    write_studies,
)
from simulated_first import RATE, REGRESSOR, SEGMENTER, Sizes, first_regressor, first_segmenter, people, shuffled

from boneage.corrections import CorrectionStore
from boneage.datasets import read_annotations
from boneage.errors import InvalidInput
from boneage.types import Correction

ROOT = Path(__file__).parents[1]
VIEW = (80, 64)  # rows, columns that the regressor sees here, instead of the deployed ones: a tenth of the work
STRESSED = 4  # radiographs that the gate changes in 16 ways each, instead of 60
REPEATS = 3  # of each outline in an epoch, instead of 12
WRONG = (1.0, 0.2)  # parts of the bad corrections that are wrong


TINY = Sizes(48, 1, 10, 52, 20, 1, 40, 1, 40, 1, 24, 6, 1, 24, 1, 24)


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "runs" / "simulate-retraining")
@click.option("--part", type=click.Choice(["start", "regressor", "segmenter", "report", "all"]), default="all")
@click.option("--tiny", is_flag=True, help="A few steps only, to see that it runs.")
def main(data: Path, out: Path, part: str, tiny: bool) -> None:
    """Simulate, and write tables and pictures into the folder of the run."""
    from simulated_report import report

    sizes = TINY if tiny else Sizes()
    os.environ["BONEAGE_CACHE"] = str((out / "cache").resolve())
    use_small_view()
    if part in ("start", "all"):
        first_regressor(data, out / "regressor", sizes)
    if part in ("regressor", "all"):
        regressor_learns(data, out / "regressor", sizes)
    if part in ("segmenter", "all"):
        segmenter_learns(data, out / "segmenter", sizes)
    if part in ("report", "all"):
        report(out)


def use_small_view() -> None:
    """Let the regressor look at small views everywhere, in training and in use."""
    from boneage import promotion_measures, regression, runtime
    from boneage.frames import AGE_FRAME
    from boneage.training import segmentation, stages
    from boneage.training.stages import Stage

    regression.AGE_FRAME = stages.AGE_FRAME = AGE_FRAME.resized(*VIEW)
    stages.STAGES = stages.GOING_ON = (Stage(*VIEW, epochs=1, strength=0.2),)
    runtime.EXAMPLE_SHAPES[REGRESSOR] = ((2, 1, *VIEW), (2, 1))
    promotion_measures.STRESSED, segmentation.REPEATS = STRESSED, REPEATS


# The regressor: its first version took girls for a year and a half older than they are


def regressor_learns(data: Path, home: Path, sizes: Sizes) -> list[dict[str, Any]]:
    """Let the regressor learn from rounds of corrections, then from bad ones, and return a row for each."""
    from simulated_rounds import AgeErrors, Course, keep, learn

    roles, models = people(data, sizes), first_regressor(data, home, sizes)
    errors = AgeErrors(roles.tested, home / "tested.npz")
    course = Course(REGRESSOR, home, models, home / "base", sizes.replay, sizes.epochs, RATE, errors)
    first = {"run": "first", "corrections": 0, "verdict": "live", "live": errors(home / "first" / "model.safetensors")}
    keep(first, home / "first" / "row.json")
    studies = home / "studies"
    write_studies([*roles.corrected, *roles.bad], studies)
    store = open_store(home / "corrections")
    rows = [first]
    for number in range(sizes.rounds):
        corrected = roles.corrected[number * sizes.corrections : (number + 1) * sizes.corrections]
        hand_in(store, ages(corrected, "reader"))
        rows.append(learn(course, f"round-{number + 1}", store, studies))
    for wrong in WRONG:
        bad = open_store(home / f"corrections-wrong-{wrong:.0%}")
        hand_in(bad, ages(roles.bad, "reader", wrong))
        shorter = replace(beside(course, f"models-{wrong:.0%}"), epochs=sizes.bad_epochs)
        rows.append(learn(shorter, f"wrong-{wrong:.0%}", bad, studies))
    return rows


def open_store(folder: Path) -> CorrectionStore:
    """Open the corrections of a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    return CorrectionStore.in_folder(folder)


def beside(course: Any, name: str) -> Any:
    """Return a course with models of its own, so that what happens in it changes nothing for the others."""
    own = course.home / name
    if not own.exists():
        shutil.copytree(course.models, own)
    return replace(course, models=own)


# The segmenter: six outlines, and a clinic whose radiographs are dark and turned


def segmenter_learns(data: Path, home: Path, sizes: Sizes) -> list[dict[str, Any]]:
    """Let the segmenter learn from rounds of corrected outlines, then from bad ones, and return a row for each."""
    from simulated_rounds import Course, OutlineErrors, keep, learn

    examples = {one.id: one for one in shuffled(data)}
    drawn = [id for id, one in read_annotations(data).items() if one.outline and id in examples]
    models, base, rest = first_segmenter(data, home, [examples[id] for id in drawn], sizes)
    corrected = [one for one in examples.values() if one.split == "train" and one.id not in drawn]
    corrected = corrected[: sizes.outlines * sizes.outline_rounds + sizes.bad_outlines]
    studies = home / "studies"
    write_studies([*corrected, *rest], studies, dark_and_turned)
    tested = [(studies / f"{one.id}.png", mask) for one, mask in drawn_masks(data, rest)]
    errors = OutlineErrors(tested, models, home / "shop")
    course = Course(SEGMENTER, home, models, base, None, 2, RATE, errors)
    first = {"run": "first", "corrections": 0, "verdict": "live", "live": errors(home / "first" / "model.safetensors")}
    keep(first, home / "first" / "row.json")
    store, rows = open_store(home / "corrections"), [first]
    for number in range(sizes.outline_rounds):
        hand_in(store, outlines(corrected[number * sizes.outlines : (number + 1) * sizes.outlines], "reader"))
        rows.append(learn(course, f"round-{number + 1}", store, studies))
    bad = corrected[-sizes.bad_outlines :]
    for wrong in WRONG:
        store = open_store(home / f"corrections-wrong-{wrong:.0%}")
        hand_in(store, shifted(outlines(bad, "reader"), wrong))
        rows.append(learn(beside(course, f"models-{wrong:.0%}"), f"wrong-{wrong:.0%}", store, studies))
    keep({"empty_outlines_kept": empty_outlines_kept(store)}, home / "empty.json")
    return rows


def empty_outlines_kept(store: CorrectionStore) -> int:
    """Return how many of three empty outlines the store keeps."""
    kept = 0
    for image_id in ("1", "2", "3"):
        try:
            store.add(Correction(image_id, "reader", hand_mask=np.zeros((20, 20), bool)))
            kept += 1
        except InvalidInput as error:
            click.echo(f"An empty outline is refused: {error}")
    return kept


if __name__ == "__main__":
    main()
