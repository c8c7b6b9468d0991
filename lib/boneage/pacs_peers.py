"""Who speaks DICOM with us: an application entity's title and address, and TLS (PS3.15, B.9) on the way."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from boneage.errors import InvalidInput

_PEER = re.compile(r"(?P<title>[^@\\]{1,16})@(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class Peer:
    """An application entity.

    Attributes:
        ae_title: 1 to 16 characters.
        host: Name or address.
        port: TCP port.
    """

    ae_title: str
    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def peer_from_words(words: str) -> Peer:
    """Read a peer from "AE@HOST:PORT".

    Raises:
        InvalidInput: If it is none.
    """
    match = _PEER.fullmatch(words.strip())
    if match is None or not 0 < int(match["port"]) < 65536:
        raise InvalidInput(f"Expected AE@HOST:PORT, as in BONEAGE@127.0.0.1:11112; got '{words}'.")
    return Peer(title_from_words(match["title"]), match["host"].strip("[]"), int(match["port"]))


def title_from_words(words: str) -> str:
    """Read an application entity's title (PS3.5, section 6.2, VR "AE").

    Raises:
        InvalidInput: If it is none.
    """
    title = words.strip()
    if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", title):
        raise InvalidInput("Expected an AE title: 1 to 16 characters of ASCII without backslash.")
    return title


@dataclass(frozen=True)
class Tls:
    """Files in PEM form.

    Attributes:
        certificate: Ours, with those between it and its authority; shown to whoever connects and whom we connect to.
        key: Of the certificate.
        authority: Of the others' certificates; with it they are asked for theirs, and we send by TLS.
    """

    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None

    def for_listening(self) -> ssl.SSLContext | None:
        """Return how we answer; None without a certificate, that is in plain.

        Raises:
            InvalidInput: If a file is not what it should be.
        """
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._fill(context)
        if self.authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def for_sending(self) -> ssl.SSLContext | None:
        """Return how we call; None without an authority, that is in plain.

        Raises:
            InvalidInput: If a file is not what it should be.
        """
        if self.authority is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._fill(context)
        return context

    def _fill(self, context: ssl.SSLContext) -> None:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
            if self.authority is not None:
                context.load_verify_locations(self.authority)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise InvalidInput(
                "The certificate, its key or the authority cannot be used.",
                "Expected PEM files, and the certificate's own key without a password.",
            ) from error
