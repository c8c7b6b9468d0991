"""The door for C-STORE (PS3.4, B): who may send, what is taken, and TLS; by pynetdicom."""

from __future__ import annotations

import logging
import socketserver
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any

from boneage.errors import InvalidInput
from boneage.pacs_filter import RADIOGRAPH_CLASSES
from boneage.pacs_peers import Peer, Tls

log = logging.getLogger("boneage.pacs")

TRANSFER_SYNTAXES = (
    *("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"),  # uncompressed
    *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91)),  # JPEG, JPEG-LS, JPEG 2000
    "1.2.840.10008.1.2.5",  # RLE
)
"""What the reader of radiographs decodes."""

VERIFICATION = "1.2.840.10008.1.1"  # C-ECHO
HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 60.0


class Listener:
    """Listens from `start` to `stop`.

    Args:
        at: Our title and address.
        allowed: Titles of those who may send; all if empty.
        tls: How.
        take: Called with a DICOM file and its SOP Instance UID, from several threads; returns the status to answer.
    """

    def __init__(self, at: Peer, allowed: Sequence[str], tls: Tls, take: Callable[[bytes, str], int]) -> None:
        self._at = at
        self._allowed = list(allowed)
        self._context = tls.for_listening()
        self._take = take
        self._entity: Any = None
        self._server: Any = None

    def start(self) -> None:
        """Begin to listen.

        Raises:
            InvalidInput: If the address cannot be had.
        """
        from pynetdicom import evt

        self._entity = self._application_entity()
        try:
            self._server = self._entity.make_server(
                (self._at.host, self._at.port),
                ssl_context=self._context,
                evt_handlers=[(evt.EVT_C_STORE, self._stored), (evt.EVT_REJECTED, _tell_refusal)],
                server_class=_server_class(),
            )
        except OSError as error:
            raise InvalidInput(
                f"Cannot listen on {self._at.host}:{self._at.port}: {error.strerror}.", "Choose another --listen."
            ) from None
        threading.Thread(target=self._server.serve_forever, name="pacs-listener", daemon=True).start()

    def stop(self) -> None:
        """End; associations that are open are aborted, and their senders send again what was not acknowledged."""
        if self._server is None:
            return
        self._server.shutdown()
        for association in self._entity.active_associations:
            association.abort()
        self._server = None

    def _application_entity(self) -> Any:
        from pynetdicom import AE

        silence()
        entity = AE(ae_title=self._at.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = self._allowed
        entity.network_timeout = IDLE_SECONDS
        entity.add_supported_context(VERIFICATION)
        for sop_class in RADIOGRAPH_CLASSES:
            entity.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
        return entity

    def _stored(self, event: Any) -> int:
        return self._take(event.encoded_dataset(), str(event.request.AffectedSOPInstanceUID))


def silence() -> None:
    """Keep pynetdicom's own log, which holds UIDs and identifiers, from ours."""
    from pynetdicom import _config

    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)


def _tell_refusal(event: Any) -> None:
    log.warning("An association was refused: its AE titles are not those that were allowed, or too many are open.")


def _server_class() -> type:
    """Return a server that shakes hands in the thread of the connection: who connects and says nothing stops nobody."""
    from pynetdicom.transport import ThreadedAssociationServer

    class Server(ThreadedAssociationServer):
        daemon_threads = True
        request_queue_size = 50

        def get_request(self) -> Any:
            assert self.socket is not None, "it listens"
            return self.socket.accept()

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            if self.ssl_context is not None:
                try:
                    request = _shaken(request, self.ssl_context)
                except OSError:  # ssl.SSLError is one
                    log.warning("A connection was refused: it does not speak our TLS, or its certificate is unknown.")
                    self.shutdown_request(request)
                    return
            super().process_request_thread(request, client_address)

        def shutdown(self) -> None:
            socketserver.BaseServer.shutdown(self)
            self.server_close()

        def handle_error(self, request: Any, client_address: Any) -> None:
            log.warning("A connection failed before an association was made.")

    return Server


def _shaken(request: Any, context: ssl.SSLContext) -> ssl.SSLSocket:
    request.settimeout(HANDSHAKE_SECONDS)
    wrapped = context.wrap_socket(request, server_side=True)
    wrapped.settimeout(None)
    return wrapped
