"""A folder of the server's own for masks on their way out; removed when it ends.

Not the common folder for temporary files: a client on the same machine keeps the mask there under the same name, and
the server would remove it when it is sent.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def scratch_folder() -> Path:
    """Return the folder; only this process's user can look into it."""
    folder = Path(tempfile.mkdtemp(prefix="boneage-masks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
