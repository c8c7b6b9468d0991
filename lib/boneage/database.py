"""The door to SQL databases: SQLite in a file, or PostgreSQL for several servers; their errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, Table, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.schema import DDL

from boneage.errors import InvalidInput, StoreFailed

BUSY_SECONDS = 10
CONNECT_SECONDS = 10


def open_engine(address: str) -> Engine:
    """Return an engine for a SQLAlchemy URL; usable from several threads, nothing is opened yet.

    A SQLite file is written ahead (WAL) and to the disk at each commit, so that a commit that returned is never lost.

    Raises:
        InvalidInput: If the URL is not one of SQLite or PostgreSQL.
    """
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise InvalidInput("Expected a database URL.", "For instance postgresql://user@host/boneage.") from error
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS})
    if url.get_backend_name() != "sqlite":
        raise InvalidInput(f"Expected SQLite or PostgreSQL, got {url.get_backend_name()}.", "Give another URL.")
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _make_durable)
    return engine


def _make_durable(connection: Any, _: Any) -> None:
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")


def add_missing_columns(engine: Engine, table: Table) -> None:
    """Give a table that an earlier version made the columns that it did not know; old rows are empty there."""
    there = {column["name"] for column in inspect(engine).get_columns(table.name)}
    missing = [column for column in table.columns if column.name not in there]
    for column in missing:
        kind = column.type.compile(engine.dialect)
        with engine.begin() as connection:
            connection.execute(DDL(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))


@contextmanager
def store_errors(store: str = "corrections store") -> Iterator[None]:
    """Turn what the database raises into `StoreFailed`; neither its address nor values are repeated."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0] if error.orig else "no reason given"
        raise StoreFailed(f"The {store} failed: {_without_address(reason)}.", _advice(reason)) from error
    except SQLAlchemyError as error:
        raise StoreFailed(f"The {store} failed: {type(error).__name__}.") from error


def _without_address(reason: str) -> str:
    """Leave out the part of a driver's message that names host and user."""
    return "no connection to the server" if "connection" in reason else reason.rstrip(".")


def _advice(reason: str) -> str:
    known = {
        "locked": "Another program holds it: close that, then try again. Nothing of this was kept.",
        "full": "Make room on the disk, then try again. Nothing of this was kept.",
        "readonly": "Let the server write to the folder, then try again.",
        "unable to open": "Check that the folder exists and can be written.",
        "connection": "Check that the database server runs, then try again. Nothing of this was kept.",
    }
    return next((advice for sign, advice in known.items() if sign in reason), "Nothing of this was kept.")
