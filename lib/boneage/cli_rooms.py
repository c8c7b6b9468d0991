"""`boneage evaluate-rooms`: how good the detector and the segmenter are on hands that people drew."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import click

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("evaluate-rooms")
@click.option("--data", required=True, type=_FOLDER, help="Folder in the RSNA layout, with drawn boxes or outlines.")
@click.option(
    "--split",
    type=click.Choice(["held-out", "validation", "train", "all"]),
    default="held-out",
    show_default=True,
    help="Only 'held-out' was never used to train or choose the models.",
)
@click.option("--not-hand", type=_FOLDER, help="Folder of images without a hand; any that gets one is named.")
@click.option("--limit", type=click.IntRange(min=1), help="Take only so many radiographs.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the results go.  [default: runs/evaluate-rooms-TIME]",
)
@click.option("--models", "models_dir", type=_FOLDER, help="Other models.")
@click.option("--workers", type=click.IntRange(min=1), help="Radiographs at the same time; one a core by default.")
@click.option("--verbose", is_flag=True, help="Say where in the program an unexpected fault happened.")
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
