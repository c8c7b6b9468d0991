"""`boneage corrections`: what experts changed, as lists and files."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boneage import cli_options as options
from boneage.errors import InvalidInput, UnknownImage
from boneage.models import MODEL_NAMES
from boneage.output import made_folder, write_atomically

if TYPE_CHECKING:
    from boneage.corrections import CorrectionStore, FinalLabel
    from boneage.types import Correction

COLUMNS = (
    *("id", "image_id", "reader", "status", "made_at", "bone_age_months", "sex"),
    *("left", "top", "right", "bottom", "comment", "rejected_because", "withdraws"),
)
_LISTED = ("id", "image_id", "reader", "status", "made_at", "bone_age_months", "sex", "comment", "rejected_because")

_store_option = click.option(
    "--store",
    "store_name",
    envvar="BONEAGE_STORE",
    required=True,
    help="Folder of studies, or URL of a database (also $BONEAGE_STORE).",
)


@click.group()
def corrections() -> None:
    """List, export and compare what experts corrected; nothing is ever overwritten."""


@corrections.command("list")
@_store_option
@click.option("--image", "image_id", help="Only those of this radiograph.")
@click.option("--all", "everything", is_flag=True, help="Withdrawn ones and withdrawals too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_corrections(store_name: str, image_id: str | None, everything: bool, as_json: bool) -> None:
    """List the corrections that stand, oldest first."""
    store = open_store(store_name)
    rows = store.history(image_id) if everything else store.standing(image_id)
    if as_json:
        click.echo(json.dumps([_row(row) for row in rows], indent=2))
        return
    echo_table(_LISTED, ([_row(row)[name] for name in _LISTED] for row in rows))
    click.echo(f"{len(rows)} corrections of {len({row.image_id for row in rows})} radiographs", err=True)


@corrections.command()
@_store_option
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def export(store_name: str, out: Path) -> None:
    """Write corrections.csv (every row), finals.csv (what training takes) and masks/ID.png into the folder OUT."""
    store = open_store(store_name)
    made_folder(out)
    rows, finals = store.history(), store.finals()
    _write_csv(out / "corrections.csv", COLUMNS, [_row(row) for row in rows])
    names = ("image_id", "bone_age_months", "sex", *("left", "top", "right", "bottom"), "mask")
    _write_csv(out / "finals.csv", names, [_final_row(label) for label in finals.values()])
    masks = _write_masks(store, rows, made_folder(out / "masks"))
    click.echo(f"{len(rows)} rows, {len(finals)} radiographs with a final correction, {masks} masks: {out}")


@corrections.command()
@_store_option
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def agreement(store_name: str, as_json: bool) -> None:
    """Compare the readers' bone ages: differences, limits of agreement, intraclass correlation."""
    from boneage.corrections_agreement import agreement as compare

    found = compare(open_store(store_name).standing())
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
        return
    header = ("readers", "radiographs", "mean difference", "SD", "limits of agreement", "mean absolute")
    echo_table(header, (_pair_row(pair) for pair in found.pairs))
    icc = "not known" if found.icc is None else f"{found.icc:.3f}"
    click.echo(f"{found.radiographs} radiographs with several readers; intraclass correlation ICC(1) {icc}. In months.")


@corrections.command()
@_store_option
@click.argument("correction_id")
@click.option("--reader", required=True, help="Who takes it back.")
@click.option("--comment", default="", help="Why.")
def withdraw(store_name: str, correction_id: str, reader: str, comment: str) -> None:
    """Take a correction back by a new row; the history keeps both."""
    row = open_store(store_name).withdraw(correction_id, reader, comment)
    click.echo(f"Withdrawn by {row.id}.")


