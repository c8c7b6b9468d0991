"""How `boneage assess` works through its inputs: one with a question if need be, many without."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boneage.assess_cluster import assess_on_cluster
from boneage.assess_outputs import AssessOutcome, Take, print_failure
from boneage.assess_request import OPTION, Request, assess_radiograph, assessor, read_input
from boneage.batch import Outcome, assess_many, outcome_of, usable_cores
from boneage.input_table import Input
from boneage.progress import with_progress
from boneage.row_file import RowFile
from boneage.types import Radiograph, Sex

if TYPE_CHECKING:
    from boneage.assessment import Models

_SEX = click.Choice([sex.value for sex in Sex], case_sensitive=False)
EXIT_FINE, EXIT_SOME_FAILED, EXIT_NOTHING_DONE = 0, 1, 2


@dataclass
class _Tally:
    done: int = 0
    failed: int = 0

    def count(self, outcome: AssessOutcome) -> None:
        self.done += outcome.error is None
        self.failed += outcome.error is not None


def assess_one(one: Input, request: Request, models_dir: Path | None, outputs: Sequence[Take]) -> None:
    """Assess one radiograph; if nobody said the sex and a person sits at the terminal, ask.

    Raises:
        BoneAgeError: Why there is no bone age; the outputs have been told.
    """
    outcome = _outcome_of(one, request, models_dir)
    for take in outputs:
        take(outcome)
    if outcome.error:
        raise outcome.error


def assess_all(
    inputs: Sequence[Input],
    request: Request,
    models_dir: Path | None,
    outputs: Sequence[Take],
    rows: RowFile | None = None,
    workers: int | None = None,
    cluster: str | None = None,
) -> int:
    """Assess many radiographs and return the exit status; one that fails is reported, and the others go on.

    Args:
        inputs: What is still to do.
        request: What the options say.
        models_dir: Where the models are; None for those that come with the program.
        outputs: Told about each radiograph in the order of `inputs`, or with a cluster in the order they are done.
        rows: The CSV file among the outputs, whose earlier rows count too.
        workers: Radiographs at the same time; None for one a core.
        cluster: Address of a Ray cluster that does it; None for this process. Answers are then CSV rows.
    """
    tally = _earlier(rows)
    try:
        for outcome in _outcomes(inputs, request, models_dir, workers, cluster):
            for take in (print_failure, *outputs):
                take(outcome)
            tally.count(outcome)
            del outcome
    except KeyboardInterrupt:
        click.echo(f"\n{_in_words(tally, rows)}{' --resume goes on with the rest.' if rows else ''}", err=True)
        raise
    click.echo(_in_words(tally, rows), err=True)
    return _exit_status(tally)


def _outcomes(
    inputs: Sequence[Input], request: Request, models_dir: Path | None, workers: int | None, cluster: str | None
) -> Iterator[AssessOutcome]:
    if not inputs:
        return
    outcomes = (
        assess_on_cluster(inputs, request, models_dir, cluster, workers)
        if cluster
        else _by_threads(inputs, request, models_dir, workers)
    )
    with closing(outcomes):
        yield from with_progress(outcomes, len(inputs), "Assessing")


def _by_threads(
    inputs: Sequence[Input], request: Request, models_dir: Path | None, workers: int | None
) -> Generator[AssessOutcome, None, None]:
    workers = min(workers or usable_cores(), len(inputs))
    models = _load_models(models_dir, request, threads=1 if workers > 1 else None)
    return assess_many(inputs, assessor(request, models), workers)


def _outcome_of(one: Input, request: Request, models_dir: Path | None) -> AssessOutcome:
    read = outcome_of(one, lambda one: read_input(one, request))
    if read.answer is None:
        return Outcome(one, error=read.error)
    radiograph = _ask_sex(read.answer, request)
    models = _load_models(models_dir, request)
    return outcome_of(one, lambda one: assess_radiograph(radiograph, request, models))


def _load_models(models_dir: Path | None, request: Request, threads: int | None = None) -> Models:
    from boneage import assessment  # heavy

    return assessment.load_models(models_dir, threads=threads, local=request.local_calibration)


def _ask_sex(radiograph: Radiograph, request: Request) -> Radiograph:
    """Ask for a sex that nobody gave; without a terminal to ask at, leave it to the assessment to refuse."""
    if radiograph.sex or request.sexes or not sys.stdin.isatty():
        return radiograph
    word = click.prompt("The file does not say the child's sex (female or male)", type=_SEX, err=True)
    return radiograph.with_sex(Sex(word), OPTION)


def _earlier(rows: RowFile | None) -> _Tally:
    """Count the radiographs, not the rows: with both sexes, one radiograph has two."""
    failed = {row["path"]: bool(row["error_kind"]) for row in rows.earlier_rows} if rows else {}
    return _Tally(done=len(failed) - sum(failed.values()), failed=sum(failed.values()))


def _in_words(tally: _Tally, rows: RowFile | None) -> str:
    return f"{tally.done} assessed, {tally.failed} failed{f'; rows in {rows.path}' if rows else ''}."


def _exit_status(tally: _Tally) -> int:
    if not tally.failed:
        return EXIT_FINE
    return EXIT_SOME_FAILED if tally.done else EXIT_NOTHING_DONE
