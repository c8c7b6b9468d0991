"""Files that survive a crash: written under another name, brought to the disk, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ClientError, ErrorKind


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the disk and damaged files raise into a `ClientError` (DISK)."""
    try:
        yield
    except OSError as error:
        raise ClientError(
            ErrorKind.DISK, f"The outbox cannot be used: {error.strerror or 'disk error'}.",
            "Make room on the disk or give access to its folder.",
        ) from None  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise ClientError(
            ErrorKind.DISK, "A correction in the outbox is damaged.", "Discard it and make it again."
        ) from None


def write_durably(file: Path, content: bytes) -> None:
    """Write a file so that it is there whole or, after a crash, not at all; only its owner may read it."""
    half = file.with_name(f".{file.name}.half")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(half, file)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
