"""Compiled networks: OpenVINO in 32 bit, so that an age is reproducible, and without torch after the first use.

The first use of a model builds the network with torch and keeps its compiled form in a cache folder under the sha256
of its weights; later uses need OpenVINO only, which decides how fast a cold start is.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from boneage.frames import AGE_FRAME, OUTLINE_FRAME
from boneage.models import ModelFile, sha256_of

log = logging.getLogger(__name__)

# Bumped when the conversion or a network's code changes, so that old compiled forms are not taken.
FORM = 2

# Shapes that each network is traced with; the first axis, the number of images, stays open.
EXAMPLE_SHAPES: dict[str, tuple[tuple[int, ...], ...]] = {
    "hand_detector": ((2, 1, 192, 192),),
    "hand_segmenter": ((2, 1, OUTLINE_FRAME.rows, OUTLINE_FRAME.columns),),
    "bone_age_regressor": ((2, 1, AGE_FRAME.rows, AGE_FRAME.columns), (2, 1)),
}


def example_shapes(model: ModelFile) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a model's inputs; its card says how large a view it was trained to see, if another one."""
    image, *others = EXAMPLE_SHAPES[model.name]
    view = model.card.get("network_data_format", {}).get("inputs", {}).get("image", {}).get("spatial_shape", image[2:])
    return ((*image[:2], *(int(side) for side in view)), *others)


class Network:
    """A compiled network; may be called from several threads at once.

    Args:
        model: Checked weights.
        threads: Cores for one inference; with fewer than there are, as many inferences run side by side. There are as
            many as the machine has, unless $BONEAGE_CORES says fewer.
    """

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        import openvino as ov

        cores = int(os.environ.get("BONEAGE_CORES") or os.cpu_count() or 1)
        side_by_side = max(cores // threads, 1) if threads else 1
        self._compiled = _core().compile_model(
            _compiled_form(model),
            "CPU",
            {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": side_by_side, "INFERENCE_NUM_THREADS": cores},
        )
        self._tensor = ov.Tensor
        self._own = threading.local()

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        """Return the first output for inputs with the network's shapes, as float32."""
        return self.outputs(*inputs)[0]

    def outputs(self, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return all outputs for inputs with the network's shapes, as float32."""
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        request = self._own.request
        request.infer({i: self._tensor(np.ascontiguousarray(x, np.float32)) for i, x in enumerate(inputs)})
        return tuple(tensor.data.copy() for tensor in request.output_tensors)


def _core() -> Any:
    import openvino as ov

    return ov.Core()


def _compiled_form(model: ModelFile) -> Any:
    """Return the OpenVINO model of checked weights, from the cache if it is there and whole."""
    home = cache_folder() / f"{model.name}-{model.sha256[:16]}-{FORM}-{version('openvino')}"
    form, seal = home / "model.xml", home / "seal"
    if seal.is_file() and seal.read_text() == _seal(form):
        return _core().read_model(form)
    log.info("Compiling %s %s; this happens once.", model.name, model.version)
    converted = _converted(model)
    try:
        _keep(converted, home)
    except (OSError, RuntimeError) as error:  # RuntimeError is OpenVINO's
        log.warning("The compiled form of %s cannot be kept in %s: %s.", model.name, home, error)
        return converted
    return _core().read_model(form)  # so that the first use computes exactly what later ones do


def cache_folder() -> Path:
    """Return where compiled forms are kept: $BONEAGE_CACHE, else the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("BONEAGE_CACHE") or Path(cache) / "boneage")


def _seal(form: Path) -> str:
    """Return the sha256 of both files of a compiled form, empty if they are not there."""
    files = (form, form.with_suffix(".bin"))
    return "".join(sha256_of(file) for file in files) if all(file.is_file() for file in files) else ""


def _keep(converted: Any, home: Path) -> None:
    """Write a compiled form under a temporary name and move it to its place: two processes may do so at once."""
    import openvino as ov

    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        fresh = Path(folder) / "form"
        fresh.mkdir()
        ov.save_model(converted, fresh / "model.xml", compress_to_fp16=True)
        (fresh / "seal").write_text(_seal(fresh / "model.xml"))
        home.mkdir(exist_ok=True)
        for name in ("model.xml", "model.bin", "seal"):
            (fresh / name).replace(home / name)


def _converted(model: ModelFile) -> Any:
    import openvino as ov
    import torch

    from boneage.networks import AgesAndHidden, BoneAgeNet, FirstOutput, build
    from boneage.weights import load_weights

    trained = load_weights(build(model.name, model.family), model.weights)
    served = AgesAndHidden(trained) if isinstance(trained, BoneAgeNet) else FirstOutput(trained)
    network = served.eval()
    shapes = example_shapes(model)
    examples = tuple(torch.rand(shape) for shape in shapes)
    with torch.no_grad():
        network(*examples)  # YOLO lays its grid of anchors in its first run; the trace must find it there
        with warnings.catch_warnings():  # torch.jit is deprecated, but it is the form that OpenVINO reads best
            warnings.simplefilter("ignore", FutureWarning)
            traced = torch.jit.trace(network, examples)
    return ov.convert_model(traced, example_input=examples, input=[(-1, *shape[1:]) for shape in shapes])
