"""`boneage evaluate-rooms`: how good the detector and the segmenter are on hands that people drew."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import click

from boneage import cli_options as options


@click.command("evaluate-rooms")
@click.option(
    "--data", required=True, type=options.FOLDER, help="Folder in the RSNA layout, with drawn boxes or outlines."
)
@options.split
@click.option("--not-hand", type=options.FOLDER, help="Folder of images without a hand; any that gets one is named.")
@options.limit
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the results go.  [default: runs/evaluate-rooms-TIME]",
)
@options.models
@options.workers
@options.verbose
def evaluate_rooms(
    data: Path,
    split: str,
    not_hand: Path | None,
    limit: int | None,
    out: Path | None,
    models_dir: Path | None,
    workers: int | None,
    verbose: bool,
) -> None:
    """Compare found hands and outlines with drawn ones; no age is estimated.

    Writes rooms.json, rooms.md and rooms_worst.png, the worst cases to look at.
    """
    from boneage import evaluation_rooms  # heavy
    from boneage.evaluation_not_hand import look_for_no_hand
    from boneage.evaluation_rooms_report import SHEET, evaluate_rooms, rooms_markdown, write_rooms
    from boneage.evaluation_sheet import save_sheet
    from boneage.output import made_folder

    logging.basicConfig(format="%(message)s")
    logging.getLogger("boneage").setLevel(logging.INFO if verbose else logging.WARNING)
    drawn = evaluation_rooms.drawn_radiographs(data, split, limit)
    folder = made_folder(out or Path("runs", f"evaluate-rooms-{datetime.now():%Y%m%d-%H%M%S}"))
    finders = evaluation_rooms.load_finders(models_dir)
    looked = evaluation_rooms.look_at_all(drawn, finders, workers)
    without = look_for_no_hand(not_hand, finders.detector.find_hand, workers) if not_hand else None
    evaluation = evaluate_rooms(looked, data.resolve().name, split, finders.versions, without)
    write_rooms(evaluation, looked, folder)
    save_sheet(looked, finders, folder / SHEET)
    click.echo(rooms_markdown(evaluation).partition("## Worst cases")[0].rstrip())
    click.echo(f"\nThe report and the worst cases are in {folder}.", err=True)
