"""Sentences, numbers and dates in the reader's language.

The program is written in English. Every other language is one file `boneage/locale/CODE.po`, read as it is: there is
nothing to compile. Put the file there, and the language can be chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO

from boneage.errors import InvalidInput
from boneage.wording import whole_years_and_months

ENGLISH = "en"
N_ = str
"""Marks a sentence for the catalogues where it is not translated yet."""
_LOCALES = {ENGLISH: "en_GB"}  # as the program is spelt; day before month


@dataclass(frozen=True)
class Language:
    """Words and forms of one language.

    Attributes:
        code: As the catalogue's name: "en", "ru".
    """

    code: str
    _catalogue: NullTranslations = field(repr=False)

    def gettext(self, message: str, **values: object) -> str:
        """Translate a sentence of the program and fill in its values; one that is not in the catalogue stays."""
        translated = self._catalogue.gettext(message) if message else ""  # of "", gettext knows the catalogue's header
        return translated.format(**values) if values else translated

    def ngettext(self, one: str, several: str, number: int) -> str:
        """Translate a sentence in the form that goes with `number`, and fill that in."""
        return self._catalogue.ngettext(one, several, number).format(number=self.decimal(number))

    def decimal(self, value: float, digits: int = 0, signed: bool = False) -> str:
        """Write a number with so many decimals and, if asked, always with its sign."""
        from babel.numbers import format_decimal

        places = "0." + "0" * digits if digits else "0"
        shown = round(float(value), digits) + 0.0  # -0.0 becomes 0.0
        pattern = f"+#,##{places};-#,##{places}" if signed else f"#,##{places}"
        return format_decimal(shown, pattern, self._locale)

    def percent(self, share: float, digits: int = 0) -> str:
        """Write 0..1 as per cent, kept on one line."""
        return f"{self.decimal(100 * share, digits)}\u00a0%"

    def months(self, months: float, signed: bool = False) -> str:
        """Write "126.4 months", kept on one line."""
        return self.gettext("{months} months", months=self.decimal(months, 1, signed)).replace(" ", "\u00a0")

    def date(self, day: date) -> str:
        """Write a day with the month as a word, so that no country mistakes it."""
        from babel.dates import format_date

        return format_date(day, "long", self._locale)

    def years_and_months(self, months: float) -> str:
        """Write months as "10 years 6 months", rounded to whole months; "8 months" below one year."""
        years, rest = whole_years_and_months(months)
        in_months = self.ngettext("{number} month", "{number} months", rest)
        in_years = self.ngettext("{number} year", "{number} years", years)
        return f"{in_years} {in_months}" if years else in_months

    @property
    def _locale(self) -> str:
        return _LOCALES.get(self.code, self.code)


def languages() -> tuple[str, ...]:
    """Return the codes of the languages there are: English, and one for each catalogue."""
    names = (file.name for file in (files("boneage") / "locale").iterdir())
    return (ENGLISH, *sorted(name.removesuffix(".po") for name in names if name.endswith(".po")))


def language_names() -> dict[str, str]:
    """Return each language's code with its own name for itself."""
    from babel import Locale

    return {code: Locale.parse(code).get_language_name(code) or code for code in languages()}


@cache
def language(code: str) -> Language:
    """Load a language.

    Raises:
        InvalidInput: If there is no such language, or its catalogue is damaged.
    """
    if code not in languages():
        raise InvalidInput(f"Expected a language, one of {', '.join(languages())}; got '{code}'.")
    return Language(code, NullTranslations() if code == ENGLISH else _read_catalogue(code))


def _read_catalogue(code: str) -> GNUTranslations:
    from babel import UnknownLocaleError
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import PoFileError, read_po

    compiled = BytesIO()
    try:
        with (files("boneage") / "locale" / f"{code}.po").open("rb") as file:
            write_mo(compiled, read_po(file, locale=code, abort_invalid=True))
    except (PoFileError, UnknownLocaleError, ValueError) as error:
        raise InvalidInput(f"The catalogue {code}.po cannot be read: {error}.", "Mend or remove it.") from error
    compiled.seek(0)
    return GNUTranslations(compiled)
