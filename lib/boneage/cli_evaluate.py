"""`boneage evaluate`: how good the models are on a data set with known bone ages."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boneage import cli_options as options

if TYPE_CHECKING:
    from boneage.assessment import Models
    from boneage.datasets import Example

STRESSED = 200  # radiographs, unless --limit says otherwise: each is assessed 40 times
FILMED = 60  # the same, for films of other hospitals: each is assessed 52 times


@click.command()
@click.option("--data", required=True, type=options.FOLDER, help="Folder in the RSNA layout.")
@options.split
@click.option("--larger", is_flag=True, help="Evaluate the larger copies, and compare them with the standard ones.")
@click.option("--stress", is_flag=True, help="Turn, flip, darken, blur … each radiograph: does its age change?")
@click.option(
    "--other-hospitals",
    is_flag=True,
    help="Long frames, forearms, padding, markers …: pose, outline and age in films made from each radiograph.",
)
@options.limit
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the results go; predictions that are there already are kept.  [default: runs/evaluate-TIME]",
)
@options.models
@options.workers
@options.verbose
def evaluate(
    data: Path,
    split: str,
    larger: bool,
    stress: bool,
    other_hospitals: bool,
    limit: int | None,
    out: Path | None,
    models_dir: Path | None,
    workers: int | None,
    verbose: bool,
) -> None:
    """Compare predicted bone ages with those of a data set's readers.

    Writes predictions.csv, metrics.json, report.md and plots; with --stress, stress.csv, stress.json and stress.md, of
    200 radiographs if --limit does not say otherwise; with --other-hospitals, hospitals.csv, hospitals.json,
    hospitals.md and hospitals_worst.png, of 60. An interrupted evaluation goes on with the same --out.
    """
    from boneage import assessment  # heavy
    from boneage.evaluation_report import evaluate_predictions, evaluation_markdown, write_evaluation
    from boneage.evaluation_run import choose_examples, predict
    from boneage.output import made_folder
    from boneage.predictions import COLUMNS, as_predictions, file_of
    from boneage.row_file import RowFile

    logging.basicConfig(format="%(message)s")
    logging.getLogger("boneage").setLevel(logging.INFO if verbose else logging.WARNING)
    examples = choose_examples(data, split, larger, limit)
    folder = made_folder(out or Path("runs", f"evaluate-{datetime.now():%Y%m%d-%H%M%S}"))
    models = assessment.load_models(models_dir, threads=1)
    if stress:
        _stress(choose_examples(data, split, larger, limit or STRESSED), folder, models, workers)
        return
    if other_hospitals:
        _other_hospitals(data, split, limit or FILMED, folder, models, workers)
        return
    with RowFile(folder / "predictions.csv", COLUMNS, resume=True) as rows:
        try:
            predict(examples, data, rows, models, workers)
        except KeyboardInterrupt:
            click.echo(f"\nThe predictions so far are kept; --out {folder} goes on with the rest.", err=True)
            raise
        files = {file_of(one, data) for one in examples}
        table = [row for row in rows.rows() if row["file"] in files]
    predictions = as_predictions(row for row in table if bool(row["kind"]) == larger)
    standard = as_predictions(row for row in table if not row["kind"]) if larger else None
    evaluation = evaluate_predictions(predictions, data.resolve().name, split, standard)
    write_evaluation(evaluation, predictions, folder)
    click.echo(evaluation_markdown(evaluation).partition("## By age")[0].rstrip())
    click.echo(f"\nThe whole report is {folder / 'report.md'}.", err=True)


def _stress(examples: list[Example], folder: Path, models: Models, workers: int | None) -> None:
    from boneage.evaluation_stress import COLUMNS, stress
    from boneage.evaluation_stress_report import measure_stress, stress_markdown, write_stress
    from boneage.row_file import RowFile

    with RowFile(folder / "stress.csv", COLUMNS, resume=True) as rows:
        stress(examples, rows, models, workers)
        figures = measure_stress(rows.rows())
    write_stress(figures, folder)
    click.echo(stress_markdown(figures))
    click.echo(f"The table is also in {folder / 'stress.md'}.", err=True)


def _other_hospitals(data: Path, split: str, limit: int, folder: Path, models: Models, workers: int | None) -> None:
    from boneage.evaluation_hospitals import COLUMNS, choose_drawn, look_at_films
    from boneage.evaluation_hospitals_report import films_markdown, measure_films, write_films
    from boneage.evaluation_hospitals_sheet import SHEET, save_films_sheet
    from boneage.row_file import RowFile

    drawn = choose_drawn(data, split, limit)
    with RowFile(folder / "hospitals.csv", COLUMNS, resume=True) as rows:
        look_at_films(drawn, rows, models, workers)
        table = rows.rows()
    figures = measure_films(table)
    write_films(figures, folder)
    save_films_sheet(drawn, table, models, folder / SHEET)
    click.echo(films_markdown(figures))
    click.echo(f"The table and the worst films are also in {folder}.", err=True)
