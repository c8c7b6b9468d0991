"""`boneage assess --ray` on two real workers of this machine, with stand-ins for the models only."""

import csv
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import fake_models
import pytest
from fake_models import FAULTY_COLUMNS, NAME_IN_FILE, NO_HAND_COLUMNS, a_png

from boneage import assess_cluster, cli

HERE = Path(__file__).parent
DEADLY_COLUMNS, DEADLY_ONCE_COLUMNS = 211, 212  # radiographs that take their worker along


class MortalWorker(assess_cluster.Worker):
    """A worker as it is, with stand-ins for the models, that some radiographs kill."""

    def __init__(self, request, models_dir):
        from boneage import assessment

        fake_models.install()
        fake_assess = assessment.assess

        def assess(radiograph, *rest, **options):
            columns, mark = radiograph.pixels.shape[1], radiograph.source.with_suffix(".died")
            if columns == DEADLY_COLUMNS or (columns == DEADLY_ONCE_COLUMNS and not mark.exists()):
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return fake_assess(radiograph, *rest, **options)

        assessment.assess = assess
        super().__init__(request, models_dir)


class BrokenWorker(assess_cluster.Worker):
    """A worker on a machine without the models."""

    def __init__(self, request, models_dir):
        super().__init__(request, Path("/nowhere"))


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs `boneage assess --ray local` with two workers and gives (status, stderr)."""
    if find_spec("ray") is None:
        pytest.skip("needs the extra 'cluster': pip install -e '.[cluster]'")
    monkeypatch.setattr(assess_cluster, "RETRIES", 1)
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]))

    def assess(*words, worker=MortalWorker):
        monkeypatch.setattr(assess_cluster, "Worker", worker)
        status = cli.main(["assess", *map(str, words), "--ray", "local", "--workers", "2", "--sex", "male"])
        return status, capsys.readouterr().err

    return assess


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["path"]: row for row in csv.DictReader(file)}


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_every_radiograph_has_one_row_whatever_becomes_of_the_workers(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    columns = dict.fromkeys(range(100, 112), "") | {
        NO_HAND_COLUMNS: "no_hand",
        FAULTY_COLUMNS: "internal",
        DEADLY_COLUMNS: "worker_lost",
        DEADLY_ONCE_COLUMNS: "",
    }
    for number in columns:
        a_png(Path("archive", f"{number}.png"), columns=number)
    status, err = run("archive", "--csv", "out.csv")
    rows = rows_of("out.csv")
    assert len(lines_of(tmp_path / "out.csv")) == len(columns) + 1
    assert {path: row["error_kind"] for path, row in rows.items()} == {
        f"archive/{number}.png": kind for number, kind in columns.items()
    }
    for number, kind in columns.items():
        assert rows[f"archive/{number}.png"]["bone_age_months"] == ("" if kind else f"{number}.00")
    assert status == 1
    assert "13 assessed, 3 failed; rows in out.csv." in err
    assert "archive/211.png: Every worker that began with this radiograph died." in err
    assert NAME_IN_FILE not in err + (tmp_path / "out.csv").read_text()

    before = lines_of(tmp_path / "out.csv")
    (tmp_path / "out.csv").write_text("\n".join(before[:6]) + "\narchive/")  # as a killed driver leaves it
    (tmp_path / "archive" / f"{DEADLY_COLUMNS}.png").unlink()
    run("archive", "--csv", "out.csv", "--resume")
    after = lines_of(tmp_path / "out.csv")
    assert after[:6] == before[:6]
    assert sorted(line.split(",")[0] for line in after) == sorted(
        line.split(",")[0] for line in before if str(DEADLY_COLUMNS) not in line.split(",")[0]
    )


@pytest.mark.slow
def test_workers_that_cannot_load_the_models_end_the_run_and_say_why(run, tmp_path):
    status, err = run(a_png(tmp_path / "a.png"), "--csv", tmp_path / "out.csv", worker=BrokenWorker)
    assert status == 2
    assert "workers of the cluster cannot go on" in err and "/nowhere" in err


def test_without_ray_the_command_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = [a_png(tmp_path / "a.png"), "--csv", tmp_path / "out.csv", "--ray", "auto"]
    assert cli.main(["assess", *map(str, words)]) == 2
    assert "pip install 'boneage[cluster]'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--csv", "out.csv", "--json"), ("--csv", "out.csv", "--picture", "pictures")])
def test_a_cluster_writes_a_csv_file_and_nothing_else(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["assess", str(a_png(tmp_path / "a.png")), "--ray", "local", *words]) == 2
    assert "--csv" in capsys.readouterr().err


def test_a_ray_client_is_refused_in_words(tmp_path, capsys):
    words = [a_png(tmp_path / "a.png"), "--csv", tmp_path / "out.csv", "--ray", "ray://head:10001"]
    assert cli.main(["assess", *map(str, words)]) == 2
    assert "--ray auto" in capsys.readouterr().err
