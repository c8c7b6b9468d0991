"""The models that answer requests: what is promoted or rolled back meanwhile is live from the next request on."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from boneage.assessment import Models, load_models
from boneage.errors import ModelRefused
from boneage.models import MODEL_NAMES, check_model, models_folder
from boneage.registry import live_bundle

log = logging.getLogger("boneage.models")

State = tuple[object, ...]


class LiveModels:
    """The loaded models of a models folder; may be asked from several threads.

    A request that has its models already ends with them. If a new version cannot be loaded, the old ones go on and
    `trouble` says why. `cards` are those of the live versions.

    Args:
        folder: Models folder; None for the project's.
        threads: Cores that one inference uses; None for all.
        local: Whether a local calibration counts.

    Raises:
        ModelRefused: If a model cannot be loaded at the start.
    """

    def __init__(self, folder: Path | None = None, threads: int | None = None, local: bool = True) -> None:
        self.folder = models_folder(folder)
        self.trouble = ""
        self._threads, self._local = threads, local
        self._lock = threading.Lock()
        self._bundles: tuple[tuple[int, int] | None, list[Path]] = (None, [self.folder / name for name in MODEL_NAMES])
        self._state = self._state_now()
        self._load()

    def __call__(self) -> Models:
        """Return the models that are live now; loads them first if they changed."""
        if self._state_now() != self._state:
            with self._lock:
                self._load_if_changed()
        return self._models

    @property
    def versions(self) -> dict[str, str]:
        """Model name -> live version."""
        return self().versions

    def _load(self) -> None:
        cards = [check_model(name, self.folder).card for name in MODEL_NAMES]
        self._models, self.cards = load_models(self.folder, self._threads, self._local), cards

    def _load_if_changed(self) -> None:
        state = self._state_now()
        if state == self._state:  # another thread was first
            return
        try:
            self._load()
            self.trouble = ""
            log.info("Live now: %s.", ", ".join(f"{name} {version}" for name, version in self._models.versions.items()))
        except ModelRefused as error:
            self.trouble = str(error)
            log.error("The new version cannot be loaded; the old ones go on. %s", error)
        self._state = state

    def _state_now(self) -> State:
        """Return what changes when another version goes live or a card is amended; costs a few looks at the disk."""
        history = _seen(self.folder / "registry" / "history.jsonl")
        if history != self._bundles[0]:
            self._bundles = history, [live_bundle(self.folder, name) for name in MODEL_NAMES]
        return history, *(_seen(bundle / "configs" / "metadata.json") for bundle in self._bundles[1])


def _seen(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
