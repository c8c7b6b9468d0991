"""Results of `boneage assess` for other systems: DICOM objects for an archive, FHIR resources for a record."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boneage.assess_outputs import AssessOutcome, Take
from boneage.errors import BoneAgeError, InvalidInput
from boneage.input_table import Input
from boneage.inputs import name_of, picture_names
from boneage.output import made_folder, write_atomically
from boneage.types import Assessment, Signature

if TYPE_CHECKING:
    from boneage.dicom_results import ResultKind
    from boneage.fhir import PatientIdentifier


@dataclass(frozen=True)
class Signing:
    """Who signs which age, as the options say; for which sex comes from the assessment.

    Attributes:
        name: Of the expert.
        bone_age_months: What is signed.
        organization: The expert's; may be empty.
    """

    name: str
    bone_age_months: float
    organization: str = ""

    def of(self, assessment: Assessment) -> Signature:
        """Sign an assessment now.

        Raises:
            InvalidInput: If it is of both sexes.
        """
        if len(assessment.estimates) != 1:
            raise InvalidInput(
                "A bone age is signed for one sex, and both were assessed.", "Give --sex female or male."
            )
        sex = assessment.estimates[0].sex
        return Signature(self.name, self.bone_age_months, sex, datetime.now().astimezone(), self.organization)


@dataclass
class Failures:
    """How many results could not be made, although there was an assessment."""

    count: int = 0

    @property
    def exit_status(self) -> int:
        """The command's: 1 if some failed."""
        return 1 if self.count else 0


def without_stopping(take: Take, failures: Failures) -> Take:
    """Give an output that says on stderr what it cannot make of one radiograph, and goes on with the others."""

    def guarded(outcome: AssessOutcome) -> None:
        try:
            take(outcome)
        except BoneAgeError as error:
            failures.count += 1
            click.echo(f"{name_of(outcome.item.path)}: {error}", err=True)

    return guarded


def dicom_into(
    folder: Path, inputs: Sequence[Input], kinds: Sequence[ResultKind], signing: Signing | None = None
) -> Take:
    """Give the output that writes DICOM objects beside each other into a folder: hand-sr.dcm, hand-seg.dcm, ...

    Raises:
        InvalidInput: From the output, if the radiograph is not DICOM, or an object would replace a radiograph.
        OutputFailed: If the folder cannot be made; from the output, if a file cannot be written.
    """
    made_folder(folder)
    stems = {one.path: Path(name).stem for one, name in zip(inputs, picture_names(inputs), strict=True)}
    radiographs = {os.path.realpath(one.path) for one in inputs}

    def take(outcome: AssessOutcome) -> None:
        from boneage.dicom_results import results  # heavy

        if outcome.answer is None:
            return
        source = _header_of(outcome.item.path, outcome.answer)
        targets = [folder / f"{stems[outcome.item.path]}-{kind.value}.dcm" for kind in kinds]
        replaced = [target for target in targets if os.path.realpath(target) in radiographs]
        if replaced:
            raise InvalidInput(f"{replaced[0]} would replace a radiograph.", "Choose another folder for --dicom-out.")
        signature = signing.of(outcome.answer) if signing else None
        for target, made in zip(targets, results(outcome.answer, source, kinds, signature), strict=True):
            _write_dicom(made, target)

    return take


def _header_of(path: Path, assessment: Assessment) -> Any:
    import pydicom

    if assessment.radiograph.identity is None:
        raise InvalidInput("--dicom-out needs a DICOM radiograph, and this file is none.", "Give the DICOM file.")
    return pydicom.dcmread(path, stop_before_pixels=True, force=True)


def _write_dicom(made: Any, target: Path) -> None:
    import pydicom

    with write_atomically(target) as temporary:
        pydicom.dcmwrite(temporary, made, write_like_original=False)


@contextmanager
def fhir_into(
    target: Path, inputs: Sequence[Input], signing: Signing | None = None, patient: PatientIdentifier | None = None
) -> Iterator[Take]:
    """Give the output that writes FHIR bundles: one file for all if `target` is named .json, else one each in a folder.

    The one file is written at the end, also after an interruption, with what there is.

    Raises:
        OutputFailed: If a file or folder cannot be made.
    """
    from boneage.fhir import fhir_bundle, fhir_entries

    entries: list[list[dict[str, Any]]] = []
    write = _bundle_each(target, inputs, fhir_bundle) if target.suffix.lower() != ".json" else None

    def take(outcome: AssessOutcome) -> None:
        if outcome.answer is None:
            return
        made = fhir_entries(outcome.answer, signing.of(outcome.answer) if signing else None, patient)
        if write:
            write(outcome.item.path, made)
        else:
            entries.append(made)

    if write is None:
        made_folder(target.parent)
    try:
        yield take
    finally:
        if write is None and entries:
            _write_json(fhir_bundle(entries), target)


def _bundle_each(
    folder: Path, inputs: Sequence[Input], fhir_bundle: Callable[..., dict[str, Any]]
) -> Callable[[Path, list[dict[str, Any]]], None]:
    made_folder(folder)
    stems = {one.path: Path(name).stem for one, name in zip(inputs, picture_names(inputs), strict=True)}
    return lambda path, made: _write_json(fhir_bundle([made]), folder / f"{stems[path]}.json")


def _write_json(document: dict[str, Any], target: Path) -> None:
    with write_atomically(target) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
