"""From rows of `boneage.evaluation_refusals` to both rates: no hands that got an age, and real hands that got none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from boneage.errors import InvalidData
from boneage.evaluation import Figure
from boneage.evaluation_not_hand_made import MADE_PICTURES
from boneage.evaluation_refusals import ACCEPTED, DOUBTED, MATURE, NO_WHOLE_HAND, REAL_HAND, REFUSED
from boneage.output import write_atomically

OLDEST_MONTHS = 216.0
NORMAL_95 = 1.96

Row = Mapping[str, str]


@dataclass(frozen=True)
class OutcomeFigures:
    """What became of the pictures of one family.

    Attributes:
        question: Whether they are real hands, no whole hands or other body parts.
        family: What they show.
        expected: "refused", "doubted" (refused, or an age with a warning) or "accepted".
        pictures: How many.
        refused: Kind of error -> how many.
        doubted: Got an age with a warning about the hand.
        accepted: Got an age without one.
        as_expected: Share of them, 0..1.
    """

    question: str
    family: str
    expected: str
    pictures: int
    refused: dict[str, int]
    doubted: int
    accepted: int
    as_expected: Figure


@dataclass(frozen=True)
class MatureFigures:
    """Of radiographs that readers gave `OLDEST_MONTHS` or more, or that show a mature hand for their sex.

    Attributes:
        group: Which.
        radiographs: With an age.
        said: Share of them that are said to be at the end of the scale.
    """

    group: str
    radiographs: int
    said: Figure


def measure_refusals(rows: Sequence[Row]) -> list[OutcomeFigures]:
    """Measure every family, real hands first.

    Raises:
        InvalidData: If there is no row.
    """
    if not rows:
        raise InvalidData("There is no picture to count.", "Every radiograph failed, or there was none.")
    expected = {(NO_WHOLE_HAND, one.family): one.expected for one in MADE_PICTURES}
    names = dict.fromkeys((row["question"], row["family"]) for row in rows)
    families = sorted(names, key=lambda name: name[0] != REAL_HAND)
    return [
        _figures(*name, expected.get(name, ACCEPTED if name[0] == REAL_HAND else REFUSED), rows) for name in families
    ]


def _figures(question: str, family: str, expected: str, rows: Iterable[Row]) -> OutcomeFigures:
    own = [row for row in rows if (row["question"], row["family"]) == (question, family)]
    outcomes = Counter(row["outcome"] for row in own)
    good = {REFUSED: {REFUSED}, DOUBTED: {REFUSED, DOUBTED}, ACCEPTED: {DOUBTED, MATURE, ACCEPTED}}[expected]
    return OutcomeFigures(
        question,
        family,
        expected,
        pictures=len(own),
        refused=dict(sorted(Counter(row["reason"] for row in own if row["outcome"] == REFUSED).items())),
        doubted=outcomes[DOUBTED],
        accepted=outcomes[ACCEPTED] + outcomes[MATURE],
        as_expected=_share(row["outcome"] in good for row in own),
    )


def measure_mature(rows: Iterable[Row]) -> list[MatureFigures]:
    """Measure whether mature hands are said to be so; groups without a radiograph are left out."""
    from boneage.assessment import END_OF_SCALE, END_OF_SCALE_MONTHS  # heavy

    real = [row for row in rows if row["question"] == REAL_HAND and row["predicted_months"]]
    groups = {f"read as {OLDEST_MONTHS / 12:g} years or more": [row for row in real if _months(row) >= OLDEST_MONTHS]}
    for sex, months in END_OF_SCALE_MONTHS.items():
        own = [row for row in real if row["sex"] == sex.value]
        groups[f"{sex.value}, read as {months / 12:g} years or more"] = [row for row in own if _months(row) >= months]
        groups[f"{sex.value}, read as younger"] = [row for row in own if _months(row) < months]
    return [
        MatureFigures(name, len(own), _share(END_OF_SCALE in row["reason"] for row in own))
        for name, own in groups.items()
        if own
    ]


def _months(row: Row) -> float:
    return float(row["reference_months"])


def _share(values: Iterable[bool]) -> Figure:
    """Return a share with its 95 % Wilson interval, which is not empty where all or none are."""
    own = list(values)
    share, weight = sum(own) / len(own), NORMAL_95**2 / len(own)
    middle = (share + weight / 2) / (1 + weight)
    reach = np.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    return Figure(share, max(float(middle - reach), 0.0), min(float(middle + reach), 1.0))


def refusals_markdown(figures: Sequence[OutcomeFigures], mature: Sequence[MatureFigures]) -> str:
    """Write both as tables in Markdown."""
    lines = ["| question | what is shown | expected | pictures | refused | warned | age without | as expected |"]
    lines += ["|---|---|---|---:|---|---:|---:|---:|", *map(_line, figures), ""]
    if mature:
        lines += ["| mature hands | radiographs | said to be at the end of the scale |", "|---|---:|---:|"]
        lines += [f"| {one.group} | {one.radiographs} | {_percent(one.said)} |" for one in mature]
    return "\n".join(lines) + "\n"


def _line(one: OutcomeFigures) -> str:
    refused = ", ".join(f"{count} {kind}" for kind, count in one.refused.items()) or "0"
    counts = f"{one.pictures} | {refused} | {one.doubted} | {one.accepted}"
    return f"| {one.question} | {one.family} | {one.expected} | {counts} | {_percent(one.as_expected)} |"


def _percent(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} % [{100 * figure.lower:.1f}, {100 * figure.upper:.1f}]"


def write_refusals(figures: Sequence[OutcomeFigures], mature: Sequence[MatureFigures], folder: Path) -> None:
    """Write refusals.json and refusals.md into an existing folder.

    Raises:
        OutputFailed: If a file cannot be written.
    """
    plain = {"outcomes": [asdict(one) for one in figures], "mature": [asdict(one) for one in mature]}
    with write_atomically(folder / "refusals.json") as temporary:
        temporary.write_text(json.dumps(plain, indent=2) + "\n", encoding="utf-8")
    with write_atomically(folder / "refusals.md") as temporary:
        temporary.write_text(refusals_markdown(figures, mature), encoding="utf-8")
