"""`boneage course`: bone ages of one child from tables and from what `boneage assess --json` wrote."""

import json

import fake_models
import pytest
from fake_models import NO_HAND_COLUMNS, a_png

from boneage import cli


@pytest.fixture
def run(capsys):
    """Return a function that runs `boneage` and gives (exit status, stdout, stderr)."""

    def boneage(*arguments):
        status = cli.main([*map(str, arguments)])
        return status, *capsys.readouterr()

    return boneage


@pytest.fixture
def assessed(run, monkeypatch, tmp_path):
    """Return a function that assesses a radiograph with stand-ins for the models and keeps its JSON."""
    fake_models.install(monkeypatch)

    def assess(name, bone_age, *options):
        out = run("assess", a_png(tmp_path / f"{name}.png", columns=bone_age), "--json", *options)[1]
        file = tmp_path / f"{name}.json"
        file.write_text(out)
        return file

    return assess


def a_table(folder, *rows, header="chronological_age_months,bone_age_months,sd"):
    path = folder / "child.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_assessments_of_one_child_make_a_course(run, assessed):
    files = [
        assessed("later", 126, "--sex", "male", "--age", "11y"),
        assessed("first", 96, "--sex", "male", "--age", "9y"),
    ]
    status, out, err = run("course", *files)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Sex: male. Growth reference: Greulich-Pyle 1959, Brush Foundation")
    start = next(number for number, line in enumerate(lines) if line.startswith("9 years 0 months"))
    assert lines[start].split()[4:11] == ["8", "years", "0", "months", "±", "6", "months"]
    assert "-12" in lines[start]
    assert lines[start + 1].startswith("11 years 0 months") and lines[start + 1].endswith("1.25 ± 0.35")


def test_json_holds_points_and_intervals(run, tmp_path):
    status, out, _ = run("course", a_table(tmp_path, "132,126,8", "96,84,6", "108,90,8"), "--sex", "male", "--json")
    found = json.loads(out)
    assert status == 0
    assert [point["chronological_age_months"] for point in found["points"]] == [96, 108, 132]
    assert [point["advance_months"] for point in found["points"]] == [-12, -18, -6]
    assert [interval["velocity"] for interval in found["intervals"]] == [0.5, 1.5]
    assert found["intervals"][0]["velocity_sd"] == 0.833
    assert found["overall"] == {"from_age_months": 96, "to_age_months": 132, "velocity": 1.167, "velocity_sd": 0.278}
    assert found["growth_reference"].startswith("Greulich-Pyle 1959")


def test_text_gives_the_velocity_over_all_where_there_are_several(run, tmp_path):
    table = a_table(tmp_path, "132,126,8", "96,84,6", "108,90,8")
    assert "Velocity from the first to the last: 1.17 ± 0.28\n" in run("course", table, "--sex", "male")[1]


def test_a_table_may_give_sex_and_no_sd_and_use_semicolons_and_decimal_commas(run, tmp_path):
    header = "chronological_age_months;bone_age_months;sex"
    status, out, _ = run("course", a_table(tmp_path, "96,5;84;F", "120,5;110,25;f", header=header), "--json")
    found = json.loads(out)
    assert (status, found["sex"]) == (0, "female")
    assert found["points"][0]["bone_age_sd_months"] is None
    assert (found["intervals"][0]["velocity"], found["intervals"][0]["velocity_sd"]) == (1.094, None)


def test_a_list_of_assessments_is_read_and_its_errors_are_told(run, assessed, tmp_path):
    a_png(tmp_path / "in" / "a.png", columns=96)
    a_png(tmp_path / "in" / "b.png", columns=NO_HAND_COLUMNS)
    table = tmp_path / "list.csv"
    table.write_text("path,sex,chronological_age_months\nin/a.png,M,100\nin/b.png,M,112\n")
    several = tmp_path / "several.json"
    several.write_text(run("assess", table, "--json")[1])
    status, out, err = run("course", several, assessed("c", 120, "--sex", "male", "--age", "124m"), "--json")
    assert status == 1
    assert [point["bone_age_months"] for point in json.loads(out)["points"]] == [96, 120]
    assert f"{several}, number 2: was not assessed: it holds an error" in err


