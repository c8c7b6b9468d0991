"""Writing results: whole files or none, and the system's complaints in our words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from boneage.errors import OutputFailed


@contextmanager
def write_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to, and move it to `path` when all went well.

    The temporary file lies in the folder of `path` and has its suffix. If anything fails, it is removed and a file that
    was already at `path` stays as it was. Symbolic links are followed. Something at `path` that is not a file, such
    as /dev/stdout, is written to directly.

        with write_atomically("bone_age.json") as temporary:
            temporary.write_text(json.dumps(report_json(assessment)))

    Args:
        path: Where the file shall be. Its folder must exist.

    Raises:
        OutputFailed: If the file cannot be written, with the path and the system's reason.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            yield path
            return
        target = Path(os.path.realpath(path))
        temporary = target.with_name(f".{uuid4().hex}{target.suffix}")
        try:
            yield temporary
            os.replace(temporary, target)
        finally:
            with suppress(OSError):
                temporary.unlink()
    except OSError as error:
        raise OutputFailed(
            f"Cannot write {path}: {error.strerror or error}.",
            "Choose a folder that exists, may be written to and has space left.",
        ) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a whole file that is on the disk, with its name, when this returns.

    Raises:
        OutputFailed: If that cannot be; a file that was already at `path` stays as it was.
    """
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    to_disk(path.parent)


def to_disk(folder: Path) -> None:
    """Have the names of the files of a folder on the disk when this returns."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def made_folder(folder: Path) -> Path:
    """Make a folder, with those above it, and return it; one that is there already stays.

    Raises:
        OutputFailed: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"Cannot make the folder {folder}: {error.strerror}.", "Choose another one.") from error
    return folder


def private_folder(folder: Path) -> Path:
    """Make a folder that only this user can look into, if it is not there, and return it.

    Raises:
        OutputFailed: If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise OutputFailed(f"Cannot make the folder {folder}: {error.strerror}.", "Set $XDG_DATA_HOME.") from None
    return folder
