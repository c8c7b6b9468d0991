"""The table `predictions.csv` of an evaluation: one row a radiograph, failed ones included."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from boneage.batch import Outcome
from boneage.datasets import Example
from boneage.types import Assessment

COLUMNS = (
    "file",
    "id",
    "kind",
    "split",
    "sex",
    "reference_months",
    "predicted_months",
    "lower_90_months",
    "upper_90_months",
    "error_months",
    "warnings",
    "models",
    "seconds",
    "error_kind",
    "error_message",
)


@dataclass(frozen=True)
class Predictions:
    """Predictions as arrays (n,), ages in months, and what failed.

    Attributes:
        id: As the data set names the radiographs.
        kind: What sort of copy each is; empty for the standard copy.
        split: Each one's part of the data set; empty if it is in none.
        sex: Values of `Sex`.
        reference: Readers' bone ages.
        predicted: The models' bone ages.
        lower: Lower ends of the 90 % intervals.
        upper: Upper ends.
        failed: Kind of error -> how many radiographs have no prediction for it.
        with_warnings: How many predictions came with a warning.
        models: The model versions that made them.
    """

    id: np.ndarray
    kind: np.ndarray
    split: np.ndarray
    sex: np.ndarray
    reference: np.ndarray
    predicted: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    failed: dict[str, int]
    with_warnings: int
    models: tuple[str, ...]

    def where(self, chosen: np.ndarray) -> Predictions:
        """Return the predictions at which `chosen` (n,) is true; what is told of all stays."""
        columns = ("id", "kind", "split", "sex", "reference", "predicted", "lower", "upper")
        return replace(self, **{column: getattr(self, column)[chosen] for column in columns})


def prediction_row(outcome: Outcome[Example, Assessment], data: Path) -> dict[str, str]:
    """Give the row of one radiograph; numbers have two decimals, unknown ones are empty."""
    example = outcome.item
    assert example.sex is not None, "an example with an age has a sex"
    row = {
        "file": file_of(example, data),
        "id": example.id,
        "kind": example.kind,
        "split": example.split,
        "sex": example.sex.value,
        "reference_months": f"{example.bone_age_months:.2f}",
    }
    if outcome.error:
        return row | {"error_kind": outcome.error.kind, "error_message": str(outcome.error)}
    assert outcome.answer is not None, "an outcome has an answer or an error"
    bone_age = outcome.answer.estimates[0].bone_age
    return row | {
        "predicted_months": f"{bone_age.months:.2f}",
        "lower_90_months": f"{bone_age.lower_90_months:.2f}",
        "upper_90_months": f"{bone_age.upper_90_months:.2f}",
        "error_months": f"{bone_age.months - example.bone_age_months:.2f}",
        "warnings": " | ".join(outcome.answer.warnings),
        "models": models_of(outcome.answer),
        "seconds": f"{outcome.answer.seconds:.3f}",
    }


def file_of(example: Example, data: Path) -> str:
    """Return an example's file relative to the data folder, with slashes: its key in the table."""
    return Path(os.path.relpath(example.path, data)).as_posix()


def models_of(assessment: Assessment) -> str:
    """Return the model versions as one text, such as "detection 1.0.0; regression 1.2.0"."""
    return "; ".join(f"{name} {version}" for name, version in sorted(assessment.model_versions.items()))


def as_predictions(rows: Iterable[Mapping[str, str]]) -> Predictions:
    """Turn rows of the table into arrays."""
    rows = list(rows)
    good = [row for row in rows if not row["error_kind"]]

    def texts(column: str) -> np.ndarray:
        return np.array([row[column] for row in good], dtype=str)

    def months(column: str) -> np.ndarray:
        return np.array([float(row[column]) for row in good])

    return Predictions(
        id=texts("id"),
        kind=texts("kind"),
        split=texts("split"),
        sex=texts("sex"),
        reference=months("reference_months"),
        predicted=months("predicted_months"),
        lower=months("lower_90_months"),
        upper=months("upper_90_months"),
        failed=dict(sorted(Counter(row["error_kind"] for row in rows if row["error_kind"]).items())),
        with_warnings=sum(bool(row["warnings"]) for row in good),
        models=tuple(sorted({row["models"] for row in good})),
    )


def pairs(standard: Predictions, larger: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the predictions (n,) in months where both copies have one: from the standard copy, from the larger."""
    by_id = dict(zip(standard.id, standard.predicted, strict=True))
    both = np.isin(larger.id, standard.id)
    return np.array([by_id[id] for id in larger.id[both]]), larger.predicted[both]
