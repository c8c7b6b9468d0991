"""Does the film show the hand well enough to be read? What is lost in white or black, noise, blur, compression.

Measured on the upright hand, hardly larger than it is in small copies: noise between the pixels of a file that has many
more does not reach the age. The limits were set on the validation split of RSNA's radiographs, unchanged and made
worse as `boneage evaluate --stress` makes them; docs/accuracy.md says how often they are passed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boneage.errors import UnreadableHand
from boneage.frames import AGE_FRAME
from boneage.geometry import frame_from_radiograph
from boneage.imaging import cut, hand_range
from boneage.types import HandPose

FRAME = AGE_FRAME.resized(240, 184)  # the size that the limits were set at
MOST_WHITE = 0.01  # part of the hand
LOST_IN_WHITE = 0.5  # of three films seen beyond it two were 4 and 14 years astray (docs/accuracy.md)
MOST_BLACK = 0.10
MOST_NOISE = 0.014  # of the hand's contrast
LEAST_DETAIL = 0.055
LEAST_GRAIN = 0.025  # noise for detail: compression takes what is fine and faint, and leaves or adds edges
MOST_BLOCKS = 1.5  # (305 unchanged: at most 1.08; JPEG of quality 10: at least 2.8)
BLOCK = 8  # pixels of the file
ENOUGH = 400  # rows, or columns, to look for blocks in

SAME_GREY = 0.002  # half a grey of 256
EDGE = 5  # pixels; the step from the hand to its ground is no detail
FEWEST = 100  # pixels
MAD_OF_NOISE = 0.6745  # median of the absolute values of Gaussian noise with SD 1


@dataclass(frozen=True)
class Legibility:
    """How a film shows a hand.

    Attributes:
        white: Part of the hand that is as bright as the picture's brightest pixel, 0..1.
        black: Part of the hand that is as dark as its darkest, 0..1.
        noise: SD of noise where nothing is lost, as a part of the hand's contrast (Donoho's estimate: from the median
            of the finest diagonal Haar coefficients); nan where too much is lost to say.
        detail: The second derivative that 5 % of the same pixels surpass, as a part of the hand's contrast; or nan.
        blocks: By what part the steps of grey between JPEG's blocks are larger than those beside them.
    """

    white: float
    black: float
    noise: float
    detail: float
    blocks: float

    def check(self) -> None:
        """Refuse a film on which there is no bone to read.

        Raises:
            UnreadableHand: If most of the hand is lost in white.
        """
        if self.white > LOST_IN_WHITE:
            raise UnreadableHand(
                f"In {self.white:.0%} of the hand the film is plain white: there is no bone to read.",
                "Take the original radiograph, not a copy that is so bright, or have an expert read it.",
            )

    def doubts(self) -> list[str]:
        """Return a sentence for each reason to doubt an age from this film."""
        doubts = []
        if self.white > MOST_WHITE:
            doubts.append(f"In {self.white:.0%} of the hand the film is plain white: bone may be lost there.")
        if self.black > MOST_BLACK:
            doubts.append(f"In {self.black:.0%} of the hand the film is plain black: bone may be lost there.")
        if self.noise > MOST_NOISE:
            doubts.append(f"The film is noisy ({self.noise:.1%} of the hand's contrast): the age may be wrong.")
        if self.detail < LEAST_DETAIL:
            doubts.append("The film is blurred: growth plates may not be seen, and the age may be wrong.")
        elif self.noise < LEAST_GRAIN * self.detail or self.blocks > MOST_BLOCKS:
            doubts.append("Fine detail of the film is lost, as by strong compression: the age may be wrong.")
        return doubts


def legibility(pixels: np.ndarray, hand_mask: np.ndarray, pose: HandPose, pixel_aspect: float) -> Legibility | None:
    """Measure how a film shows a hand; None where there is too little hand to say.

    Args:
        pixels: (rows, columns) float32, bone bright.
        hand_mask: (rows, columns) bool.
        pose: In pixels.
        pixel_aspect: Height / width of a pixel.
    """
    upright = frame_from_radiograph(pose, pixel_aspect, FRAME)
    hand = cut(pixels, upright, FRAME.rows, FRAME.columns)
    shown = cut(hand_mask.astype(np.float32), upright, FRAME.rows, FRAME.columns) > 0.5
    core = _inner(shown)  # without what the outline may take from a white frame
    if core.sum() < FEWEST:
        return None
    white, black = hand > pixels.max() - SAME_GREY, hand < pixels.min() + SAME_GREY
    readable = _inner(shown & ~white & ~black)
    low, high = hand_range(hand[shown])
    contrast = max(high - low, SAME_GREY)
    noise, detail = _noise_and_detail(hand, readable) if readable.sum() > FEWEST else (np.nan, np.nan)
    in_white, in_black = (float(lost[core].mean()) for lost in (white, black))
    return Legibility(in_white, in_black, noise / contrast, detail / contrast, _blocks(pixels, _inner(hand_mask)))


def _inner(shown: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.erode(np.uint8(shown), np.ones((EDGE, EDGE), np.uint8), borderValue=0) > 0


def _noise_and_detail(hand: np.ndarray, readable: np.ndarray) -> tuple[float, float]:
    """Return the SD of the noise and the second derivative, of the pixels that are marked."""
    import cv2

    haar = (hand[:-1, :-1] - hand[:-1, 1:] - hand[1:, :-1] + hand[1:, 1:]) / 2
    noise = np.median(np.abs(haar[readable[:-1, :-1]])) / MAD_OF_NOISE
    return float(noise), float(np.percentile(np.abs(cv2.Laplacian(hand, cv2.CV_32F)[readable]), 95))


def _blocks(pixels: np.ndarray, where: np.ndarray) -> float:
    """Return by what part the steps between blocks are larger than those beside them, across and downwards.

    On the grid of the file, after Wang, Sheikh and Bovik 2002, "No-reference perceptual quality assessment of JPEG
    compressed images".
    """
    return (_blocks_across(pixels, where) + _blocks_across(pixels.T, where.T)) / 2


def _blocks_across(pixels: np.ndarray, where: np.ndarray) -> float:
    every = max(len(pixels) // ENOUGH, 1)
    pixels, where = pixels[::every], where[::every]
    both = where[:, 1:] & where[:, :-1]
    steps, pairs = (np.abs(np.diff(pixels, axis=1)) * both).sum(axis=0), both.sum(axis=0)
    means = np.where(pairs > BLOCK, steps / np.maximum(pairs, 1), np.nan)
    before, between, after = (_median(means[first::BLOCK]) for first in (BLOCK - 2, BLOCK - 1, BLOCK))
    beside = max((before + after) / 2, SAME_GREY / BLOCK)
    return (between - beside) / beside


def _median(values: np.ndarray) -> float:
    """Return the median of those that are numbers, which no single line of bone or cast changes; 0 without."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else 0.0
