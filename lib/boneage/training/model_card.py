"""What a model's metadata.json says, in the form of MONAI bundles: what it is for, made of, and may be used for."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Any

from boneage.datasets import split_by_id
from boneage.models import family_of
from boneage.runtime import EXAMPLE_SHAPES

SCHEMA = "https://project-monai.github.io/schema/meta_schema_20240725.json"
CITATION = 'Halabi SS et al., "The RSNA Pediatric Bone Age Machine Learning Challenge", Radiology 2019;290(2):498-503.'
DATA_SOURCE = "RSNA 2017 Pediatric Bone Age Challenge, training set, in reduced copies"
DATA_TERMS = (
    "The data are for academic research, education and other non-commercial use; "
    f"no one may try to re-identify a child; cite {CITATION}"
)
LICENCE = (
    "Academic research, education and other non-commercial use only, as the data that the weights were trained on. "
    "The licence of the project's source code does not cover the weights."
)
INTENDED_USE = "Research and education. Not a medical device: no diagnosis or treatment may rest on it."
REQUIRED_PACKAGES = (
    "openvino",
    "safetensors",
    "torchvision",
    "ultralytics-opencv-headless",
    "segmentation-models-pytorch",
    "timm",
)

_POINTS_21 = "hand boxes and 21 key points, by hand: Msameim181/Pediatric-Hand-Bone-Analysis-Lab (GPL-2)"
_POINTS_3 = "three key points, by hand and in part by a model: minhnt33/gr-bone-age (MIT)"
_OUTLINES = "hand outlines, by hand: minhnt33/gr-bone-age (MIT)"
_AGES = "bone ages after Greulich and Pyle by several readers, as the challenge publishes them"
_FEW_PLACES = "Trained on radiographs of two hospitals in the USA, nearly all of one upright hand seen from its back."


@dataclass(frozen=True)
class Purpose:
    """What a model is for, in words.

    Attributes:
        title: Name for people.
        task: What it does, in a sentence.
        architecture: The network; {family} stands for its trunk.
        annotations: What it was taught with, by whom, and the licence of that.
        limits: What it cannot do, in sentences.
    """

    title: str
    task: str
    architecture: str
    annotations: tuple[str, ...]
    limits: tuple[str, ...]


PURPOSES = {
    "hand_detector": Purpose(
        "Hand detector",
        "Finds the hand in a radiograph: its box and three key points (middle finger tip, thumb tip, capitate).",
        "YOLO11n-pose with one input channel, one class and three key points, trained from scratch.",
        (_POINTS_21, _POINTS_3),
        (
            _FEW_PLACES,
            "Two hands in one radiograph are refused unless a box says which one is meant.",
            "Casts, metal and missing fingers were hardly among the radiographs it learnt from.",
        ),
    ),
    "hand_segmenter": Purpose(
        "Hand segmenter",
        "Outlines the hand in an upright view of it, down to the forearm.",
        "U-Net with a ResNet18 encoder, trained from scratch.",
        (_OUTLINES, _POINTS_3),
        (
            _FEW_PLACES,
            "It needs the key points of the detector: where these are wrong, the outline is too.",
            "Few outlines were there to learn from; it outlines skin, not bones.",
        ),
    ),
    "bone_age_regressor": Purpose(
        "Bone age regressor",
        "Estimates the bone age, as a distribution over months, from an upright, masked hand and the child's sex.",
        "{family} with one input channel; its features are joined by the sex and give log-probabilities of the months "
        "0 to 239.",
        (_AGES,),
        (
            _FEW_PLACES,
            "The ages follow the readers of the challenge, with their spread and bias; they are no truth.",
            "Above about 16 years (girls) and 18.5 years (boys) bones no longer tell the age.",
            "Disease of the skeleton was not among what it was taught to recognise.",
        ),
    ),
}


def metadata(
    name: str, version: str, sha256: str, changelog: dict[str, str], figures: dict[str, Any], training: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of metadata.json, the regressor's temperature aside.

    Args:
        name: A key of `PURPOSES`.
        version: Of the weights.
        sha256: Of the weights file.
        changelog: Version -> what changed.
        figures: What was measured; `data` says on what.
        training: The recipe.
    """
    purpose = PURPOSES[name]
    return {
        "schema": SCHEMA,
        "version": version,
        "changelog": changelog,
        "monai_version": version_of("monai"),
        "pytorch_version": version_of("torch"),
        "numpy_version": version_of("numpy"),
        "required_packages_version": {package: version_of(package) for package in REQUIRED_PACKAGES},
        "name": name,
        "task": purpose.task,
        "description": purpose.architecture.format(family=family_of(training)),
        "authors": "The boneage project",
        "copyright": f"The boneage project. {LICENCE}",
        "data_source": f"{DATA_SOURCE}. {DATA_TERMS}",
        "data_type": "8 bit grey JPEG and PNG",
        "annotations": list(purpose.annotations),
        "data_split": dict(Counter(split_by_id().values())),
        "intended_use": INTENDED_USE,
        "limits": list(purpose.limits),
        "references": [CITATION],
        "network_data_format": _data_format(name, training),
        "sha256": sha256,
        "weights": "models/model.safetensors, floats in half precision; no pickle",
        "figures": figures,
        "training": training,
    }


