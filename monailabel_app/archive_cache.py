"""Radiographs that were fetched from the archive, as files: bounded, private, never half a file."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from boneage.errors import ArchiveUnreachable, OutputFailed
from boneage.output import private_folder

FRESH_SECONDS = 3600.0
"""After which a file is fetched again if possible: archives correct the sex and the birth date of patients."""

LEFTOVER_SECONDS = 3600.0


class FileCache:
    """Files by a key of any text; those that were not used for the longest time go first.

    Args:
        folder: Of its own; made if need be, only for this user.
        most_bytes: Of all files together; the file that was asked for last stays, however large.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = private_folder(folder)
        self._most_bytes = most_bytes
        for path in self._folder.glob(".part-*"):  # of a server that was killed while it fetched
            if time.time() - path.stat().st_mtime > LEFTOVER_SECONDS:
                path.unlink(missing_ok=True)

    def get(self, key: str, fetch: Callable[[Path], object], fresh_seconds: float = FRESH_SECONDS) -> Path:
        """Return the file of a key.

        Args:
            key: Any text; it does not show in the file's name.
            fetch: Writes the file to a path; called where the file is not there or no longer fresh.
            fresh_seconds: How old it may be.

        Raises:
            ArchiveUnreachable: If `fetch` raises it and there is no older file either.
            OutputFailed: If the file cannot be written.
        """
        path = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.dcm"
        age = _age(path)
        if age is None or age >= fresh_seconds:
            try:
                self._fill(path, fetch)
            except ArchiveUnreachable:
                if age is None:
                    raise
        _touch(path)
        return path

    def _fill(self, path: Path, fetch: Callable[[Path], object]) -> None:
        try:
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".part-", delete=False) as part:
                pass
            try:
                fetch(Path(part.name))
                _to_disk(part.name)
                os.replace(part.name, path)
            finally:
                Path(part.name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputFailed(
                f"The radiograph cannot be kept: {error.strerror}.", "Make room on the disk, or lower --archive-cache."
            ) from error
        self._shrink(path)

    def _shrink(self, newest: Path) -> None:
        files = [(path, found) for path in self._folder.glob("*.dcm") if (found := _stat(path)) is not None]
        total = sum(found.st_size for _, found in files)
        for path, found in sorted(files, key=lambda file: file[1].st_atime_ns):
            if total <= self._most_bytes:
                return
            if path != newest:
                path.unlink(missing_ok=True)
                total -= found.st_size


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:  # another process was quicker
        return None


def _age(path: Path) -> float | None:
    """Return the seconds since the file was fetched; None if it is not there."""
    found = _stat(path)
    return None if found is None else max(0.0, time.time() - found.st_mtime)


def _touch(path: Path) -> None:
    """Note the use, whatever the disk's own notes of it are; when it was fetched stays."""
    found = _stat(path)
    if found is not None:
        os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))


def _to_disk(name: str) -> None:
    file = os.open(name, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