def test_the_plot_is_written(run, tmp_path):
    table = a_table(tmp_path, "96,84,6", "120,110,6")
    assert run("course", table, "--sex", "female", "--plot", tmp_path / "course.png")[0] == 0
    assert (tmp_path / "course.png").read_bytes().startswith(b"\x89PNG")


def test_radiographs_of_different_sexes_are_refused(run, assessed):
    files = [assessed("a", 96, "--sex", "male", "--age", "9y"), assessed("b", 120, "--sex", "female", "--age", "10y")]
    status, out, err = run("course", *files)
    assert (status, out) == (2, "")
    assert f"these are of both sexes: {files[0]} male, {files[1]} female" in err
    assert f"Expected bone ages of one female child; {files[0]} is male" in run("course", *files, "--sex", "female")[2]


def test_a_radiograph_assessed_for_both_sexes_takes_that_of_the_others_or_of_the_option(run, assessed):
    both = assessed("a", 96, "--sex", "both", "--age", "9y")
    girl = assessed("b", 120, "--sex", "female", "--age", "10y")
    assert json.loads(run("course", both, girl, "--json")[1])["sex"] == "female"
    assert json.loads(run("course", both, "--sex", "male", "--json")[1])["sex"] == "male"
    status, _, err = run("course", both)
    assert status == 2
    assert "The child's sex is not known." in err and "--sex female or --sex male" in err


def test_a_missing_sex_is_asked_for(run, tmp_path):
    status, out, err = run("course", a_table(tmp_path, "96,84,6"))
    assert (status, out) == (2, "")
    assert "The child's sex is not known." in err


def test_an_assessment_without_an_age_is_told_and_the_others_go_on(run, assessed):
    without = assessed("a", 96, "--sex", "male")
    status, out, err = run("course", without, assessed("b", 120, "--sex", "male", "--age", "10y"))
    assert status == 1
    assert f"{without}: has no chronological age: assess it with --age" in err
    assert "10 years 0 months" in out
    assert "No bone age with a chronological age" in run("course", without)[2]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("abc,84,6", "chronological_age_months as a number"),
        ("-1,84,6", "chronological age of 0 to 300 months"),
        ("nan,84,6", "chronological age of 0 to 300 months"),
        ("400,84,6", "chronological age of 0 to 300 months"),
        ("96,,6", "bone_age_months as a number"),
        ("96,240,6", "a bone age of 0 to 228 months, where the atlas"),
        ("96,nan,6", "a bone age of 0 to 228 months"),
        ("96,-3,6", "a bone age of 0 to 228 months"),
        ("96,84,-6", "an SD of a bone age of 0 to 60 months"),
        ("96,84,nan", "an SD of a bone age of 0 to 60 months"),
        ("96,84", "has 2 cells; the header has 3"),
    ],
)
def test_a_bad_row_is_told_with_its_number_and_the_others_go_on(run, tmp_path, row, problem):
    status, out, err = run("course", a_table(tmp_path, "120,110,6", row), "--sex", "male", "--json")
    assert status == 1
    assert "child.csv, row 3: " in err and problem in err
    assert len(json.loads(out)["points"]) == 1


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "age,bone age\n1,2\n", "line of column names"),
        ("a.csv", "", "it starts with: nothing"),
        ("a.csv", "bone_age_months,bone_age_months,chronological_age_months\n1,2,3\n", "each once"),
        ("a.json", "{", "cannot be read as JSON"),
        ("a.png", "\x00", "cannot be read as JSON"),
        ("a.json", "[1, {}]", "number 2: is not what `boneage assess --json` writes"),
        ("a.json", '{"estimates": [{}], "chronological_age_months": 90}', "is not what `boneage assess --json` writes"),
        (
            "a.json",
            '{"chronological_age_months": 90, "estimates": [{"sex": "male", "bone_age_months": NaN, '
            '"bone_age_sd_months": 6}]}',
            "a bone age of 0 to 240 months; got nan",
        ),
    ],
)
def test_a_file_that_is_neither_is_refused(run, tmp_path, name, content, expected):
    (tmp_path / name).write_text(content)
    status, out, err = run("course", tmp_path / name, "--sex", "male")
    assert (status, out) == (2, "")
    assert expected in err
