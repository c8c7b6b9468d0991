"""Sentences, numbers and dates in the reader's language, and the catalogues that hold them."""

import ast
import importlib.util
from datetime import date
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from boneage import language as module
from boneage.errors import InvalidInput
from boneage.language import language, languages

ROOT = Path(__file__).parents[2]
CODES = [code for code in languages() if code != "en"]
SPEAKING_CALLS = {"_", "gettext", "ngettext", "translate", "N_"}


@pytest.fixture(scope="module")
def catalogues():
    """Return tools/catalogues.py, which extracts the program's sentences by Babel."""
    spec = importlib.util.spec_from_file_location("catalogues", ROOT / "tools" / "catalogues.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def own_catalogues(tmp_path, monkeypatch):
    """Return an empty folder that takes the place of boneage/locale."""
    (tmp_path / "locale").mkdir()
    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    language.cache_clear()
    yield tmp_path / "locale"
    language.cache_clear()


def read(code):
    with (ROOT / "lib" / "boneage" / "locale" / f"{code}.po").open("rb") as file:
        return read_po(file)


def forms(one):
    return list(one) if isinstance(one, (tuple, list)) else [one]


def names(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


# Catalogues


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_the_program_is_translated(code, catalogues):
    wanted = {tuple(forms(message.id)) for message in catalogues.sentences() if message.id}
    translated = {tuple(forms(message.id)) for message in read(code) if message.id and all(forms(message.string))}
    assert translated == wanted


@pytest.mark.parametrize("code", CODES)
def test_no_translation_is_fuzzy_or_left_over(code):
    catalogue = read(code)
    assert not [message.id for message in catalogue if message.id and message.fuzzy]
    assert not catalogue.obsolete


@pytest.mark.parametrize("code", CODES)
def test_a_translation_has_the_values_of_its_sentence_and_all_its_plural_forms(code):
    catalogue = read(code)
    for message in filter(lambda one: one.id, catalogue):
        assert len(forms(message.string)) == (catalogue.num_plurals if message.pluralizable else 1)
        for form in forms(message.string):
            assert names(form) == names(forms(message.id)[0]), form


def test_no_sentence_hides_from_the_extraction(catalogues):
    """Babel reads tokens: it misses a call inside an f-string."""
    extracted = {form for message in catalogues.sentences() for form in forms(message.id)}
    written = set()
    for pattern in catalogues.SPEAKING:
        for path in catalogues.PACKAGE.glob(pattern):
            for call in filter(lambda node: isinstance(node, ast.Call), ast.walk(ast.parse(path.read_text("utf-8")))):
                name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                if name in SPEAKING_CALLS:
                    written |= {one.value for one in call.args if isinstance(one, ast.Constant) and one.value != ""}
    assert {one for one in written if isinstance(one, str)} <= extracted


def test_a_new_language_needs_its_catalogue_file_and_nothing_else(own_catalogues):
    header = 'msgid ""\nmsgstr "Language: de\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
    (own_catalogues / "de.po").write_text(f'{header}\nmsgid "Bone age"\nmsgstr "Knochenalter"\n')
    assert languages() == ("en", "de")
    assert language("de").gettext("Bone age") == "Knochenalter"
    assert language("de").gettext("Signature") == "Signature"
    assert language("de").decimal(8.5, 1) == "8,5"


def test_a_damaged_catalogue_is_refused_by_its_name(own_catalogues):
    (own_catalogues / "de.po").write_text("This is no catalogue.")
    with pytest.raises(InvalidInput, match=r"de\.po"):
        language("de")


def test_an_unknown_language_is_told_which_there_are():
    with pytest.raises(InvalidInput, match="one of en, ru; got 'xx'"):
        language("xx")


# Forms


@pytest.mark.parametrize(
    ("months", "english", "russian"),
    [
        (1, "1 month", "1 месяц"),
        (3, "3 months", "3 месяца"),
        (11.4, "11 months", "11 месяцев"),
        (12, "1 year 0 months", "1 год 0 месяцев"),
        (26, "2 years 2 months", "2 года 2 месяца"),
        (123.4, "10 years 3 months", "10 лет 3 месяца"),
        (132.5, "11 years 1 month", "11 лет 1 месяц"),
        (12 * 21 + 5, "21 years 5 months", "21 год 5 месяцев"),
    ],
)
def test_ages_have_the_plural_forms_of_the_language(months, english, russian):
    assert language("en").years_and_months(months) == english
    assert language("ru").years_and_months(months) == russian


def test_numbers_have_the_decimal_sign_of_the_language():
    assert language("en").decimal(-1.694, 2, signed=True) == "-1.69"
    assert language("ru").decimal(1.694, 2, signed=True) == "+1,69"
    assert language("en").decimal(1000) == "1,000"
    assert language("ru").percent(0.8964) == "90\u00a0%"
    assert language("en").decimal(-0.04, 1) == "0.0"


def test_no_country_can_mistake_a_date():
    assert language("en").date(date(2026, 2, 3)) == "3 February 2026"
    assert language("ru").date(date(2026, 2, 3)).startswith("3 февраля 2026")


def test_values_are_filled_into_a_sentence_of_either_language():
    assert language("ru").gettext("SDS {sds}: {verdict}", sds="+1,00", verdict="x") == "SDS +1,00: x"
    assert language("ru").gettext("braces {are} kept without values") == "braces {are} kept without values"
