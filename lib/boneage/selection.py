"""Which radiograph a reader is asked about next: leases, so that no two readers get the same one at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Column, Engine, Float, MetaData, String, Table, select
from sqlalchemy.exc import IntegrityError

from boneage.database import store_errors

LEASE_MINUTES = 30.0

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
        held = self._held()
        for image_id in candidates:
            if image_id not in held and self._insert(image_id, holder):
                return image_id
        held = self._held()
        return next((image_id for image_id in candidates if held.get(image_id) == holder), None)

    def _held(self) -> dict[str, str]:
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
