"""What became of each radiograph that came from a PACS, and which of its results are there: a SQLite file.

    received -> assessed -> sent            or: left alone, needs a human, failed; each with its reason

A row is written before the sender is told that its radiograph was taken, and none is ever removed: what is known is not
done twice. It holds UIDs, never a name, a birth date or a patient's id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, MetaData, String, Table, Text, func, select, update
from sqlalchemy.dialects.sqlite import insert

from boneage.database import open_engine, store_errors
from boneage.delivery import pause_after

STORE = "state of the PACS watcher"
MOST_TRIES = 12  # of one step, with pauses of together an hour

_metadata = MetaData()
_radiographs = Table(
    "pacs_radiographs",
    _metadata,
    Column("sop_instance_uid", String(64), primary_key=True),
    Column("series_instance_uid", String(64), nullable=False),
    Column("study_instance_uid", String(64), nullable=False),
    Column("origin", String(8), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("tries", Integer, nullable=False),  # of the step that is next
    Column("next_at", Float, nullable=False),  # this and the next two in seconds since 1970
    Column("received_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
)
_results = Table(
    "pacs_results",
    _metadata,
    Column("sop_instance_uid", String(64), primary_key=True),
    Column("radiograph", String(64), nullable=False, index=True),
    Column("is_sent", Boolean, nullable=False),
)
_polled = Table(
    "pacs_polled",
    _metadata,
    Column("archive", String(32), primary_key=True),
    Column("first_day", String(10), nullable=False),
    Column("last_day", String(10), nullable=False),
)


class State(str, Enum):
    """How far a radiograph has come."""

    RECEIVED = "received"
    ASSESSED = "assessed"
    SENT = "sent"
    LEFT_ALONE = "left alone"
    NEEDS_HUMAN = "needs a human"
    FAILED = "failed"


OPEN_STATES = (State.RECEIVED, State.ASSESSED)
UNFINISHED = (State.LEFT_ALONE, State.NEEDS_HUMAN, State.FAILED)
"""What is looked at once more when the PACS sends it again: it may have been put right there."""


class Origin(str, Enum):
    """How a radiograph came."""

    STORE = "store"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Item:
    """A radiograph that came from a PACS.

    Attributes:
        sop_instance_uid: Its own UID.
        series_instance_uid: Of its series.
        study_instance_uid: Of its study.
        origin: How it came.
        state: How far it has come.
        reason: Why it is there, or waits; may be empty.
        tries: How often the next step was begun.
        received_at: Seconds since 1970.
    """

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    origin: Origin
    state: State = State.RECEIVED
    reason: str = ""
    tries: int = 0
    received_at: float = 0.0


_FIELDS = tuple(Item.__dataclass_fields__)


class PacsState:
    """The rows of one watcher; may be used from several threads.

    Args:
        file: The SQLite file; made if need be.
        clock: Gives seconds since 1970.

    Raises:
        StoreFailed: From every method, if the file cannot be read or written.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_engine(f"sqlite:///{file}")
        self._clock = clock
        with store_errors(STORE):
            _metadata.create_all(self._engine)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    # What came

    def add(self, items: Iterable[Item]) -> None:
        """Note radiographs as received; those that are known stay as they are."""
        now = self._clock()
        times = {"next_at": now, "received_at": now, "changed_at": now}
        rows = [_row(item) | times for item in items]
        if rows:
            with store_errors(STORE), self._engine.begin() as connection:
                connection.execute(insert(_radiographs).on_conflict_do_nothing(), rows)

    def reopen(self, item: Item, tries: int = 0) -> None:
        """Begin again where an unfinished radiograph stopped."""
        state = State.ASSESSED if self.results_of(item) else State.RECEIVED
        again = {"state": state, "reason": "", "tries": tries, "next_at": self._clock()}
        self._set(item, **again, origin=item.origin)

    def retry(self) -> int:
        """Give one more try to all that failed, and to what needed a human and can be fetched anew; return how many."""
        humans = [item for item in self.items(State.NEEDS_HUMAN) if item.origin is Origin.ARCHIVE]
        again = self.items(State.FAILED) + humans
        for item in again:
            self.reopen(item, MOST_TRIES - 1)
        return len(again)

    # What is known

    def find(self, sop_instance_uid: str) -> Item | None:
        """Return a radiograph by its UID; None if it is not known."""
        query = _select().where(_radiographs.c.sop_instance_uid == sop_instance_uid)
        return next(iter(self._items(query)), None)

    def items(self, *states: State) -> list[Item]:
        """Return the radiographs in these states, or all; the first that came first."""
        query = _select().order_by(_radiographs.c.received_at)
        return self._items(query.where(_radiographs.c.state.in_(states)) if states else query)

    def next_due(self, state: State) -> Item | None:
        """Return the radiograph in this state whose next step has waited the longest; None if none is due."""
        query = _select().where(_radiographs.c.state == state, _radiographs.c.next_at <= self._clock())
        return next(iter(self._items(query.order_by(_radiographs.c.next_at).limit(1))), None)

    def counts(self) -> dict[State, int]:
        """Return how many radiographs are in each state."""
        query = select(_radiographs.c.state, func.count()).group_by(_radiographs.c.state)
        with store_errors(STORE), self._engine.connect() as connection:
            found = {State(state): count for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in State}

    def is_result(self, sop_instance_uid: str) -> bool:
        """Say whether this is an object that we made."""
        with store_errors(STORE), self._engine.connect() as connection:
            query = select(func.count()).where(_results.c.sop_instance_uid == sop_instance_uid)
            return bool(connection.scalar(query))

    def results_of(self, item: Item) -> dict[str, bool]:
        """Return the UIDs of a radiograph's results, and whether each was sent."""
        query = select(_results.c.sop_instance_uid, _results.c.is_sent)
        with store_errors(STORE), self._engine.connect() as connection:
            found = connection.execute(query.where(_results.c.radiograph == item.sop_instance_uid))
            return {uid: is_sent for uid, is_sent in found}

    def unsent_results(self) -> set[str]:
        """Return the UIDs of the results that were not sent yet."""
        with store_errors(STORE), self._engine.connect() as connection:
            return set(connection.scalars(select(_results.c.sop_instance_uid).where(~_results.c.is_sent)))

    # Steps

    def begin(self, item: Item) -> None:
        """Count a try before it is made: one that ends the program is counted, too, and then others come first."""
        self._set(item, tries=item.tries + 1, next_at=self._clock() + pause_after(item.tries))

    def assessed(self, item: Item, result_uids: Iterable[str]) -> None:
        """Note that the results are made and kept, all or none."""
        rows = [{"sop_instance_uid": uid, "radiograph": item.sop_instance_uid, "is_sent": False} for uid in result_uids]
        step = {"state": State.ASSESSED, "reason": "", "tries": 0, "next_at": self._clock()}
        with store_errors(STORE), self._engine.begin() as connection:
            connection.execute(insert(_results).on_conflict_do_nothing(), rows)
            connection.execute(self._update(item, step))

    def result_sent(self, result_uid: str) -> None:
        """Note that the PACS has a result."""
        query = update(_results).where(_results.c.sop_instance_uid == result_uid).values(is_sent=True)
        with store_errors(STORE), self._engine.begin() as connection:
            connection.execute(query)

    def finish(self, item: Item, state: State, reason: str = "") -> None:
        """Note that there is nothing more to do, and why."""
        self._set(item, state=state, reason=reason)

    def put_off(self, item: Item, reason: str) -> None:
        """Try the step again after a pause, and not for ever: after `MOST_TRIES` it has failed."""
        tries = item.tries + 1
        state = State.FAILED if tries >= MOST_TRIES else item.state
        self._set(item, state=state, reason=reason, tries=tries, next_at=self._clock() + pause_after(item.tries))

    def wait(self, item: Item, reason: str, seconds: float) -> None:
        """Leave the step for later, however often: nothing was said of this radiograph."""
        self._set(item, reason=reason, tries=item.tries, next_at=self._clock() + seconds)

    # Polling

    def polled_days(self, archive: str) -> tuple[str, str] | None:
        """Return from which study day on an archive was asked, and when last; None if never. As YYYY-MM-DD."""
        with store_errors(STORE), self._engine.connect() as connection:
            query = select(_polled.c.first_day, _polled.c.last_day).where(_polled.c.archive == archive)
            found = connection.execute(query).first()
        return None if found is None else (found[0], found[1])

    def set_polled(self, archive: str, first_day: str, last_day: str) -> None:
        """Note what an archive was asked for."""
        days = {"first_day": first_day, "last_day": last_day}
        query = insert(_polled).values(archive=archive, **days).on_conflict_do_update(["archive"], set_=days)
        with store_errors(STORE), self._engine.begin() as connection:
            connection.execute(query)

    def _items(self, query: Any) -> list[Item]:
        with store_errors(STORE), self._engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [Item(**dict(row) | {"origin": Origin(row["origin"]), "state": State(row["state"])}) for row in rows]

    def _set(self, item: Item, **values: Any) -> None:
        with store_errors(STORE), self._engine.begin() as connection:
            connection.execute(self._update(item, values))

    def _update(self, item: Item, values: dict[str, Any]) -> Any:
        is_same = _radiographs.c.sop_instance_uid == item.sop_instance_uid
        return update(_radiographs).where(is_same).values(**values, changed_at=self._clock())


def _select() -> Any:
    return select(*(_radiographs.c[name] for name in _FIELDS))


def _row(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in _FIELDS}
