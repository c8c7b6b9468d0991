"""One HTTP request: time-outs, cancel, certificates, token; every failure becomes a `ClientError`."""

from __future__ import annotations

import ipaddress
import json
import os
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.certs import where as bundled_certificates
from requests.utils import get_environ_proxies

from .errors import ClientError, ErrorKind
from .failures import check_status, too_slow, translated_errors

LARGEST_ANSWER = 1 << 30
_CHUNK = 1 << 16
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class ServerSettings:
    """Where the server is and how to get in.

    Attributes:
        url: As the person typed it; http:// is assumed where nothing is said.
        token: That the server expects; empty for none.
        ca_file: Certificate authority to trust; the environment's (REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE) or else the
            usual ones if empty.
        connect_seconds: To wait for a connection.
        read_seconds: To wait for the next piece of an answer.
        total_seconds: For a whole request.
    """

    url: str
    token: str = field(default="", repr=False)
    ca_file: str = ""
    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    total_seconds: float = 180.0

    @property
    def address(self) -> str:
        """Return the address in one form: scheme://host:port/path.

        Raises:
            ClientError: INVALID if it cannot be an address of a server.
        """
        text = self.url.strip()
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
            raise ClientError(
                ErrorKind.INVALID, "The server's address cannot be used.", "Write it like http://127.0.0.1:8000."
            )
        port = port or {"http": 80, "https": 443}[parts.scheme]
        shown = f"[{host}]" if ":" in host else host
        return urlunsplit((parts.scheme, f"{shown}:{port}", parts.path.rstrip("/"), "", ""))

    @property
    def caution(self) -> str:
        """Return what to warn of: radiographs and token that travel readable for others; empty if they do not."""
        parts = urlsplit(self.address)
        if parts.scheme == "https" or is_loopback(parts.hostname or ""):
            return ""
        return "Radiographs and token travel unencrypted to this server; use an address that begins with https://."

    def certificates(self) -> str:
        """Return the file of trusted authorities.

        Raises:
            ClientError: CERTIFICATE if it is not there.
        """
        named = self.ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        if named and not Path(named).exists():
            raise ClientError(
                ErrorKind.CERTIFICATE,
                "The file of trusted certificates is not there.",
                "Choose it anew in the settings.",
            )
        return named or bundled_certificates()


def is_loopback(host: str) -> bool:
    """Say whether a host is this computer."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True)
class Answer:
    """What the server sent; `label` is the file name that it gives, or where it sends on to."""

    status: int
    content_type: str
    content: bytes = field(repr=False)
    label: str = ""

    def json(self) -> Any:
        """Return the content as JSON.

        Raises:
            ClientError: WRONG_ANSWER.
        """
        try:
            return json.loads(self.content.decode("utf-8"))
        except ValueError:
            raise ClientError(
                ErrorKind.WRONG_ANSWER,
                "The server's answer is not JSON.",
                "Check that the address is a bone age server.",
            ) from None


class Transport:
    """Sends requests to one server; may be used from several threads."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.address = settings.address

    def send(
        self,
        method: str,
        path: str,
        cancel: threading.Event | None = None,
        query: dict[str, str] | None = None,
        **body: Any,
    ) -> Answer:
        """Return the answer of the server, if it is a good one.

        Args:
            method: GET, POST, ...
            path: Below the server's address, with a leading slash.
            cancel: Set from another thread, it ends the waiting.
            query: Of the address.
            body: `data`, `files` or `json`, as requests takes them.

        Raises:
            ClientError: In all other cases.
        """
        certificates = self.settings.certificates()
        answer = _interruptible(
            lambda ended: self._exchange(method, path, query, body, certificates, ended),
            cancel or threading.Event(),
            self.settings.total_seconds,
        )
        check_status(answer.status, answer.content_type, answer.content, answer.label)
        return answer

    def _exchange(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: dict[str, Any],
        certificates: str,
        ended: threading.Event,
    ) -> Answer:
        url = self.address + path
        headers = {"Authorization": f"Bearer {self.settings.token}"} if self.settings.token else {}
        with requests.Session() as session, translated_errors():
            session.trust_env = False  # else .netrc replaces the token, and REQUESTS_CA_BUNDLE the chosen certificates
            response = session.request(
                method,
                url,
                params=query,
                headers=headers,
                timeout=(self.settings.connect_seconds, self.settings.read_seconds),
                verify=certificates,
                proxies={} if is_loopback(urlsplit(url).hostname or "") else get_environ_proxies(url),
                allow_redirects=False,  # a token is for this server only
                stream=True,
                **body,
            )
            with response:
                return _read(response, ended)


def _read(response: requests.Response, ended: threading.Event) -> Answer:
    content = bytearray()
    for chunk in response.iter_content(_CHUNK):
        content += chunk
        if ended.is_set() or len(content) > LARGEST_ANSWER:
            raise ClientError(ErrorKind.WRONG_ANSWER, "The server's answer is too long.", "Check the address.")
    _check_length(response, len(content))
    disposition = response.headers.get("Content-Disposition", "")
    kind = response.headers.get("Content-Type", "")
    location = response.headers.get("Location", "") if 300 <= response.status_code < 400 else ""
    return Answer(response.status_code, kind, bytes(content), location or disposition)


def _check_length(response: requests.Response, came: int) -> None:
    """Refuse half an answer, which older releases of urllib3 let pass."""
    promised = response.headers.get("Content-Length", "")
    is_plain = not response.headers.get("Content-Encoding") and response.request.method != "HEAD"
    if is_plain and promised.isdigit() and int(promised) != came:
        raise ClientError(
            ErrorKind.HALF_ANSWER, f"The server's answer broke off after {came} of {promised} bytes.", "Try again."
        )


def _interruptible(work: Callable[[threading.Event], Answer], cancel: threading.Event, seconds: float) -> Answer:
    """Run `work` in a thread of its own, left to its time-out when the request is cancelled or lasts too long."""
    done: queue.Queue[Answer | Exception] = queue.Queue()
    ended = threading.Event()

    def run() -> None:
        try:
            done.put(work(ended))
        except Exception as fault:  # noqa: BLE001 - not dealt with here but raised in the thread that waits
            done.put(fault)

    threading.Thread(target=run, name="bone age request", daemon=True).start()
    try:
        return _awaited(done, cancel, time.monotonic() + seconds)
    finally:
        ended.set()


def _awaited(done: Any, cancel: threading.Event, until: float) -> Answer:
    while not cancel.is_set():
        try:
            result = done.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            if time.monotonic() > until:
                raise too_slow() from None
            continue
        if isinstance(result, Exception):
            raise result
        return result
    raise ClientError(ErrorKind.CANCELLED, "Cancelled.")
