"""Networks of other families in the place of the deployed ResNet50: to compare it with, or to teach it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from boneage.errors import InvalidInput, ModelRefused
from boneage.networks import BoneAgeNet
from boneage.training.options import RESNET50
from boneage.weights import load_weights

WHOLE_NETWORK = ".safetensors"  # as a training leaves it; anything else is a PyTorch state dict of a trunk


def network_of(family: str, weights: Path | None = None) -> BoneAgeNet:
    """Return the deployed network, or the same with another trunk.

    Args:
        family: `RESNET50`, or timm's name of the trunk that takes its place.
        weights: What a training of it left (safetensors), or a PyTorch state dict of the trunk alone with timm's layers
            in their order, such as ImageNet weights; None for random ones.

    Raises:
        InvalidInput: If timm knows no such family.
        ModelRefused: If the file does not hold this network's layers.
    """
    network = BoneAgeNet() if family == RESNET50 else _with_trunk(family)
    if weights is None:
        return network
    if weights.suffix == WHOLE_NETWORK:
        load_weights(network, weights)
    else:
        _fill(network.trunk, weights)
    return network


def _with_trunk(family: str) -> BoneAgeNet:
    import timm

    if not timm.is_model(family):
        raise InvalidInput(f"Expected {RESNET50} or a network of timm, got {family[:40]!r}.", "See timm.list_models().")
    network = BoneAgeNet()
    trunk: Any = timm.create_model(family, in_chans=1, num_classes=0)
    first: Any = network.head[0]
    network.trunk = trunk
    network.head[0] = nn.Linear(trunk.num_features + network.sex.out_features, first.out_features)
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
