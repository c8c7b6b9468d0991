"""Does it pay to let a strategy choose what is corrected next? Simulated on radiographs that no model was trained on.

    .venv/bin/python tools/simulate_active_learning.py --data DATA

The deployed models score the held-out and the validation radiographs as the server does. For each seed they are split
into a pool and a test set; from a few labels on, a strategy of the server chooses the next ones, and a light model on
the frozen last hidden layer of the regressor is trained anew. Writes docs/active-learning.csv and its picture.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
import torch
from tqdm import tqdm

from boneage.assessment import Models, load_models
from boneage.datasets import Example, radiograph_of, read_rsna
from boneage.errors import BoneAgeError
from boneage.scores import Score
from boneage.scoring import score
from boneage.selection import by_coverage, by_uncertainty
from boneage.types import Sex

ROOT = Path(__file__).parents[1]
MONTHS = torch.arange(240.0)
LABEL_SD_MONTHS = 6.0
POOL, FIRST, STEP, LAST = 900, 20, 20, 300
BANDS = (0, 48, 96, 144, 192, 240)


@dataclass(frozen=True, eq=False)
class Case:
    """A radiograph with what the deployed models think of it and what its readers said."""

    score: Score
    is_male: bool
    bone_age_months: float


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--kept", type=click.Path(path_type=Path), default=ROOT / "runs" / "active-learning.npz", show_default=True
)
def main(data: Path, seeds: int, kept: Path) -> None:
    """Simulate; scores are kept in a file, so that a second run starts at once."""
    cases = scored_cases(data, kept)
    torch.set_num_threads(1)  # the light model is too small for more
    rows = []
    for name in ("random", "uncertain", "diverse"):
        for seed in tqdm(range(seeds), name):
            rows += curve(name, seed, cases)
    with (ROOT / "docs" / "active-learning.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, ROOT / "docs" / "active-learning.png")
    print_table(rows)


# What the deployed models think


def scored_cases(data: Path, kept: Path) -> list[Case]:
    """Return the cases of the held-out and the validation split; those without a hand are left out."""
    examples = [example for example in read_rsna(data) if example.split in ("held-out", "validation")]
    if not kept.exists():
        _keep_scores(examples, load_models(threads=1), kept)
    with np.load(kept) as file:
        scores = {
            str(i): Score(str(i), "", float(sd), float(outline), embedding)
            for i, sd, outline, embedding in zip(
                file["ids"], file["sds"], file["outlines"], file["embeddings"], strict=True
            )
        }
    return [Case(scores[e.id], e.sex is Sex.MALE, e.bone_age_months) for e in examples if e.id in scores]


def _keep_scores(examples: Sequence[Example], models: Models, kept: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda example: _scored(example, models), examples)
        scores = [found for found in tqdm(results, "Scoring", len(examples)) if found is not None]
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        kept,
        ids=[found.image_id for found in scores],
        sds=[found.age_sd_months for found in scores],
        outlines=[found.outline_disagreement for found in scores],
        embeddings=np.stack([found.embedding for found in scores if found.embedding is not None]),
    )


def _scored(example: Example, models: Models) -> Score | None:
    try:
        return score(example.id, radiograph_of(example), models)
    except BoneAgeError:
        return None


# The simulation


def curve(name: str, seed: int, cases: Sequence[Case]) -> list[dict[str, float | str]]:
    """Return the test error after each round of one strategy."""
    rng = random.Random(seed)
    shuffled = rng.sample(list(cases), len(cases))
    pool = {case.score.image_id: case for case in shuffled[:POOL]}
    test = shuffled[POOL:]
    labelled = list(pool)[:FIRST]
    rows = []
    while True:
        model = LightModel([pool[i] for i in labelled], seed)
        errors = np.abs(model.means(test) - [case.bone_age_months for case in test])
        rows.append({"strategy": name, "seed": seed, "labels": len(labelled), **_errors(errors, test)})
        if len(labelled) >= LAST:
            return rows
        waiting = [i for i in pool if i not in set(labelled)]
        labelled += STRATEGIES[name](waiting, labelled, pool, model, rng)[:STEP]


def _errors(errors: np.ndarray, test: Sequence[Case]) -> dict[str, float]:
    ages = np.array([case.bone_age_months for case in test])
    bands = [errors[(ages >= low) & (ages < high)] for low, high in pairwise(BANDS)]
    by_band = [band.mean() for band in bands if len(band)]
    return {"mae_months": float(errors.mean()), "mae_mean_of_age_bands_months": float(np.mean(by_band))}


class LightModel:
    """Softmax over months on the frozen hidden layer and the sex: the head of the regressor, trained in a second."""

    def __init__(self, cases: Sequence[Case], seed: int, steps: int = 300) -> None:
        torch.manual_seed(seed)
        self._scale = float(np.abs(self._features(cases)).mean()) or 1.0
        inputs = torch.tensor(self._features(cases) / self._scale)
        ages = torch.tensor([case.bone_age_months for case in cases])
        target = torch.softmax(-0.5 * ((MONTHS - ages[:, None]) / LABEL_SD_MONTHS) ** 2, dim=1)
        self._head = torch.nn.Linear(inputs.shape[1], len(MONTHS))
        optimizer = torch.optim.AdamW(self._head.parameters(), 3e-3, weight_decay=0.3)
        for _ in range(steps):
            loss = -(target * torch.log_softmax(self._head(inputs), 1)).sum(1).mean()
            loss = loss + 0.02 * torch.nn.functional.l1_loss(torch.softmax(self._head(inputs), 1) @ MONTHS, ages)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def means(self, cases: Sequence[Case]) -> np.ndarray:
        """Return bone ages in months."""
        return (self._probabilities(cases) @ MONTHS).numpy()

    def sds(self, cases: Sequence[Case]) -> np.ndarray:
        """Return their spreads in months."""
        probabilities = self._probabilities(cases)
        means = probabilities @ MONTHS
        return ((probabilities * (MONTHS - means[:, None]) ** 2).sum(1)).sqrt().numpy()

    def _probabilities(self, cases: Sequence[Case]) -> torch.Tensor:
        with torch.no_grad():
            return torch.softmax(self._head(torch.tensor(self._features(cases) / self._scale)), 1)

    @staticmethod
    def _features(cases: Sequence[Case]) -> np.ndarray:
        embeddings = np.stack([np.asarray(case.score.embedding, np.float32) for case in cases])
        male = np.array([[case.is_male, not case.is_male] for case in cases], np.float32)
        return np.hstack([embeddings, male * embeddings.mean() * 10])


Chooser = Callable[[list[str], list[str], dict[str, Case], LightModel, random.Random], list[str]]


def _random(
    waiting: list[str], _done: list[str], _pool: dict[str, Case], _model: LightModel, rng: random.Random
) -> list[str]:
    return rng.sample(waiting, len(waiting))


def _uncertain(
    waiting: list[str], _done: list[str], pool: dict[str, Case], model: LightModel, _rng: random.Random
) -> list[str]:
    sds = model.sds([pool[i] for i in waiting])
    scores = {i: replace(pool[i].score, age_sd_months=float(sd)) for i, sd in zip(waiting, sds, strict=True)}
    return by_uncertainty(waiting, scores)


def _diverse(
    waiting: list[str], done: list[str], pool: dict[str, Case], _model: LightModel, _rng: random.Random
) -> list[str]:
    ids = list(pool)
    embeddings = np.stack([np.asarray(pool[i].score.embedding, np.float32) for i in ids])
    return by_coverage(waiting, done, ids, embeddings)


STRATEGIES: dict[str, Chooser] = {"random": _random, "uncertain": _uncertain, "diverse": _diverse}


# What comes out

MEASURES = {
    "mae_months": "MAE, months",
    "mae_mean_of_age_bands_months": "MAE, mean of five age bands, months",
}


def summary(rows: list[dict], measure: str) -> dict[str, dict[int, tuple[float, float]]]:
    """Return strategy -> labels -> mean and standard error over the seeds."""
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for name, labels in sorted({(row["strategy"], row["labels"]) for row in rows}):
        values = [row[measure] for row in rows if (row["strategy"], row["labels"]) == (name, labels)]
        error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
        found.setdefault(name, {})[labels] = float(np.mean(values)), error
    return found


def draw(rows: list[dict], path: Path) -> None:
    """Draw the learning curves."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for column, (measure, title) in enumerate(MEASURES.items()):
        axes = figure.add_subplot(1, 2, column + 1, title=title, xlabel="corrected radiographs")
        for name, points in summary(rows, measure).items():
            labels = list(points)
            means, errors = np.array([points[count] for count in labels]).T
            axes.plot(labels, means, label=name)
            axes.fill_between(labels, means - errors, means + errors, alpha=0.2)
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def print_table(rows: list[dict]) -> None:
    """Print a table in Markdown."""
    for measure, title in MEASURES.items():
        found = summary(rows, measure)
        counts = [FIRST, 60, 100, 200, LAST]
        print(f"\n| {title} | " + " | ".join(str(count) for count in counts) + " |")
        print("|---|" + "---:|" * len(counts))
        for name in STRATEGIES:
            cells = [f"{found[name][count][0]:.1f} ± {found[name][count][1]:.1f}" for count in counts]
            print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
