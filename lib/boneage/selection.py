"""Which radiograph a reader is asked about next: the order, and leases, so that no two readers get the same one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from sqlalchemy import Column, Engine, Float, MetaData, String, Table, select
from sqlalchemy.exc import IntegrityError

from boneage.database import store_errors
from boneage.scores import Score

LEASE_MINUTES = 30.0
LOOKED_AHEAD = 32  # candidates put in order by coverage; more are hardly with other readers at one time
LOOKED_AT = 512  # candidates, of more a sample
MOST_APART = 2.0  # distance of two opposite unit vectors

_metadata = MetaData()
_leases = Table(
    "leases",
    _metadata,
    Column("image_id", String(255), primary_key=True),
    Column("holder", String(255), nullable=False),
    Column("until", Float, nullable=False),  # seconds since 1970
)


class Leases:
    """Who looks at which radiograph; kept beside the corrections, so that several servers share them.

    Args:
        engine: Of the database.
        minutes: After which a lease ends by itself.
        clock: Gives seconds since 1970.

    Raises:
        StoreFailed: From every method, if the database fails.
    """

    def __init__(self, engine: Engine, minutes: float = LEASE_MINUTES, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._seconds = 60 * minutes
        self._clock = clock
        with store_errors():
            _metadata.create_all(engine)

    def take(self, candidates: Sequence[str], holder: str) -> str | None:
        """Lease the first of `candidates` that nobody holds, and return it.

        Where there is none, the holder gets a radiograph again that was leased to the same holder before; None if every
        candidate is with another reader.
        """
        held = self.held()
        for image_id in candidates:
            if image_id not in held and self._insert(image_id, holder):
                return image_id
        held = self.held()
        return next((image_id for image_id in candidates if held.get(image_id) == holder), None)

    def end(self, image_id: str) -> None:
        """End the lease of a radiograph, whoever holds it."""
        with store_errors(), self._engine.begin() as connection:
            connection.execute(_leases.delete().where(_leases.c.image_id == image_id))

    def held(self) -> dict[str, str]:
        """Return who holds which radiograph now."""
        query = select(_leases.c.image_id, _leases.c.holder).where(_leases.c.until > self._clock())
        with store_errors(), self._engine.connect() as connection:
            return {row.image_id: row.holder for row in connection.execute(query)}

    def _insert(self, image_id: str, holder: str) -> bool:
        """Take an expired lease away and write a new one; False if another reader was quicker."""
        now = self._clock()
        ended = _leases.delete().where(_leases.c.image_id == image_id, _leases.c.until <= now)
        lease = {"image_id": image_id, "holder": holder, "until": now + self._seconds}
        with store_errors():
            try:
                with self._engine.begin() as connection:
                    connection.execute(ended)
                    connection.execute(_leases.insert(), lease)
            except IntegrityError:
                return False
        return True


def by_uncertainty(candidates: Sequence[str], scores: Mapping[str, Score]) -> list[str]:
    """Return the candidates, those first of which the models are least sure.

    The spread of the age and the disagreement of the outline count alike: each in units of its median. What is not
    scored yet comes after what is, and what could not be assessed (no hand, unreadable) comes last.
    """
    scored = [scores[image_id] for image_id in candidates if image_id in scores and not scores[image_id].error]
    spreads = _in_medians([score.age_sd_months or 0.0 for score in scored])
    outlines = _in_medians([score.outline_disagreement or 0.0 for score in scored])
    doubt = dict(zip((score.image_id for score in scored), spreads + outlines, strict=True))
    return sorted(candidates, key=lambda i: (_place(scores.get(i)), -doubt.get(i, 0.0), i))


def by_coverage(
    candidates: Sequence[str], covered: Iterable[str], image_ids: Sequence[str], embeddings: np.ndarray
) -> list[str]:
    """Return the candidates, that one first which brings all radiographs nearest to what is covered, then the next.

    Facility location, greedily: Wei, Iyer and Bilmes, "Submodularity in data subset selection and active learning",
    ICML 2015. It prefers what stands for many others; the one that is farthest from all (core-set) is too often just
    odd. Of very many candidates a fixed sample is looked at (Mirzasoleiman et al., "Lazier than lazy greedy", AAAI
    2015). Candidates without an embedding come last.

    Args:
        candidates: To be put in order.
        covered: Radiographs that are corrected, or with other readers.
        image_ids: Of the rows of `embeddings`.
        embeddings: (images, n) float32.
    """
    places = {image_id: place for place, image_id in enumerate(image_ids)}
    waiting = [image_id for image_id in candidates if image_id in places]
    rest = [image_id for image_id in candidates if image_id not in places]
    if not waiting:
        return rest
    points = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)
    to_covered = _to_nearest(points, points[[places[image_id] for image_id in covered if image_id in places]])
    rows = np.array([places[image_id] for image_id in waiting])
    order = _most_gained_first(points, rows, to_covered)
    return [waiting[place] for place in order] + rest


def _most_gained_first(points: np.ndarray, rows: np.ndarray, to_covered: np.ndarray) -> list[int]:
    """Return places of `rows`: the first `LOOKED_AHEAD` greedily, the others by their distance to what is covered."""
    sample = np.arange(len(rows))
    if len(rows) > LOOKED_AT:
        sample = np.sort(np.random.default_rng(0).choice(len(rows), LOOKED_AT, replace=False))
    distances = _distances(points, points[rows[sample]])
    order: list[int] = []
    for _ in range(min(LOOKED_AHEAD, len(sample))):
        gains = np.maximum(to_covered[:, None] - distances, 0.0).sum(axis=0)
        gains[np.isin(sample, order)] = -1.0
        best = int(np.argmax(gains))
        order.append(int(sample[best]))
        to_covered = np.minimum(to_covered, distances[:, best])
    others = np.argsort(-to_covered[rows], kind="stable")
    return order + others[~np.isin(others, order)].tolist()


def _to_nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return (n,) distances of unit vectors to the nearest of `centres`; the largest possible one if there is none."""
    nearest = np.full(len(points), MOST_APART, np.float32)
    for start in range(0, len(centres), LOOKED_AT):
        nearest = np.minimum(nearest, _distances(points, centres[start : start + LOOKED_AT]).min(axis=1))
    return nearest


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return (n, m) distances of unit vectors."""
    return np.sqrt(np.maximum(2.0 - 2.0 * first @ second.T, 0.0))


def _in_medians(values: Sequence[float]) -> np.ndarray:
    found = np.asarray(values, float)
    return found / max(float(np.median(found)), 1e-9) if len(found) else found


def _place(score: Score | None) -> int:
    if score is None:
        return 1
    return 2 if score.error else 0
