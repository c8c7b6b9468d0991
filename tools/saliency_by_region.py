"""Does the age come from where readers look? Saliency inside the boxes of the ossification centres, by age.

    .venv/bin/python tools/saliency_by_region.py --data DATA

Takes held-out radiographs whose joints and growth plates were boxed by hand (ossification_boxes.csv). Writes
docs/saliency.csv and docs/saliency.png, and prints the table in Markdown.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from boneage.assessment import Models, assess, load_models
from boneage.datasets import Example, radiograph_of, read_rsna
from boneage.errors import BoneAgeError
from boneage.types import Assessment

ROOT = Path(__file__).parents[1]
Box = tuple[float, float, float, float]
GROUPS = {
    "radius, ulna": ("Radius", "Ulna"),
    "knuckles (MCP)": ("MCP", "MCPFirst"),
    "proximal phalanges, PIP": ("ProximalPhalanx", "PIP"),
    "middle and distal phalanges, DIP": ("MiddlePhalanx", "DistalPhalanx", "DIP"),
}
CARPUS = "carpus"  # few are boxed: what is within a quarter of a hand's length of the capitate and in no other box
REST = "elsewhere in the hand"
BANDS_YEARS = ((0, 4), (4, 8), (8, 12), (12, 16), (16, 19))
CARPUS_REACH = 0.16  # hand lengths around the capitate


@click.command()
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--limit", type=click.IntRange(1), default=150, show_default=True)
def main(data: Path, limit: int) -> None:
    """Measure, write and draw."""
    boxes = read_boxes(data / "ossification_boxes.csv")
    examples = [one for one in read_rsna(data) if one.split == "held-out" and one.id in boxes][:limit]
    models = load_models()
    rows = [row for one in tqdm(examples, "Explaining") for row in rows_of(one, boxes[one.id], models)]
    with (ROOT / "docs" / "saliency.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print_table(rows)
    draw(rows, ROOT / "docs" / "saliency.png")


def read_boxes(path: Path) -> dict[str, list[tuple[str, Box]]]:
    """Return the boxes of each radiograph: region, and left, top, right, bottom as fractions."""
    boxes: dict[str, list[tuple[str, Box]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            left, top, right, bottom = (float(row[side]) for side in ("left", "top", "right", "bottom"))
            boxes.setdefault(row["id"], []).append((row["region"], (left, top, right, bottom)))
    return boxes


def rows_of(example: Example, boxes: list[tuple[str, Box]], models: Models) -> Iterator[dict[str, str | float]]:
    """Yield, for each group of regions, its share of the saliency and its share of the hand's area."""
    try:
        found = assess(radiograph_of(example), models, [example.sex], explain=True)
    except BoneAgeError:
        return
    assert found.saliency is not None
    months = found.saliency.months
    hand = months > 0
    for group, inside in regions(found, boxes).items():
        yield {
            "id": example.id,
            "sex": example.sex.value,
            "bone_age_months": example.bone_age_months,
            "group": group,
            "share_of_saliency": round(float(months[inside].sum() / months.sum()), 4),
            "share_of_hand": round(float((inside & hand).sum() / hand.sum()), 4),
        }


def regions(found: Assessment, boxes: list[tuple[str, Box]]) -> dict[str, np.ndarray]:
    """Return (rows, columns) bool masks on the saliency's grid; every cell of the grid is in one of them."""
    assert found.saliency is not None
    shape = found.saliency.months.shape
    left = np.ones(shape, bool)
    masks = {}
    for group, names in GROUPS.items():
        inside = np.zeros(shape, bool)
        for region, box in boxes:
            if region in names:
                inside |= _inside(box, shape)
        masks[group] = inside & left
        left &= ~inside
    masks[CARPUS] = _near_capitate(found, shape) & left
    masks[REST] = left & ~masks[CARPUS]
    return masks


def _cells(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the cells' centres as fractions of the radiograph."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (x + 0.5) / shape[1], (y + 0.5) / shape[0]


def _inside(box: Box, shape: tuple[int, ...]) -> np.ndarray:
    x, y = _cells(shape)
    return (x >= box[0]) & (x < box[2]) & (y >= box[1]) & (y < box[3])


def _near_capitate(found: Assessment, shape: tuple[int, ...]) -> np.ndarray:
    rows, columns = found.radiograph.pixels.shape
    aspect = found.radiograph.pixel_aspect
    x, y = _cells(shape)
    points = np.array([found.hand.pose.capitate, found.hand.pose.middle_tip]) * (1.0, aspect)
    away = np.hypot(x * columns - points[0, 0], y * rows * aspect - points[0, 1])
    return away < CARPUS_REACH * np.hypot(*(points[1] - points[0]))


def _band(row: dict[str, str | float]) -> str:
    years = float(row["bone_age_months"]) / 12
    return next(f"{low}-{high}" for low, high in BANDS_YEARS if years < high or high == BANDS_YEARS[-1][1])


def table(rows: list[dict[str, str | float]], column: str) -> dict[str, dict[str, float]]:
    """Return group -> age band -> mean share; the band "all" too."""
    found: dict[str, dict[str, float]] = {}
    for group in (*GROUPS, CARPUS, REST):
        own = [row for row in rows if row["group"] == group]
        by_band = {"all": [float(row[column]) for row in own]}
        for row in own:
            by_band.setdefault(_band(row), []).append(float(row[column]))
        found[group] = {band: float(np.mean(values)) for band, values in by_band.items()}
    return found


def print_table(rows: list[dict[str, str | float]]) -> None:
    """Print the shares in Markdown."""
    saliency, area = table(rows, "share_of_saliency"), table(rows, "share_of_hand")
    counts = {"all": len({row["id"] for row in rows})}
    for low, high in BANDS_YEARS:
        counts[f"{low}-{high}"] = len({row["id"] for row in rows if _band(row) == f"{low}-{high}"})
    bands = [band for band, count in counts.items() if count]
    print("| share of saliency | of the area | " + " | ".join(f"{b} ({counts[b]})" for b in bands) + " |")
    print("|---|---:|" + "---:|" * len(bands))
    for group, shares in saliency.items():
        cells = [f"{shares.get(band, 0):.0%}" for band in bands]
        print(f"| {group} | {area[group]['all']:.0%} | " + " | ".join(cells) + " |")


def draw(rows: list[dict[str, str | float]], path: Path) -> None:
    """Draw the shares by age as stacked bars."""
    from matplotlib.figure import Figure

    saliency = table(rows, "share_of_saliency")
    bands = [f"{low}-{high}" for low, high in BANDS_YEARS if f"{low}-{high}" in saliency[CARPUS]]
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot(ylabel="share of the saliency", xlabel="bone age, years")
    bottom = np.zeros(len(bands))
    for group, shares in saliency.items():
        heights = np.array([shares[band] for band in bands])
        axes.bar(bands, heights, bottom=bottom, label=group)
        bottom += heights
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
