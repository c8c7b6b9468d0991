"""What several rooms' tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "monailabel_app"))  # its Orthanc and its DICOM radiographs


@pytest.fixture(scope="session")
def rsna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small data set of drawn hands in RSNA layout; not to be changed."""
    from drawn_hands import make_rsna

    return make_rsna(tmp_path_factory.mktemp("data") / "rsna")
