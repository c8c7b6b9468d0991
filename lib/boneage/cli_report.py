"""`boneage report`: one radiograph as one page to sign, PDF or HTML."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boneage.assess_outputs import AssessOutcome, Take
from boneage.assess_run import assess_one
from boneage.cli_course_files import one_child, read_course_files
from boneage.cli_options import models, verbose
from boneage.cli_request import request_from, request_options
from boneage.errors import InvalidInput
from boneage.input_table import Input
from boneage.language import ENGLISH, languages
from boneage.output import made_folder, write_atomically
from boneage.types import CoursePoint, Sex

if TYPE_CHECKING:
    from boneage.report_page import Patient, ReportOptions

SUFFIXES = (".pdf", ".html")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("path", type=_FILE, metavar="FILE")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The page: a .pdf or .html file.")
@click.option(
    "--language", type=click.Choice(languages()), default=ENGLISH, show_default=True, help="That the page speaks."
)
@click.option("--heading", default="", help="Printed at the top: hospital, department.")
@click.option("--patient", default="", help="Printed as the patient; without it there is a blank to write in.")
@click.option("--with-patient", is_flag=True, help="Print name, number, birth date and date that the DICOM file has.")
@click.option(
    "--earlier",
    type=_FILE,
    multiple=True,
    help="An earlier radiograph of this child, as `assess --json` wrote it, or a table as for `course`; repeatable.",
)
@request_options
@models
@verbose
def report(
    path: Path,
    out: Path,
    language: str,
    heading: str,
    patient: str,
    with_patient: bool,
    earlier: tuple[Path, ...],
    sexes: str | None,
    models_dir: Path | None,
    verbose: bool,
    **asked: Any,
) -> None:
    """Assess one hand radiograph and write the report as one A4 page for a clinician to check and sign.

    Without --patient or --with-patient nothing on the page says who it is.
    """
    from boneage.report_page import ReportOptions

    request = request_from(sexes, asked)
    if patient and with_patient:
        raise click.UsageError("Give --patient or --with-patient, not both.")
    _check_out(out, (path, *earlier))
    options = ReportOptions(
        language=language,
        heading=_printable(heading),
        patient=_patient_of(path) if with_patient else _patient(_printable(patient)),
        earlier=_points(earlier, request.sexes),
        models_dir=models_dir,
    )
    assess_one(Input(path), request, models_dir, [page_into(out, options)])


def page_into(out: Path, options: ReportOptions) -> Take:
    """Give the output that writes the page."""

    def take(outcome: AssessOutcome) -> None:
        from boneage.report_html import report_html  # heavy
        from boneage.report_pdf import report_pdf

        if outcome.answer:
            is_pdf = out.suffix.lower() == ".pdf"
            page = report_pdf(outcome.answer, options) if is_pdf else report_html(outcome.answer, options).encode()
            made_folder(out.parent)
            with write_atomically(out) as temporary:
                temporary.write_bytes(page)

    return take


def _check_out(out: Path, inputs: Sequence[Path]) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"Expected --out to end with {' or '.join(SUFFIXES)}; got '{out.name}'.")
    if os.path.realpath(out) in {os.path.realpath(path) for path in inputs}:
        raise InvalidInput(f"The page {out} would replace what it is made from.", "Choose another place for --out.")


def _patient(name: str) -> Patient:
    from boneage.report_page import Patient

    return Patient(name=name)


def _patient_of(path: Path) -> Patient:
    from boneage.dicom_patient import read_patient
    from boneage.report_page import Patient

    found = read_patient(path)
    return Patient(_printable(found.name), _printable(found.identifier), found.birth_date, found.acquisition_date)


def _points(paths: tuple[Path, ...], sexes: Sequence[Sex]) -> tuple[CoursePoint, ...]:
    """Read the earlier bone ages; a page to sign leaves none out without a word."""
    readings = read_course_files(paths)
    if problem := next((reading for reading in readings if reading.problem), None):
        raise InvalidInput(f"{problem.source}: {problem.problem}.", "Mend it, or leave it out of --earlier.")
    return tuple(one_child(readings, sexes[0] if len(sexes) == 1 else None)[1]) if readings else ()


def _printable(text: str) -> str:
    """Return text as one line of letters that can be printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
