"""The extension is tested where slicer-core is installed (.venv-slicer); elsewhere this folder is left out."""

import importlib.util
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "slicer_extension" / "BoneAge"), str(Path(__file__).parent)]

if importlib.util.find_spec("slicer") is None:
    collect_ignore_glob = ["*"]
    warnings.warn("tests/slicer_extension is left out: slicer-core is not installed here", stacklevel=1)
