"""`boneage assess`, with stand-ins for the models only."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_models
import pytest
from fake_models import FAULTY_COLUMNS, NO_HAND_COLUMNS, a_png

from boneage import cli
from boneage.input_table import Input
from boneage.inputs import picture_names

HERE = Path(__file__).parent


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs `boneage assess` and gives (exit status, stdout, stderr)."""
    fake_models.install(monkeypatch)

    def assess(*arguments):
        status = cli.main(["assess", *map(str, arguments)])
        return status, *capsys.readouterr()

    return assess


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def a_table(folder, text, name="list.csv", encoding="utf-8"):
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


# One radiograph


def test_one_file_gives_a_report(run, tmp_path):
    status, out, err = run(a_png(tmp_path / "a.png", columns=126), "--sex", "male")
    assert (status, err) == (0, "")
    assert "10 years 6 months (126.0 months)" in out
    assert "male (from option)" in out


def test_one_file_without_a_sex_is_refused_instead_of_guessed(run, tmp_path):
    status, out, err = run(a_png(tmp_path / "a.png"))
    assert (status, out) == (2, "")
    assert "Error: The radiograph does not say the child's sex.\n" in err


def test_a_person_at_the_terminal_is_asked_for_the_sex(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: "female")
    status, out, _ = run(a_png(tmp_path / "a.png"))
    assert status == 0
    assert "female (from option)" in out


def test_both_sexes_give_two_bone_ages(run, tmp_path):
    status, out, _ = run(a_png(tmp_path / "a.png"), "--sex", "both", "--json")
    assert status == 0
    assert [estimate["sex"] for estimate in json.loads(out)["estimates"]] == ["female", "male"]


def test_json_of_one_file_is_one_object_with_its_path(run, tmp_path):
    status, out, _ = run(a_png(tmp_path / "a.png"), "--sex", "female", "--json", "--age", "10y6m")
    report = json.loads(out)
    assert status == 0
    assert report["path"] == str(tmp_path / "a.png")
    assert (report["chronological_age_months"], report["chronological_age_source"]) == (126.0, "option")


def test_json_of_a_failed_file_says_why_on_both_channels(run, tmp_path):
    status, out, err = run(a_png(tmp_path / "a.png", NO_HAND_COLUMNS), "--sex", "female", "--json")
    assert status == 2
    assert json.loads(out)["error"]["kind"] == "no_hand"
    assert "Draw the box by hand." in err


@pytest.mark.parametrize(
    ("words", "months"),
    [("10.5y", 126), ("126m", 126), ("10y6m", 126), ("10Y 6M", 126), ("0m", 0), ("6.5m", 6.5)],
)
def test_ages_are_read_with_their_unit(run, tmp_path, words, months):
    _, out, _ = run(a_png(tmp_path / "a.png"), "--sex", "male", "--json", "--age", words)
    assert json.loads(out)["chronological_age_months"] == months


@pytest.mark.parametrize("words", ["10", "10.5", "", "y", "ten years", "10y14m", "-3y", "300y", "6m10y", "nany"])
def test_ages_that_could_mean_anything_are_refused(run, tmp_path, words):
    status, out, err = run(a_png(tmp_path / "a.png"), "--sex", "male", "--age", words)
    assert (status, out) == (2, "")
    assert "Expected" in err


def test_a_birth_date_gives_the_age_and_is_repeated_nowhere(run, tmp_path):
    dates = ("--birth-date", "2010-01-01", "--acquisition-date", "2020-07-02")
    _, out, err = run(a_png(tmp_path / "a.png"), "--sex", "male", "--json", *dates)
    assert json.loads(out)["chronological_age_months"] == pytest.approx(126, abs=0.1)
    assert "2010" not in out + err


def test_a_birth_date_without_an_acquisition_date_asks_for_it(run, tmp_path):
    status, _, err = run(a_png(tmp_path / "a.png"), "--sex", "male", "--birth-date", "2010-01-01")
    assert status == 2
    assert "--acquisition-date" in err


def test_a_birth_date_after_the_exposure_is_refused_without_repeating_it(run, tmp_path):
    dates = ("--birth-date", "2021-03-04", "--acquisition-date", "2020-07-02")
    status, _, err = run(a_png(tmp_path / "a.png"), "--sex", "male", *dates)
    assert status == 2
    assert "before the birth date" in err
    assert "2021" not in err


def test_the_hand_box_reaches_the_assessment(run, tmp_path):
    _, out, _ = run(a_png(tmp_path / "a.png"), "--sex", "male", "--json", "--hand-box", "1,2,30.5,40")
    assert json.loads(out)["hand"]["box_px"] == {"left": 1, "top": 2, "right": 30.5, "bottom": 40}


