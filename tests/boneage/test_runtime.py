from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from boneage import networks, runtime
from boneage.detection import SIDE
from boneage.errors import ModelRefused
from boneage.frames import AGE_FRAME, OUTLINE_FRAME
from boneage.models import ModelFile, sha256_of
from boneage.networks import BUILDERS, MONTHS, FirstOutput, build
from boneage.runtime import EXAMPLE_SHAPES, Network
from boneage.training.families import network_of
from boneage.weights import load_weights, save_weights


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BONEAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def build_tiny():
    return torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU())


@pytest.fixture
def tiny(monkeypatch, cache, tmp_path):
    """Make a model of one layer, and count how often it is converted."""
    monkeypatch.setitem(networks.BUILDERS, "tiny", build_tiny)
    monkeypatch.setitem(runtime.EXAMPLE_SHAPES, "tiny", ((2, 1, 8, 8),))
    convert, converted = runtime._converted, []
    monkeypatch.setattr(runtime, "_converted", lambda model: converted.append(model.name) or convert(model))
    model = saved("tiny", tmp_path)
    monkeypatch.setattr(Network, "conversions", converted, raising=False)
    return model


def saved(name, folder):
    torch.manual_seed(0)
    weights = save_weights(BUILDERS[name](), folder / f"{name}.safetensors")
    return ModelFile(name, "1.0.0", sha256_of(weights), weights, {})


def of_torch(model, *inputs):
    network = FirstOutput(load_weights(BUILDERS[model.name](), model.weights)).eval()
    with torch.no_grad():
        return network(*map(torch.from_numpy, inputs)).numpy()


def inputs_for(name, count, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.random((count, *shape[1:])).astype(np.float32) for shape in EXAMPLE_SHAPES[name]]


@pytest.mark.parametrize("name", BUILDERS)
def test_a_compiled_network_says_what_torch_says_for_any_number_of_images(name, cache, tmp_path):
    model = saved(name, tmp_path)
    network = Network(model, threads=1)
    for count in (1, 3):
        inputs = inputs_for(name, count)
        assert network(*inputs) == pytest.approx(of_torch(model, *inputs), abs=2e-3, rel=1e-3)


def test_a_regressor_is_served_with_the_trunk_that_its_card_names(cache, tmp_path):
    family = "tf_efficientnet_lite0"
    weights = save_weights(build("bone_age_regressor", family), tmp_path / "lite.safetensors")
    model = ModelFile("bone_age_regressor", "1.0.0", sha256_of(weights), weights, {"training": {"family": family}})
    inputs = inputs_for(model.name, 2)
    with torch.no_grad():
        expected = network_of(family, weights).eval()(*map(torch.from_numpy, inputs)).numpy()
    assert Network(model, threads=1)(*inputs) == pytest.approx(expected, abs=2e-3, rel=1e-3)


def test_weights_of_another_trunk_than_the_cards_are_refused(cache, tmp_path):
    weights = save_weights(build("bone_age_regressor"), tmp_path / "resnet50.safetensors")
    card = {"training": {"family": "tf_efficientnet_lite0"}}
    with pytest.raises(ModelRefused):
        Network(ModelFile("bone_age_regressor", "1.0.0", sha256_of(weights), weights, card))


def test_the_traced_shapes_are_those_that_the_rooms_show():
    assert EXAMPLE_SHAPES["hand_detector"][0][2:] == (SIDE, SIDE)
    assert EXAMPLE_SHAPES["hand_segmenter"][0][2:] == (OUTLINE_FRAME.rows, OUTLINE_FRAME.columns)
    assert EXAMPLE_SHAPES["bone_age_regressor"][0][2:] == (AGE_FRAME.rows, AGE_FRAME.columns)


def test_log_probabilities_are_those_of_a_distribution():
    log_probabilities = BUILDERS["bone_age_regressor"]().eval()(torch.rand(2, 1, 64, 64), torch.ones(2, 1))
    assert log_probabilities.shape == (2, MONTHS)
    assert log_probabilities.exp().sum(1).tolist() == pytest.approx([1, 1], abs=1e-5)


def test_the_compiled_form_is_kept_and_answers_exactly_alike(tiny):
    [image] = inputs_for("tiny", 2)
    first, second = Network(tiny)(image), Network(tiny)(image)
    assert Network.conversions == ["tiny"]
    assert np.array_equal(first, second)
    assert first == pytest.approx(of_torch(tiny, image), abs=1e-5)


def test_other_weights_of_the_same_name_are_compiled_anew(tiny, tmp_path):
    Network(tiny)
    torch.manual_seed(1)
    weights = save_weights(build_tiny(), tmp_path / "other.safetensors")
    other = ModelFile("tiny", "1.0.1", sha256_of(weights), weights, {})
    [image] = inputs_for("tiny", 2)
    assert Network(other)(image) == pytest.approx(of_torch(other, image), abs=1e-5)
    assert len(Network.conversions) == 2


@pytest.mark.parametrize(
    ("file", "change"), [("model.bin", "tampered"), ("model.xml", "cut short"), ("model.bin", "gone"), ("seal", "gone")]
)
def test_a_compiled_form_that_was_changed_is_not_taken(tiny, cache, file, change):
    [image] = inputs_for("tiny", 2)
    first = Network(tiny)(image)
    [kept] = cache.glob(f"*/{file}")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    if change == "gone":
        kept.unlink()
    else:
        kept.write_bytes(content if change == "tampered" else content[: len(content) // 2])
    assert np.array_equal(Network(tiny)(image), first)
    assert len(Network.conversions) == 2
    Network(tiny)
    assert len(Network.conversions) == 2  # the next use finds it whole again


def test_a_cache_that_cannot_be_written_only_costs_time(tiny, cache, caplog):
    cache.write_text("a file, not a folder")
    [image] = inputs_for("tiny", 2)
    with caplog.at_level(logging.WARNING, "boneage"):
        assert Network(tiny)(image) == pytest.approx(of_torch(tiny, image), abs=1e-5)
    assert "cannot be kept" in caplog.text


def test_nothing_but_the_kept_form_is_left_in_the_cache(tiny, cache):
    Network(tiny)
    [home] = cache.iterdir()
    assert sorted(file.name for file in home.iterdir()) == ["model.bin", "model.xml", "seal"]


def test_two_threads_may_ask_at_once(tiny):
    network = Network(tiny, threads=1)
    images = [inputs_for("tiny", 1 + number % 3, seed=number)[0] for number in range(40)]
    alone = [network(image) for image in images]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(network, images))
    assert all(np.array_equal(*pair) for pair in zip(alone, together, strict=True))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({"BONEAGE_CACHE": "/a"}, "/a"), ({"XDG_CACHE_HOME": "/b"}, "/b/boneage"), ({"HOME": "/c"}, "/c/.cache/boneage")],
)
def test_the_cache_folder_follows_the_environment(monkeypatch, environment, expected):
    for name in ("BONEAGE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(runtime.cache_folder()) == expected


def test_building_the_detector_leaves_pillow_and_the_threads_as_they_were():
    """Ultralytics would have pip install a package for every damaged picture that is met afterwards."""
    code = (
        "import sys, torch, PIL.Image as Image\n"
        "from boneage.networks import build_detector\n"
        "torch.set_num_threads(2); before = Image.open\n"
        "build_detector()\n"
        "sys.exit(Image.open is not before or torch.get_num_threads() != 2)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
