"""An evaluation as metrics.json, report.md and plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from boneage.evaluation import Agreement, Figure, Metrics, Summary, measure, measure_agreement, summarise
from boneage.evaluation_plots import draw_bland_altman, draw_mae_by_age, draw_scatter, save_plot
from boneage.output import write_atomically
from boneage.predictions import Predictions, pairs

PLOTS = {
    "scatter.png": "Predicted against reference",
    "bland_altman.png": "Bland-Altman",
    "mae_by_age.png": "Error by age and sex",
}


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation found.

    Attributes:
        data: Name of the data folder.
        split: Which part was evaluated.
        radiographs: How many, failed ones included.
        failed: Kind of error -> how many.
        with_warnings: How many predictions came with a warning.
        models: The model versions.
        summary: The metrics.
        by_split: Metrics of each part of the data set; radiographs in none are under "not in a split".
        by_kind: Metrics of each sort of copy.
        agreement: Between the larger and the standard copies of the same hands; None without such pairs.
    """

    data: str
    split: str
    radiographs: int
    failed: dict[str, int]
    with_warnings: int
    models: tuple[str, ...]
    summary: Summary
    by_split: dict[str, Metrics]
    by_kind: dict[str, Metrics]
    agreement: Agreement | None


def evaluate_predictions(
    predictions: Predictions, data: str, split: str, standard: Predictions | None = None
) -> Evaluation:
    """Measure predictions.

    Args:
        predictions: What to measure.
        data: Name of the data folder, for the report.
        split: Which part was evaluated, for the report.
        standard: Predictions from the standard copies of the same radiographs, to compare with; None without them.

    Raises:
        InvalidData: If there is no prediction.
    """
    summary = summarise(
        predictions.reference, predictions.predicted, predictions.lower, predictions.upper, predictions.sex
    )
    return Evaluation(
        data=data,
        split=split,
        radiographs=len(predictions.reference) + sum(predictions.failed.values()),
        failed=predictions.failed,
        with_warnings=predictions.with_warnings,
        models=predictions.models,
        summary=summary,
        by_split={name or "not in a split": metrics for name, metrics in _by(predictions, "split").items()},
        by_kind={name or "standard copy": metrics for name, metrics in _by(predictions, "kind").items()},
        agreement=_agreement(standard, predictions) if standard else None,
    )


def write_evaluation(evaluation: Evaluation, predictions: Predictions, folder: Path) -> None:
    """Write metrics.json, report.md and the plots into an existing folder.

    Raises:
        OutputFailed: If a file cannot be written.
    """
    arrays = (predictions.reference, predictions.predicted, predictions.sex)
    save_plot(draw_scatter(*arrays), folder / "scatter.png")
    save_plot(draw_bland_altman(*arrays), folder / "bland_altman.png")
    save_plot(draw_mae_by_age(evaluation.summary.by_sex_and_age_band), folder / "mae_by_age.png")
    with write_atomically(folder / "metrics.json") as temporary:
        temporary.write_text(
            json.dumps(evaluation_json(evaluation), indent=2, allow_nan=False) + "\n", encoding="utf-8"
        )
    with write_atomically(folder / "report.md") as temporary:
        temporary.write_text(evaluation_markdown(evaluation), encoding="utf-8")


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Give the evaluation as plain values; units are part of the keys, shares are 0..1."""
    return asdict(evaluation)


def evaluation_markdown(evaluation: Evaluation) -> str:
    """Write the evaluation for people, as Markdown."""
    return "\n\n".join("\n".join(block) for block in _blocks(evaluation)) + "\n"


def _by(predictions: Predictions, column: str) -> dict[str, Metrics]:
    """Measure each value of a column of text."""
    values = getattr(predictions, column)
    parts = {str(name): predictions.where(values == name) for name in sorted(set(values.tolist()))}
    return {name: measure(part.reference, part.predicted, part.lower, part.upper) for name, part in parts.items()}


def _agreement(standard: Predictions, larger: Predictions) -> Agreement | None:
    first, second = pairs(standard, larger)
    return measure_agreement(first, second) if len(first) else None


def _blocks(evaluation: Evaluation) -> Iterator[list[str]]:
    summary = evaluation.summary
    yield ["# Bone age evaluation"]
    yield list(_facts(evaluation))
    yield ["Ages are in months, errors are predicted minus reference, 95 % bootstrap intervals in brackets."]
    yield ["## Accuracy"]
    yield _table({"all": summary.all} | summary.by_sex)
    yield ["## By age"]
    yield _table(summary.by_age_band | summary.by_sex_and_age_band)
    for title, metrics in (("part of the data set", evaluation.by_split), ("kind of copy", evaluation.by_kind)):
        if len(metrics) > 1:
            yield [f"## By {title}"]
            yield _table(metrics)
    if evaluation.agreement:
        yield ["## Agreement across resolution"]
        yield [_agreement_in_words(evaluation.agreement)]
    yield ["## Radiographs without a bone age"]
    yield [f"- {kind}: {count}" for kind, count in evaluation.failed.items()] or ["None."]
    yield ["## Plots"]
    yield [f"![{title}]({name})\n" for name, title in PLOTS.items()]


def _facts(evaluation: Evaluation) -> Iterator[str]:
    yield f"- Data: {evaluation.data}, split: {evaluation.split}"
    yield f"- Radiographs: {evaluation.radiographs}, of which {sum(evaluation.failed.values())} without a bone age"
    yield f"- Predictions with a warning: {evaluation.with_warnings}"
    yield f"- Models: {' / '.join(evaluation.models)}"
    if {"train", "validation"} & set(evaluation.by_split):
        yield "- **Some of these radiographs were used to train or choose the models: the figures flatter them.**"


def _table(metrics: Mapping[str, Metrics]) -> list[str]:
    header = "| group | n | MAE | RMSE | bias | within 6 | within 12 | within 24 | in 90 % interval | its width |"
    return [header, "|---|" + "---:|" * 9, *(_table_row(name, one) for name, one in metrics.items())]


def _table_row(name: str, one: Metrics) -> str:
    months = (one.mae_months, one.rmse_months, one.bias_months)
    shares = (*one.within_months.values(), one.coverage_90)
    cells = [
        name,
        str(one.count),
        *map(_in_months, months),
        *map(_in_percent, shares),
        f"{one.interval_width_months:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _in_months(figure: Figure) -> str:
    value, lower, upper = (round(one, 2) + 0.0 for one in (figure.value, figure.lower, figure.upper))  # no "-0.00"
    return f"{value:.2f} [{lower:.2f}, {upper:.2f}]"


def _in_percent(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} % [{100 * figure.lower:.1f}, {100 * figure.upper:.1f}]"


def _agreement_in_words(agreement: Agreement) -> str:
    return (
        f"{agreement.count} hands have both a larger and the standard copy. Mean absolute difference "
        f"{_in_months(agreement.mean_absolute_difference_months)} months; larger minus standard "
        f"{_in_months(agreement.bias_months)} months."
    )