@pytest.mark.parametrize("words", ["1,2,3", "5,2,3,9", "a,b,c,d", "1,2,inf,4", "-1,2,3,4"])
def test_a_hand_box_that_is_no_box_is_refused(run, tmp_path, words):
    assert run(a_png(tmp_path / "a.png"), "--sex", "male", "--hand-box", words)[0] == 2


def test_the_growth_reference_reaches_the_assessment(run, tmp_path):
    _, out, _ = run(a_png(tmp_path / "a.png"), "--sex", "male", "--growth-reference", "tables-v-vi")
    assert "Growth reference tables-v-vi." in out


def test_the_picture_is_drawn_where_it_was_asked_for(run, tmp_path):
    assert run(a_png(tmp_path / "a.png"), "--sex", "male", "--picture", tmp_path / "finding.png")[0] == 0
    assert (tmp_path / "finding.png").stat().st_size > 1000


@pytest.mark.parametrize("picture", ["a.png", "."])
def test_a_picture_never_replaces_the_radiograph(run, tmp_path, picture):
    radiograph = a_png(tmp_path / "a.png")
    before = radiograph.read_bytes()
    status, _, err = run(radiograph, "--sex", "male", "--picture", tmp_path / picture)
    assert status == 2
    assert "would replace a radiograph" in err
    assert radiograph.read_bytes() == before


@pytest.mark.parametrize("option", [("--age", "10y"), ("--hand-box", "1,2,3,4"), ("--acquisition-date", "2020-01-01")])
def test_what_is_true_of_one_radiograph_is_refused_for_several(run, tmp_path, option):
    a_png(tmp_path / "a.png")
    status, _, err = run(tmp_path, "--sex", "male", *option)
    assert status == 2
    assert option[0] in err


# Folders


def test_a_folder_is_searched_in_sorted_order_and_a_bad_file_is_skipped(run, tmp_path):
    a_png(tmp_path / "b" / "2.png", columns=140)
    a_png(tmp_path / "b" / "1.png", columns=NO_HAND_COLUMNS)
    a_png(tmp_path / "a.png", columns=130)
    (tmp_path / "notes.txt").write_text("not a radiograph")
    (tmp_path / "broken.png").write_bytes(b"not a png")
    out_csv = tmp_path / "out.csv"
    status, out, err = run(tmp_path, "--sex", "female", "--csv", out_csv)
    assert (status, out) == (1, "")
    rows = rows_of(out_csv)
    assert [Path(row["path"]).relative_to(tmp_path).as_posix() for row in rows] == [
        "a.png",
        "broken.png",
        "b/1.png",
        "b/2.png",
    ]
    assert [row["error_kind"] for row in rows] == ["", "unreadable", "no_hand", ""]
    assert [row["bone_age_months"] for row in rows] == ["130.00", "", "", "140.00"]
    assert "2 assessed, 2 failed" in err


def test_a_fault_of_the_program_in_one_file_does_not_stop_the_others(run, tmp_path):
    a_png(tmp_path / "a.png", columns=FAULTY_COLUMNS)
    a_png(tmp_path / "b.png", columns=130)
    status, out, err = run(tmp_path, "--sex", "female", "--json")
    failed, good = json.loads(out)
    assert status == 1
    assert (failed["error"]["kind"], good["estimates"][0]["bone_age_months"]) == ("internal", 130)
    assert "RuntimeError" in err
    assert "Jane" not in out + err


def test_verbose_says_where_the_fault_was_but_not_what_the_file_held(tmp_path):
    a_png(tmp_path / "a.png", columns=FAULTY_COLUMNS)
    run = run_process(tmp_path, "--sex", "female", "--verbose")
    _, err = run.communicate(timeout=60)
    assert "in fake_assess" in err
    assert "Jane" not in err


def test_a_folder_in_which_everything_fails_gives_status_2(run, tmp_path):
    a_png(tmp_path / "a.png", columns=NO_HAND_COLUMNS)
    assert run(tmp_path, "--sex", "female")[0] == 2


def test_an_empty_folder_is_a_clear_error(run, tmp_path):
    status, _, err = run(tmp_path, "--sex", "female")
    assert status == 2
    assert "No radiograph in" in err


