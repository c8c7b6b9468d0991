"""`--conf` strings become values, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from boneage.errors import InvalidInput
from boneage.growth import DEFAULT_GROWTH_REFERENCE, growth_references

_KEYS = ("models", "store", "threads", "growth_reference", "archive_cache_mb", "local_calibration")
_TRAINING_KEYS = (
    "base",
    "ages",
    "replay",
    "not_hands",
    "train_threads",
    "train_memory_gb",
    "retrain_after",
    "retrain_at",
)
LEAST_MEMORY_GB = 1.0  # what the libraries take before anything is trained


@dataclass(frozen=True)
class TrainSettings:
    """What the person who starts the server sets about trainings.

    Attributes:
        base: Data set in RSNA layout that is mixed in; None for the corrections alone.
        replay: Training radiographs of the base that are mixed in; those held out all take part in the comparison.
        not_hands: Folder of images without a hand, for the gate.
        threads: Cores that a training may use.
        consensus: Learn the median of the readers' ages instead of the latest one.
        memory_gb: Memory that a training may use, in GiB; None for any.
    """

    base: Path | None = None
    replay: int = 2000
    not_hands: Path | None = None
    threads: int = 1
    consensus: bool = False
    memory_gb: float | None = None


@dataclass(frozen=True)
class AppSettings:
    """What the person who starts the server can set.

    Attributes:
        models: Folder of the models; the project's own if None.
        store: Database URL of the corrections; a SQLite file in the studies folder if None.
        threads: Cores for one inference; with fewer than there are, as many inferences run side by side.
        growth_reference: Table for the SDS.
        archive_cache_mb: How much of an archive's radiographs is kept on this machine.
        training: How models learn from the corrections.
        retrain_after: Trainings begin by themselves with so many new corrections; None for never.
        retrain_at: They begin at this time of each day, as in 02:00, if there is a new correction; None for never.
        local_calibration: Whether one that is in force counts.
    """

    models: Path | None = None
    store: str | None = None
    threads: int | None = 1
    growth_reference: str = DEFAULT_GROWTH_REFERENCE
    archive_cache_mb: int = 2048
    training: TrainSettings = TrainSettings()
    retrain_after: int | None = None
    retrain_at: str | None = None
    local_calibration: bool = True

    @staticmethod
    def from_conf(conf: dict[str, str]) -> AppSettings:
        """Read the `--conf` pairs.

        Raises:
            InvalidInput: If a key is not known or its value not usable.
        """
        unknown = [key for key in conf if key not in (*_KEYS, *_TRAINING_KEYS, "server_mode")]
        if unknown:
            raise InvalidInput(
                f"Unknown --conf {', '.join(unknown)}.", f"Known are {', '.join(_KEYS + _TRAINING_KEYS)}."
            )
        threads, cache_mb = _whole(conf, "threads", "1"), _whole(conf, "archive_cache_mb", "2048")
        reference = conf.get("growth_reference", DEFAULT_GROWTH_REFERENCE)
        if reference not in growth_references():
            raise InvalidInput(
                f"Unknown growth reference {reference!r}.", f"Known are {', '.join(growth_references())}."
            )
        models = Path(conf["models"]) if conf.get("models") else None
        after = _whole(conf, "retrain_after", "1") if conf.get("retrain_after") else None
        store, training = conf.get("store") or None, _training(conf)
        begins, local = (after, _time_of_day(conf)), _switch(conf, "local_calibration")
        return AppSettings(models, store, threads, reference, cache_mb, training, *begins, local)


def _training(conf: dict[str, str]) -> TrainSettings:
    replay, threads = _whole(conf, "replay", "2000"), _whole(conf, "train_threads", "1")
    ages = conf.get("ages") or "latest"
    if ages not in ("latest", "consensus"):
        raise InvalidInput(f"Expected ages as latest or consensus, got {ages!r}.", "Correct it.")
    base, not_hands = _folder(conf, "base"), _folder(conf, "not_hands")
    return TrainSettings(base, replay, not_hands, threads, ages == "consensus", _gigabytes(conf, "train_memory_gb"))


def _gigabytes(conf: dict[str, str], key: str) -> float | None:
    text = conf.get(key) or None
    if text is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", text) or float(text) < LEAST_MEMORY_GB:
        raise InvalidInput(f"Expected {key} as a number from {LEAST_MEMORY_GB:g}, got {text[:20]!r}.", "Raise it.")
    return float(text)


def _folder(conf: dict[str, str], key: str) -> Path | None:
    if not conf.get(key):
        return None
    if not Path(conf[key]).is_dir():
        raise InvalidInput(f"Expected {key} as a folder; there is none of this name.", "Correct it.")
    return Path(conf[key])


def _time_of_day(conf: dict[str, str]) -> str | None:
    text = conf.get("retrain_at") or None
    if text is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise InvalidInput(f"Expected retrain_at as a time of day, got {text!r}.", "Write it as in 02:00.")
    return text


def _switch(conf: dict[str, str], key: str) -> bool:
    text = conf.get(key) or "on"
    if text not in ("on", "off"):
        raise InvalidInput(f"Expected {key} as on or off, got {text[:20]!r}.", "Correct it.")
    return text == "on"


def _whole(conf: dict[str, str], key: str, default: str) -> int:
    text = conf.get(key, default)
    if not text.isdigit() or int(text) < 1:
        raise InvalidInput(f"Expected {key} from 1, got {text!r}.", "Give a whole number.")
    return int(text)
