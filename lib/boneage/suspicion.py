"""Which corrections look wrong: what the models and the other corrections say against each, most suspicious first.

Nothing is thrown away by this: a reader may well be right against the models. Ages are compared with the model's in
units of its spread. A model that errs for a whole kind of children errs for all corrections of such children, so that
what the other corrections nearby say is taken off first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from boneage.types import Correction

SURE_SPREADS = 3.29  # of a normal distribution, 99.9 % lie within
NEIGHBOURS = 25  # corrections with the nearest model ages that an age is compared with
LEAST_SD_MONTHS = 3.0  # no model is surer of an age than its readers are
FEWEST = 10  # corrections below which nothing is said of what they have in common
RELATED = 0.5  # rank correlation of readers and model below which the readers' ages, as a whole, tell nothing
LEAST_DICE = 0.8
LEAST_BOX_OVERLAP = 0.5
LEAST_INSIDE = 0.9  # part of the mask inside the correction's own box
LEAST_FILLED = 0.25  # part of the hand's box
SAME_IN_A_ROW = 5
ALIKE = 0.995  # correlation of two small pictures that show the same radiograph
READERS_APART_MONTHS = 24.0
BIAS_MONTHS = 9.0  # of one reader against the others


@dataclass(frozen=True, eq=False)
class Looked:
    """A correction beside what the live models make of its radiograph.

    Attributes:
        correction: Without its mask.
        months: The model's age for the correction's sex; None if one of both has none.
        sd_months: Its spread.
        dice: Of the correction's mask and the models' outline, 0..1; None without a mask.
        filled: Part of the models' hand box that the mask would fill; None without a mask.
        inside: Part of the mask inside the correction's own box; None if it has not both.
        box_overlap: Intersection over union of the correction's box and the models'; None without a box.
        small: (n,) float32, the radiograph reduced, of mean 0 and length 1; None if not known.
    """

    correction: Correction
    months: float | None = None
    sd_months: float | None = None
    dice: float | None = None
    filled: float | None = None
    inside: float | None = None
    box_overlap: float | None = None
    small: np.ndarray | None = None


Rule = Callable[[Sequence[Looked]], Iterator["Suspicion"]]


@dataclass(frozen=True)
class Suspicion:
    """A correction, or with an empty `correction` a reader or all of them, and what speaks against it.

    Attributes:
        correction: Its id.
        image_id: Its radiograph.
        reader: Who made it.
        weight: How strongly; 1 is the least that is told.
        why: In a sentence.
    """

    correction: str
    image_id: str
    reader: str
    weight: float
    why: str

    def plain(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`."""
        return asdict(self) | {"weight": round(self.weight, 2)}


def suspicions(looked: Sequence[Looked], model: str | None = None) -> list[Suspicion]:
    """Return what looks wrong, strongest first; several reasons against one correction become one entry.

    Args:
        looked: The corrections in the order in which they were made.
        model: Only what matters to the training of this one of `boneage.models.MODEL_NAMES`; None for everything.
    """
    found: dict[tuple[str, str, str], list[tuple[float, str]]] = defaultdict(list)
    for rule in RULES if model is None else RULES_FOR[model]:
        for one in rule(looked):
            found[(one.correction, one.image_id, one.reader)].append((one.weight, one.why))
    merged = [
        Suspicion(*key, sum(weight for weight, _ in reasons), " ".join(why for _, why in sorted(reasons, reverse=True)))
        for key, reasons in found.items()
    ]
    return sorted(merged, key=lambda one: -one.weight)


def _against(looked: Looked, weight: float, why: str) -> Suspicion:
    correction = looked.correction
    return Suspicion(correction.id, correction.image_id, correction.reader, weight, why)


# Ages


def _with_age(looked: Iterable[Looked]) -> list[Looked]:
    return [one for one in looked if one.correction.bone_age_months is not None and one.months is not None]


def _deviations(aged: Sequence[Looked]) -> np.ndarray:
    """Return (n,) reader's less model's age in months."""
    return np.array([_age(one) - (one.months or 0.0) for one in aged])


def _age(looked: Looked) -> float:
    assert looked.correction.bone_age_months is not None
    return looked.correction.bone_age_months


def relation(looked: Sequence[Looked]) -> float | None:
    """Return the rank correlation of readers' and model's ages; None with too few or only one age."""
    aged = _with_age(looked)
    read, found = [_age(one) for one in aged], [one.months for one in aged]
    if len(aged) < FEWEST or len(set(read)) < 2 or len(set(found)) < 2:
        return None
    return float(spearmanr(read, found).statistic)


def _ages_unlike_the_models(looked: Sequence[Looked]) -> Iterator[Suspicion]:
    aged = _with_age(looked)
    deviations = _deviations(aged)
    usual, usual_spread = _usual(aged, deviations, relation(looked))
    for one, deviation, offset, spread in zip(aged, deviations, usual, usual_spread, strict=True):
        own = max(one.sd_months or 0.0, LEAST_SD_MONTHS)
        spreads = min(abs(deviation) / own, abs(deviation - offset) / max(own, spread))  # against both
        if spreads > SURE_SPREADS:
            yield _against(one, spreads / SURE_SPREADS, _age_sentence(one, spreads, offset))


