"""Names of files and ids, as the server makes them."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

_FILE_NAME = re.compile(r"filename\*?=(?:utf-8'')?\"?([^\";]+)\"?", re.IGNORECASE)


def expected_image_id(file_name: str) -> str:
    """Return the id that a folder of studies gives an uploaded file; elsewhere it is found by asking."""
    stem = file_name.split(".", 1)[0]
    return f"{stem}-{hashlib.sha256(file_name.encode()).hexdigest()[:8]}"


def file_name_in(content_disposition: str, otherwise: str) -> str:
    """Return the plain file name, without folders, of a Content-Disposition header; `otherwise` if it has none."""
    found = _FILE_NAME.search(content_disposition)
    return PurePosixPath(found.group(1).replace("\\", "/")).name if found else otherwise
