"""Which version of each model is live, and how it came to be: a history that is only ever added to.

    MODELS/hand_detector/                                   the version that came with the program
    MODELS/registry/hand_detector/0.4.0-3fa1c2b4d5e6/       versions that were promoted later, as whole bundles
    MODELS/registry/history.jsonl                           a line for each promotion, refusal and roll-back

What is live is what the last whole line about a model says, so that one write makes a version live: before it the old
one is, after it the new one. A line that a crash cut in half counts as not written.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from boneage.errors import InvalidInput, ModelRefused, OutputFailed

REGISTRY = "registry"


class Action(str, Enum):
    """What happened to a version."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Entry:
    """A line of the history.

    Attributes:
        action: What happened.
        model: One of `boneage.models.MODEL_NAMES`, or local_calibration.
        bundle: Of the version that it happened to, relative to the models folder; for a roll-back, of the version that
            is live again. A refused version's bundle is not kept: empty.
        version: Of that bundle.
        sha256: Of its weights.
        parent: Bundle of the version that was live before.
        started_by: Who or what started it.
        reason: In sentences.
        data: Fingerprint of the data that it was trained on; empty if unknown.
        figures: What was compared.
        at: UTC, as in 2026-11-25T10:00:00+00:00.
    """

    action: Action
    model: str
    bundle: str
    version: str
    sha256: str
    parent: str
    started_by: str
    reason: str = ""
    data: str = ""
    figures: dict[str, Any] = field(default_factory=dict)
    at: str = ""


def history(models: Path) -> list[Entry]:
    """Return the whole lines of the history of a models folder, oldest first.

    Raises:
        ModelRefused: If it cannot be read.
    """
    path = models / REGISTRY / "history.jsonl"
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise ModelRefused(f"Cannot read the models' history {path}: {error.strerror}.") from error
    return [entry for line in lines if (entry := _entry(line)) is not None]


def live_bundle(models: Path, model: str) -> Path:
    """Return the folder of the version of a model that is live."""
    return models / _live(history(models), model)


def promote(candidate: Path, models: Path, entry: Entry) -> Entry:
    """Keep a candidate's bundle in the registry and make it live, as one step that happens or does not.

    Args:
        candidate: The bundle; it was checked, and stays as it is.
        models: The models folder.
        entry: What to write down; bundle, parent and time are filled in.

    Raises:
        OutputFailed: If it cannot be kept; the old version stays live.
    """
    bundle = f"{REGISTRY}/{entry.model}/{entry.version}-{entry.sha256[:12]}"
    _keep(candidate, models / bundle)
    return _append(models, entry, bundle, Action.PROMOTED)


def refuse(models: Path, entry: Entry) -> Entry:
    """Write down that a candidate did not go live.

    Raises:
        OutputFailed: If that cannot be written.
    """
    return _append(models, entry, "", Action.REFUSED)


def roll_back(models: Path, model: str, started_by: str, reason: str = "", may_be_none: bool = False) -> Entry:
    """Make the version live again that was live before the one that is.

    Args:
        models: The models folder.
        model: Its name.
        started_by: Who asks for it.
        reason: For the history.
        may_be_none: Whether there may be none before the first one, as of a local calibration.

    Raises:
        InvalidInput: If no version was promoted since the program's own, or that one is gone.
        OutputFailed: If it cannot be written down; nothing changes then.
    """
    entries = history(models)
    live = _live(entries, model)
    promotion = next((one for one in reversed(entries) if _is_of(one, model, live) and one.parent != live), None)
    if promotion is None:
        raise InvalidInput(f"{model} is the version that came with the program.", "There is none before it.")
    is_first = may_be_none and promotion.parent == model
    before = {"version": "none", "sha256": ""} if is_first else _card(models / promotion.parent)
    entry = Entry(
        Action.ROLLED_BACK, model, promotion.parent, before["version"], before["sha256"], live, started_by, reason
    )
    return _append(models, entry, promotion.parent, Action.ROLLED_BACK)


def _is_of(entry: Entry, model: str, bundle: str) -> bool:
    return entry.action is Action.PROMOTED and (entry.model, entry.bundle) == (model, bundle)


def _live(entries: list[Entry], model: str) -> str:
    """Return the live version's bundle, relative to the models folder."""
    changes = [one for one in entries if one.model == model and one.action is not Action.REFUSED]
    return changes[-1].bundle if changes else model


def _entry(line: bytes) -> Entry | None:
    try:
        values = json.loads(line)
        return Entry(**(values | {"action": Action(values["action"])}))
    except (ValueError, KeyError, TypeError):
        return None  # cut in half by a crash


def _card(bundle: Path) -> dict[str, Any]:
    try:
        return json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"The version before is gone or damaged: {bundle}.", "Promote a version anew.") from error


def _keep(candidate: Path, place: Path) -> None:
    """Copy a bundle to its place under a hidden name and rename it; one that is whole already stays."""
    if place.is_dir():
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".") as folder:
            fresh = Path(folder) / "bundle"
            shutil.copytree(candidate, fresh)
            for file in [path for path in fresh.rglob("*") if path.is_file()]:
                _sync(file)
            fresh.rename(place)
    except OSError as error:
        raise OutputFailed(
            f"Cannot keep the version in {place.parent}: {error.strerror or error}.", "The old version stays live."
        ) from error


def _append(models: Path, entry: Entry, bundle: str, action: Action) -> Entry:
    """Add a line and wait until it is on the disk."""
    live = _live(history(models), entry.model)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    written = Entry(**(asdict(entry) | {"action": action, "bundle": bundle, "parent": live, "at": now}))
    line = json.dumps(asdict(written), ensure_ascii=False, allow_nan=False)
    path = models / REGISTRY / "history.jsonl"
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(f"\n{line}\n".encode())  # the first newline ends a line that was cut in half
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputFailed(f"Cannot write {path}: {error.strerror}.", "The old version stays live.") from error
    return written


def _sync(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
