"""Text of the command line becomes values here: ages, dates, boxes. After this there are no strings to interpret."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import click

from boneage.errors import InvalidInput
from boneage.types import DAYS_PER_MONTH, MONTHS_PER_YEAR, HandBox, Sex

OLDEST_AGE_MONTHS = 25 * MONTHS_PER_YEAR
LAST_PLATE_MONTHS = {Sex.FEMALE: 18 * MONTHS_PER_YEAR, Sex.MALE: 19 * MONTHS_PER_YEAR}  # of the Greulich-Pyle atlas
SEX_WORDS = {"female": Sex.FEMALE, "f": Sex.FEMALE, "male": Sex.MALE, "m": Sex.MALE}

_NUMBER = r"\d+(?:\.\d+)?"
_AGE = re.compile(rf"(?:(?P<years>{_NUMBER})\s*y)?\s*(?:(?P<months>{_NUMBER})\s*m)?", re.IGNORECASE)


def sex_from_word(word: str) -> Sex:
    """Read a sex from "female", "male", "F" or "M", in any case.

    Raises:
        InvalidInput: For any other word.
    """
    sex = SEX_WORDS.get(word.strip().lower())
    if sex is None:
        raise InvalidInput(f"Expected sex as female, male, F or M; got '{word}'.")
    return sex


def age_from_words(words: str) -> float:
    """Read an age in months from "10.5y", "126m" or "10y6m".

    Raises:
        InvalidInput: For a number without its unit, which could be years as well as months, and for impossible ages.
    """
    match = _AGE.fullmatch(words.strip())
    if not words.strip() or match is None:
        raise InvalidInput(f"Expected an age with its unit, as in 10.5y, 126m or 10y6m; got '{words}'.")
    years, months = (float(match[part] or 0) for part in ("years", "months"))
    if match["years"] and months >= MONTHS_PER_YEAR:
        raise InvalidInput(f"Expected fewer than 12 months beside the years; got '{words}'.")
    return plausible_age(years * MONTHS_PER_YEAR + months)


def plausible_bone_age(months: float, sex: Sex | None) -> float:
    """Return `months` if the Greulich-Pyle atlas goes as far for this sex; None for either.

    Raises:
        InvalidInput: If not.
    """
    last = LAST_PLATE_MONTHS[sex] if sex else max(LAST_PLATE_MONTHS.values())
    if not math.isfinite(months) or not 0 <= months <= last:
        raise InvalidInput(
            f"Expected a bone age of 0 to {last:.0f} months, where the atlas of Greulich and Pyle ends"
            f"{f' ({sex.value})' if sex else ''}; got {months:g}."
        )
    return months


def plausible_age(months: float) -> float:
    """Return `months` if a child or youth can be that old.

    Raises:
        InvalidInput: If not.
    """
    if not math.isfinite(months) or not 0 <= months <= OLDEST_AGE_MONTHS:
        raise InvalidInput(f"Expected a chronological age of 0 to {OLDEST_AGE_MONTHS:.0f} months; got {months:g}.")
    return months


def age_at(acquisition_date: date, birth_date: date) -> float:
    """Return the age in months on the day of the exposure.

    Raises:
        InvalidInput: If the exposure was before birth or decades after. The dates are not repeated.
    """
    days = (acquisition_date - birth_date).days
    if days < 0:
        raise InvalidInput("The radiograph was taken before the birth date given.", "Check both dates.")
    return plausible_age(days / DAYS_PER_MONTH)


def hand_box_from_words(words: str) -> HandBox:
    """Read a box from "left,top,right,bottom" in pixels of the whole radiograph.

    Raises:
        InvalidInput: If these are not four numbers that make a box.
    """
    expected = InvalidInput(
        f"Expected a hand box as LEFT,TOP,RIGHT,BOTTOM in pixels, with left < right and top < bottom; got '{words}'."
    )
    try:
        left, top, right, bottom = (float(word) for word in words.split(","))
    except ValueError:
        raise expected from None
    if not (0 <= left < right < math.inf and 0 <= top < bottom < math.inf):
        raise expected
    return HandBox(left, top, right, bottom)


def date_from_words(words: str) -> date:
    """Read a date from "YYYY-MM-DD".

    Raises:
        InvalidInput: If it is not one.
    """
    try:
        return datetime.strptime(words.strip(), "%Y-%m-%d").date()
    except ValueError:
        raise InvalidInput("Expected a date of the calendar as YYYY-MM-DD.") from None


class Words(click.ParamType):
    """An option's type made of one of the functions above."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        """Name the type as in the help, and the function that reads it or raises `InvalidInput`."""
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the option's text; text that cannot be read becomes a usage error."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except InvalidInput as error:
            self.fail(str(error), param, ctx)
