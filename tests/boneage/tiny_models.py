"""Real weights files of networks with six numbers, for tests of what is done with weights whatever they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from boneage import networks


def install(monkeypatch: Any) -> None:
    """Put a tiny network in the place of each of the three."""
    for name in networks.BUILDERS:
        monkeypatch.setitem(networks.BUILDERS, name, lambda *_: nn.Linear(2, 2))


def publish_all(folder: Path, version: str) -> Path:
    """Publish the three tiny models into a models folder, and return it."""
    from boneage.models import MODEL_NAMES
    from boneage.training.publish import publish

    for name in MODEL_NAMES:
        publish(name, write_weights(folder.with_name("tiny.safetensors")), version, {}, {}, folder)
    return folder


def write_weights(path: Path, first: float = 0.5, dtype: torch.dtype = torch.float16, **more: torch.Tensor) -> Path:
    """Write weights of the tiny network; `first` tells them apart, `more` are further or other layers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weight = torch.tensor([[first, 1.0], [2.0, 3.0]])
    layers = {"weight": weight, "bias": torch.zeros(2)} | more
    save_file({name: layer.to(dtype) for name, layer in layers.items()}, str(path))
    return path
