"""Tables and pictures of a simulated retraining, from the rows that its runs left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

FIGURES = {"regressor": ("all", "girls", "boys", "bias"), "segmenter": ("dice", "worst")}
DRAWN = {
    "regressor": (("girls", "girls, MAE"), ("boys", "boys, MAE")),
    "segmenter": (("dice", "mean Dice, %"), ("worst", "worst Dice, %")),
}
TITLES = {
    "regressor": "Age: girls were taught 18 months too old (months)",
    "segmenter": "Outline: six were known (dark, turned radiographs)",
}


def report(out: Path) -> None:
    """Write retraining.png and print the tables of the runs that are there."""
    rows = {name: read_rows(out / name) for name in FIGURES}
    for name, found in rows.items():
        click.echo(f"\n{table(found, FIGURES[name])}")
    draw({name: found for name, found in rows.items() if found}, out / "retraining.png")


def read_rows(home: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder's runs: the first version, the rounds, then the bad ones with few wrong first."""
    rows = [json.loads(path.read_text()) for path in home.glob("*/row.json")]
    return sorted(
        rows, key=lambda row: ("first round wrong".index(row["run"].split("-")[0]), len(row["run"]), row["run"])
    )


def table(rows: Sequence[dict[str, Any]], figures: Sequence[str]) -> str:
    """Return a table in Markdown: what the candidate does on the tested radiographs, and what the gate said."""
    header = ["run", "corrections", *figures, "gate", "wrong", "look wrong", "of them wrong"]
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for row in rows:
        measured = row.get("candidate", row["live"])
        suspicion = [str(row.get(name, "")) for name in ("planted", "look_wrong", "found")]
        lines.append(
            [
                row["run"],
                str(row["corrections"]),
                *(str(measured[name]) for name in figures),
                row["verdict"],
                *suspicion,
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(rows: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draw the figures of the live versions by round, and crosses for what was refused."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5 * max(len(rows), 1), 4), layout="constrained")
    for column, (name, found) in enumerate(rows.items()):
        axes = figure.add_subplot(1, len(rows), column + 1, title=TITLES[name])
        for color, (key, label) in zip(("C0", "C1"), DRAWN[name], strict=True):
            _draw_line(axes, found, key, label, color)
        axes.set_xticks(range(len(found)), [_tick(row) for row in found])
        axes.set_ylim(bottom=0, top=100 if name == "segmenter" else None)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=100)


def _draw_line(axes: Any, rows: Sequence[dict[str, Any]], key: str, label: str, color: str) -> None:
    rounds = [i for i, row in enumerate(rows) if not row["run"].startswith("wrong")]
    axes.plot(rounds, [rows[i]["live"][key] for i in rounds], color=color, marker="o", label=f"{label}, live")
    for verdict, marker in (("refused", "x"), ("live", "*")):
        chosen = [i for i, row in enumerate(rows) if row["verdict"] == verdict and "candidate" in row]
        chosen = [i for i in chosen if verdict == "refused" or i not in rounds]
        if chosen:
            values = [rows[i]["candidate"][key] for i in chosen]
            said = "refused" if verdict == "refused" else "let through"
            axes.plot(chosen, values, color=color, marker=marker, ls="", ms=9, label=f"{label}, {said}")


def _tick(row: dict[str, Any]) -> str:
    kind, _, number = row["run"].partition("-")
    if kind == "wrong":
        return f"{number} wrong\n({row['corrections']})"
    return f"{kind if kind == 'first' else f'{kind} {number}'}\n({row['corrections']})"
