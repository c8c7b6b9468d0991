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
    ready_rows_into,
    rows_into,
)
from boneage.assess_request import Request
from boneage.assess_run import assess_all, assess_one
from boneage.cli_exchange import exchange_from, exchange_options
from boneage.cli_heights import HEIGHT_OPTIONS
from boneage.cli_request import request_from, request_options
from boneage.input_table import Input
from boneage.inputs import is_one_radiograph, list_inputs, name_of
from boneage.output import made_folder
from boneage.report import CSV_COLUMNS
from boneage.row_file import RowFile

_FOR_ONE_RADIOGRAPH = {
    "chronological_age_months": "--age",
    "acquisition_date": "--acquisition-date",
    "hand_box": "--hand-box",
}
_EXISTING = click.Path(exists=True, path_type=Path)
_ANY_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING, metavar="FILE|DIR|TABLE...")
@request_options
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
@click.option(
    "--ray",
    "cluster",
    metavar="local|auto|HOST:PORT",
    help="Assess on a Ray cluster, into --csv; every worker must see the files. See docs/cluster.md.",
)
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
    cluster: str | None,
    verbose: bool,
    **asked: Any,
) -> None:
    """Give the bone age of hand radiographs.

    FILE is DICOM, PNG, JPEG, TIFF, NIfTI or NRRD. DIR is searched with its subfolders. TABLE (.csv or .parquet) has a
    column path and may have sex, chronological_age_months, height_cm, length_cm, weight_kg, mother_height_cm,
    father_height_cm. Options beat the table, the table beats the file. Heights give an adult height.
    """
    one = is_one_radiograph(paths) and not cluster
    exchange = exchange_from(asked, one)
    request = request_from(sexes, asked)
    _check_options(request, one, csv, resume)
    if cluster and (not csv or as_json or picture or exchange.is_wanted):
        raise click.UsageError(
            "--ray writes to --csv, which must be given, and not to --json, --picture, --dicom-out or --fhir."
        )
    _log_to_stderr(verbose)
    listing = list_inputs(paths)
    for note in listing.notes:
        click.echo(note, err=True)
    with ExitStack() as stack:
        outputs: list[Take] = []
        rows = stack.enter_context(_rows_in(csv, resume)) if csv else None
        if rows:
            outputs.append(ready_rows_into(rows) if cluster else rows_into(rows))
        if as_json:
            outputs.append(stack.enter_context(json_on_stdout(several=not one)))
        elif one or not csv:
            outputs.append(print_report if one else print_line)
        if picture:
            outputs.append(picture_into(picture, paths[0]) if one else pictures_into(picture, listing.items))
        outputs += exchange.outputs(stack, listing.items, one)
        todo = _not_yet_in(rows, listing.items)
        if not one:
            status = assess_all(todo, request, models_dir, outputs, rows, workers, cluster)
            context.exit(status or exchange.failures.exit_status)
        for radiograph in todo:
            assess_one(radiograph, request, models_dir, outputs)


def _check_options(request: Request, one: bool, csv: Path | None, resume: bool) -> None:
    """Refuse options that contradict each other, or that cannot be meant for several radiographs."""
    if resume and not csv:
        raise click.UsageError("--resume goes on with the rows of --csv; give that too.")
    for field, option in _FOR_ONE_RADIOGRAPH.items():
        if getattr(request, field) is not None and not one:
            raise click.UsageError(f"{option} is for one radiograph; for several, use a table with their ages.")
    if request.heights.given() and not one:
        options = ", ".join(HEIGHT_OPTIONS[field] for field in request.heights.given())
        raise click.UsageError(f"{options}: for one radiograph; for several, use a table with columns for them.")


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
