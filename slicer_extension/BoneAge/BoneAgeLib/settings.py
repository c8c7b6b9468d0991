"""What the extension remembers between sessions of Slicer, in Slicer's settings."""

from __future__ import annotations

from pathlib import Path

import qt

GROUP = "BoneAge/"
DEFAULT_ADDRESS = "http://127.0.0.1:8000"


def remembered(name: str, default: str = "") -> str:
    """Return a setting as text."""
    return str(qt.QSettings().value(GROUP + name, default) or "")


def remember(name: str, value: str) -> None:
    """Keep a setting; an empty one is removed."""
    settings = qt.QSettings()
    if value:
        settings.setValue(GROUP + name, value)
    else:
        settings.remove(GROUP + name)


def outbox_folder() -> Path:
    """Return the folder of what is not sent yet: beside Slicer's settings, which a new version of Slicer keeps too."""
    return Path(qt.QSettings().fileName()).parent / "BoneAge" / "outbox"
