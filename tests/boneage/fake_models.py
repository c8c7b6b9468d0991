"""Stand-ins for the trained models: the bone age is the number of the radiograph's columns, in months.

The reader, the command line and everything behind them are real.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from builders import a_bone_age, a_radiograph, an_assessment
from PIL import Image

from boneage.adult_height import adult_heights
from boneage.errors import NoHandFound, UnknownSex
from boneage.heights import check_heights
from boneage.types import Assessment, HandBox, Radiograph, Sex

NO_HAND_COLUMNS = 200
FAULTY_COLUMNS = 210
NAME_IN_FILE = "Jane^Doe"


def a_png(path: Path, columns: int = 126, rows: int = 220) -> Path:
    """Write a drawn hand whose fake bone age is `columns` months."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(a_radiograph(rows, columns).pixels * 255)).save(path)
    return path


def fake_assess(
    radiograph: Radiograph,
    models: Any,
    sexes: Sequence[Sex] | None = None,
    hand_box: HandBox | None = None,
    growth_reference: str = "",
    explain: bool = False,
) -> Assessment:
    """Stand in for `boneage.assessment.assess`."""
    months = radiograph.pixels.shape[1]
    check_heights(radiograph.heights, radiograph.chronological_age_months)
    if sexes is None and radiograph.sex is None:
        raise UnknownSex("The radiograph does not say the child's sex.", "Give it.")
    if months == NO_HAND_COLUMNS:
        raise NoHandFound("No hand above confidence 0.50; best was 0.10.", "Draw the box by hand.")
    if months == FAULTY_COLUMNS:
        raise RuntimeError(f"cannot handle {NAME_IN_FILE}")
    assessment = an_assessment(radiograph, {sex: a_bone_age(float(months)) for sex in sexes or [radiograph.sex]})
    hand = replace(assessment.hand, box=hand_box or assessment.hand.box)
    known = (radiograph.heights, months, radiograph.chronological_age_months)
    estimates = tuple(replace(one, adult_heights=adult_heights(*known, one.sex)) for one in assessment.estimates)
    return replace(assessment, hand=hand, estimates=estimates, warnings=(f"Growth reference {growth_reference}.",))


def install(monkeypatch: Any = None, seconds: float = 0.0) -> None:
    """Put the stand-ins into `boneage.assessment`, for the process or for one test; an assessment takes `seconds`."""
    from boneage import assessment

    def slow_assess(*args: Any, **kwargs: Any) -> Assessment:
        time.sleep(seconds)
        return fake_assess(*args, **kwargs)

    put = monkeypatch.setattr if monkeypatch else setattr
    put(assessment, "load_models", lambda directory=None, threads=None, local=False: "models")
    put(assessment, "assess", slow_assess)
