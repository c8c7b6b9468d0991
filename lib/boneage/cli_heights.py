"""Heights and weights on the command line: text with a unit becomes cm and kg."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from boneage.cli_values import Words
from boneage.errors import InvalidInput
from boneage.types import CM_PER_INCH, Heights

CM_PER_METRE = 100.0
INCHES_PER_FOOT = 12.0
KG_PER_POUND = 0.45359237
HEIGHT_OPTIONS = {
    "height_cm": "--height",
    "length_cm": "--length",
    "weight_kg": "--weight",
    "mother_height_cm": "--mother-height",
    "father_height_cm": "--father-height",
}
_HELP = {
    "height_cm": "Standing height, with its unit: 152cm, 1.52m, 60in or 5ft1in. Gives an adult height.",
    "length_cm": "Recumbent length, as --height; the RWT method wants it, and the weight.",
    "weight_kg": "Weight, with its unit: 32kg or 70lb.",
    "mother_height_cm": "As --height; with the father's it gives the target height.",
    "father_height_cm": "As --height.",
}

_NUMBER = r"\d+(?:\.\d+)?"
_CM = {"cm": 1.0, "m": CM_PER_METRE, "in": CM_PER_INCH}
_ONE_UNIT = re.compile(rf"({_NUMBER})\s*(cm|m|in)", re.IGNORECASE)
_FEET = re.compile(rf"({_NUMBER})\s*ft\s*(?:({_NUMBER})\s*in)?", re.IGNORECASE)
_KG = {"kg": 1.0, "lb": KG_PER_POUND}
_WEIGHT = re.compile(rf"({_NUMBER})\s*(kg|lb)", re.IGNORECASE)

Command = TypeVar("Command", bound=Callable[..., Any])


def height_from_words(words: str) -> float:
    """Read a height in cm from "152cm", "1.52m", "60in" or "5ft1in".

    Raises:
        InvalidInput: For anything else, a number without a unit included: it could be cm as well as inches.
    """
    if one := _ONE_UNIT.fullmatch(words.strip()):
        return float(one[1]) * _CM[one[2].lower()]
    feet = _FEET.fullmatch(words.strip())
    if feet is None:
        raise InvalidInput(f"Expected a height with its unit, as in 152cm, 1.52m, 60in or 5ft1in; got '{words}'.")
    inches = float(feet[2] or 0)
    if inches >= INCHES_PER_FOOT:
        raise InvalidInput(f"Expected fewer than 12 inches beside the feet; got '{words}'.")
    return (float(feet[1]) * INCHES_PER_FOOT + inches) * CM_PER_INCH


def weight_from_words(words: str) -> float:
    """Read a weight in kg from "32kg" or "70lb".

    Raises:
        InvalidInput: For anything else, a number without a unit included.
    """
    one = _WEIGHT.fullmatch(words.strip())
    if one is None:
        raise InvalidInput(f"Expected a weight with its unit, as in 32kg or 70lb; got '{words}'.")
    return float(one[1]) * _KG[one[2].lower()]


def height_options(command: Command) -> Command:
    """Add the options for heights and weight to a command; `heights_from` takes them out of what it is called with."""
    for field, option in reversed(HEIGHT_OPTIONS.items()):
        words = Words("WEIGHT", weight_from_words) if field == "weight_kg" else Words("HEIGHT", height_from_words)
        command = click.option(option, field, type=words, help=_HELP[field])(command)
    return command


def heights_from(asked: dict[str, Any]) -> Heights:
    """Take the heights out of a command's options."""
    return Heights(**{field: asked.pop(field) for field in HEIGHT_OPTIONS})
