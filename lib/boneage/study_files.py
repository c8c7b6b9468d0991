"""The radiographs in a folder of studies, and the ids that the server gives them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from boneage.radiograph import is_probably_radiograph_file, supported_suffixes


def image_id_of(relative: Path) -> str:
    """Return the id of a file by its path in the studies: its name and, to tell it from others, a hash of the path."""
    name = relative.name.lower()
    suffix = next((s for s in sorted(supported_suffixes, key=len, reverse=True) if name.endswith(s)), "")
    stem = relative.name[: len(name) - len(suffix)] or "image"
    digest = hashlib.sha256(relative.as_posix().encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', stem)[:80].lstrip('.')}-{digest}"


def radiographs_by_id(folder: Path) -> dict[str, Path]:
    """Return the radiographs of a folder and its subfolders by id, relative to it; no hidden ones, no links."""
    found = (path.relative_to(folder) for path in _radiographs_in(folder))
    return {image_id_of(relative): relative for relative in found}


def _radiographs_in(folder: Path) -> Iterator[Path]:
    """Yield the radiographs of a folder and its subfolders; no hidden ones, none that a link leads out to."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from _radiographs_in(Path(entry.path))
            elif is_probably_radiograph_file(Path(entry.path)):
                yield Path(entry.path)
