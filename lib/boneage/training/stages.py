"""The schedule of the regressor's training: small pictures first, poor ones more at the beginning than at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from boneage.frames import AGE_FRAME
from boneage.geometry import HandFrame
from boneage.training.rates import Cycle

RATE = 1.5e-3  # of a first cycle, from ImageNet weights or none
LATER_RATE = 5e-4


class Stage(NamedTuple):
    """A part of the training.

    Attributes:
        rows: Height of a view in pixels.
        columns: Its width.
        epochs: How long it is.
        strength: Of poor copies and changed appearance: 0 none, 1 all of it.
        rate: Highest learning rate of the cycle that begins with it; None goes on in the cycle before.
    """

    rows: int
    columns: int
    epochs: int
    strength: float
    rate: float | None = None


# Small pictures teach most of it at a third of the cost. Poor ones make it robust, which it stays when they grow rare;
# in the end they hold it back: what a picture has lost cannot teach its age. What is drawn larger than the file has it
# keeps its finest structures through one halving more. A larger size asks for new filters, so it begins a new cycle: at
# the end of a single long one hardly anything was learnt from it (docs/accuracy.md).
STAGES = (
    Stage(80, 64, 3, 0.7, RATE),
    Stage(144, 112, 2, 0.6),
    Stage(240, 184, 5, 0.3),
    Stage(240, 184, 2, 0.1, LATER_RATE),
    Stage(320, 245, 3, 0.1, LATER_RATE),
    Stage(416, 319, 2, 0.1, LATER_RATE),
)
# From weights that have seen the smaller pictures already: poor ones come once more before they grow rare.
GOING_ON = (STAGES[-1]._replace(epochs=1, strength=0.3), STAGES[-1]._replace(epochs=1, rate=None))


@dataclass(frozen=True)
class Stages:
    """Which stage each epoch belongs to."""

    stages: tuple[Stage, ...]

    @staticmethod
    def of(epochs: int | None, going_on: bool = False) -> Stages:
        """Return the recipe's stages, from the beginning or going on, or as many epochs in the same proportions."""
        recipe = [stage for stage in (GOING_ON if going_on else STAGES) for _ in range(stage.epochs)]
        if epochs is None:
            return Stages(tuple(recipe))
        return Stages(tuple(recipe[int(i * len(recipe) / epochs)] for i in range(epochs)))

    @property
    def epochs(self) -> int:
        return len(self.stages)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each epoch."""
        return tuple((stage.rows, stage.columns) for stage in self.stages)

    @property
    def strengths(self) -> tuple[float, ...]:
        """Strength of the augmentation in each epoch."""
        return tuple(stage.strength for stage in self.stages)

    def cycles(self, rate: float | None = None) -> tuple[Cycle, ...]:
        """Return the cycles of the learning rate; with `rate`, all change so that the first has that rate."""
        begun: list[Cycle] = []
        before = None
        for stage in self.stages:
            if not begun or (stage.rate and stage != before):
                begun.append(Cycle(0, stage.rate or RATE))
            begun[-1] = begun[-1]._replace(epochs=begun[-1].epochs + 1)
            before = stage
        factor = (rate or begun[0].rate) / begun[0].rate
        return tuple(cycle._replace(rate=factor * cycle.rate) for cycle in begun)

    def up_to(self, rows: int | None) -> Stages:
        """Return the stages with all sizes changed so that the last is `rows` high; these if None."""
        factor = (rows or self.stages[-1].rows) / self.stages[-1].rows
        return Stages(
            tuple(
                stage._replace(rows=round(factor * stage.rows), columns=round(factor * stage.columns))
                for stage in self.stages
            )
        )

    def frame(self, epoch: int) -> HandFrame:
        """Return the view of an epoch."""
        stage = self._at(epoch)
        return AGE_FRAME.resized(stage.rows, stage.columns)

    def strength(self, epoch: int) -> float:
        """Return the strength of an epoch's augmentation."""
        return self._at(epoch).strength

    def _at(self, epoch: int) -> Stage:
        return self.stages[min(epoch, self.epochs - 1)]
