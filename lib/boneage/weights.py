"""Trained weights as files: safetensors in half precision, never a pickle."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from boneage.errors import ModelRefused


def save_weights(network: nn.Module, path: Path) -> Path:
    """Write the network's weights to `path`, floats in half precision, and return it."""
    from safetensors.torch import save_file

    state = {name: _compact(value) for name, value in network.state_dict().items() if "num_batches_tracked" not in name}
    save_file(state, str(path))
    return path


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """Fill `network` with the weights of a file and return it.

    Raises:
        ModelRefused: If the weights are not this network's.
    """
    from safetensors.torch import load_file

    state = {
        name: value.float() if value.is_floating_point() else value for name, value in load_file(str(path)).items()
    }
    counters = {name for name, _ in network.named_buffers() if "num_batches_tracked" in name}
    missing, unexpected = network.load_state_dict(state, strict=False)
    if set(missing) - counters or unexpected:
        raise ModelRefused(f"{path} does not fit the network: {missing[:3]} are missing, {unexpected[:3]} too many.")
    return network


def _compact(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() else value