def test_a_folder_that_cannot_be_listed_is_reported_and_the_others_go_on(run, tmp_path, monkeypatch):
    a_png(tmp_path / "a.png")
    a_png(tmp_path / "locked" / "b.png")
    listdir = os.scandir

    def scandir(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listdir(path)

    monkeypatch.setattr("os.scandir", scandir)
    status, _, err = run(tmp_path, "--sex", "female")
    assert status == 1
    assert "cannot be listed: Permission denied" in err


def test_pictures_of_files_with_one_name_do_not_overwrite_each_other(run, tmp_path):
    for place in ("x/1.png", "y/1.png", "y/1.PNG.png", "X-1.png"):
        a_png(tmp_path / "in" / place)
    assert run(tmp_path / "in", "--sex", "female", "--picture", tmp_path / "out")[0] == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 4


def test_picture_names_differ_even_where_case_does_not_count():
    paths = ["a/1.png", "b/1.png", "B/1.png", "b-1.png", "c/1.2.840.dcm", "c/x.nii.gz"]
    names = picture_names([Input(Path(path)) for path in paths])
    assert names == ["1.png", "b-1.png", "B-1-2.png", "-b-1.png", "1.2.840.png", "x.nii.png"]
    assert len({name.lower() for name in names}) == len(names)


def test_pictures_into_the_folder_of_the_radiographs_are_refused(run, tmp_path):
    before = a_png(tmp_path / "a.png").read_bytes()
    assert run(tmp_path, "--sex", "female", "--picture", tmp_path)[0] == 2
    assert (tmp_path / "a.png").read_bytes() == before


def test_lines_on_stdout_name_the_file_the_age_and_the_sex(run, tmp_path):
    files = [a_png(tmp_path / "b.png", columns=120), a_png(tmp_path / "a.png", columns=132)]
    status, out, _ = run(*files, "--sex", "both")
    lines = out.splitlines()
    assert status == 0
    assert [line.split(":")[0] for line in lines] == [str(files[0])] * 2 + [str(files[1])] * 2
    assert "10 years 0 months" in lines[0] and "female" in lines[0] and ", male" in lines[1]


# Tables


def test_a_table_gives_sex_and_age_in_any_order_with_a_byte_order_mark(run, tmp_path):
    a_png(tmp_path / "images" / "a.png")
    table = a_table(tmp_path, "Chronological_Age_Months;path;sex\n126,5;images/a.png;F\n", encoding="utf-8-sig")
    status, out, _ = run(table, "--json")
    [report] = json.loads(out)
    assert (status, report["sex"], report["sex_source"]) == (0, "female", "table")
    assert (report["chronological_age_months"], report["chronological_age_source"]) == (126.5, "table")
    assert report["path"] == str(tmp_path / "images" / "a.png")


def a_parquet_table(folder, **columns):
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra 'cluster': pip install -e '.[cluster]'")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), folder / "list.parquet")
    return folder / "list.parquet"


def test_a_table_in_parquet_is_read_as_one_in_csv(run, tmp_path):
    for name in "ab":
        a_png(tmp_path / "images" / f"{name}.png")
    table = a_parquet_table(
        tmp_path,
        sex=["F", None, "girl"],
        path=["images/a.png", "images/b.png", "images/c.png"],
        chronological_age_months=[126.5, None, 120.0],
        ward=[1, 2, 3],
    )
    _, out, err = run(table, "--json", "--sex", "male")
    first, second, third = json.loads(out)
    assert (first["path"], first["chronological_age_months"]) == (str(tmp_path / "images" / "a.png"), 126.5)
    assert (second["sex_source"], second["chronological_age_months"]) == ("option", None)
    assert third["error"]["message"].startswith("Row 4: ")
    assert "columns without a meaning here: ward" in err


@pytest.mark.parametrize("content", [b"", b"path,sex\n", b"PAR1 and nothing else PAR1"])
def test_a_parquet_table_that_is_none_is_a_clear_error(run, tmp_path, content):
    pytest.importorskip("pyarrow", reason="needs the extra 'cluster': pip install -e '.[cluster]'")
    (tmp_path / "list.parquet").write_bytes(content)
    status, _, err = run(tmp_path / "list.parquet")
    assert status == 2
    assert err.startswith("Error: ") and "cannot be read as a Parquet table" in err


def test_a_parquet_table_without_pyarrow_says_how_to_install_it(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "list.parquet").write_bytes(b"PAR1")
    status, _, err = run(tmp_path / "list.parquet")
    assert status == 2
    assert "pip install 'boneage[cluster]'" in err


def test_options_beat_the_table(run, tmp_path):
    a_png(tmp_path / "a.png")
    _, out, _ = run(a_table(tmp_path, "path,sex\na.png,F\n"), "--sex", "male", "--json")
    assert (json.loads(out)[0]["sex"], json.loads(out)[0]["sex_source"]) == ("male", "option")


def test_bad_rows_are_reported_by_their_number_and_the_others_go_on(run, tmp_path):
    a_png(tmp_path / "a.png")
    table = a_table(
        tmp_path,
        "path,sex,chronological_age_months\n"
        "a.png,female,126\n"
        "b.png,girl,126\n"
        "\n"
        "c.png,male,ten\n"
        "d.png,male\n"
        ",male,120\n"
        "a.png,male,120\n"
        "gone.png,male,120\n"
        "e.png,male,999\n",
    )
    status, _, _ = run(table, "--csv", tmp_path / "out.csv")
    rows = rows_of(tmp_path / "out.csv")
    assert status == 1
    assert [row["error_kind"] for row in rows] == ["", *["invalid_input"] * 5, "unreadable", "invalid_input"]
    messages = [row["error_message"] for row in rows]
    for message, number in zip(messages[1:6] + messages[7:], (3, 5, 6, 7, 8, 10), strict=True):
        assert f"Row {number}" in message
    assert "same file as row 2" in messages[5]


def test_a_table_without_paths_says_what_was_expected_and_what_came(run, tmp_path):
    status, _, err = run(a_table(tmp_path, "file,gender\na.png,F\n"))
    assert status == 2
    assert "path, sex, chronological_age_months" in err
    assert "file, gender" in err


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"path,path\n1,2\n"])
def test_a_table_that_is_none_is_a_clear_error(run, tmp_path, content):
    (tmp_path / "list.csv").write_bytes(content)
    status, _, err = run(tmp_path / "list.csv")
    assert status == 2
    assert err.startswith("Error: ")


