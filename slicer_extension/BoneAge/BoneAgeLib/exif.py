"""How a JPEG or TIFF file asks to be turned (EXIF orientation): the server heeds it, Slicer's readers do not."""

from __future__ import annotations

import struct

import numpy as np

_ORIENTATION = 0x0112
_END_OF_HEADERS = (0xDA, 0xD9)


def orientation_of(content: bytes) -> int:
    """Return the EXIF orientation, 1 to 8, of a file's content; 1 where it says none."""
    try:
        tiff = content if content[:4] in (b"II*\0", b"MM\0*") else _exif_of_jpeg(content)
        found = _orientation_in(tiff) if tiff else 1
    except (struct.error, IndexError):
        return 1
    return found if 1 <= found <= 8 else 1


def stored_from_shown(orientation: int, columns: int, rows: int) -> np.ndarray:
    """Return the 4 x 4 matrix from a pixel (x, y) as shown to the pixel (i, j) as stored.

    Args:
        orientation: 1 to 8.
        columns: Of the picture as stored.
        rows: Of the picture as stored.
    """
    last_i, last_j = columns - 1, rows - 1
    i_and_j = {
        1: ([1, 0, 0], [0, 1, 0]),
        2: ([-1, 0, last_i], [0, 1, 0]),
        3: ([-1, 0, last_i], [0, -1, last_j]),
        4: ([1, 0, 0], [0, -1, last_j]),
        5: ([0, 1, 0], [1, 0, 0]),
        6: ([0, 1, 0], [-1, 0, last_j]),
        7: ([0, -1, last_i], [-1, 0, last_j]),
        8: ([0, -1, last_i], [1, 0, 0]),
    }[orientation]
    matrix = np.eye(4)
    for row, (from_x, from_y, offset) in enumerate(i_and_j):
        matrix[row] = from_x, from_y, 0, offset
    return matrix


def _exif_of_jpeg(content: bytes) -> bytes:
    """Return the TIFF structure inside the APP1 segment of a JPEG; empty without one."""
    if content[:2] != b"\xff\xd8":
        return b""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], struct.unpack_from(">H", content, place + 2)[0]
        if marker in _END_OF_HEADERS:
            break
        segment = content[place + 4 : place + 2 + length]
        if marker == 0xE1 and segment.startswith(b"Exif\0\0"):
            return segment[6:]
        place += 2 + length
    return b""


def _orientation_in(tiff: bytes) -> int:
    order = "<" if tiff[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == _ORIENTATION:
            return int(value)
    return 1
