"""`boneage assess`: bone ages of files, folders and tables."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from boneage.assess_outputs import (
    Take,
    json_on_stdout,
    picture_into,
    pictures_into,
    print_line,
    print_report,
    rows_into,
)
from boneage.assess_request import Request
from boneage.assess_run import assess_all, assess_one
from boneage.cli_exchange import exchange_from, exchange_options
from boneage.cli_values import Words, age_from_words, date_from_words, hand_box_from_words
from boneage.growth import DEFAULT_GROWTH_REFERENCE, growth_references
from boneage.input_table import Input
from boneage.inputs import is_one_radiograph, list_inputs, name_of
from boneage.output import made_folder
from boneage.report import CSV_COLUMNS
from boneage.row_file import RowFile
from boneage.types import Sex

_SEXES = {"female": (Sex.FEMALE,), "male": (Sex.MALE,), "both": (Sex.FEMALE, Sex.MALE)}
_FOR_ONE_RADIOGRAPH = {
    "chronological_age_months": "--age",
    "acquisition_date": "--acquisition-date",
    "hand_box": "--hand-box",
}
_EXISTING = click.Path(exists=True, path_type=Path)
_ANY_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING, metavar="FILE|DIR|TABLE.csv...")
@click.option("--sex", "sexes", type=click.Choice(list(_SEXES), case_sensitive=False), help="Of the child, or both.")
@click.option(
    "--age",
    "chronological_age_months",
    type=Words("AGE", age_from_words),
    help="Chronological age when the radiograph was taken, with its unit: 10.5y, 126m or 10y6m.",
)
@click.option("--birth-date", type=Words("YYYY-MM-DD", date_from_words), help="Instead of --age; it is not kept.")
@click.option(
    "--acquisition-date",
    type=Words("YYYY-MM-DD", date_from_words),
    help="When the radiograph was taken, for --birth-date.",
)
@click.option("--hand-box", type=Words("L,T,R,B", hand_box_from_words), help="Where the hand is, in pixels.")
@click.option(
    "--growth-reference",
    type=click.Choice(list(growth_references())),
    default=DEFAULT_GROWTH_REFERENCE,
    show_default=True,
    help="Standard deviations for the SDS and the verdict.",
)
@click.option("--explain", is_flag=True, help="Show where the age comes from; takes some seconds a radiograph.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout: a list unless one file is named.")
@click.option("--csv", type=_ANY_PATH, help="Append a row for each radiograph, failed ones included, as it is done.")
@click.option("--resume", is_flag=True, help="Go on after the rows that --csv already holds.")
@click.option("--picture", type=_ANY_PATH, help="Draw the finding: a file for one radiograph, else a folder.")
@exchange_options
@click.option(
    "--models", "models_dir", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Other models."
)
@click.option("--workers", type=click.IntRange(min=1), help="Radiographs at the same time; one a core by default.")
@click.option("--verbose", is_flag=True, help="Say where in the program an unexpected fault happened.")
@click.pass_context
def assess(
    context: click.Context,
    paths: tuple[Path, ...],
    sexes: str | None,
    as_json: bool,
    csv: Path | None,
    resume: bool,
    picture: Path | None,
    models_dir: Path | None,
    workers: int | None,
    verbose: bool,
    **asked: Any,
) -> None:
    """Give the bone age of hand radiographs.

    FILE is DICOM, PNG, JPEG, TIFF, NIfTI or NRRD. DIR is searched with its subfolders. TABLE.csv has a column path and
    may have sex and chronological_age_months. Options beat the table, the table beats the file.
    """
    one = is_one_radiograph(paths)
    exchange = exchange_from(asked, one)
    request = Request(sexes=_SEXES[sexes.lower()] if sexes else (), **asked)
    _check_options(request, one, csv, resume)
    _log_to_stderr(verbose)
    listing = list_inputs(paths)
    for note in listing.notes:
        click.echo(note, err=True)
    with ExitStack() as stack:
        outputs: list[Take] = []
        rows = stack.enter_context(_rows_in(csv, resume)) if csv else None
        if rows:
            outputs.append(rows_into(rows))
        if as_json:
            outputs.append(stack.enter_context(json_on_stdout(several=not one)))
        elif one or not csv:
            outputs.append(print_report if one else print_line)
        if picture:
            outputs.append(picture_into(picture, paths[0]) if one else pictures_into(picture, listing.items))
        outputs += exchange.outputs(stack, listing.items, one)
        todo = _not_yet_in(rows, listing.items)
        if not one:
            status = assess_all(todo, request, models_dir, outputs, rows, workers)
            context.exit(status or exchange.failures.exit_status)
        for radiograph in todo:
            assess_one(radiograph, request, models_dir, outputs)


def _check_options(request: Request, one: bool, csv: Path | None, resume: bool) -> None:
    """Refuse options that contradict each other, or that cannot be meant for several radiographs."""
    if request.chronological_age_months is not None and request.birth_date:
        raise click.UsageError("Give --age or --birth-date, not both.")
    if resume and not csv:
        raise click.UsageError("--resume goes on with the rows of --csv; give that too.")
    for field, option in _FOR_ONE_RADIOGRAPH.items():
        if getattr(request, field) is not None and not one:
            raise click.UsageError(f"{option} is for one radiograph; for several, use a table with their ages.")


def _log_to_stderr(verbose: bool) -> None:
    logging.basicConfig(format="%(message)s")
    logging.getLogger("boneage").setLevel(logging.INFO if verbose else logging.WARNING)


def _not_yet_in(rows: RowFile | None, inputs: Sequence[Input]) -> list[Input]:
    done = {os.path.normpath(row["path"]) for row in rows.earlier_rows} if rows else set()
    return [one for one in inputs if os.path.normpath(name_of(one.path)) not in done]


def _rows_in(path: Path, resume: bool) -> RowFile:
    """Open the CSV file, in a folder that is made if it is missing."""
    made_folder(path.parent)
    return RowFile(path, CSV_COLUMNS, resume)
