"""Heights on the command line and in tables, with stand-ins for the models only."""

import csv
import json

import fake_models
import pytest
from fake_models import a_png
from hypothesis import given
from hypothesis import strategies as st

from boneage import cli
from boneage.cli_heights import height_from_words, weight_from_words
from boneage.errors import InvalidInput


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs `boneage assess` and gives (exit status, stdout, stderr)."""
    fake_models.install(monkeypatch)

    def assess(*arguments):
        status = cli.main(["assess", *map(str, arguments)])
        return status, *capsys.readouterr()

    return assess


@pytest.mark.parametrize(
    ("words", "cm"),
    [("152cm", 152), ("1.52m", 152), ("60in", 152.4), ("5ft", 152.4), ("5ft1in", 154.94), ("5FT 1.5 IN", 156.21)],
)
def test_heights_are_read_with_their_unit(words, cm):
    assert height_from_words(words) == pytest.approx(cm)


@pytest.mark.parametrize(
    "words", ["152", "1.65", "", "cm", "-152cm", "nan", "nancm", "1,52m", "5ft13in", "5'1\"", "152mm"]
)
def test_heights_that_could_mean_anything_are_refused(words):
    with pytest.raises(InvalidInput, match="Expected"):
        height_from_words(words)


@pytest.mark.parametrize(("words", "kg"), [("32kg", 32), ("32.5 KG", 32.5), ("70lb", 31.75)])
def test_weights_are_read_with_their_unit(words, kg):
    assert weight_from_words(words) == pytest.approx(kg, abs=0.01)


@pytest.mark.parametrize("words", ["32", "", "kg", "-3kg", "32000g", "nan"])
def test_weights_that_could_mean_anything_are_refused(words):
    with pytest.raises(InvalidInput, match="with its unit"):
        weight_from_words(words)


@given(st.integers(0, 8), st.integers(0, 11))
def test_feet_and_inches_are_the_same_as_inches(feet, inches):
    assert height_from_words(f"{feet}ft{inches}in") == pytest.approx(height_from_words(f"{12 * feet + inches}in"))


def test_a_height_gives_an_adult_height(run, tmp_path):
    """Bayley and Pinneau's own example: a boy with a bone age of 13 years 3 months and 60 inches."""
    file = a_png(tmp_path / "a.png", columns=159)
    status, out, _ = run(file, "--sex", "male", "--age", "13y3m", "--height", "60in")
    assert status == 0
    assert "Adult height        Bayley-Pinneau 1952: 171.2 cm (67.4 in)" in out


def test_without_a_height_the_report_says_nothing_of_one(run, tmp_path):
    file = a_png(tmp_path / "a.png")
    assert "eight" not in run(file, "--sex", "male", "--age", "10y")[1]
    report = json.loads(run(file, "--sex", "male", "--age", "10y", "--json")[1])
    assert "heights" not in report and "adult_heights" not in report["estimates"][0]


@pytest.mark.parametrize(
    ("option", "words", "expected"),
    [
        ("--height", "60cm", "a height of 78 to 234 cm at 13.0 years"),
        ("--height", "152in", "a height of 78 to 234 cm"),
        ("--height", "1520cm", "a height of 78 to 234 cm"),
        ("--height", "152", "with its unit"),
        ("--mother-height", "1.65", "with its unit"),
        ("--mother-height", "1.65cm", "a mother's height of 85 to 255 cm"),
        ("--weight", "32", "with its unit"),
        ("--weight", "3200kg", "a weight of 1 to 300 kg"),
    ],
)
def test_a_height_that_cannot_be_true_is_refused_with_the_range(run, tmp_path, option, words, expected):
    status, out, err = run(a_png(tmp_path / "a.png"), "--sex", "male", "--age", "13y", option, words)
    assert (status, out) == (2, "")
    assert expected in err


def test_a_height_is_for_one_radiograph(run, tmp_path):
    a_png(tmp_path / "a.png")
    status, _, err = run(tmp_path, "--sex", "male", "--height", "140cm", "--mother-height", "165cm")
    assert status == 2
    assert "--height, --mother-height: for one radiograph; for several, use a table" in err


def test_a_table_gives_heights_and_a_bad_one_fails_alone(run, tmp_path):
    for name in "abcd":
        a_png(tmp_path / f"{name}.png", columns=126)
    table = tmp_path / "list.csv"
    table.write_text(
        "path;sex;chronological_age_months;height_cm;mother_height_cm;father_height_cm\n"
        "a.png;F;126;140,5;;\n"
        "b.png;F;126;55;;\n"
        "c.png;F;126;five feet;;\n"
        "d.png;M;126;;165;178\n"
    )
    status, _, err = run(table, "--csv", tmp_path / "out.csv")
    with open(tmp_path / "out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert status == 1
    assert [row["error_kind"] for row in rows] == ["", "invalid_input", "invalid_input", ""]
    assert float(rows[0]["bayley_pinneau_cm"]) == pytest.approx(140.5 / 0.884, abs=0.06)
    assert "half to one and a half of what is usual" in rows[1]["error_message"]
    assert "Row 4: Expected height_cm as a number of cm; got 'five feet'" in rows[2]["error_message"]
    assert (rows[3]["bayley_pinneau_cm"], rows[3]["target_height_cm"]) == ("", "178.0")
    assert "2 assessed, 2 failed" in err
