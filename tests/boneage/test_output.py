"""Files are written whole or not at all."""

import errno
import os
import re

import pytest

from boneage.errors import OutputFailed
from boneage.output import write_atomically


def test_file_appears_only_when_it_is_whole(tmp_path):
    path = tmp_path / "report.json"
    with write_atomically(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".json")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), write_atomically(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_told_with_the_path_and_the_reason(tmp_path):
    path = tmp_path / "report.json"
    reason = re.escape(f"{path}: No space left on device.")
    with pytest.raises(OutputFailed, match=reason), write_atomically(path) as temporary:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(temporary))
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_told(tmp_path):
    path = tmp_path / "missing" / "report.json"
    with pytest.raises(OutputFailed, match="No such file or directory"), write_atomically(path) as temporary:
        temporary.write_text("text")


def test_folder_in_the_way_is_told_and_kept(tmp_path):
    path = tmp_path / "report.json"
    path.mkdir()
    with pytest.raises(OutputFailed, match="directory"), write_atomically(path) as temporary:
        temporary.write_text("text")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputFailed, match="Permission denied"), write_atomically(tmp_path / "a.txt") as temporary:
        temporary.write_text("text")


def test_symbolic_link_stays_and_its_file_is_replaced(tmp_path):
    file, link = tmp_path / "file.txt", tmp_path / "link.txt"
    file.write_text("old")
    link.symlink_to(file)
    with write_atomically(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_a_device_is_written_to_directly():
    with write_atomically(os.devnull) as temporary:
        assert str(temporary) == os.devnull
        temporary.write_text("gone")


def test_new_file_is_readable_as_any_other_new_file(tmp_path):
    (tmp_path / "other").touch()
    with write_atomically(tmp_path / "new") as temporary:
        temporary.touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode
