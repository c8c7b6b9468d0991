"""Which version is live: one write decides, and a crash at any instant leaves a whole version live."""

import hashlib
import json
import subprocess
import sys

import pytest

from boneage.errors import InvalidInput, OutputFailed
from boneage.models import check_bundle, check_model
from boneage.registry import Action, Entry, history, live_bundle, promote, refuse, roll_back

MODEL = "hand_detector"
PROMOTE_AND_DIE = """
import sys
from pathlib import Path
from boneage.registry import Action, Entry, promote
import os
left = int(sys.argv[3])
WATCHED = ("open", "os.rename", "os.mkdir", "os.link", "os.remove", "os.rmdir", "shutil.copyfile", "shutil.copytree")
def die_in_time(event, _):
    global left
    if event in WATCHED:
        left -= 1
        if left == 0:
            os._exit(9)
entry = Entry(Action.PROMOTED, "hand_detector", "", "2.0.0", sys.argv[4], "", "a test")
sys.addaudithook(die_in_time)
promote(Path(sys.argv[1]), Path(sys.argv[2]), entry)
"""


def a_bundle(folder, version, content):
    for inner in ("configs", "models"):
        (folder / inner).mkdir(parents=True)
    (folder / "models" / "model.safetensors").write_bytes(content)
    card = {"version": version, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "configs" / "metadata.json").write_text(json.dumps(card))
    return folder


@pytest.fixture
def models(tmp_path):
    a_bundle(tmp_path / "models" / MODEL, "1.0.0", b"one")
    return tmp_path / "models"


@pytest.fixture
def put(tmp_path, models):
    """Promote a version whose weights are its own number."""

    def run(version):
        candidate = a_bundle(tmp_path / version, version, version.encode())
        return promote(candidate, models, an_entry(candidate))

    return run


def an_entry(bundle):
    model = check_bundle(MODEL, bundle)
    return Entry(Action.PROMOTED, MODEL, "", model.version, model.sha256, "", "a test", figures={"MAE": 8.0})


def live(models):
    return check_model(MODEL, models).version


def test_without_a_history_the_programs_own_version_is_live(models):
    assert live(models) == "1.0.0"
    assert history(models) == []


def test_a_promoted_version_is_live_and_the_own_one_stays_where_it_was(models, put):
    entry = put("2.0.0")
    assert live(models) == "2.0.0"
    assert check_bundle(MODEL, models / MODEL).version == "1.0.0"
    assert (entry.parent, entry.figures) == (MODEL, {"MAE": 8.0})
    assert history(models) == [entry]


def test_a_refused_version_is_written_down_and_changes_nothing(models, put, tmp_path):
    put("2.0.0")
    candidate = a_bundle(tmp_path / "worse", "3.0.0", b"worse")
    refuse(models, an_entry(candidate))
    assert live(models) == "2.0.0"
    assert [one.action for one in history(models)] == [Action.PROMOTED, Action.REFUSED]


def test_rolling_back_goes_one_version_back_each_time_until_the_programs_own(models, put):
    put("2.0.0")
    put("3.0.0")
    assert roll_back(models, MODEL, "a test", "Worse in use.").version == "2.0.0"
    assert live(models) == "2.0.0"
    roll_back(models, MODEL, "a test")
    assert live(models) == "1.0.0"
    with pytest.raises(InvalidInput, match="came with the program"):
        roll_back(models, MODEL, "a test")


def test_a_version_can_be_promoted_again_after_it_was_rolled_back(models, put, tmp_path):
    put("2.0.0")
    roll_back(models, MODEL, "a test")
    promote(tmp_path / "2.0.0", models, an_entry(tmp_path / "2.0.0"))
    assert live(models) == "2.0.0"
    roll_back(models, MODEL, "a test")
    assert live(models) == "1.0.0"


def test_a_version_whose_predecessor_is_gone_stays_live(models, put):
    put("2.0.0")
    put("3.0.0")
    (
        live_bundle(models, MODEL).parent / history(models)[0].bundle.rpartition("/")[2] / "configs/metadata.json"
    ).unlink()
    with pytest.raises(InvalidInput, match="gone or damaged"):
        roll_back(models, MODEL, "a test")
    assert live(models) == "3.0.0"


def test_a_history_cut_at_any_byte_leaves_a_whole_version_live(models, put):
    put("2.0.0")
    path = models / "registry" / "history.jsonl"
    first = path.read_bytes()
    put("3.0.0")
    whole = path.read_bytes()
    for end in range(len(first), len(whole) - 1):
        path.write_bytes(whole[:end])
        assert live(models) == ("2.0.0" if end < len(whole) - 1 else "3.0.0")
    path.write_bytes(whole[: len(first) + 40])
    put_again = an_entry(live_bundle(models, MODEL))
    assert promote(live_bundle(models, MODEL), models, put_again).version == "2.0.0"
    assert live(models) == "2.0.0"


def test_a_promotion_killed_at_each_step_leaves_a_whole_version_live(models, tmp_path):
    candidate = a_bundle(tmp_path / "new", "2.0.0", b"two")
    sha256 = hashlib.sha256(b"two").hexdigest()
    survivors = []
    for step in range(1, 200):
        done = subprocess.run([sys.executable, "-c", PROMOTE_AND_DIE, str(candidate), str(models), str(step), sha256])
        survivors.append(live(models))
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert len(survivors) > 10
    assert survivors == sorted(survivors)
    assert set(survivors) == {"1.0.0", "2.0.0"}


def test_a_full_disk_leaves_the_old_version_live(models, put, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("boneage.registry.os.fsync", full)
    with pytest.raises(OutputFailed, match=r"No space left.*old version stays live"):
        put("2.0.0")
    assert live(models) == "1.0.0"
