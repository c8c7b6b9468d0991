"""Results to a PACS by C-STORE, and the question by C-FIND whether it has them (PS3.4, B and C); by pynetdicom."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset

from boneage.dicomweb_errors import DUPLICATE
from boneage.errors import ArchiveRefused, ArchiveUnreachable
from boneage.pacs_listener import silence
from boneage.pacs_peers import Peer, Tls

log = logging.getLogger("boneage.pacs")

FIND = "1.2.840.10008.5.1.4.1.2.2.1"  # Study Root Query/Retrieve Information Model - FIND
PENDING = (0xFF00, 0xFF01)
WARNINGS = (0xB000, 0xB006, 0xB007)  # stored, with something coerced or left out
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0


class StoringPeer:
    """A PACS that takes our results.

    Args:
        ours: Our title.
        peer: The PACS.
        tls: How to reach it.

    Raises:
        ArchiveUnreachable: From every method, if it does not answer, or not us.
    """

    def __init__(self, ours: str, peer: Peer, tls: Tls) -> None:
        self._ours = ours
        self._peer = peer
        self._context = tls.for_sending()
        self._stored: set[str] = set()
        self._answers_find = True

    def holds(self, dataset: Dataset) -> bool:
        """Say whether the PACS has this object; one that cannot be asked is believed what it said on storing."""
        uid = str(dataset.SOPInstanceUID)
        found = self._found(dataset) if self._answers_find else None
        if found is None:
            return uid in self._stored
        return found

    def store(self, dataset: Dataset) -> None:
        """Send an object.

        Raises:
            ArchiveRefused: If it is not taken.
        """
        with self._association(str(dataset.SOPClassUID)) as association:
            if not association.accepted_contexts:
                raise ArchiveRefused(
                    f"The PACS does not take objects of the kind {dataset.get('Modality', '?')}.",
                    "Have its administrator allow it, or leave it out of --kinds.",
                    for_good=True,
                )
            status = association.send_c_store(dataset)
        _check(status)
        self._stored.add(str(dataset.SOPInstanceUID))

    def _found(self, dataset: Dataset) -> bool | None:
        """Return what the PACS answers to C-FIND; None if it has no such service."""
        with self._association(FIND) as association:
            if not association.accepted_contexts:
                self._cannot_be_asked()
                return None
            answers = list(association.send_c_find(_question(dataset), FIND))
        if not answers or answers[-1][0].get("Status") != 0:
            raise _no_find()
        found = [identifier for status, identifier in answers if status.Status in PENDING and identifier is not None]
        return any(identifier.get("SOPInstanceUID") == dataset.SOPInstanceUID for identifier in found)

    def _cannot_be_asked(self) -> None:
        self._answers_find = False
        log.warning("The PACS does not answer C-FIND: what it says on C-STORE is believed without asking again.")

    @contextmanager
    def _association(self, sop_class: str) -> Iterator[Any]:
        association = self._associate(sop_class)
        if association.is_rejected:
            raise ArchiveUnreachable(
                "The PACS refused the association.", "Have it know our AE title, and check --send-to."
            )
        if not association.is_established and not _has_no_context(association):
            raise _away("The PACS cannot be reached by DICOM.")
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def _associate(self, sop_class: str) -> Any:
        from pynetdicom import AE

        silence()
        entity = AE(ae_title=self._ours)
        entity.connection_timeout = CONNECT_SECONDS
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
        entity.add_requested_context(sop_class, ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
        tls = (self._context, self._peer.host) if self._context else None
        return entity.associate(self._peer.host, self._peer.port, ae_title=self._peer.ae_title, tls_args=tls)


def _has_no_context(association: Any) -> bool:
    """Say whether the association was accepted and then aborted by us, since nothing that we offered was taken."""
    return bool(association.rejected_contexts) and not association.accepted_contexts


def _question(dataset: Dataset) -> Dataset:
    question = Dataset()
    question.QueryRetrieveLevel = "IMAGE"
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(question, keyword, dataset[keyword].value)
    return question


def _check(status: Dataset) -> None:
    """Raise what a status of C-STORE means (PS3.4, table B.2-1)."""
    if "Status" not in status:
        raise _away("The PACS did not answer in time.")
    code = int(status.Status)
    if code == 0 or code in WARNINGS or code == DUPLICATE:
        return
    message = f"The PACS did not take the object (status {code:04X})."
    raise ArchiveRefused(message, "Its administrator can look the status up.", for_good=False)


def _no_find() -> ArchiveUnreachable:
    return ArchiveUnreachable(
        "The PACS did not answer when it was asked whether it has a result (C-FIND).",
        "Check that it runs, and have it answer C-FIND to our AE title.",
        is_away=True,
    )


def _away(message: str) -> ArchiveUnreachable:
    return ArchiveUnreachable(message, "Check that it runs, and its address, port and TLS.", is_away=True)
