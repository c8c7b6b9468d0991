"""How many wrong corrections look wrong, and how many right ones do? Ages of wrong patients on real radiographs.

    .venv/bin/python tools/measure_suspicion.py --data DATA

The deployed models look at radiographs of the held-out split as they look at a clinic's corrections. Then a part of the
corrections gets the age of another patient, ten times over, and `boneage.suspicion` says what looks wrong.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from simulated_clinic import SEED, ages, hand_in, write_studies

from boneage.assessment import load_models
from boneage.corrections import CorrectionStore
from boneage.datasets import read_rsna
from boneage.suspicion import Looked, suspicions
from boneage.suspicion_look import look
from boneage.types import Correction, Sex

ROOT = Path(__file__).parents[1]
PARTS = (0.0, 0.05, 0.2, 0.5, 1.0)
SEEDS = 10
FAR_MONTHS = 24.0  # an age that is off by less does little harm
COLUMNS = ("part", "planted", "look_wrong", "precision", "recall", "recall_far", "first_right")


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "runs" / "suspicion", show_default=True)
@click.option("--count", type=click.IntRange(50), default=300, show_default=True, help="Radiographs.")
def main(data: Path, out: Path, count: int) -> None:
    """Measure; what the models say is kept in the folder, so that a second run starts at once."""
    kept = out / "looked.npz"
    if not kept.exists():
        keep(looked_at(data, out, count), kept)
    looked = read(kept)
    click.echo(f"| {' | '.join(COLUMNS)} |\n|{'---:|' * len(COLUMNS)}")
    for part in PARTS:
        runs = [measure(looked, part, seed) for seed in range(SEEDS if 0 < part < 1 else 1)]
        means = np.nanmean(np.array(runs), axis=0) if part else np.array(runs[0])
        click.echo(f"| {part:.0%} | " + " | ".join(f"{value:.2f}" for value in means) + " |")


def looked_at(data: Path, out: Path, count: int) -> list[Looked]:
    """Return right corrections of radiographs that no model saw, beside what the models say."""
    held_out = [one for one in read_rsna(data) if one.split == "held-out"]
    examples = random.Random(SEED).sample(held_out, count)
    write_studies(examples, out / "studies")
    store = CorrectionStore.in_folder(out)
    hand_in(store, ages(examples, "reader"))
    return look(store, lambda id: out / "studies" / f"{id}.png", load_models(threads=1))


def keep(looked: Sequence[Looked], path: Path) -> None:
    """Keep ages, spreads and small pictures."""
    np.savez_compressed(
        path,
        ids=[one.correction.image_id for one in looked],
        ages=[one.correction.bone_age_months for one in looked],
        male=[one.correction.sex is Sex.MALE for one in looked],
        months=[one.months for one in looked],
        sds=[one.sd_months for one in looked],
        small=np.stack([one.small for one in looked if one.small is not None]),
    )


def read(path: Path) -> list[Looked]:
    """Return what `keep` kept."""
    with np.load(path, allow_pickle=False) as file:
        rows = zip(*(file[name] for name in ("ids", "ages", "male", "months", "sds", "small")), strict=True)
        return [
            Looked(
                Correction(
                    str(id), "reader", bone_age_months=float(age), sex=(Sex.FEMALE, Sex.MALE)[int(male)], id=str(id)
                ),
                float(months),
                float(sd),
                small=small,
            )
            for id, age, male, months, sd, small in rows
        ]


def measure(looked: Sequence[Looked], part: float, seed: int) -> tuple[float, ...]:
    """Plant ages of wrong patients in a part of the corrections, and return the figures of `COLUMNS` after the first.

    Precision is of what looks wrong; recall of all wrong ones, and of those that are off by more than two years;
    `first_right` is the precision among as many of the strongest as were planted.
    """
    wrong, off = planted(looked, part, seed)
    found = [one.correction for one in suspicions(wrong) if one.correction]
    bad, far = (
        {id for id, months in off.items() if months > 0},
        {id for id, months in off.items() if months > FAR_MONTHS},
    )
    return (
        float(len(bad)),
        float(len(found)),
        _share(len(bad & set(found)), len(found)),
        _share(len(bad & set(found)), len(bad)),
        _share(len(far & set(found)), len(far)),
        _share(len(bad & set(found[: len(bad)])), len(bad)),
    )


def planted(looked: Sequence[Looked], part: float, seed: int) -> tuple[list[Looked], dict[str, float]]:
    """Return the corrections with a part of the ages passed on in a ring, and id -> how far each age is off."""
    chosen = random.Random(seed).sample(range(len(looked)), round(part * len(looked)))
    source = dict(zip(chosen, chosen[1:] + chosen[:1], strict=True))
    given = [looked[source.get(i, i)].correction.bone_age_months for i in range(len(looked))]
    wrong = [
        replace(one, correction=replace(one.correction, bone_age_months=age))
        for one, age in zip(looked, given, strict=True)
    ]
    right = [one.correction.bone_age_months or 0.0 for one in looked]
    return wrong, {looked[i].correction.id: abs((given[i] or 0.0) - right[i]) for i in chosen}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


if __name__ == "__main__":
    main()
