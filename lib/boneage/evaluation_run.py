"""An evaluation's predictions, made once: what is in `predictions.csv` already is not made again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from boneage.batch import assess_many, usable_cores
from boneage.datasets import SPLITS, Example, radiograph_of, read_larger, read_rsna
from boneage.errors import InvalidData, InvalidInput
from boneage.predictions import file_of, models_of, prediction_row
from boneage.progress import with_progress
from boneage.row_file import RowFile
from boneage.types import Assessment

if TYPE_CHECKING:
    from boneage.assessment import Models

ALL = "all"
Item = TypeVar("Item")


def choose_examples(data: Path, split: str, larger: bool = False, limit: int | None = None) -> list[Example]:
    """Return the radiographs to evaluate; with `larger`, each larger copy and then the standard one.

    Args:
        data: A folder in RSNA layout.
        split: "all", or one of `boneage.datasets.SPLITS`.
        larger: Take the larger copies.
        limit: At most so many, spread evenly over the table; None for all.

    Raises:
        InvalidData: If there is none.
    """
    examples = read_larger(data) if larger else read_rsna(data)
    chosen = spread([one for one in examples if split in (ALL, one.split)], limit)
    if not chosen:
        raise InvalidData(
            f"No radiograph of {data} is in the split '{split}'.",
            f"Take another one of {', '.join(SPLITS)}, or --split all.",
        )
    if not larger:
        return chosen
    standard = {one.id: one for one in read_rsna(data)}
    return [copy for one in chosen for copy in (one, standard.get(one.id)) if copy]


def predict(examples: Sequence[Example], data: Path, rows: RowFile, models: Models, workers: int | None = None) -> None:
    """Assess the examples that have no row yet, and append a row for each as it is done.

    Raises:
        InvalidInput: If the earlier rows were made by other models.
        OutputFailed: If a row cannot be written.
    """
    from boneage import assessment  # heavy

    def assess_one(example: Example) -> Assessment:
        return assessment.assess(radiograph_of(example), models)

    done = {row["file"] for row in rows.earlier_rows}
    earlier_models = {row["models"] for row in rows.earlier_rows if row["models"]}
    todo = [one for one in examples if file_of(one, data) not in done]
    with closing(assess_many(todo, assess_one, workers or usable_cores())) as outcomes:
        for outcome in with_progress(outcomes, len(todo), "Evaluating"):
            if outcome.answer:
                check_models(models_of(outcome.answer), earlier_models, rows.path)
            rows.append([prediction_row(outcome, data)])
            del outcome


def spread(examples: Sequence[Item], limit: int | None) -> list[Item]:
    """Return at most `limit` of them, spread evenly; all for None."""
    if limit is None or limit >= len(examples):
        return list(examples)
    return [examples[index * len(examples) // limit] for index in range(limit)]


def check_models(models: str, earlier_models: set[str], path: Path) -> None:
    """Refuse to mix answers of different models in one file.

    Raises:
        InvalidInput: If the earlier rows were made by other models.
    """
    if earlier_models and models not in earlier_models:
        raise InvalidInput(
            f"{path} holds predictions of {', '.join(sorted(earlier_models))}; these models are {models}.",
            "Choose another folder with --out.",
        )
