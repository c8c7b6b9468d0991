"""What the user says about radiographs: options beat the table, the table beats the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from boneage.cli_values import age_at
from boneage.errors import InvalidInput
from boneage.growth import DEFAULT_GROWTH_REFERENCE
from boneage.input_table import Input
from boneage.types import NO_HEIGHTS, Assessment, HandBox, Heights, Radiograph, Sex

if TYPE_CHECKING:
    from boneage.assessment import Models

OPTION, TABLE = "option", "table"


@dataclass(frozen=True)
class Request:
    """What the options say.

    Attributes:
        sexes: Sexes to assess for; empty to take the table's or the file's.
        chronological_age_months: None to take it from elsewhere.
        birth_date: Gives the chronological age together with the acquisition date; it is not kept.
        acquisition_date: None to take the file's.
        heights: What was measured of the child and the parents.
        hand_box: None to let the detector find the hand.
        growth_reference: Name of the table of SDs.
        explain: Whether to look for where the age comes from.
        local_calibration: Whether one that is in force counts.
    """

    sexes: tuple[Sex, ...] = ()
    chronological_age_months: float | None = None
    birth_date: date | None = None
    acquisition_date: date | None = None
    heights: Heights = NO_HEIGHTS
    hand_box: HandBox | None = None
    growth_reference: str = DEFAULT_GROWTH_REFERENCE
    explain: bool = False
    local_calibration: bool = True

    @property
    def wants_both_sexes(self) -> bool:
        """Whether the bone age is wanted for either sex."""
        return len(self.sexes) > 1


def read_input(one: Input, request: Request) -> Radiograph:
    """Read an input's file and complete it with what the table and the options say.

    Raises:
        BoneAgeError: If the input has an error already, cannot be read, or an age cannot be worked out.
    """
    from boneage.radiograph import read_radiograph  # heavy

    if one.error:
        raise one.error
    return _with_options(_with_table(read_radiograph(one.path), one), request)


def assess_radiograph(radiograph: Radiograph, request: Request, models: Models) -> Assessment:
    """Assess a radiograph as requested.

    Raises:
        BoneAgeError: As `boneage.assessment.assess`.
    """
    from boneage import assessment  # heavy

    return assessment.assess(
        radiograph,
        models,
        sexes=request.sexes if request.wants_both_sexes else None,
        hand_box=request.hand_box,
        growth_reference=request.growth_reference,
        explain=request.explain,
    )


def assessor(request: Request, models: Models) -> Callable[[Input], Assessment]:
    """Return the function that reads and assesses one input."""
    return lambda one: assess_radiograph(read_input(one, request), request, models)


def _with_table(radiograph: Radiograph, one: Input) -> Radiograph:
    if one.sex:
        radiograph = radiograph.with_sex(one.sex, TABLE)
    if one.chronological_age_months is not None:
        radiograph = radiograph.with_age(one.chronological_age_months, TABLE)
    return radiograph.with_heights(one.heights)


def _with_options(radiograph: Radiograph, request: Request) -> Radiograph:
    if len(request.sexes) == 1:
        radiograph = radiograph.with_sex(request.sexes[0], OPTION)
    if request.acquisition_date:
        radiograph = replace(radiograph, acquisition_date=request.acquisition_date)
    radiograph = radiograph.with_heights(request.heights)
    age = _age_by_options(radiograph, request)
    return radiograph if age is None else radiograph.with_age(age, OPTION)


def _age_by_options(radiograph: Radiograph, request: Request) -> float | None:
    if request.birth_date is None:
        return request.chronological_age_months
    if radiograph.acquisition_date is None:
        raise InvalidInput(
            "The birth date alone gives no age: the file does not say when it was taken.",
            "Add --acquisition-date, or give --age.",
        )
    return age_at(radiograph.acquisition_date, request.birth_date)
