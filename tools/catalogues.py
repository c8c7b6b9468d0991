"""Keep the catalogues of the report's sentences (lib/boneage/locale/*.po) in step with the program.

.venv/bin/python tools/catalogues.py            # bring all of them up to date, and say what they lack
.venv/bin/python tools/catalogues.py de         # begin a new language
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lib" / "boneage"
LOCALE = PACKAGE / "locale"
SPEAKING = ("language.py", "drawing.py", "course_plot.py", "report_*.py")
"""Modules whose sentences reach the page."""
HEADER = "# What the report says: translate what stands in quotes after msgstr, keep {names} in braces."
KEYWORDS = {**DEFAULT_KEYWORDS, "translate": None}


def sentences() -> Catalog:
    """Return every sentence that the page may need: of the program, and the limits in the model cards."""
    catalogue = Catalog(project="boneage")
    for path in sorted(file for pattern in SPEAKING for file in PACKAGE.glob(pattern)):
        for _line, message, _comments, _context in extract_from_file("python", path, keywords=KEYWORDS):
            catalogue.add(message, locations=[(path.relative_to(ROOT).as_posix(), None)])
    for card in sorted((ROOT / "models").glob("*/configs/metadata.json")):
        for limit in json.loads(card.read_text(encoding="utf-8")).get("limits", ()):
            catalogue.add(limit, locations=[(card.relative_to(ROOT).as_posix(), None)])
    return catalogue


def brought_up_to_date(code: str, template: Catalog) -> Catalog:
    """Return a language's catalogue with all sentences: those that it has translated stay, others are empty."""
    path = LOCALE / f"{code}.po"
    old = Catalog(locale=code)
    if path.exists():
        with path.open("rb") as file:
            old = read_po(file, locale=code)
    dates = {"creation_date": old.creation_date, "revision_date": old.revision_date}
    new = Catalog(code, project="boneage", version="", header_comment=HEADER, fuzzy=False, charset="utf-8", **dates)
    for message in filter(lambda one: one.id, template):
        known = old.get(message.id)
        new.add(message.id, known.string if known and not known.fuzzy else None, message.locations)
        new[message.id].flags.clear()  # "90 % interval" is no format of Python's
    return new


def main(new: list[str]) -> int:
    """Write the catalogues; 1 if a sentence is not translated yet."""
    template, lacking = sentences(), 0
    for code in sorted({path.stem for path in LOCALE.glob("*.po")} | set(new)):
        catalogue = brought_up_to_date(code, template)
        with (LOCALE / f"{code}.po").open("wb") as file:
            write_po(file, catalogue, width=120, sort_output=True, omit_header=False, include_lineno=False)
        missing = [message.id for message in catalogue if message.id and (message.fuzzy or not all_of(message.string))]
        lacking += len(missing)
        print(f"{code}: {len(catalogue)} sentences, {len(missing)} not translated", *missing, sep="\n  ")
    return int(lacking > 0)


def all_of(translation: str | tuple[str, ...]) -> bool:
    """Say whether a translation is there, in all its plural forms."""
    return all(translation) if isinstance(translation, (tuple, list)) else bool(translation)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
