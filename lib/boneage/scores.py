"""What the models think of each radiograph of the studies, kept so that the strategies can choose in an instant.

Scores are derived: they are replaced when the models change, unlike corrections.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Column, Engine, Float, LargeBinary, MetaData, String, Table, select

from boneage.database import store_errors

_metadata = MetaData()
_scores = Table(
    "scores",
    _metadata,
    Column("image_id", String(255), primary_key=True),
    Column("models", String(255), nullable=False),
    Column("made_at", Float, nullable=False),  # seconds since 1970
    Column("age_sd_months", Float),
    Column("outline_disagreement", Float),
    Column("error", String(40)),
    Column("embedding", LargeBinary),
)
_assessed = Table(
    "assessed",
    _metadata,
    Column("image_id", String(255), primary_key=True),
    Column("at", Float, nullable=False),  # seconds since 1970
)


@dataclass(frozen=True, eq=False)
class Score:
    """How sure the models are of one radiograph, and what it looks like to them.

    Attributes:
        image_id: The radiograph.
        models: Names and versions, as `stamp_of` writes them.
        age_sd_months: Spread of the bone age; None where there is an error.
        outline_disagreement: 0..1, 1 - Dice between outlines of differently turned looks; None where there is an error.
        embedding: (n,) float16, the regressor's last hidden layer; None where there is an error.
        error: Kind of the error that kept it from being assessed; empty if there was none.
    """

    image_id: str
    models: str
    age_sd_months: float | None = None
    outline_disagreement: float | None = None
    embedding: np.ndarray | None = None
    error: str = ""


def stamp_of(versions: dict[str, str]) -> str:
    """Return names and versions of models in one word."""
    return " ".join(f"{name}={version}" for name, version in sorted(versions.items()))


class Scores:
    """The scores of one collection of studies, in the database of its corrections.

    Raises:
        StoreFailed: From every method, if the database fails.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with store_errors():
            _metadata.create_all(engine)

    def put(self, score: Score) -> None:
        """Keep a score in the place of an older one."""
        blob = None if score.embedding is None else score.embedding.astype(np.float16).tobytes()
        row = {name: getattr(score, name) for name in ("image_id", "models", "age_sd_months", "outline_disagreement")}
        self._replace(_scores, row | {"error": score.error or None, "embedding": blob, "made_at": time.time()})

    def note_assessed(self, image_id: str) -> None:
        """Remember that somebody had the radiograph assessed."""
        self._replace(_assessed, {"image_id": image_id, "at": time.time()})

    def assessed(self) -> set[str]:
        """Return what somebody had assessed."""
        with store_errors(), self._engine.connect() as connection:
            return set(connection.scalars(select(_assessed.c.image_id)))

    def all(self, models: str) -> dict[str, Score]:
        """Return the scores that these models gave, by image id, without embeddings."""
        columns = [column for column in _scores.columns if column.name not in ("embedding", "made_at")]
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(select(*columns).where(_scores.c.models == models))
            return {
                row.image_id: Score(
                    row.image_id, row.models, row.age_sd_months, row.outline_disagreement, None, row.error or ""
                )
                for row in rows
            }

    def missing(self, image_ids: Iterable[str], models: str) -> list[str]:
        """Return those that these models have not scored."""
        with store_errors(), self._engine.connect() as connection:
            there = set(connection.scalars(select(_scores.c.image_id).where(_scores.c.models == models)))
        return [image_id for image_id in image_ids if image_id not in there]

    def embeddings(self, models: str) -> tuple[Sequence[str], np.ndarray]:
        """Return image ids and their embeddings by these models, (images, n) float32."""
        query = select(_scores.c.image_id, _scores.c.embedding).where(
            _scores.c.models == models, _scores.c.embedding.is_not(None)
        )
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        found = [np.frombuffer(row.embedding, np.float16) for row in rows]
        return [row.image_id for row in rows], np.array(found, np.float32).reshape(len(rows), -1 if rows else 0)

    def _replace(self, table: Table, row: dict[str, object]) -> None:
        with store_errors(), self._engine.begin() as connection:
            connection.execute(table.delete().where(table.c.image_id == row["image_id"]))
            connection.execute(table.insert(), row)
