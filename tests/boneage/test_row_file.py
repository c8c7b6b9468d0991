"""A CSV file that is valid at every moment."""

import subprocess
import sys
from pathlib import Path

import pytest

from boneage.errors import InvalidInput, OutputFailed
from boneage.row_file import RowFile

COLUMNS = ("path", "note")


def test_rows_are_in_the_file_as_soon_as_they_are_appended(tmp_path):
    with RowFile(tmp_path / "out.csv", COLUMNS) as file:
        file.append([{"path": "a", "note": 'x, "y"'}])
        assert (tmp_path / "out.csv").read_text() == 'path,note\na,"x, ""y"""\n'


def test_a_line_break_in_a_cell_does_not_break_the_row(tmp_path):
    with RowFile(tmp_path / "out.csv", COLUMNS) as file:
        file.append([{"path": "a\nb", "note": "one\r\ntwo\u2028three"}])
    assert (tmp_path / "out.csv").read_text() == "path,note\na b,one two three\n"


def test_rows_of_an_earlier_run_are_not_overwritten_by_mistake(tmp_path):
    (tmp_path / "out.csv").write_text("path,note\na,1\n")
    with pytest.raises(InvalidInput, match=r"already holds 1 rows.*--resume"):
        RowFile(tmp_path / "out.csv", COLUMNS)
    assert (tmp_path / "out.csv").read_text() == "path,note\na,1\n"


def test_resuming_goes_on_after_the_last_whole_row(tmp_path):
    (tmp_path / "out.csv").write_text("path,note\na,1\nhalf a r")
    with RowFile(tmp_path / "out.csv", COLUMNS, resume=True) as file:
        assert file.earlier_rows == [{"path": "a", "note": "1"}]
        file.append([{"path": "b", "note": "2"}])
        assert [row["path"] for row in file.rows()] == ["a", "b"]
    assert (tmp_path / "out.csv").read_text() == "path,note\na,1\nb,2\n"


@pytest.mark.parametrize("content", [b"id,boneage\n1,2\n", b"\x89PNG\r\n\x1a\n\x00\xff", b"path"])
@pytest.mark.parametrize("resume", [True, False])
def test_a_file_of_another_kind_is_never_touched(tmp_path, content, resume):
    (tmp_path / "out.csv").write_bytes(content)
    with pytest.raises(InvalidInput):
        RowFile(tmp_path / "out.csv", COLUMNS, resume)
    assert (tmp_path / "out.csv").read_bytes() == content


def test_a_missing_folder_is_an_error_in_our_words(tmp_path):
    with pytest.raises(OutputFailed, match="No such file"):
        RowFile(tmp_path / "missing" / "out.csv", COLUMNS)


def test_a_device_without_space_is_an_error_in_our_words():
    with pytest.raises(OutputFailed, match="No space left"):
        RowFile(Path("/dev/full"), COLUMNS)


FULL_DISK = """
import resource, sys
from pathlib import Path
from boneage.errors import OutputFailed
from boneage.row_file import RowFile
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
with RowFile(Path(sys.argv[1]), ("path", "note")) as file:
    try:
        for number in range(100):
            file.append([{"path": number, "note": "x" * 20}, {"path": number, "note": "second row"}])
    except OutputFailed as error:
        print(error.message)
"""


def test_a_disk_that_fills_up_leaves_no_half_row_and_no_half_group(tmp_path):
    run = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path / "out.csv"], capture_output=True, text=True)
    assert "Cannot write" in run.stdout, run.stderr
    lines = (tmp_path / "out.csv").read_text().split("\n")
    assert lines[-1] == ""
    assert len(lines[1:-1]) == 4
    assert all(line.endswith("second row") for line in lines[2:-1:2])
