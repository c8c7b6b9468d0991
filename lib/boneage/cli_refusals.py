"""`boneage evaluate-refusals`: what gets no age, and what should not."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import click

from boneage import cli_options as options

MADE_FROM = 40  # radiographs: 25 pictures are made from each


@click.command("evaluate-refusals")
@click.option("--data", required=True, type=options.FOLDER, help="Folder in the RSNA layout.")
@options.split
@click.option("--not-hand", type=options.FOLDER, help="Folder of images of other body parts.")
@click.option(
    "--made-from",
    type=click.IntRange(min=1),
    default=MADE_FROM,
    show_default=True,
    help="Radiographs from which pictures without a whole hand are made.",
)
@options.limit
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the results go; rows that are there already are kept.  [default: runs/evaluate-refusals-TIME]",
)
@options.models
@options.workers
@options.verbose
def evaluate_refusals(
    data: Path,
    split: str,
    not_hand: Path | None,
    made_from: int,
    limit: int | None,
    out: Path | None,
    models_dir: Path | None,
    workers: int | None,
    verbose: bool,
) -> None:
    """Count no hands that get an age, parts of hands that get one without a warning, and real hands that get none.

    Blank pictures, noise, text, drawings, parts of hands, two hands and cut-off hands are made from radiographs;
    --limit is for the real hands. Writes refusals.csv, refusals.json and refusals.md. An interrupted run goes on with
    the same --out.
    """
    from boneage import assessment  # heavy
    from boneage import evaluation_refusals as refusals
    from boneage.evaluation_refusals_report import measure_mature, measure_refusals, refusals_markdown, write_refusals
    from boneage.evaluation_run import choose_examples
    from boneage.output import made_folder
    from boneage.row_file import RowFile

    logging.basicConfig(format="%(message)s")
    logging.getLogger("boneage").setLevel(logging.INFO if verbose else logging.WARNING)
    cases = refusals.no_whole_hands(choose_examples(data, split, limit=made_from))
    cases += refusals.body_parts(not_hand) if not_hand else []
    cases += refusals.real_hands(choose_examples(data, split, limit=limit))
    folder = made_folder(out or Path("runs", f"evaluate-refusals-{datetime.now():%Y%m%d-%H%M%S}"))
    models = assessment.load_models(models_dir, threads=1)
    with RowFile(folder / "refusals.csv", refusals.COLUMNS, resume=True) as rows:
        refusals.look_at_refusals(cases, rows, models, workers)
        table = rows.rows()
    figures, mature = measure_refusals(table), measure_mature(table)
    write_refusals(figures, mature, folder)
    click.echo(refusals_markdown(figures, mature))
    click.echo(f"The tables are also in {folder / 'refusals.md'}.", err=True)