@corrections.command()
@_store_option
@click.option("--studies", type=options.FOLDER, help="Folder of the radiographs, if it is not that of the store.")
@click.option("--for", "model", type=click.Choice(MODEL_NAMES), help="Only what matters to the training of this model.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@options.models
@options.workers
def suspicious(
    store_name: str,
    studies: Path | None,
    model: str | None,
    as_json: bool,
    models_dir: Path | None,
    workers: int | None,
) -> None:
    """List the corrections that look wrong beside the live models and the other corrections, most suspicious first.

    Nothing is changed: a reader may be right. One that is wrong is taken back with `boneage corrections withdraw`.
    """
    from boneage.assessment import load_models  # heavy
    from boneage.suspicion_look import suspicious as look_for

    store, folder = open_store(store_name), studies or Path(store_name)
    if not folder.is_dir():
        raise InvalidInput("Expected the folder of the radiographs; the store is a database.", "Give --studies.")
    found = look_for(store, path_in(folder), load_models(models_dir, threads=1), workers, model)
    if as_json:
        click.echo(json.dumps([one.plain() for one in found], indent=2))
        return
    rows = ([one.correction, one.image_id, one.reader, f"{one.weight:.1f}", one.why] for one in found)
    echo_table(("correction", "image_id", "reader", "weight", "why"), rows)
    wrong = sum(bool(one.correction) for one in found)
    click.echo(f"{wrong} corrections look wrong, of {len(store.standing())} that stand.", err=True)


def path_in(folder: Path) -> Callable[[str], Path]:
    """Return what finds the file of an image id in a folder of studies."""
    from boneage.study_files import radiographs_by_id

    known = radiographs_by_id(folder)

    def path_of(image_id: str) -> Path:
        if image_id not in known:
            raise UnknownImage("No radiograph of the studies has this id, or it was deleted.", "Give --studies.")
        return folder / known[image_id]

    return path_of


def open_store(name: str) -> CorrectionStore:
    """Open the store of a folder of studies or of a database URL.

    Raises:
        InvalidInput: If the folder has none.
    """
    from boneage.corrections import FILE_NAME, CorrectionStore

    if "://" in name:
        return CorrectionStore(name)
    if not (Path(name) / FILE_NAME).is_file():
        raise InvalidInput(f"Expected a corrections store {FILE_NAME} in the folder; there is none.", "Name another.")
    return CorrectionStore.in_folder(Path(name))


def _row(correction: Correction) -> dict[str, Any]:
    box, made_at, sex = correction.hand_box, correction.made_at, correction.sex
    plain = {name: getattr(correction, name, None) for name in COLUMNS}
    sides = {side: getattr(box, side) if box else None for side in ("left", "top", "right", "bottom")}
    given = {"status": correction.status.value, "sex": sex.value if sex else None}
    return plain | sides | given | {"made_at": made_at.isoformat(timespec="seconds") if made_at else None}


def _final_row(label: FinalLabel) -> dict[str, Any]:
    box = label.hand_box
    sides = {side: getattr(box, side) if box else None for side in ("left", "top", "right", "bottom")}
    mask = f"masks/{label.mask_id}.png" if label.mask_id else None
    sex = label.sex.value if label.sex else None
    return {"image_id": label.image_id, "bone_age_months": label.bone_age_months, "sex": sex, **sides, "mask": mask}


def _pair_row(pair: Any) -> list[str]:
    limits = "" if pair.sd_months is None else f"{pair.lower_limit_months:+.1f} to {pair.upper_limit_months:+.1f}"
    sd = "" if pair.sd_months is None else f"{pair.sd_months:.1f}"
    means = f"{pair.mean_difference_months:+.1f}", f"{pair.mean_absolute_difference_months:.1f}"
    return [" / ".join(pair.readers), str(pair.radiographs), means[0], sd, limits, means[1]]


def _write_csv(path: Path, names: Iterable[str], rows: list[dict[str, Any]]) -> None:
    with write_atomically(path) as fresh, fresh.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(names))
        writer.writeheader()
        writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)


def _harmless(value: Any) -> Any:
    """Keep a spreadsheet from taking a reader's words for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _write_masks(store: CorrectionStore, rows: Iterable[Correction], folder: Path) -> int:
    from PIL import Image

    masks = 0
    for row in rows:
        mask = store.mask(row.id)
        if mask is not None:
            with write_atomically(folder / f"{row.id}.png") as fresh:
                Image.fromarray(mask).save(fresh, "PNG")
            masks += 1
    return masks


def echo_table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table; None is an empty cell."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*("" if value is None else f"{value}" for value in row))
    # A file or a pipe gets whole lines; a terminal gets its own width.
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200, markup=False).print(table)
