"""Answers of several parts (RFC 7578), of which Slicer's Python has no reader."""

from __future__ import annotations

import re

from .errors import ClientError, ErrorKind

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'(?:^|[;\s])name="([^"]*)"', re.IGNORECASE)


def parts_of(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return the content of each part by its name.

    Raises:
        ClientError: HALF_ANSWER if the end is missing, WRONG_ANSWER if it is not made of parts.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ClientError(ErrorKind.WRONG_ANSWER, "The server's answer names no boundary of its parts.", "Try again.")
    mark = b"--" + found.group(1).strip().encode("latin-1")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ClientError(ErrorKind.HALF_ANSWER, "The server's answer broke off in the middle.", "Try again.")
    return dict(_part(piece) for piece in pieces[1:-1])


def _part(piece: bytes) -> tuple[str, bytes]:
    head, separator, content = piece.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not separator or name is None:
        raise ClientError(ErrorKind.WRONG_ANSWER, "A part of the server's answer has no name.", "Try again.")
    return name.group(1).decode("utf-8", "replace"), content
