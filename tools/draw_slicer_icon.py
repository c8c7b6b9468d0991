"""Draws the icon of the extension for 3D Slicer: the bones of a hand in the box that the detector puts around it."""

from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw

OUT = Path(__file__).parents[1] / "slicer_extension" / "BoneAge" / "Resources" / "Icons" / "BoneAge.png"
SIDE, LARGER = 128, 8  # pixels; drawn larger and reduced, so that edges are smooth
NIGHT, BONE, GROWTH, BOX = "#12263a", "#f4f1e8", "#7fd1c7", "#ff9f1c"
# Each ray from the palm to the tip, in pixels of the icon: thumb, then the fingers.
RAYS = (
    ((52, 92), (40, 78), (29, 67)),
    ((56, 86), (49, 62), (44, 46), (41, 35)),
    ((64, 84), (63, 58), (62, 40), (62, 27)),
    ((72, 86), (77, 61), (80, 45), (82, 33)),
    ((79, 89), (90, 69), (95, 57), (99, 48)),
)
CARPUS = ((57, 99), (67, 98), (77, 99), (62, 108), (72, 108))


def main() -> None:
    """Write the icon."""
    picture = Image.new("RGBA", (SIDE * LARGER, SIDE * LARGER))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(_scaled((2, 2, 126, 126)), 22 * LARGER, NIGHT)
    draw.rounded_rectangle(_scaled((17, 15, 111, 118)), 4 * LARGER, outline=BOX, width=3 * LARGER)
    for ray in RAYS:
        _draw_ray(draw, ray)
    for centre in CARPUS:
        _dot(draw, centre, 4.2, BONE)
    picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(OUT, optimize=True)


def _draw_ray(draw: ImageDraw.ImageDraw, points: tuple[tuple[int, int], ...]) -> None:
    """Draw bones between the points, with a gap for the growth plate at each joint."""
    for start, end in pairwise(points):
        first, last = _between(start, end, 0.18), _between(start, end, 0.86)
        draw.line(_scaled((*first, *last)), BONE, int(5.5 * LARGER))
        _dot(draw, first, 3.4, BONE)
        _dot(draw, last, 3.2, BONE)
        _dot(draw, _between(start, end, 0.02), 1.9, GROWTH)


def _dot(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, colour: str) -> None:
    (x, y) = centre
    draw.ellipse(_scaled((x - radius, y - radius, x + radius, y + radius)), colour)


def _between(start: tuple[float, float], end: tuple[float, float], part: float) -> tuple[float, float]:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def _scaled(values: tuple[float, ...]) -> list[float]:
    return [value * LARGER for value in values]


if __name__ == "__main__":
    main()
