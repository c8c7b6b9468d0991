"""`boneage models calibrate-locally`: fits the bone ages to one's own population."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boneage import cli_options as options
from boneage.cli_local_sources import Source, readings_of_store, readings_of_table

if TYPE_CHECKING:
    from boneage.local_calibration import LocalCalibration
    from boneage.promotion_local_run import Calibrated, Looked


@click.command("calibrate-locally")
@click.option("--store", "store_name", help="Experts' ages: a folder of studies, or a database of corrections.")
@click.option("--studies", type=options.FOLDER, help="Folder of the radiographs, if --store is a database.")
@click.option(
    "--ages",
    type=click.Choice(["latest", "consensus"]),
    default="latest",
    show_default=True,
    help="Of several readers'.",
)
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Experts' ages instead: a CSV with path, bone_age_months, sex and, if need be, patient.",
)
@click.option("--dry-run", is_flag=True, help="Compare only; nothing goes live, nothing is written down.")
@options.started_by
@options.models
@options.workers
@click.pass_context
def calibrate_locally(
    context: click.Context,
    store_name: str | None,
    studies: Path | None,
    ages: str,
    table: Path | None,
    dry_run: bool,
    started_by: str,
    models_dir: Path | None,
    workers: int | None,
) -> None:
    """Fit the bone ages to your own population, from 100 ages on that experts read.

    Each sex gets a line of its own, drawn towards no change. It goes live only if it is significantly better
    (cross-validated by patient, paired bootstrap) and not significantly worse for a sex, an age band or the
    intervals. It belongs to the regressor that is live now. `models rollback local_calibration` takes it back; `assess
    --no-local-calibration` does without. Exit status 1 if it is refused.
    """
    from boneage.promotion_local_run import look_at, try_to_calibrate

    logging.basicConfig(format="%(message)s")
    source = _source(store_name, studies, ages == "consensus", table)
    for note in source.notes:
        click.echo(note, err=True)
    looked = look_at(source.readings, models_dir, workers)
    click.echo(_counted(looked, source.left_out + looked.left_out))
    made = try_to_calibrate(looked.ages, started_by, models_dir, dry_run)
    for line in (*_in_words(made.calibration), *made.ruling.reasons, _end(made)):
        click.echo(line)
    context.exit(0 if made.ruling.goes_live else 1)


def _source(store_name: str | None, studies: Path | None, consensus: bool, table: Path | None) -> Source:
    if (store_name is None) == (table is None):
        raise click.UsageError("Name the experts' ages: either --store or --table.")
    if table is not None:
        return readings_of_table(table)
    from boneage.cli_corrections import open_store

    assert store_name is not None
    if studies is None and "://" in store_name:
        raise click.UsageError("A database does not say where the radiographs are: add --studies.")
    store = open_store(store_name)
    try:
        return readings_of_store(store, studies or Path(store_name), consensus)
    finally:
        store.close()


def _counted(looked: Looked, left_out: Counter[str]) -> str:
    by_sex = Counter(one.sex.value for one in looked.ages)
    told = ", ".join(f"{count} {sex}" for sex, count in sorted(by_sex.items()))
    lost = ", ".join(f"{count} {kind}" for kind, count in sorted(left_out.items()))
    return f"{len(looked.ages)} ages{f' ({told})' if told else ''}{f'; left out: {lost}' if lost else ''}."


def _in_words(calibration: LocalCalibration) -> list[str]:
    """Describe what was fitted at the ends and in the middle of the ages."""
    lines = []
    for sex, one in calibration.adjustments.items():
        places = (one.from_months, one.about_months, one.to_months)
        shifts = ", ".join(f"{one.shift_months(place):+.1f} at {place:.0f} months" for place in places)
        lines.append(f"{sex.value}, {one.ages} ages: {shifts}; spread x {one.stretch:.2f}.")
    return lines


def _end(made: Calibrated) -> str:
    verb = "would go live" if made.ruling.goes_live else "would not go live"
    if made.entry is not None:
        verb = "is in force" if made.ruling.goes_live else "does not go live"
    return f"The {made.calibration} {verb}, for regressor {made.calibration.fitted_for.version}."
