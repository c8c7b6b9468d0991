"""`--conf` strings become values, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from boneage.errors import InvalidInput
from boneage.growth import DEFAULT_GROWTH_REFERENCE, growth_references

_KEYS = ("models", "store", "threads", "growth_reference", "archive_cache_mb")


@dataclass(frozen=True)
class AppSettings:
    """What the person who starts the server can set.

    Attributes:
        models: Folder of the models; the project's own if None.
        store: Database URL of the corrections; a SQLite file in the studies folder if None.
        threads: Cores for one inference; with fewer than there are, as many inferences run side by side.
        growth_reference: Table for the SDS.
        archive_cache_mb: How much of an archive's radiographs is kept on this machine.
    """

    models: Path | None = None
    store: str | None = None
    threads: int | None = 1
    growth_reference: str = DEFAULT_GROWTH_REFERENCE
    archive_cache_mb: int = 2048

    @staticmethod
    def from_conf(conf: dict[str, str]) -> AppSettings:
        """Read the `--conf` pairs.

        Raises:
            InvalidInput: If a key is not known or its value not usable.
        """
        unknown = [key for key in conf if key not in (*_KEYS, "server_mode")]
        if unknown:
            raise InvalidInput(f"Unknown --conf {', '.join(unknown)}.", f"Known are {', '.join(_KEYS)}.")
        threads, cache_mb = _whole(conf, "threads", "1"), _whole(conf, "archive_cache_mb", "2048")
        reference = conf.get("growth_reference", DEFAULT_GROWTH_REFERENCE)
        if reference not in growth_references():
            raise InvalidInput(
                f"Unknown growth reference {reference!r}.", f"Known are {', '.join(growth_references())}."
            )
        models = Path(conf["models"]) if conf.get("models") else None
        return AppSettings(models, conf.get("store") or None, threads, reference, cache_mb)


def _whole(conf: dict[str, str], key: str, default: str) -> int:
    text = conf.get(key, default)
    if not text.isdigit() or int(text) < 1:
        raise InvalidInput(f"Expected {key} from 1, got {text!r}.", "Give a whole number.")
    return int(text)
