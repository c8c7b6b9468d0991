"""Other trunks in the ResNet50's place take and give what it does, and begin with others' weights."""

import pytest
import torch

from boneage.errors import InvalidInput, ModelRefused
from boneage.models import RESNET50
from boneage.networks import BoneAgeNet
from boneage.training.families import network_of
from boneage.weights import save_weights

LITE = "tf_efficientnet_lite0"


@pytest.mark.parametrize("family", [LITE, RESNET50])
def test_a_trunk_is_filled_layer_by_layer_whatever_the_names(tmp_path, family):
    file, other = tmp_path / "weights.pth", network_of(family).trunk.state_dict()
    values = {f"layer{number}": value for number, value in enumerate(other.values()) if value.ndim}
    values["layer0"] = values["layer0"].repeat(1, 3, 1, 1)
    torch.save({**values, "classes": torch.zeros(1000, 1280)}, file)
    trunk = network_of(family, file).trunk.state_dict()
    first, *rest = (name for name, value in other.items() if value.ndim)
    assert torch.allclose(trunk[first], 3 * other[first])
    assert all(torch.equal(trunk[name], other[name]) for name in rest)


@pytest.mark.parametrize("content", [{"layer": torch.zeros(3, 3)}, {}, torch.zeros(3)])
def test_a_file_with_other_layers_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(ModelRefused, match="does not hold the layers"):
        network_of(LITE, tmp_path / "weights.pth")


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    with pytest.raises(ModelRefused, match="does not hold the layers"):
        network_of(LITE, tmp_path / "weights.pth")


def test_another_family_takes_and_gives_what_the_resnet50_does_and_is_kept_like_it(tmp_path):
    network, hands = network_of(LITE).eval(), torch.rand(2, 1, 64, 48)
    kept = network_of(LITE, save_weights(network, tmp_path / "model.safetensors")).eval()
    with torch.inference_mode():
        ages = [one(hands, torch.zeros(2, 1)) for one in (network, kept)]
    assert ages[0].shape == (2, 240)
    assert torch.allclose(*ages, atol=0.05)  # kept in half precision


def test_without_a_name_it_is_the_papers():
    assert type(network_of(RESNET50).trunk) is type(BoneAgeNet().trunk)


def test_a_family_that_nobody_knows_is_refused():
    with pytest.raises(InvalidInput, match="got 'resnet51'"):
        network_of("resnet51")