def test_a_misspelt_column_gets_a_word(run, tmp_path):
    a_png(tmp_path / "a.png")
    _, _, err = run(a_table(tmp_path, "path,sex,age\na.png,F,120\n"))
    assert "columns without a meaning here: age" in err


# Interrupted, killed, resumed


def run_process(*arguments, seconds=0.0):
    """Start the command line with stand-ins for the models that take `seconds` a radiograph."""
    imports = "import sys, fake_models; from boneage import cli"
    code = f"{imports}; fake_models.install(None, {seconds}); sys.exit(cli.main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", code, "assess", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_rows(path, count):
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_text().count("\n") <= count:
        assert time.monotonic() < deadline, "no rows came"
        time.sleep(0.02)


@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_stopped_run_keeps_its_rows_and_goes_on_later(run, tmp_path, how, status):
    for number in range(40):
        a_png(tmp_path / "in" / f"{number:02}.png", columns=120 + number)
    out_csv = tmp_path / "out.csv"
    process = run_process(tmp_path / "in", "--sex", "male", "--csv", out_csv, seconds=0.1)
    wait_for_rows(out_csv, 3)
    process.send_signal(how)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    kept = rows_of(out_csv)
    assert 3 <= len(kept) < 40
    if how is signal.SIGINT:
        assert "--resume goes on" in err
        assert "Traceback" not in err

    assert run(tmp_path / "in", "--sex", "male", "--csv", out_csv)[0] == 2
    assert rows_of(out_csv) == kept
    resumed, _, err = run(tmp_path / "in", "--sex", "male", "--csv", out_csv, "--resume")
    assert resumed == 0
    assert [row["bone_age_months"] for row in rows_of(out_csv)] == [f"{120 + number}.00" for number in range(40)]
    assert rows_of(out_csv)[: len(kept)] == kept
    assert "40 assessed, 0 failed" in err


def test_resuming_counts_what_failed_before(run, tmp_path):
    a_png(tmp_path / "a.png", columns=NO_HAND_COLUMNS)
    arguments = (tmp_path, "--sex", "both", "--csv", tmp_path / "out.csv", "--resume")
    assert run(*arguments)[0] == 2
    a_png(tmp_path / "b.png")
    status, _, err = run(*arguments)
    assert status == 1
    assert "1 assessed, 1 failed" in err
    assert "1 assessed, 1 failed" in run(*arguments)[2]
    assert len(rows_of(tmp_path / "out.csv")) == 3


def test_json_stays_one_document_when_interrupted(tmp_path):
    for number in range(40):
        a_png(tmp_path / f"{number:02}.png")
    process = run_process(tmp_path, "--sex", "male", "--json", "--csv", tmp_path / "out.csv", seconds=0.1)
    wait_for_rows(tmp_path / "out.csv", 3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert 2 <= len(json.loads(out)) < 40  # the third row is in the table a moment before it is in the document


def test_a_full_disk_is_an_error_in_our_words(run, tmp_path):
    a_png(tmp_path / "a.png")
    status, _, err = run(tmp_path, "--sex", "male", "--csv", "/dev/full")
    assert status == 2
    assert "Cannot write /dev/full: No space left on device" in err


def test_resume_without_a_csv_is_refused(run, tmp_path):
    a_png(tmp_path / "a.png")
    assert run(tmp_path, "--sex", "male", "--resume")[0] == 2
