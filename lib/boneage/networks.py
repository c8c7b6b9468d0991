"""The three networks: YOLO11, a U-Net, and a ResNet50, as the paper has it, or another trunk with the child's sex.

Built without weights; needs torch. Inference runs the compiled form (`boneage.runtime`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from boneage.errors import InvalidInput
from boneage.models import REGRESSOR, RESNET50

MONTHS = 240
KEY_POINTS = 3


def build_detector() -> nn.Module:
    """Return YOLO11n-pose with one class and three key points; input (n, 1, side, side), 0..1.

    In evaluation mode the first output is (n, 11, candidates): box centre x, y, width, height, confidence and
    key points x, y, all in pixels of the input.
    """
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    from PIL import Image

    threads, open_image = torch.get_num_threads(), Image.open
    from ultralytics.nn.tasks import PoseModel

    # Importing ultralytics sets one thread for the whole process, and lets Pillow install a package (pip) where it
    # meets a damaged picture; both are undone.
    torch.set_num_threads(threads)
    Image.open = open_image
    return PoseModel("yolo11n-pose.yaml", ch=1, nc=1, data_kpt_shape=(KEY_POINTS, 2), verbose=False)


def build_segmenter() -> nn.Module:
    """Return the U-Net; input (n, 1, rows, columns), 0..1, output logits of the same size."""
    import segmentation_models_pytorch as smp

    return smp.Unet("resnet18", encoder_weights=None, in_channels=1, classes=1, decoder_channels=(128, 64, 32, 16, 16))


class BoneAgeNet(nn.Module):
    """A trunk whose pooled features are joined by the sex; gives log-probabilities over months 0..239.

    Args:
        family: `RESNET50`, or timm's name of the trunk.
        sex_features: That the sex becomes.
        hidden: Size of the last hidden layer.
        dropout: After it.

    Raises:
        InvalidInput: If timm knows no such family.
    """

    def __init__(self, family: str = RESNET50, sex_features: int = 32, hidden: int = 512, dropout: float = 0.2) -> None:
        super().__init__()
        self.trunk, features = _resnet50() if family == RESNET50 else _of_timm(family)
        self.sex = nn.Linear(1, sex_features)
        self.head = nn.Sequential(
            nn.Linear(features + sex_features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, MONTHS)
        )

    def forward(self, hand: torch.Tensor, male: torch.Tensor) -> torch.Tensor:
        """Return (n, 240) log-probabilities from hands (n, 1, rows, columns) and male (n, 1), 1 or 0."""
        return self.ages(self.hidden(hand, male))

    def hidden(self, hand: torch.Tensor, male: torch.Tensor) -> torch.Tensor:
        """Return (n, hidden): what the last layer sees; takes what `forward` takes."""
        features = torch.cat([self.trunk(hand), torch.relu(self.sex(male * 2 - 1))], dim=1)
        return self.head[:2](features)

    def ages(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (n, 240) log-probabilities from what `hidden` returns."""
        return torch.log_softmax(self.head[2:](hidden).float(), dim=1)


def _resnet50() -> tuple[Any, int]:
    """Return the trunk and the number of its features."""
    from torchvision.models import resnet50

    trunk: Any = resnet50(weights=None)
    trunk.conv1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    features = trunk.fc.in_features
    trunk.fc = nn.Identity()
    return trunk, features


def _of_timm(family: str) -> tuple[Any, int]:
    import timm

    if not timm.is_model(family):
        raise InvalidInput(f"Expected {RESNET50} or a network of timm, got {family[:40]!r}.", "See timm.list_models().")
    trunk: Any = timm.create_model(family, in_chans=1, num_classes=0)
    return trunk, trunk.num_features


class AgesAndHidden(nn.Module):
    """The regressor as it is served: log-probabilities, and the last hidden layer, which tells radiographs apart."""

    def __init__(self, network: BoneAgeNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, hand: torch.Tensor, male: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (n, 240) and (n, hidden)."""
        hidden = self.network.hidden(hand, male)
        return self.network.ages(hidden), hidden


class FirstOutput(nn.Module):
    """A network of which only the first output matters, as YOLO's in evaluation mode."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the first output."""
        output = self.network(*inputs)
        return output[0] if isinstance(output, tuple) else output


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "hand_detector": build_detector,
    "hand_segmenter": build_segmenter,
    "bone_age_regressor": BoneAgeNet,
}


def build(name: str, family: str = RESNET50) -> nn.Module:
    """Return one of `boneage.models.MODEL_NAMES` without weights; a regressor with the trunk of a family."""
    return BUILDERS[name](family) if name == REGRESSOR else BUILDERS[name]()