def _age_sentence(one: Looked, spreads: float, offset: float) -> str:
    usually = f", readers here usually {offset:+.0f}" if abs(offset) >= 1 else ""
    return f"Age {_age(one):.0f} months, the model says {one.months:.0f}{usually}: {spreads:.1f} spreads apart."


def _usual(aged: Sequence[Looked], deviations: np.ndarray, related: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return (n,) median and robust SD of the deviations of each one's neighbours by the model's age; else 0."""
    nothing = np.zeros(len(aged))
    if len(aged) < FEWEST or related is None or related < RELATED:
        return nothing, nothing
    months = np.array([one.months for one in aged], float)
    medians, spreads = nothing.copy(), nothing.copy()
    for i, age in enumerate(months):
        near = deviations[np.argsort(abs(months - age), kind="stable")[: NEIGHBOURS + 1]]
        medians[i] = np.median(near)
        spreads[i] = 1.4826 * np.median(abs(near - medians[i]))
    return medians, spreads


def _ages_of_others(looked: Sequence[Looked]) -> Iterator[Suspicion]:
    related = relation(looked)
    if related is not None and related < RELATED:
        why = f"The readers' ages hardly follow the model's (rank correlation {related:.2f}), as if of other patients."
        yield Suspicion("", "", "", 10.0, why)


def _readers_with_a_bias(looked: Sequence[Looked]) -> Iterator[Suspicion]:
    aged = _with_age(looked)
    deviations = _deviations(aged)
    readers = np.array([one.correction.reader for one in aged])
    for reader in sorted(set(readers)):
        own, others = deviations[readers == reader], deviations[readers != reader]
        if min(len(own), len(others)) >= FEWEST:
            bias = float(np.median(own) - np.median(others))
            if abs(bias) > BIAS_MONTHS:
                why = f"Beside the model, {bias:+.0f} months from the other readers in the median of {len(own)} ages."
                yield Suspicion("", "", str(reader), abs(bias) / BIAS_MONTHS, why)


def _the_same_age_in_a_row(looked: Sequence[Looked]) -> Iterator[Suspicion]:
    by_reader: dict[str, list[Looked]] = defaultdict(list)
    for one in looked:
        if one.correction.bone_age_months is not None:
            by_reader[one.correction.reader].append(one)
    for rows in by_reader.values():
        for age, run in groupby(rows, _age):
            alike = list(run)
            if len({one.correction.image_id for one in alike}) >= SAME_IN_A_ROW:
                for one in alike:
                    why = f"The same age {age:.0f} months for {len(alike)} radiographs in a row."
                    yield _against(one, len(alike) / SAME_IN_A_ROW, why)


def _one_radiograph_two_ages(looked: Sequence[Looked]) -> Iterator[Suspicion]:
    aged = [one for one in looked if one.correction.bone_age_months is not None and one.small is not None]
    if not aged:
        return
    pictures = np.stack([one.small for one in aged if one.small is not None])
    for i, one in enumerate(aged):
        alike = [aged[j] for j in np.flatnonzero(pictures @ pictures[i] > ALIKE) if j != i]
        apart = max(alike, key=lambda other: abs(_age(other) - _age(one)), default=one)
        months = abs(_age(apart) - _age(one))
        if months > READERS_APART_MONTHS:
            which = "the same" if apart.correction.image_id == one.correction.image_id else "as good as the same"
            why = f"Age {_age(one):.0f} months, {_age(apart):.0f} for {which} radiograph."
            yield _against(one, months / READERS_APART_MONTHS, why)


# Outlines and boxes


def _below(value: str, least: float, why: str) -> Rule:
    """Return the rule that a value of `Looked` must not be below a limit; `why` is formatted with the value."""

    def rule(looked: Sequence[Looked]) -> Iterator[Suspicion]:
        for one in looked:
            seen = getattr(one, value)
            if seen is not None and seen < least:
                yield _against(one, 1.0 + (least - seen) / least, why.format(seen))

    return rule


AGE_RULES: tuple[Rule, ...] = (
    _ages_of_others,
    _ages_unlike_the_models,
    _readers_with_a_bias,
    _the_same_age_in_a_row,
    _one_radiograph_two_ages,
)
OUTLINE_RULES = (
    _below("filled", LEAST_FILLED, "The outline fills only {:.0%} of the hand's box."),
    _below("dice", LEAST_DICE, "The outline and the model's share only {:.0%} (Dice)."),
    _below("inside", LEAST_INSIDE, "Only {:.0%} of the outline lies inside its own box."),
)
BOX_RULES = (_below("box_overlap", LEAST_BOX_OVERLAP, "The box and the model's overlap by {:.0%} only."),)
RULES = AGE_RULES + OUTLINE_RULES + BOX_RULES
RULES_FOR = {
    "bone_age_regressor": AGE_RULES,
    "hand_segmenter": OUTLINE_RULES,
    "hand_detector": BOX_RULES + OUTLINE_RULES,
}
