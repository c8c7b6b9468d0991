"""Where an archive is, and where this user's files on it lie: the corrections, and what was fetched."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

from boneage.errors import InvalidInput

_PORTS = {"http": 80, "https": 443}

LIST_FILE = "list.json"
"""In the cache folder: which radiographs the archive had when it was asked last."""


def is_address(studies: str) -> bool:
    """Say whether this names an archive, not a folder."""
    return studies.lower().startswith(("http://", "https://"))


def archive_address(text: str) -> str:
    """Return the address of an archive in its one spelling.

    Raises:
        InvalidInput: If it is none, or holds credentials; they are not repeated.
    """
    parts = urlsplit(text.strip())
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in _PORTS or not host or parts.query or parts.fragment:
        raise InvalidInput("Expected the archive's address.", "For instance http://localhost:8042/dicom-web.")
    if "@" in parts.netloc:
        raise InvalidInput(
            "Expected an address without user and password: addresses are logged.",
            "Set $BONEAGE_ARCHIVE_USER and $BONEAGE_ARCHIVE_PASSWORD.",
        )
    name = f"[{host}]" if ":" in host else host
    place = name if port in (None, _PORTS[parts.scheme]) else f"{name}:{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}"


def corrections_file(address: str) -> Path:
    """Return the SQLite file of the corrections of an archive; it is there once the archive was served."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "boneage" / "archives" / f"{archive_key(address)}.sqlite"


def cache_folder(address: str) -> Path:
    """Return the folder of the radiographs that were fetched from an archive; all of it can be fetched again."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    ours = Path(os.environ.get("BONEAGE_CACHE") or Path(cache) / "boneage")
    return ours / "archives" / archive_key(address)


def archive_key(address: str) -> str:
    """Return a short word for an archive, made of its address in its one spelling."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]
