"""The JSON Schema (draft 2020-12) of an assessment, as the command line prints it and the server answers it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def assessment_schema() -> dict[str, Any]:
    """Return the schema; it lies in `boneage/data/assessment.schema.json`."""
    text = (files("boneage") / "data" / "assessment.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
