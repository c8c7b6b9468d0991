"""Where the results of `boneage assess` go: stdout as text or JSON, a CSV file, pictures.

Every output is a function that takes outcomes one by one, in the order of the inputs, and keeps none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from boneage.batch import Outcome
from boneage.errors import BoneAgeError, InvalidInput, OutputFailed
from boneage.input_table import Input
from boneage.inputs import name_of, picture_names
from boneage.output import made_folder
from boneage.row_file import RowFile
from boneage.types import Assessment, Estimate

AssessOutcome = Outcome[Input, Any]  # an Assessment, or the CSV rows of one from a cluster
Take = Callable[[AssessOutcome], None]


def print_report(outcome: AssessOutcome) -> None:
    """Print the full report; of an error nothing, which is for the door to explain."""
    from boneage.report import report_text

    if outcome.answer:
        click.echo(report_text(outcome.answer))


def print_line(outcome: AssessOutcome) -> None:
    """Print a line for each estimate."""
    if outcome.answer:
        for estimate in outcome.answer.estimates:
            click.echo(f"{name_of(outcome.item.path)}: {_estimate_in_words(estimate, len(outcome.answer.warnings))}")


def print_failure(outcome: AssessOutcome) -> None:
    """Say on stderr which file failed and why."""
    if outcome.error:
        click.echo(f"{name_of(outcome.item.path)}: {outcome.error}", err=True)


@contextmanager
def json_on_stdout(several: bool) -> Iterator[Take]:
    """Give the output that makes one JSON document on stdout: a list if `several`, complete even if interrupted."""
    taken = 0

    def take(outcome: AssessOutcome) -> None:
        nonlocal taken
        comma = ",\n" if taken else ""
        click.echo(comma + json.dumps(_as_json(outcome), indent=2, allow_nan=False), nl=not several)
        taken += 1

    if not several:
        yield take
        return
    click.echo("[")
    try:
        yield take
    finally:
        with suppress(BrokenPipeError):
            click.echo("\n]")


def rows_into(file: RowFile) -> Take:
    """Give the output that appends to a CSV file."""
    from boneage.report import csv_error_row, csv_rows

    def take(outcome: AssessOutcome) -> None:
        path = name_of(outcome.item.path)
        file.append([csv_error_row(path, outcome.error)] if outcome.error else csv_rows(path, _answer(outcome)))

    return take


def ready_rows_into(file: RowFile) -> Take:
    """Give the output that appends to a CSV file what a cluster has made rows of already."""
    from boneage.report import csv_error_row

    def take(outcome: Outcome[Input, Any]) -> None:
        error = outcome.error
        file.append([csv_error_row(name_of(outcome.item.path), error)] if error else outcome.answer or [])

    return take


def picture_into(picture: Path, radiograph: Path) -> Take:
    """Give the output that draws one radiograph's picture: at `picture`, or in it if that is a folder.

    Raises:
        InvalidInput: If the picture would replace the radiograph.
    """
    target = picture / f"{radiograph.stem}.png" if picture.is_dir() else picture
    made_folder(target.parent)
    return _pictures_at({radiograph: target})


def pictures_into(folder: Path, inputs: Sequence[Input]) -> Take:
    """Give the output that draws a picture of each radiograph into a folder, which is made if it is missing.

    Raises:
        InvalidInput: If a picture would replace a radiograph.
        OutputFailed: If the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"Cannot make the folder {folder}: {error.strerror}.", "Choose another one.") from error
    names = picture_names(inputs)
    return _pictures_at({one.path: folder / name for one, name in zip(inputs, names, strict=True)})


def _pictures_at(targets: dict[Path, Path]) -> Take:
    radiographs = {os.path.realpath(path) for path in targets}
    replaced = [target for target in targets.values() if os.path.realpath(target) in radiographs]
    if replaced:
        raise InvalidInput(
            f"The picture {replaced[0]} would replace a radiograph.", "Choose another place for --picture."
        )

    def take(outcome: AssessOutcome) -> None:
        from boneage.picture import save_picture  # heavy

        if outcome.answer:
            save_picture(outcome.answer, targets[outcome.item.path])

    return take


def _answer(outcome: AssessOutcome) -> Assessment:
    assert outcome.answer is not None, "an outcome has an answer or an error"
    return outcome.answer


def _estimate_in_words(estimate: Estimate, warnings: int) -> str:
    from boneage.wording import interval_in_words, local_shift_months, years_and_months

    bone_age = estimate.bone_age
    parts = [f"{years_and_months(bone_age.months)} ({interval_in_words(bone_age)})", estimate.sex.value]
    if estimate.growth:
        parts.append(f"verdict: {estimate.growth.verdict.value}")
    if estimate.local:
        parts.append(f"local calibration {local_shift_months(estimate):+.1f} months")
    if warnings:
        parts.append(f"{warnings} warning{'s' if warnings > 1 else ''}")
    return ", ".join(parts)


def _as_json(outcome: AssessOutcome) -> dict[str, Any]:
    from boneage.report import report_json

    path = {"path": name_of(outcome.item.path)}
    return path | (_error_as_json(outcome.error) if outcome.error else report_json(_answer(outcome)))


def _error_as_json(error: BoneAgeError) -> dict[str, Any]:
    return {"error": {"kind": error.kind, "message": error.message, "advice": error.advice}}
