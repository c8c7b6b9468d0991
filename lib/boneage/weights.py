"""Trained weights as files: safetensors in half precision, never a pickle."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import nn

from boneage.errors import ModelRefused


def save_weights(network: nn.Module, path: Path) -> Path:
    """Write the network's weights to `path`, floats in half precision, and return it."""
    from safetensors.torch import save

    state = {name: _compact(value) for name, value in network.state_dict().items() if "num_batches_tracked" not in name}
    fresh = path.with_name(f"{path.name}.{os.getpid()}")  # the processes of one training may write at once
    fresh.write_bytes(save(state))
    return fresh.replace(path)


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """Fill `network` with the weights of a file and return it.

    Raises:
        ModelRefused: If the file cannot be read, or the weights are not this network's.
    """
    state = {name: value.float() if value.is_floating_point() else value for name, value in _read(path).items()}
    counters = {name for name, _ in network.named_buffers() if "num_batches_tracked" in name}
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # torch's word for layers of another shape
        raise ModelRefused(f"{path} does not fit the network: it has layers of another shape.") from error
    if set(missing) - counters or unexpected:
        raise ModelRefused(f"{path} does not fit the network: {missing[:3]} are missing, {unexpected[:3]} too many.")
    return network


def _read(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise ModelRefused(f"Cannot read the weights {path}: {error}.") from error


def _compact(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() else value