def _data_format(name: str, training: dict[str, Any]) -> dict[str, Any]:
    """Return the form of inputs and outputs; a regressor sees hands at the size that it was trained to end with."""
    form = deepcopy(NETWORK_DATA_FORMATS[name])
    if name == "bone_age_regressor" and training.get("image_sizes"):
        form["inputs"]["image"]["spatial_shape"] = list(training["image_sizes"][-1])
    return form


def _hand_view(name: str, what: str) -> dict[str, Any]:
    return _tensor("image", "magnitude", EXAMPLE_SHAPES[name][0][2:], [0, 1], {"0": what})


def _tensor(
    type_: str, format_: str, shape: tuple[int | str, ...], value_range: list[float], channels: dict[str, str]
) -> dict[str, Any]:
    return {
        "type": type_,
        "format": format_,
        "modality": "CR",
        "num_channels": len(channels),
        "spatial_shape": list(shape),
        "dtype": "float32",
        "value_range": value_range,
        "is_patch_data": False,
        "channel_def": channels,
    }


_POINTS = ("middle finger tip", "thumb tip", "capitate")
_PROPOSAL = (
    *("box centre x", "box centre y", "box width", "box height", "confidence 0..1"),
    *(f"{point} {axis}" for point in _POINTS for axis in "xy"),
)
_SEGMENTER_SHAPE = EXAMPLE_SHAPES["hand_segmenter"][0][2:]

NETWORK_DATA_FORMATS: dict[str, dict[str, Any]] = {
    "hand_detector": {
        "inputs": {"image": _hand_view("hand_detector", "the whole radiograph, or the upright hand; bone bright")},
        "outputs": {"pred": _tensor("tuples", "points", ("*",), [], {str(i): c for i, c in enumerate(_PROPOSAL)})},
    },
    "hand_segmenter": {
        "inputs": {"image": _hand_view("hand_segmenter", "the upright hand with its forearm; bone bright")},
        "outputs": {"pred": _tensor("image", "segmentation", _SEGMENTER_SHAPE, [], {"0": "logit of hand"})},
    },
    "bone_age_regressor": {
        "inputs": {
            "image": _hand_view("bone_age_regressor", "the upright hand, what is not hand black; bone bright"),
            "male": _tensor("tuples", "raw", (), [0, 1], {"0": "1 for male, 0 for female"}),
        },
        "outputs": {"pred": _tensor("probabilities", "raw", (240,), [], {"0": "log-probability of each month 0..239"})},
    },
}
