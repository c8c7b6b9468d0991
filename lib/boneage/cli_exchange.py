"""The options of `boneage assess` for other systems: DICOM objects, FHIR resources, an expert's signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boneage.assess_exchange import Failures, Signing, dicom_into, fhir_into, without_stopping
from boneage.assess_outputs import Take
from boneage.cli_values import Words, age_from_words
from boneage.errors import InvalidInput
from boneage.input_table import Input

if TYPE_CHECKING:
    from boneage.dicom_results import ResultKind
    from boneage.fhir import PatientIdentifier

_ANY_PATH = click.Path(path_type=Path)


def _kinds(words: str) -> tuple[ResultKind, ...]:
    from boneage.dicom_results import kinds_from_words

    return kinds_from_words(words)


def _patient(words: str) -> PatientIdentifier:
    from boneage.fhir import PatientIdentifier

    system, _, value = words.partition("|")
    if ":" not in system or not value.strip():
        raise InvalidInput("Expected an identifier as SYSTEM|VALUE, with a URI such as urn:oid:1.2.3 as its system.")
    return PatientIdentifier(system.strip(), value.strip())


_OPTIONS = (
    click.option("--dicom-out", type=_ANY_PATH, metavar="DIR", help="Write DICOM objects of DICOM radiographs."),
    click.option(
        "--dicom-kinds",
        type=Words("KINDS", _kinds),
        default="sr,seg,sc",
        show_default=True,
        help="Structured report, segmentation, secondary capture.",
    ),
    click.option("--fhir", type=_ANY_PATH, metavar="FILE.json|DIR", help="Write FHIR R4: one bundle, or one each."),
    click.option("--patient", type=Words("SYSTEM|ID", _patient), help="Names the child in --fhir; nobody by default."),
    click.option("--signed-by", metavar="NAME", help="Of the expert who signs, as in Family^Given."),
    click.option("--signed-age", type=Words("AGE", age_from_words), help="The bone age that is signed: 126m or 10y6m."),
    click.option("--organization", metavar="NAME", help="Of the expert who signs."),
)


def exchange_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Exchange:
    """What the options ask for.

    Attributes:
        dicom_out: Folder of the DICOM objects; None for none.
        dicom_kinds: Which ones.
        fhir: File or folder of the FHIR bundles; None for none.
        patient: Names the child in them; None to name nobody.
        signing: Who signs which age; None if nobody does.
        failures: What could not be made of some radiographs.
    """

    dicom_out: Path | None
    dicom_kinds: tuple[ResultKind, ...]
    fhir: Path | None
    patient: PatientIdentifier | None
    signing: Signing | None
    failures: Failures = field(default_factory=Failures)

    def outputs(self, stack: ExitStack, inputs: Sequence[Input], one: bool) -> list[Take]:
        """Return the outputs; of many radiographs, one that cannot be exchanged does not stop the others."""
        takes = []
        if self.dicom_out:
            takes.append(dicom_into(self.dicom_out, inputs, self.dicom_kinds, self.signing))
        if self.fhir:
            takes.append(stack.enter_context(fhir_into(self.fhir, inputs, self.signing, self.patient)))
        return takes if one else [without_stopping(take, self.failures) for take in takes]


def exchange_from(asked: dict[str, Any], one: bool) -> Exchange:
    """Take the exchange's options out of `asked`.

    Raises:
        click.UsageError: If they contradict each other, or cannot be meant for several radiographs.
    """
    name, months, organization = (asked.pop(key) for key in ("signed_by", "signed_age", "organization"))
    dicom_out, kinds, fhir, patient = (asked.pop(key) for key in ("dicom_out", "dicom_kinds", "fhir", "patient"))
    if (name is None) != (months is None):
        raise click.UsageError("A signature says who and what: give --signed-by and --signed-age together.")
    if organization and name is None:
        raise click.UsageError("--organization belongs to --signed-by; give that too.")
    if name is not None and not (dicom_out or fhir):
        raise click.UsageError("--signed-by signs what --dicom-out or --fhir writes; give one of them.")
    if patient is not None and not fhir:
        raise click.UsageError("--patient names the child in --fhir; give that too.")
    for option, value in (("--signed-by", name), ("--patient", patient)):
        if value is not None and not one:
            raise click.UsageError(f"{option} is for one radiograph.")
    signing = Signing(name, months, organization or "") if name is not None else None
    return Exchange(dicom_out, kinds, fhir, patient, signing)
