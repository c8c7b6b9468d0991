"""The regressor's network with a trunk of some family, with the weights that it begins with."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import nn

from boneage.errors import ModelRefused
from boneage.networks import BoneAgeNet
from boneage.weights import load_weights

WHOLE_NETWORK = ".safetensors"  # as a training leaves it; anything else is a PyTorch state dict of a trunk


def network_of(family: str, weights: Path | None = None) -> BoneAgeNet:
    """Return a regressor.

    Args:
        family: `boneage.models.RESNET50`, or timm's name of the trunk.
        weights: What a training of it left (safetensors), or a PyTorch state dict of the trunk alone with timm's layers
            in their order, such as ImageNet weights; None for random ones.

    Raises:
        InvalidInput: If timm knows no such family.
        ModelRefused: If the file does not hold this network's layers.
    """
    network = BoneAgeNet(family)
    if weights is None:
        return network
    if weights.suffix == WHOLE_NETWORK:
        load_weights(network, weights)
    else:
        _fill(network.trunk, weights)
    return network


def _fill(trunk: nn.Module, file: Path) -> None:
    """Fill a trunk with the weights of a file, layer by layer: others' names for the same layers differ."""
    names = [name for name in trunk.state_dict() if "num_batches_tracked" not in name]
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        values = [value for name, value in state.items() if "num_batches_tracked" not in name][: len(names)]
        values[0] = values[0].sum(1, keepdim=True)  # colours into grey
        trunk.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    except (pickle.UnpicklingError, RuntimeError, ValueError, IndexError, AttributeError) as error:
        said = str(error).partition("\n")[0][:150]
        raise ModelRefused(f"{file} does not hold the layers of the trunk: {said}") from error
