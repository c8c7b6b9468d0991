import hashlib
import json
import pickle

import pytest

from boneage.errors import ModelRefused
from boneage.models import check_model, models_folder
from boneage.weights import load_weights, save_weights


@pytest.fixture
def bundle(tmp_path):
    """Make a models folder with one model, whose weights are four bytes."""
    home = tmp_path / "models" / "hand_detector"
    (home / "configs").mkdir(parents=True)
    (home / "models").mkdir()
    (home / "models" / "model.safetensors").write_bytes(b"1234")
    write_card(home, version="1.2.0", sha256=hashlib.sha256(b"1234").hexdigest(), temperature=1.5)
    return home


def write_card(home, **values):
    (home / "configs" / "metadata.json").write_text(json.dumps(values))


def check(bundle):
    return check_model("hand_detector", bundle.parent)


def test_weights_that_are_those_of_the_card_are_accepted(bundle):
    model = check(bundle)
    assert (model.version, model.weights.read_bytes(), model.card["temperature"]) == ("1.2.0", b"1234", 1.5)


def test_changed_weights_are_refused_with_both_sums(bundle):
    (bundle / "models" / "model.safetensors").write_bytes(b"1235")
    sums = [hashlib.sha256(content).hexdigest()[:12] for content in (b"1235", b"1234")]
    with pytest.raises(ModelRefused, match=f"sha256 {sums[0]}.*card says {sums[1]}"):
        check(bundle)


def test_missing_weights_are_refused(bundle):
    (bundle / "models" / "model.safetensors").unlink()
    with pytest.raises(ModelRefused, match="weights of hand_detector are missing"):
        check(bundle)


def test_a_missing_card_is_refused(bundle):
    (bundle / "configs" / "metadata.json").unlink()
    with pytest.raises(ModelRefused, match="Cannot read the model card"):
        check(bundle)


@pytest.mark.parametrize("content", ["", "{", "\x00"])
def test_a_damaged_card_is_refused(bundle, content):
    (bundle / "configs" / "metadata.json").write_text(content)
    with pytest.raises(ModelRefused, match="is not JSON"):
        check(bundle)


@pytest.mark.parametrize("card", [{"version": "1"}, {"version": "1", "sha256": None}, [], 5])
def test_a_card_that_does_not_say_what_it_describes_is_refused(bundle, card):
    (bundle / "configs" / "metadata.json").write_text(json.dumps(card))
    with pytest.raises(ModelRefused, match=r"lacks .*sha256"):
        check(bundle)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelRefused, match="no such folder"):
        models_folder(tmp_path / "nowhere")


def test_the_folder_may_come_from_the_environment_but_a_named_one_comes_first(tmp_path, monkeypatch):
    named, set_ = tmp_path / "named", tmp_path / "set"
    named.mkdir(), set_.mkdir()
    monkeypatch.setenv("BONEAGE_MODELS", str(set_))
    assert models_folder() == set_
    assert models_folder(named) == named


def a_network(width=3):
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, width, 3), torch.nn.BatchNorm2d(width))


def test_weights_come_back_in_half_precision_and_everyone_may_read_the_file(tmp_path):
    import torch

    path = save_weights(a_network(), tmp_path / "model.safetensors")
    again = load_weights(torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.BatchNorm2d(3)), path)
    assert torch.equal(again[0].weight, a_network()[0].weight.half().float())
    assert path.stat().st_mode & 0o044 == 0o044
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


class Trap:
    """Raises when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_a_pickle_is_never_loaded(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelRefused):
        load_weights(a_network(), path)


def test_weights_of_another_network_are_refused(tmp_path):
    import torch

    path = save_weights(a_network(), tmp_path / "model.safetensors")
    for other in (a_network(width=4), torch.nn.Linear(2, 2)):
        with pytest.raises(ModelRefused, match="does not fit"):
            load_weights(other, path)
