"""The models folder: checked weights with their cards, in MONAI bundle layout.

    MODELS/hand_detector/configs/metadata.json      name, version, sha256 of the weights, data, figures
    MODELS/hand_detector/models/model.safetensors
    MODELS/hand_detector/docs/README.md             the model card
    MODELS/registry/                                versions promoted later: see `boneage.registry`

No pickle is ever loaded. Weights whose sha256 is not the card's are refused.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boneage.errors import ModelRefused
from boneage.registry import live_bundle

MODEL_NAMES = ("hand_detector", "hand_segmenter", "bone_age_regressor")
REGRESSOR = MODEL_NAMES[2]
RESNET50 = "ResNet50"  # the trunk of the paper's regressor


@dataclass(frozen=True)
class ModelFile:
    """A model whose weights were found to be those that its card describes.

    Attributes:
        name: One of `MODEL_NAMES`.
        version: As in its card.
        sha256: Of the weights file.
        weights: Path of the safetensors file.
        card: The whole metadata.json.
    """

    name: str
    version: str
    sha256: str
    weights: Path
    card: dict[str, Any]

    @property
    def family(self) -> str:
        """The trunk of a regressor; the other models have but one network."""
        return family_of(self.card.get("training", {}))


def family_of(training: Mapping[str, Any]) -> str:
    """Return the trunk that a regressor's training tells of, a name of timm's or `RESNET50`; the latter if none."""
    return str(training.get("family", RESNET50))


def models_folder(folder: Path | None = None) -> Path:
    """Return the folder to take models from: the one given, else $BONEAGE_MODELS, else the project's own.

    Raises:
        ModelRefused: If there is no such folder.
    """
    chosen = folder or Path(os.environ.get("BONEAGE_MODELS", Path(__file__).parents[2] / "models"))
    if not chosen.is_dir():
        raise ModelRefused(f"Expected the models in {chosen}; there is no such folder.", "Name it with --models.")
    return chosen


def check_model(name: str, folder: Path | None = None) -> ModelFile:
    """Return the live version of the model `name` of a models folder after checking its weights.

    Raises:
        ModelRefused: If card or weights are missing or damaged, or do not belong together.
    """
    return check_bundle(name, live_bundle(models_folder(folder), name))


def check_bundle(name: str, home: Path) -> ModelFile:
    """Return the model in the bundle `home` after checking its weights.

    Raises:
        ModelRefused: As `check_model`.
    """
    card = _card(home / "configs" / "metadata.json")
    weights = home / "models" / "model.safetensors"
    if not weights.is_file():
        raise ModelRefused(f"The weights of {name} are missing: {weights}.", "Install the models anew.")
    try:
        found = sha256_of(weights)
    except OSError as error:
        raise ModelRefused(f"Cannot read the weights of {name}, {weights}: {error.strerror}.") from error
    if found != card["sha256"]:
        raise ModelRefused(
            f"The weights of {name} have sha256 {found[:12]}..., its card says {card['sha256'][:12]}...",
            "They were changed or damaged: install the model anew.",
        )
    return ModelFile(name, str(card["version"]), found, weights, card)


def model_card(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return the card of the live version of the model `name`; its weights are not looked at.

    Raises:
        ModelRefused: If the card is missing or damaged.
    """
    return _card(live_bundle(models_folder(folder), name) / "configs" / "metadata.json")


def sha256_of(path: Path) -> str:
    """Return the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelRefused(f"Cannot read the model card {path}: {error.strerror}.") from error
    except ValueError as error:
        raise ModelRefused(f"The model card {path} is not JSON: {error}.") from error
    missing = [key for key in ("version", "sha256") if not isinstance(card, dict) or not isinstance(card.get(key), str)]
    if missing:
        raise ModelRefused(f"The model card {path} lacks {', '.join(missing)}.")
    return card
