"""What is promoted is live from the next request on; what cannot be loaded leaves the old version at work."""

import shutil
import threading
from datetime import date
from pathlib import Path

import pytest

from boneage.errors import InvalidInput
from boneage.local_calibration import NAME as LOCAL
from boneage.local_calibration import Adjustment, FittedFor, LocalCalibration, roll_back_local, write_candidate
from boneage.models import check_bundle, check_model, models_folder
from boneage.registry import Action, Entry, history, promote, roll_back
from boneage.training.publish import amend_card
from boneage.types import Sex
from monailabel_app import live_models
from monailabel_app.live_models import LiveModels
from monailabel_app.settings import AppSettings

NAME = "bone_age_regressor"


@pytest.fixture(scope="module")
def own_models(tmp_path_factory):
    """Copy the project's models, so that others can be promoted beside them."""
    home = tmp_path_factory.mktemp("models")
    for bundle in models_folder().iterdir():
        if bundle.is_dir() and bundle.name != "registry":
            shutil.copytree(bundle, home / bundle.name)
    return home


@pytest.fixture
def home(own_models, tmp_path):
    shutil.copytree(own_models, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def promote_copy(home, tmp_path):
    """Promote the live regressor as another version."""

    def run(version):
        candidate = tmp_path / version / NAME
        shutil.copytree(home / NAME, candidate)
        card = candidate / "configs" / "metadata.json"
        old = check_bundle(NAME, candidate).version
        card.write_text(card.read_text().replace(f'"version": "{old}"', f'"version": "{version}"'))
        model = check_bundle(NAME, candidate)
        return promote(candidate, home, Entry(Action.PROMOTED, NAME, "", version, model.sha256, "", "a test"))

    return run


def test_the_next_request_uses_what_was_promoted_and_one_in_flight_keeps_what_it_has(home, promote_copy):
    live = LiveModels(home, threads=1)
    in_flight = live()
    promote_copy("9.0.0")
    assert live().versions[NAME] == "9.0.0"
    assert in_flight.versions[NAME] != "9.0.0"
    assert [card["version"] for card in live.cards if card["name"] == NAME] == ["9.0.0"]
    roll_back(home, NAME, "a test")
    assert live.versions == in_flight.versions


def test_a_version_that_is_damaged_leaves_the_old_one_at_work_and_says_so(home, promote_copy):
    live = LiveModels(home, threads=1)
    before = live()
    promote_copy("9.0.0")
    (home / history(home)[-1].bundle / "models" / "model.safetensors").write_bytes(b"damaged")
    assert live() is before
    assert "sha256" in live.trouble
    roll_back(home, NAME, "a test")
    assert live().versions == before.versions
    assert live.trouble == ""


def test_a_calibration_is_live_too(home):
    live = LiveModels(home, threads=1)
    amend_card(NAME, {"temperature": 2.5}, home)
    live()
    assert [card["temperature"] for card in live.cards if card["name"] == NAME] == [2.5]


def test_without_a_change_the_models_are_not_loaded_again_however_many_ask(home, promote_copy, monkeypatch):
    live = LiveModels(home, threads=1)
    loads = []
    real = live_models.load_models
    monkeypatch.setattr(live_models, "load_models", lambda *given: loads.append(1) or real(*given))
    promote_copy("9.0.0")
    asking = [threading.Thread(target=live) for _ in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert len(loads) == 1
    assert isinstance(live.folder, Path)


def test_a_local_calibration_is_in_force_from_the_next_request_on_until_it_is_taken_back(home, tmp_path):
    live, without = LiveModels(home, threads=1), LiveModels(home, threads=1, local=False)
    fitted_for = FittedFor.of(check_model(NAME, home))
    girls = {Sex.FEMALE: Adjustment(6.0, 0.0, 120.0, 24.0, 190.0, 1.0, 60)}
    sha256 = write_candidate(LocalCalibration("1", date(2026, 11, 25), fitted_for, girls), tmp_path / LOCAL)
    promote(tmp_path / LOCAL, home, Entry(Action.PROMOTED, LOCAL, "", "1", sha256, "", "a test"))
    assert live().local.in_force.ages == 60
    assert without().local.plain() == {"state": "off", "reason": "Local calibration is switched off."}
    roll_back_local(home, "a test")
    assert live().local.plain() == {"state": "none", "reason": None}


def test_whether_a_local_calibration_counts_is_a_setting():
    assert AppSettings.from_conf({}).local_calibration is True
    assert AppSettings.from_conf({"local_calibration": "off"}).local_calibration is False
    with pytest.raises(InvalidInput, match="on or off, got 'no'"):
        AppSettings.from_conf({"local_calibration": "no"})
