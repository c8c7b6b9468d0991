"""How films of other hospitals look: made from a radiograph, so that hand, outline and age are known.

Long frames, the forearm in view, padding, markers, contrast enhancement, tilted collimation, small hands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from boneage.evaluation_film_moves import (
    Film,
    collimated,
    lengthened,
    padded,
    quarter_turned,
    small_in_frame,
    with_forearm,
)
from boneage.imaging import equalised, sharpened


@dataclass(frozen=True)
class FilmStyle:
    """One way in which films differ, at one strength.

    Attributes:
        family: What kind of film it is.
        strength: How far it is from the original, in words.
        make: What turns the original, wrist down, into it.
    """

    family: str
    strength: str
    make: Callable[[Film], Film]


# Greys


def labelled(film: Film, amount: str) -> Film:
    """Lay lead letters, a date and a strip over the margins; with `amount` "many" more, also over the forearm."""
    pixels = film.pixels.copy()
    rows, columns = pixels.shape
    pixels[round(0.2 * rows) : round(0.5 * rows), round(0.01 * columns) : round(0.035 * columns)] = 0.95
    _write(pixels, "L", 0.04, 0.10, 2.2)
    _write(pixels, "12.03.2016 09:41", 0.52, 0.05, 0.8)
    _write(pixels, "R", 0.88, 0.55, 2.2)
    _write(pixels, "ID 004711", 0.03, 0.95, 1.0)
    if amount == "many":
        pixels[round(0.93 * rows) : round(0.96 * rows), round(0.3 * columns) : round(0.75 * columns)] = 1.0
        _write(pixels, "AP  5 mAs 50 kV", 0.40, 0.90, 0.9)
        _write(pixels, "KH 7", 0.80, 0.20, 1.4)
    return replace(film, pixels=pixels)


def _write(pixels: np.ndarray, words: str, x: float, y: float, size: float) -> None:
    import cv2

    rows, columns = pixels.shape
    scale = size * max(rows, columns) / 600
    place = round(x * columns), round(y * rows)
    cv2.putText(pixels, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, 1.0, max(round(2 * scale), 1), cv2.LINE_AA)


def _enhanced(film: Film, enhance: Callable[[np.ndarray, float], np.ndarray], strength: float) -> Film:
    return replace(film, pixels=enhance(film.pixels, strength))


def everything_at_once(film: Film) -> Film:
    """A long, tilted, labelled, enhanced film, lying on its side in a white border."""
    film = _enhanced(labelled(with_forearm(film, 2.0), "several"), equalised, 2.0)
    return quarter_turned(padded(collimated(film, 6.0, 0.0), 1.0, 0.1, 0.1, 0.1, 0.1), clockwise=True)


# The list


def _lying(film: Film, ratio: float, clockwise: bool) -> Film:
    return quarter_turned(with_forearm(film, ratio), clockwise)


GREYS = (("black", 0.0), ("white", 1.0))

FILM_STYLES = (
    FilmStyle("long frame", "1:3, hand on top", partial(lengthened, ratio=3, value=0.0)),
    FilmStyle("long frame", "1:3, hand below", partial(lengthened, ratio=3, value=0.0, hand_first=False)),
    *(FilmStyle("forearm", f"1:{ratio}", partial(with_forearm, ratio=ratio)) for ratio in (2, 3)),
    FilmStyle("forearm, lying", "1:2, to the left", partial(_lying, ratio=2, clockwise=True)),
    FilmStyle("forearm, lying", "1:3, to the right", partial(_lying, ratio=3, clockwise=False)),
    *(
        FilmStyle("padding", f"{name} {100 * part:.0f} % all round",
                  partial(padded, value=grey, left=part, top=part, right=part, bottom=part))
        for name, grey in GREYS for part in (0.3, 1.0)
    ),
    *(FilmStyle("padding", f"{name} 60 % on one side", partial(padded, value=grey, left=0.6)) for name, grey in GREYS),
    *(FilmStyle("markers", amount, partial(labelled, amount=amount)) for amount in ("several", "many")),
    *(FilmStyle("CLAHE", f"clip {clip:g}", partial(_enhanced, enhance=equalised, strength=clip)) for clip in (2, 4)),
    *(FilmStyle("sharpened", f"by {by:g}", partial(_enhanced, enhance=sharpened, strength=by)) for by in (1, 2)),
    *(
        FilmStyle("collimation", f"{degrees} degrees, {name}", partial(collimated, degrees=degrees, value=grey))
        for name, grey in GREYS for degrees in (5, 15)
    ),
    *(
        FilmStyle("small hand", f"{part:g} of the height", partial(small_in_frame, part=part, across=0.1, down=0.2))
        for part in (0.3, 0.2)
    ),
    FilmStyle("all at once", "lying", everything_at_once),
)  # fmt: skip
"""In graded strength within each family."""
