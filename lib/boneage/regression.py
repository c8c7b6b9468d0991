"""Room 4: upright, masked hand and sex -> bone age with its distribution, by a trunk such as a ResNet50."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from boneage.frames import AGE_FRAME
from boneage.geometry import HandFrame, frame_from_radiograph, turned
from boneage.imaging import cut, hand_range
from boneage.models import ModelFile
from boneage.runtime import Network, example_shapes
from boneage.saliency import saliency
from boneage.spread import Spread
from boneage.types import BoneAge, Hand, Radiograph, Saliency, Sex

MASK_MARGIN = 0.05  # around the mask, as a part of a hand's length: an outline that is a little tight costs nothing
LEAST_MASK = 0.08  # part of the frame that a believable mask fills
# Where the key points lie is never exact, so the upright hand is looked at several times: turned by degrees, resized.
BATCH = 16  # views at a time, for the saliency
LOOKS = ((0.0, 1.0), (-6.0, 0.96), (6.0, 1.04))


class BoneAgeRegressor:
    """The network, compiled; may be used from several threads."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        self._network = Network(model, threads)
        self._spread = Spread.of(model.card)
        self._frame = AGE_FRAME.resized(*example_shapes(model)[0][2:])

    def estimate(
        self, radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray, sexes: Sequence[Sex]
    ) -> list[BoneAge]:
        """Return the bone age for each of `sexes`; the arguments are those of `log_probabilities`."""
        looks = self._looks(radiograph, hand, hand_mask, sexes)
        return [self._from_looks(own, sex) for own, sex in zip(looks, sexes, strict=True)]

    def log_probabilities(
        self, radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray, sexes: Sequence[Sex]
    ) -> np.ndarray:
        """Return (sexes, 240): what the network says of the months 0..239, before any temperature.

        The mean over `LOOKS`.

        Args:
            radiograph: To look at.
            hand: Where the hand lies.
            hand_mask: (rows, columns) bool on the radiograph's grid; what is outside is not looked at.
            sexes: One or two.
        """
        return _log_mean(self._looks(radiograph, hand, hand_mask, sexes))

    def _looks(self, radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray, sexes: Sequence[Sex]) -> np.ndarray:
        """Return (sexes, looks, 240): the log-probabilities that each look gives."""
        views = np.stack([self._view(radiograph, hand, hand_mask, look)[None] for look in LOOKS])
        male = np.repeat(np.array([[sex is Sex.MALE] for sex in sexes], np.float32), len(LOOKS), axis=0)
        rows = self._network(np.tile(views, (len(sexes), 1, 1, 1)), male)
        return rows.reshape(len(sexes), len(LOOKS), -1)

    def _from_looks(self, looks: np.ndarray, sex: Sex) -> BoneAge:
        """Return the bone age of (looks, 240) log-probabilities: of their mean, and how far they are apart."""
        ages = [self._spread.unstretched(look, sex).months for look in looks]
        together = self._spread.bone_age(_log_mean(looks[None])[0], sex)
        return replace(together, looks_apart_months=max(ages) - min(ages))

    def embedding(self, radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray) -> np.ndarray:
        """Return (512,) float32: the last hidden layer of the plain look, averaged over the sexes."""
        view = self._view(radiograph, hand, hand_mask, LOOKS[0])[None]
        _, hidden = self._network.outputs(np.stack([view, view]), np.array([[0.0], [1.0]], np.float32))
        return hidden.mean(axis=0)

    def explain(self, radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray, sex: Sex) -> Saliency:
        """Return where the age of the plain look comes from; costs some hundred estimates."""
        view = self._view(radiograph, hand, hand_mask, LOOKS[0])
        transform = _upright(radiograph, hand, self._frame, LOOKS[0])
        return saliency(view, lambda views: self._months(views, sex), transform, radiograph.pixels.shape)

    def _view(self, radiograph: Radiograph, hand: Hand, hand_mask: np.ndarray, look: tuple[float, float]) -> np.ndarray:
        upright, rows, columns = _upright(radiograph, hand, self._frame, look), self._frame.rows, self._frame.columns
        piece = cut(radiograph.pixels, upright, rows, columns)
        mask = cut(hand_mask.astype(np.float32), upright, rows, columns)
        return age_view(piece, mask, MASK_MARGIN)

    def _months(self, views: np.ndarray, sex: Sex) -> np.ndarray:
        """Return (n,) bone ages of views (n, rows, columns), a batch at a time."""
        batches = np.split(views[:, None], range(BATCH, len(views), BATCH))
        rows = [self._network(batch, np.full((len(batch), 1), sex is Sex.MALE, np.float32)) for batch in batches]
        return np.array([self._spread.unstretched(row, sex).months for row in np.concatenate(rows)])


def _upright(radiograph: Radiograph, hand: Hand, frame: HandFrame, look: tuple[float, float]) -> np.ndarray:
    return frame_from_radiograph(hand.pose, radiograph.pixel_aspect, frame, turned(*look))


def _log_mean(log_probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithm of the mean probability over the second axis."""
    return np.logaddexp.reduce(log_probabilities, axis=1) - np.log(log_probabilities.shape[1])


def age_view(piece: np.ndarray, mask: np.ndarray | None, margin: float) -> np.ndarray:
    """Return what the network sees: the contrast of the hand brought to a common range, the rest black.

    Args:
        piece: (rows, columns) float32, the upright hand in `AGE_FRAME` at any size.
        mask: The hand in the same grid, 0..1; None to show everything.
        margin: Kept around the mask, in hand lengths.
    """
    shown = np.ones(piece.shape, bool) if mask is None else _grown(mask, margin)
    low, high = hand_range(piece[shown])
    view = np.clip((piece - low) / max(high - low, 1e-3), 0.0, 1.0)
    return (view * shown).astype(np.float32)


def _grown(mask: np.ndarray, margin: float) -> np.ndarray:
    import cv2

    reach = max(round(margin * AGE_FRAME.hand_length * mask.shape[0]), 0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    shown = cv2.dilate((mask > 0.5).astype(np.uint8), kernel).astype(bool)
    return shown if shown.mean() > LEAST_MASK else np.ones(mask.shape, bool)
