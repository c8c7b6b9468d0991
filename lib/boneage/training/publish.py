"""Trained weights -> models/NAME, a bundle whose weights, metadata and card belong together at every moment."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boneage.errors import InvalidData, InvalidInput, ModelRefused, OutputFailed
from boneage.models import MODEL_NAMES, ModelFile, check_bundle, check_model, family_of, models_folder, sha256_of
from boneage.output import made_folder
from boneage.training.model_card import metadata
from boneage.training.model_readme import readme

UNCALIBRATED = 1.0
# What a card keeps when its weights are published again.
OF_THE_SAME_WEIGHTS = ("temperature", "stretches", "adjustments", "calibration")


def publish(
    name: str,
    weights: Path,
    version: str,
    figures: dict[str, Any],
    training: dict[str, Any],
    models_dir: Path | None = None,
    changes: str = "",
) -> Path:
    """Put trained weights into the models folder, with their card, and return the bundle's folder.

    The model that was there before is replaced as a whole or not at all. Publishing the same weights again keeps
    their spread.

    Args:
        name: One of `boneage.models.MODEL_NAMES`.
        weights: Safetensors file, as a training writes it.
        version: Of the weights, as in 1.2.0.
        figures: Name -> number, text or {value, lower, upper}; `data` says what they were measured on. May be empty.
        training: The recipe: epochs, seed, image sizes, counts of radiographs.
        models_dir: Models folder, made if need be; None for the project's.
        changes: What is new in this version, for the card.

    Raises:
        InvalidInput: If there is no such model, or the version or the figures say too little.
        ModelRefused: If the weights are not this model's, or not finite.
        OutputFailed: If the bundle cannot be written.
    """
    _check(name, version, figures)
    home = made_folder(models_dir) if models_dir else models_folder()
    before = _published(name, home)
    with _workshop(home) as shop:
        bundle = shop / name
        fresh = _write_weights(name, weights, bundle, family_of(training))
        changelog = {version: changes or "Trained anew." if before else changes or "First version."}
        card = metadata(name, version, fresh, changelog | _older(before, version), figures, training)
        if name == "bone_age_regressor":
            card["temperature"] = UNCALIBRATED
        if before and before.sha256 == fresh:
            card |= {key: before.card[key] for key in OF_THE_SAME_WEIGHTS if key in before.card}
        _write_card(card, bundle)
        return _put_in_place(bundle, home / name)


def amend_card(name: str, values: dict[str, Any], models_dir: Path | None = None) -> Path:
    """Change entries of a published model's metadata and its card with it; return the bundle's folder.

    Raises:
        ModelRefused: If there is no such model, or its weights are not its card's.
        OutputFailed: If the bundle cannot be written.
    """
    model = check_model(name, models_dir)
    if "network_data_format" not in model.card:
        raise ModelRefused(f"The card of {name} is not a published one.", "Publish it: boneage models publish.")
    home = models_folder(models_dir)
    with _workshop(home) as shop:
        bundle = shop / name
        (bundle / "models").mkdir(parents=True)
        shutil.copyfile(model.weights, bundle / "models" / "model.safetensors")
        _write_card(model.card | values, bundle)
        return _put_in_place(bundle, model.weights.parents[1])


def training_of(run: Path) -> dict[str, Any]:
    """Return what a run folder tells of its training.

    It is read from training.json (the recipe), data.json (radiographs of each split) and metrics/metrics.csv (epochs
    done, last validation figures), as far as they exist; training.json beats the others.

    Raises:
        InvalidData: If one of them cannot be read.
    """
    radiographs = _json(run / "data.json")
    told: dict[str, Any] = {"radiographs": radiographs} if radiographs else {}
    return told | _last_metrics(run / "metrics" / "metrics.csv") | _json(run / "training.json")


def _check(name: str, version: str, figures: dict[str, Any]) -> None:
    if name not in MODEL_NAMES:
        raise InvalidInput(f"Expected a model out of {', '.join(MODEL_NAMES)}; got '{name}'.")
    if not version.strip():
        raise InvalidInput("A published model needs a version, as in 1.2.0.")
    if figures and "data" not in figures:
        raise InvalidInput("Figures need an entry 'data' that says what they were measured on.")


def _published(name: str, home: Path) -> ModelFile | None:
    """Return the good model that is there now; None if there is none."""
    try:
        return check_bundle(name, home / name)
    except ModelRefused:
        return None


def _older(before: ModelFile | None, version: str) -> dict[str, str]:
    changelog = before.card.get("changelog", {}) if before else {}
    return {old: change for old, change in changelog.items() if old != version}


def _write_weights(name: str, weights: Path, bundle: Path, family: str) -> str:
    """Write the weights as half-precision floats after making sure that they fit the network; return their sha256."""
    from boneage.networks import build
    from boneage.weights import load_weights, save_weights

    network = load_weights(build(name, family), weights)
    broken = [key for key, value in network.state_dict().items() if not value.half().isfinite().all()]
    if broken:
        raise ModelRefused(f"{weights} holds numbers that are not finite in half precision, first in {broken[0]}.")
    (bundle / "models").mkdir(parents=True)
    written = save_weights(network, bundle / "models" / "model.safetensors")
    written.chmod(0o644)  # safetensors keeps its files to their owner; a server may run as someone else
    return sha256_of(written)


def _write_card(card: dict[str, Any], bundle: Path) -> None:
    for folder in ("configs", "docs"):
        (bundle / folder).mkdir()
    content = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (bundle / "configs" / "metadata.json").write_text(content, encoding="utf-8")
    (bundle / "docs" / "README.md").write_text(readme(card), encoding="utf-8")


@contextmanager
def _workshop(home: Path) -> Iterator[Path]:
    """Give a hidden folder inside the models folder, so that moving out of it is a rename; remove it afterwards."""
    try:
        with tempfile.TemporaryDirectory(dir=home, prefix=".publish-") as folder:
            yield Path(folder)
    except OSError as error:
        raise OutputFailed(
            f"Cannot publish into {home}: {error.strerror or error}.", "What was published before is still there."
        ) from error


def _put_in_place(bundle: Path, place: Path) -> Path:
    """Exchange the folder at `place` for a finished bundle; if that fails or is stopped, the old one is put back."""
    before = bundle.with_name("before")
    try:
        if place.exists():
            place.rename(before)
        bundle.rename(place)
    finally:
        if before.exists() and not place.exists():
            before.rename(place)
    return place


def _json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise InvalidData(f"{path} is not JSON: {error}.") from error


def _last_metrics(path: Path) -> dict[str, Any]:
    """Return the epochs done and the last value of each validation metric of a Lightning log."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in (rows[0] if rows else {}) if name.startswith("validation_")]
    last = {name: values[-1] for name in names if (values := [float(row[name]) for row in rows if row[name]])}
    epochs = [int(row["epoch"]) + 1 for row in rows if row["epoch"]]
    return {"epochs": max(epochs)} | last if epochs else {}
