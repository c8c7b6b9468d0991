"""Pieces of the server's JSON; each function raises a `ClientError` that names the piece that was not as expected."""

from __future__ import annotations

import math
from typing import Any

from .errors import ClientError, ErrorKind


def piece(data: Any, name: str, kind: type[Any]) -> Any:
    """Return a piece of JSON of a kind.

    Raises:
        ClientError: WRONG_ANSWER, which names the piece.
    """
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise unexpected(name, kind.__name__)
    return value


def maybe(data: Any, name: str, kind: type[Any]) -> Any:
    """Return a piece of JSON; None if it is null or not there."""
    return None if isinstance(data, dict) and data.get(name) is None else piece(data, name, kind)


def number(data: Any, name: str) -> float:
    """Return a finite number."""
    return finite(data.get(name) if isinstance(data, dict) else None, name)


def finite(value: Any, name: str) -> float:
    """Return a value that is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise unexpected(name, "number")
    return float(value)


def maybe_number(data: Any, name: str) -> float | None:
    """Return a finite number; None if it is null or not there."""
    return None if isinstance(data, dict) and data.get(name) is None else number(data, name)


def numbers(data: Any, name: str) -> tuple[float, ...]:
    """Return a list of finite numbers."""
    return tuple(finite(one, name) for one in piece(data, name, list))


def pair(data: Any, name: str) -> tuple[float, float]:
    """Return two finite numbers."""
    both = numbers(data, name)
    if len(both) != 2:
        raise unexpected(name, "pair of numbers")
    return both[0], both[1]


def texts(data: Any, name: str) -> tuple[str, ...]:
    """Return a list as texts."""
    return tuple(str(one) for one in piece(data, name, list))


def words(data: Any, name: str) -> dict[str, str]:
    """Return texts by name."""
    return {str(key): str(value) for key, value in piece(data, name, dict).items()}


def unexpected(name: str, kind: str) -> ClientError:
    """Return the error that names what was not as expected."""
    return ClientError(
        ErrorKind.WRONG_ANSWER,
        f"The server's answer is not understood: expected {name} as {kind}.",
        "Check that server and extension are of the same version.",
    )
