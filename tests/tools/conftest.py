"""The tools are scripts beside each other; their tests import them as they import one another."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "boneage")]
