"""What still has to go to the archive: one row for each correction with a mask, in the database of the corrections."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Engine, Float, Integer, MetaData, String, Table, Text, func, select, update
from sqlalchemy.exc import IntegrityError

from boneage.database import store_errors
from boneage.delivery import pause_after

CLAIM_SECONDS = 120.0  # longer than a sending with all its time-outs
MOST_REFUSALS = 12  # an hour and a half of pauses

_metadata = MetaData()
_outbox = Table(
    "archive_outbox",
    _metadata,
    Column("correction_id", String(32), primary_key=True),
    Column("archive", String(32), nullable=False, index=True),
    Column("image_id", String(255), nullable=False),
    Column("state", String(8), nullable=False),  # waiting, sent, refused, dropped
    Column("reason", Text),
    Column("tries", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    Column("next_at", Float, nullable=False),  # this and the next one in seconds since 1970
    Column("changed_at", Float, nullable=False),
)


@dataclass(frozen=True)
class Waiting:
    """A mask that is to be sent.

    Attributes:
        correction_id: Whose mask it is.
        image_id: The radiograph.
        tries: How often it was tried.
        refusals: How often the archive answered and did not keep it.
        next_at: When it is due; seconds since 1970.
    """

    correction_id: str
    image_id: str
    tries: int
    refusals: int
    next_at: float


class Outbox:
    """The rows of one archive; may be used from several threads, processes and servers.

    Args:
        engine: Of the database of the corrections.
        archive: The archive, in one word.
        clock: Gives seconds since 1970.

    Raises:
        StoreFailed: From every method, if the database fails.
    """

    def __init__(self, engine: Engine, archive: str, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._archive = archive
        self._clock = clock
        with store_errors():
            _metadata.create_all(engine)

    def put(self, correction_id: str, image_id: str) -> None:
        """Have a mask sent; nothing changes if it is here already, sent or not."""
        row = {"correction_id": correction_id, "archive": self._archive, "image_id": image_id, "state": "waiting"}
        now = self._clock()
        with store_errors():
            try:
                with self._engine.begin() as connection:
                    connection.execute(
                        _outbox.insert(), row | {"tries": 0, "refusals": 0, "next_at": now, "changed_at": now}
                    )
            except IntegrityError:
                return

    def known(self) -> set[str]:
        """Return the corrections that are here, sent or not, whichever archive they are for."""
        with store_errors(), self._engine.connect() as connection:
            return set(connection.scalars(select(_outbox.c.correction_id)))

    def due(self) -> list[Waiting]:
        """Return what can be sent now, the longest waiting first."""
        columns = [_outbox.c[name] for name in ("correction_id", "image_id", "tries", "refusals", "next_at")]
        query = select(*columns).where(*self._waiting(), _outbox.c.next_at <= self._clock()).order_by(_outbox.c.next_at)
        with store_errors(), self._engine.connect() as connection:
            return [Waiting(*row) for row in connection.execute(query)]

    def seconds_to_next(self) -> float | None:
        """Return how long nothing is due; None if nothing waits."""
        with store_errors(), self._engine.connect() as connection:
            next_at = connection.scalar(select(func.min(_outbox.c.next_at)).where(*self._waiting()))
        return None if next_at is None else max(0.0, next_at - self._clock())

    def claim(self, item: Waiting) -> bool:
        """Take one for this sender alone; False if another one was quicker. A claim ends by itself."""
        is_same = (_outbox.c.correction_id == item.correction_id, _outbox.c.next_at == item.next_at)
        later = {"next_at": self._clock() + CLAIM_SECONDS, "tries": item.tries + 1}
        return self._update(later, *self._waiting(), *is_same) == 1

    def sent(self, item: Waiting) -> None:
        """Note that the archive has it."""
        self._change(item, state="sent", reason=None)

    def drop(self, item: Waiting, reason: str) -> None:
        """Note that it need not be sent any more."""
        self._change(item, state="dropped", reason=reason)

    def put_off(self, item: Waiting, reason: str) -> None:
        """Try again after a pause, that grows with the tries: nothing can be said of the object."""
        self._change(item, reason=reason, next_at=self._clock() + pause_after(item.tries))

    def refused(self, item: Waiting, reason: str, for_good: bool) -> None:
        """Note that the archive answered and did not keep it; tried again some times, unless it is for good."""
        refusals = item.refusals + 1
        state = "refused" if for_good or refusals >= MOST_REFUSALS else "waiting"
        later = self._clock() + pause_after(item.tries)
        self._change(item, state=state, reason=reason, refusals=refusals, next_at=later)

    def hurry(self) -> None:
        """Make due all that waits."""
        self._update({"next_at": self._clock()}, *self._waiting())

    def reopen(self) -> None:
        """Try once more what was refused for good: somebody may have changed the archive's mind."""
        refused = (_outbox.c.archive == self._archive, _outbox.c.state == "refused")
        self._update({"state": "waiting", "next_at": self._clock(), "refusals": MOST_REFUSALS - 1}, *refused)

    def summary(self) -> dict[str, Any]:
        """Return how many are waiting, sent, refused and dropped, and the reasons with how many have them."""
        query = (
            select(_outbox.c.state, _outbox.c.reason, func.count())
            .where(_outbox.c.archive == self._archive)
            .group_by(_outbox.c.state, _outbox.c.reason)
        )
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        counts = {
            state: sum(n for s, _, n in rows if s == state) for state in ("waiting", "sent", "refused", "dropped")
        }
        reasons = [{"state": s, "reason": reason, "masks": n} for s, reason, n in rows if reason and s != "sent"]
        return {**counts, "reasons": reasons}

    def _waiting(self) -> tuple[Any, ...]:
        return (_outbox.c.archive == self._archive, _outbox.c.state == "waiting")

    def _change(self, item: Waiting, **values: Any) -> None:
        self._update(values, _outbox.c.correction_id == item.correction_id)

    def _update(self, values: dict[str, Any], *conditions: Any) -> int:
        query = update(_outbox).where(*conditions).values(**values, changed_at=self._clock())
        with store_errors(), self._engine.begin() as connection:
            return connection.execute(query).rowcount
