"""Hands found by the deployed detector and segmenter in a whole data set, kept so that each is looked for once."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from boneage.assessment import bright_hand
from boneage.datasets import Example, radiograph_of
from boneage.detection import HandDetector
from boneage.errors import BoneAgeError
from boneage.frames import OUTLINE_FRAME
from boneage.geometry import HandFrame, frame_from_radiograph, invert, pose_from_points, pose_points
from boneage.imaging import cut
from boneage.models import check_model
from boneage.segmentation import HandSegmenter
from boneage.types import HandPose

log = logging.getLogger(__name__)

HANDS = "hands.npz"  # in a run folder: what was found


@dataclass(frozen=True, eq=False)
class FoundHand:
    """A hand in an example.

    Attributes:
        example: The radiograph.
        points: (3, 2): key points as fractions of width and height, pixel centres at half pixels.
        mask: (OUTLINE_FRAME.rows, OUTLINE_FRAME.columns / 8) uint8: the upright mask, eight pixels a byte.
        turned: Whether the example is read with its bone dark, and must be turned.
    """

    example: Example
    points: np.ndarray
    mask: np.ndarray
    turned: bool = False

    def pose_in(self, shape: tuple[int, ...]) -> HandPose:
        """Return the pose on a grid of (rows, columns) of the same radiograph."""
        return pose_from_points(self.points * (shape[1], shape[0]) - 0.5)

    def mask_in(self, upright: np.ndarray, shape: tuple[int, ...], frame: HandFrame) -> np.ndarray:
        """Return the mask 0..1 in a frame, to which `upright` leads from a grid of (rows, columns)."""
        outlined = frame_from_radiograph(self.pose_in(shape), self.example.pixel_aspect, OUTLINE_FRAME)
        across = upright @ np.vstack([invert(outlined), (0.0, 0.0, 1.0)])
        mask = np.unpackbits(self.mask, axis=1).astype(np.float32)
        return cut(mask, across, frame.rows, frame.columns)


def find_hands(
    examples: list[Example], kept: Path, models_dir: Path | None = None, threads: int = 3
) -> list[FoundHand]:
    """Return the hands of all examples that have one, from the file `kept` where they were found before.

    Args:
        examples: Radiographs of a data set.
        kept: File (.npz) that keeps what was found, for the same models.
        models_dir: Where the detector and the segmenter are; None for the project's.
        threads: Radiographs looked at side by side.
    """
    models = {name: check_model(name, models_dir) for name in ("hand_detector", "hand_segmenter")}
    stamp = "+".join([*(model.sha256[:16] for model in models.values()), "turned"])
    found = _load(kept, stamp)
    missing = [example for example in examples if str(example.path.name) not in found.get(example.kind, {})]
    if missing:
        detector = HandDetector(models["hand_detector"], threads=1)
        segmenter = HandSegmenter(models["hand_segmenter"], threads=1)
        with ThreadPoolExecutor(threads) as pool:
            try:
                results = pool.map(lambda example: _find(example, detector, segmenter), missing)
                for example, result in zip(missing, tqdm(results, "Finding hands", len(missing)), strict=True):
                    found.setdefault(example.kind, {})[example.path.name] = result
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                _save(kept, stamp, found)
    hands = [(example, found[example.kind][example.path.name]) for example in examples]
    lost = sum(result is None for _, result in hands)
    if lost:
        log.warning("%d of %d radiographs are left out: no hand was found in them.", lost, len(hands))
    return [FoundHand(example, *result) for example, result in hands if result is not None]


Found = tuple[np.ndarray, np.ndarray, bool]


def _find(example: Example, detector: HandDetector, segmenter: HandSegmenter) -> Found | None:
    try:
        read = radiograph_of(example)
        radiograph, hand, _ = bright_hand(read, detector, segmenter)
    except BoneAgeError as error:
        log.info("%s is left out: %s", example.id, error)
        return None
    rows, columns = radiograph.pixels.shape
    points = (pose_points(hand.pose) + 0.5) / (columns, rows)
    mask = np.packbits(segmenter.upright_probability(radiograph, hand) > 0.5, axis=1)
    return points.astype(np.float32), mask, radiograph.was_inverted != read.was_inverted


def _load(kept: Path, stamp: str) -> dict[str, dict[str, Found | None]]:
    if not kept.exists():
        return {}
    with np.load(kept, allow_pickle=False) as file:
        if str(file["stamp"]) != stamp:
            return {}
        table: dict[str, dict[str, Found | None]] = {}
        columns = ("kinds", "names", "found", "points", "masks", "turned")
        for kind, name, was_found, points, mask, turned in zip(*(file[column] for column in columns), strict=True):
            table.setdefault(str(kind), {})[str(name)] = (points, mask, bool(turned)) if was_found else None
        return table


def _save(kept: Path, stamp: str, found: dict[str, dict[str, Found | None]]) -> None:
    no_mask = np.zeros((OUTLINE_FRAME.rows, OUTLINE_FRAME.columns // 8), np.uint8)
    nothing = (np.zeros((3, 2), np.float32), no_mask, False)
    rows = [(kind, name, result) for kind, names in found.items() for name, result in names.items()]
    if not rows:
        return
    fresh = kept.with_name(f"{os.getpid()}-{kept.name}")  # the processes of one training may write at once
    np.savez_compressed(
        fresh,
        stamp=np.array(stamp),
        kinds=np.array([kind for kind, _, _ in rows]),
        names=np.array([name for _, name, _ in rows]),
        found=np.array([result is not None for _, _, result in rows]),
        points=np.stack([(result or nothing)[0] for _, _, result in rows]),
        masks=np.stack([(result or nothing)[1] for _, _, result in rows]),
        turned=np.array([(result or nothing)[2] for _, _, result in rows]),
    )
    fresh.replace(kept)
