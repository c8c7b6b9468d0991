"""The schedule of the regressor's training: small pictures first, poor ones more at the beginning than at the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boneage.frames import AGE_FRAME
from boneage.geometry import HandFrame

# Rows, columns and epochs of each stage: small pictures teach most of it at a third of the cost.
STAGES = ((80, 64, 3), (112, 88, 3), (144, 112, 4), (192, 148, 6), (240, 184, 6))
GOING_ON = STAGES[4:]  # from weights that have seen the small pictures already
# Of poor copies and changed appearance, from the first epoch to the last: what a picture has lost cannot teach its age.
STRENGTHS = (0.8, 0.2)


@dataclass(frozen=True)
class Stages:
    """Which size each epoch is trained at."""

    sizes: tuple[tuple[int, int], ...]

    @staticmethod
    def of(epochs: int | None, going_on: bool = False) -> Stages:
        """Return the recipe's stages, from the beginning or going on, or as many epochs in the same proportions."""
        stages = GOING_ON if going_on else STAGES
        recipe = [(rows, columns) for rows, columns, count in stages for _ in range(count)]
        if epochs is None:
            return Stages(tuple(recipe))
        return Stages(tuple(recipe[int(i * len(recipe) / epochs)] for i in range(epochs)))

    @property
    def epochs(self) -> int:
        return len(self.sizes)

    def up_to(self, rows: int | None) -> Stages:
        """Return the stages with all sizes changed so that the last is `rows` high; these if None."""
        factor = (rows or self.sizes[-1][0]) / self.sizes[-1][0]
        return Stages(tuple((round(factor * height), round(factor * width)) for height, width in self.sizes))

    def frame(self, epoch: int) -> HandFrame:
        """Return the view of an epoch."""
        return AGE_FRAME.resized(*self.sizes[min(epoch, self.epochs - 1)])

    def strength(self, epoch: int) -> float:
        """Return the strength of an epoch's augmentation."""
        return float(np.interp(epoch, (0, max(self.epochs - 1, 1)), STRENGTHS))
