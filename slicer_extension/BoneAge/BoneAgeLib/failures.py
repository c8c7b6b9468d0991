"""What requests raises and what a server's status says, as a `ClientError` of one sentence that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from requests import exceptions

from .answers import refuse_error
from .errors import ClientError, ErrorKind


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn the errors of requests into ours; their own words hold addresses and inner names, so none are kept."""
    try:
        yield
    except exceptions.SSLError:
        raise _certificate() from None
    except (exceptions.ConnectTimeout, exceptions.ReadTimeout):
        raise too_slow() from None
    except (exceptions.ChunkedEncodingError, exceptions.ContentDecodingError):
        raise half_answer() from None
    except (exceptions.InvalidURL, exceptions.InvalidHeader, exceptions.InvalidSchema, UnicodeError):
        raise ClientError(
            ErrorKind.INVALID, "The server's address or token cannot be used.", "Correct it in the settings."
        ) from None
    except exceptions.ProxyError:
        raise ClientError(
            ErrorKind.AWAY, "The proxy of this computer does not reach the server.", "Add the server to NO_PROXY."
        ) from None
    except exceptions.RequestException as error:
        raise _by_its_cause(error) from None


def check_status(status: int, content_type: str, content: bytes, location: str) -> None:
    """Raise what the status of an answer means, in the server's own words where it has some.

    Raises:
        ClientError: For all but 2xx.
    """
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        host = urlsplit(location).netloc or "another page"
        raise ClientError(
            ErrorKind.REDIRECT, f"The server sends on to {host}, where the token does not belong.",
            "If that is the right server, set its address.", status=status,
        )  # fmt: skip
    if status in (401, 403):
        raise ClientError(
            ErrorKind.NO_ACCESS, "The server does not accept the token.", "Ask for it and set it anew.", status=status
        )
    _raise_servers_words(status, content_type, content)


def too_slow() -> ClientError:
    """Return the error of a server that keeps one waiting."""
    return ClientError(
        ErrorKind.TIMEOUT, "The server did not answer in time.", "Try again, or ask whether it is overloaded."
    )


def half_answer() -> ClientError:
    """Return the error of an answer without its end."""
    return ClientError(ErrorKind.HALF_ANSWER, "The server's answer broke off in the middle.", "Try again.")


def _certificate() -> ClientError:
    return ClientError(
        ErrorKind.CERTIFICATE,
        "The server's certificate is not trusted, so nothing was sent.",
        "Set the file of your hospital's certificate authority, and never go on without.",
    )


def _by_its_cause(error: exceptions.RequestException) -> ClientError:
    """Tell a server that hung up or is slow from one that is not there; requests calls all three a ConnectionError."""
    text = repr(error)
    if "Read timed out" in text or "ReadTimeoutError" in text:
        return too_slow()
    if "SSLError" in text or "CERTIFICATE_VERIFY_FAILED" in text:
        return _certificate()
    if any(word in text for word in ("RemoteDisconnected", "IncompleteRead", "Connection aborted", "ConnectionReset")):
        return ClientError(
            ErrorKind.HALF_ANSWER, "The server closed the connection before it had answered.", "Try again."
        )
    return ClientError(ErrorKind.AWAY, "The server is not there.", "Check that it runs, its address, and the network.")


def _raise_servers_words(status: int, content_type: str, content: bytes) -> None:
    answer = _json(content) if "json" in content_type.lower() else None
    if status >= 500:
        error = answer.get("error") if isinstance(answer, dict) else None
        words = error if isinstance(error, dict) else {}
        message, advice = str(words.get("message") or ""), str(words.get("advice") or "")
        raise ClientError(
            ErrorKind.SERVER_FAULT,
            message or f"The server met a fault of its own (status {status}).",
            advice or "Try again later, and tell who runs the server.",
            str(words.get("kind") or ""),
            status,
        )
    refuse_error(answer, status)
    if isinstance(answer, dict) and isinstance(answer.get("detail"), str):
        raise ClientError(ErrorKind.REFUSED, f"{answer['detail'][:200].rstrip('.')}.", status=status)
    raise ClientError(
        ErrorKind.NOT_BONE_AGE, f"There is no bone age server at this address (status {status}).", "Check the address.",
        status=status,
    )  # fmt: skip


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except ValueError:
        return None
