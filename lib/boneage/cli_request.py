"""Options that say something of one child and radiograph, for every command that assesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from boneage.assess_request import Request
from boneage.cli_heights import height_options, heights_from
from boneage.cli_values import Words, age_from_words, date_from_words, hand_box_from_words
from boneage.growth import DEFAULT_GROWTH_REFERENCE, growth_references
from boneage.types import Sex

Command = TypeVar("Command", bound=Callable[..., Any])

_SEXES = {"female": (Sex.FEMALE,), "male": (Sex.MALE,), "both": (Sex.FEMALE, Sex.MALE)}
_OPTIONS = (
    click.option(
        "--sex", "sexes", type=click.Choice(list(_SEXES), case_sensitive=False), help="Of the child, or both."
    ),
    click.option(
        "--age",
        "chronological_age_months",
        type=Words("AGE", age_from_words),
        help="Chronological age when the radiograph was taken, with its unit: 10.5y, 126m or 10y6m.",
    ),
    click.option("--birth-date", type=Words("YYYY-MM-DD", date_from_words), help="Instead of --age; it is not kept."),
    click.option(
        "--acquisition-date",
        type=Words("YYYY-MM-DD", date_from_words),
        help="When the radiograph was taken, for --birth-date.",
    ),
    height_options,
    click.option("--hand-box", type=Words("L,T,R,B", hand_box_from_words), help="Where the hand is, in pixels."),
    click.option(
        "--growth-reference",
        type=click.Choice(list(growth_references())),
        default=DEFAULT_GROWTH_REFERENCE,
        show_default=True,
        help="Standard deviations for the SDS and the verdict.",
    ),
    click.option("--local-calibration/--no-local-calibration", default=True, help="Where one is in force."),
)


def request_options(command: Command) -> Command:
    """Add these options to a command; `request_from` makes a request of what it is called with."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request_from(sexes: str | None, asked: dict[str, Any]) -> Request:
    """Make a request of the options.

    Raises:
        click.UsageError: If they contradict each other.
    """
    request = Request(sexes=_SEXES[sexes.lower()] if sexes else (), heights=heights_from(asked), **asked)
    if request.chronological_age_months is not None and request.birth_date:
        raise click.UsageError("Give --age or --birth-date, not both.")
    return request
