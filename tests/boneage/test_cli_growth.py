"""`boneage growth`: the growth reading without a radiograph."""

import json

import pytest

from boneage import cli


@pytest.fixture
def run(capsys):
    """Return a function that runs `boneage growth` and gives (exit status, stdout, stderr)."""

    def growth(*arguments):
        status = cli.main(["growth", *arguments])
        return status, *capsys.readouterr()

    return growth


A_BOY = ("--sex", "male", "--bone-age", "13y3m", "--age", "12y6m")


def test_the_reading_gives_advance_both_references_and_the_adult_height(run):
    status, out, err = run(*A_BOY, "--height", "60in", "--mother-height", "5ft5in", "--father-height", "1.78m")
    assert (status, err) == (0, "")
    assert "Advance             +9.0 months\n" in out
    assert out.count("Growth reference    Greulich-Pyle 1959") == 2
    assert "Brush Foundation" in out and "Tables V/VI" in out
    assert "Bayley-Pinneau 1952: 171.2 cm (67.4 in)" in out
    assert "Target height (Tanner 1970): 178.1 cm" in out
    assert out.endswith("Not a medical device. For research use.\n")


def test_json_holds_the_same(run):
    status, out, _ = run(*A_BOY, "--height", "60in", "--json")
    found = json.loads(out)
    assert status == 0
    assert (found["sex"], found["bone_age_months"], found["advance_months"]) == ("male", 159.0, 9.0)
    assert [score["verdict"] for score in found["scores"]] == ["normal", "normal"]
    assert found["heights"] == {"height_cm": 152.4}
    assert found["adult_heights"][0]["cm"] == 171.2
    assert found["warnings"] == []


def test_without_heights_there_is_no_adult_height(run):
    assert "eight" not in run(*A_BOY)[1]
    assert "adult_heights" not in json.loads(run(*A_BOY, "--json")[1])


def test_references_that_contradict_each_other_are_warned_of(run):
    out = run("--sex", "male", "--bone-age", "141m", "--age", "10y")[1]
    assert "Warning: The verdict depends on the growth reference: advanced (SDS +2.15)" in out


def test_an_age_outside_the_references_is_said_and_the_rest_given(run):
    status, out, _ = run("--sex", "female", "--bone-age", "16y", "--age", "18y", "--height", "165cm")
    assert status == 0
    assert out.count("Warning: No SDS: the growth reference") == 2
    assert "Bayley-Pinneau 1952: 165.3 cm" in out


def test_a_bone_age_outside_the_table_of_adult_heights_is_said(run):
    status, out, _ = run("--sex", "male", "--bone-age", "13y1m", "--age", "15y", "--height", "150cm")
    assert status == 0
    assert "Bayley-Pinneau 1952: none\n                      outside the table" in out
    assert "6-0 to 13-0 years-months; this one is 13-1" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--bone-age", "13y", "--age", "13y"), "Missing option '--sex'"),
        (("--sex", "both", "--bone-age", "13y", "--age", "13y"), "Invalid value for '--sex'"),
        (("--sex", "male", "--age", "13y"), "Missing option '--bone-age'"),
        (("--sex", "male", "--bone-age", "13y"), "Missing option '--age'"),
        (("--sex", "male", "--bone-age", "13", "--age", "13y"), "with its unit"),
        (("--sex", "male", "--bone-age", "nan", "--age", "13y"), "with its unit"),
        (("--sex", "male", "--bone-age", "-13y", "--age", "13y"), "with its unit"),
        (("--sex", "male", "--bone-age", "19y1m", "--age", "18y"), "a bone age of 0 to 228 months, where the atlas"),
        (("--sex", "female", "--bone-age", "18y1m", "--age", "18y"), "a bone age of 0 to 216 months, where the atlas"),
        (("--sex", "male", "--bone-age", "13y", "--age", "30y"), "chronological age of 0 to 300 months"),
        ((*A_BOY, "--height", "60cm"), "Expected a height of 76 to 230 cm at 12.5 years"),
        ((*A_BOY, "--height", "-150cm"), "with its unit"),
        ((*A_BOY, "--mother-height", "1.65"), "with its unit"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(run, arguments, expected):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert expected in err
