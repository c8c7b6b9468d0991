"""How a radiograph may differ from hospital to hospital: geometry, frames, contrast, sharpness, noise."""

from __future__ import annotations

import numpy as np
import torch
from monai.transforms import (
    Compose,
    OneOf,
    RandAdjustContrast,
    RandBiasField,
    RandCoarseDropout,
    RandGaussianNoise,
    RandGaussianSharpen,
    RandGaussianSmooth,
    RandHistogramShift,
    RandomizableTransform,
    RandScaleIntensity,
    RandShiftIntensity,
    RandSimulateLowResolution,
    Transform,
)

from boneage.imaging import equalised, sharpened


def random_appearance(strength: float = 1.0, saturating: bool = True, grain: float = 1.0) -> Compose:
    """Return MONAI transforms of an image's appearance, for (1, rows, columns) arrays in 0..1.

    Args:
        strength: Multiplies the probability of each.
        saturating: Also make pictures so bright or dark that parts of them are lost.
        grain: How many pixels blur and sharpening take for one: more where a picture is drawn larger.
    """
    blur, edge = (0.3 * grain, 1.1 * grain), (0.5 * grain, 1.0 * grain)
    sharpness = OneOf(
        [
            RandGaussianSmooth(prob=1.0, sigma_x=blur, sigma_y=blur),
            RandGaussianSharpen(prob=1.0, sigma1_x=edge, sigma1_y=edge, alpha=(0.5, 3.0)),
            RandSimulateLowResolution(prob=1.0, zoom_range=(min(0.55 / grain, 1.0), 1.0), upsample_mode="bilinear"),
        ]
    )
    contrast = OneOf(
        [
            RandAdjustContrast(prob=1.0, gamma=(0.5, 2.0)),
            RandHistogramShift(prob=1.0, num_control_points=(4, 8)),
            RandBiasField(prob=1.0, coeff_range=(0.0, 0.15)),
        ]
    )
    return Compose(
        [
            Sometimes(contrast, 0.6 * strength),
            Sometimes(sharpness, 0.4 * strength),
            RandScaleIntensity(factors=0.25 if saturating else 0.0, prob=0.3 * strength),
            RandGaussianNoise(prob=0.3 * strength, std=0.04),
        ]
    )


def random_copy(strength: float = 1.0) -> Compose:
    """Return MONAI transforms that make a poor copy of a whole radiograph, (1, rows, columns) in 0..1.

    Enhanced by a workstation, exposed so that parts are lost, noisy, blurred, compressed: `boneage evaluate` with
    `--stress` and `--other-hospitals` found these to hurt most.

    Args:
        strength: Multiplies the probability of each.
    """
    return Compose(
        [
            RandomEnhancement(prob=0.12 * strength, clip=(1.0, 4.0), amount=(0.5, 2.0)),
            RandScaleIntensity(factors=(-0.25, 0.4), prob=0.15 * strength),
            RandShiftIntensity(offsets=(-0.2, 0.15), prob=0.2 * strength),
            Clipped(),
            RandGaussianSmooth(prob=0.12 * strength, sigma_x=(0.3, 1.8), sigma_y=(0.3, 1.8)),
            RandGaussianNoise(prob=0.15 * strength, std=0.07),
            RandomJpeg(prob=0.15 * strength, quality=(10, 70)),
        ]
    )


def random_resolution() -> RandSimulateLowResolution:
    """Return a MONAI transform that makes a copy of fewer pixels; it hides so little that it teaches at all times."""
    return RandSimulateLowResolution(prob=0.15, zoom_range=(0.4, 1.0), downsample_mode="area", upsample_mode="bilinear")


def random_holes(rows: int, prob: float = 0.25) -> RandCoarseDropout:
    """Return a MONAI transform that greys out a few small rectangles, as markers and casts do."""
    side = max(rows // 9, 2)
    return RandCoarseDropout(holes=1, max_holes=3, spatial_size=side // 2, max_spatial_size=side, prob=prob)


class Sometimes(RandomizableTransform):
    """Apply a random transform with a probability (MONAI's `OneOf` always applies one)."""

    def __init__(self, transform: OneOf, prob: float) -> None:
        super().__init__(prob)
        self.transform = transform

    def set_random_state(self, seed: int | None = None, state: np.random.RandomState | None = None) -> Sometimes:
        """Make the choice and the transform repeatable."""
        super().set_random_state(seed, state)
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: np.ndarray) -> np.ndarray:
        """Return the image, transformed or not."""
        self.randomize(None)
        return self.transform(data) if self._do_transform else data


class Clipped(Transform):
    """Lose what lies outside 0..1, as a detector or a file does."""

    def __call__(self, data: np.ndarray) -> np.ndarray:
        """Return the image clipped to 0..1."""
        return as_array(data)


class RandomEnhancement(RandomizableTransform):
    """Enhance (1, rows, columns) in 0..1 by CLAHE on 8 x 8 tiles or by an unsharp mask; MONAI has neither.

    Args:
        prob: How often.
        clip: Range of CLAHE's clip limit.
        amount: Range of how much of the detail is added, that is finer than 1 % of the longer side.
    """

    def __init__(self, prob: float, clip: tuple[float, float], amount: tuple[float, float]) -> None:
        super().__init__(prob)
        self.clip, self.amount = clip, amount

    def __call__(self, data: np.ndarray) -> np.ndarray:
        """Return the image as float32, enhanced or not."""
        self.randomize(None)
        if not self._do_transform:
            return data
        pixels = as_array(data)[0]
        if self.R.rand() < 0.5:
            return equalised(pixels, self.R.uniform(*self.clip))[None]
        return sharpened(pixels, self.R.uniform(*self.amount))[None]


class RandomJpeg(RandomizableTransform):
    """Compress (1, rows, columns) in 0..1 as a JPEG of a random quality; MONAI has no such transform."""

    def __init__(self, prob: float, quality: tuple[int, int]) -> None:
        super().__init__(prob)
        self.quality = quality

    def __call__(self, data: np.ndarray) -> np.ndarray:
        """Return the image as float32, compressed or not."""
        import cv2

        self.randomize(None)
        if not self._do_transform:
            return data
        grey = np.round(255 * as_array(data)[0]).astype(np.uint8)
        _, file = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(self.R.randint(*self.quality))])
        return cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)[None].astype(np.float32) / 255


def as_array(image: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return MONAI's result as a plain float32 array clipped to 0..1."""
    return np.clip(np.asarray(image, dtype=np.float32), 0.0, 1.0)


def random_jitter(
    rng: np.random.Generator, degrees: float, scale: float, shear: float, shift: float, squash: tuple[float, float]
) -> np.ndarray:
    """Return a random 3 x 3 transform in hand lengths.

    Args:
        rng: Source of chance.
        degrees: Largest rotation to either side.
        scale: Largest relative change of size.
        shear: Largest shear.
        shift: Largest shift in hand lengths.
        squash: Range of the factor by which the width is stretched, drawn on a logarithmic scale.
    """
    angle = np.deg2rad(rng.uniform(-degrees, degrees))
    size = 1 + rng.uniform(-scale, scale)
    stretch = np.exp(rng.uniform(*np.log(squash)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    slant = np.array([[1.0, rng.uniform(-shear, shear)], [0.0, 1.0]])
    matrix = np.eye(3)
    matrix[:2, :2] = size * turn @ slant @ np.diag([stretch, 1.0])
    matrix[:2, 2] = rng.uniform(-shift, shift, 2)
    return matrix
