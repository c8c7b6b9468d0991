"""The door to an archive by DICOMweb (PS3.18): list radiographs, fetch one, store an object; its errors become ours.

Credentials come from the environment ($BONEAGE_ARCHIVE_USER and $BONEAGE_ARCHIVE_PASSWORD, or $BONEAGE_ARCHIVE_TOKEN),
never from the address, which is shown and logged. Certificates are checked, against $BONEAGE_ARCHIVE_CA if that is set.
"""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from boneage.dicomweb_errors import answer_in, archive_errors, refusal_in
from boneage.dicomweb_places import archive_address
from boneage.errors import UnknownImage

MODALITIES = ("CR", "DX")
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0  # between two pieces of an answer
PAGE = 500
_FIELDS = ("SOPClassUID", "Modality", "Rows", "Columns")


@dataclass(frozen=True)
class ArchivedImage:
    """A radiograph in an archive.

    Attributes:
        sop_instance_uid: Its own UID.
        series_instance_uid: Of its series.
        study_instance_uid: Of its study.
        rows: Of its pixels; 0 if the archive does not say.
        columns: Of its pixels; 0 if the archive does not say.
    """

    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    rows: int
    columns: int


def is_uid(text: str) -> bool:
    """Say whether this is written as a UID."""
    return len(text) <= 64 and re.fullmatch(r"[0-9]+(\.[0-9]+)+", text) is not None


class Archive:
    """An archive; may be used from several threads. Nothing is asked before the first call.

    Args:
        address: Of its DICOMweb services.

    Raises:
        ArchiveUnreachable: From every method, if it does not answer, not in time, or not as DICOMweb.
    """

    def __init__(self, address: str) -> None:
        self.address = archive_address(address)

    def check(self) -> None:
        """Ask the least that there is to ask."""
        with archive_errors():
            self._client.search_for_studies(limit=1)

    def radiographs(self, since: date | None = None) -> list[ArchivedImage]:
        """Return all CR and DX images, or those of studies since a day."""
        days = {} if since is None else {"StudyDate": f"{since:%Y%m%d}-"}
        with archive_errors():
            return [image for modality in MODALITIES for image in self._pages({"Modality": modality} | days)]

    def find(self, sop_instance_uid: str) -> list[ArchivedImage]:
        """Return the radiograph of this UID, in a list: empty if there is none, more if the archive mixes them up."""
        with archive_errors():
            return [
                image
                for modality in MODALITIES
                for image in self._pages({"SOPInstanceUID": sop_instance_uid, "Modality": modality})
                if image.sop_instance_uid == sop_instance_uid
            ]

    def holds(self, dataset: Dataset) -> bool:
        """Say whether the archive has this object in this study."""
        with archive_errors():
            found = self._client.search_for_instances(
                study_instance_uid=str(dataset.StudyInstanceUID),
                search_filters={"SOPInstanceUID": str(dataset.SOPInstanceUID)},
            )
        return any(_value(item, "00080018") == dataset.SOPInstanceUID for item in found)

    def fetch(self, image: ArchivedImage) -> bytes:
        """Return the DICOM file of a radiograph as the archive has it, in its own transfer syntax.

        Raises:
            UnknownImage: If the archive has it no longer.
        """
        uids = (image.study_instance_uid, image.series_instance_uid, image.sop_instance_uid)
        with archive_errors(missing=UnknownImage("The radiograph is no longer in the archive.", "Ask for the list.")):
            dataset = self._client.retrieve_instance(*uids, media_types=(("application/dicom", "*"),))
            if (dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID) != uids:
                raise InvalidDicomError("another image than the one that was asked for")
            file = io.BytesIO()
            pydicom.dcmwrite(file, dataset, write_like_original=False)
        return file.getvalue()

    def store(self, dataset: Dataset) -> None:
        """Store an object; one that is there already counts as stored.

        Raises:
            ArchiveRefused: If the archive does not take it, or says that it did and then does not have it.
        """
        with archive_errors(stores=True):
            refusal = refusal_in(self._answer_to(dataset))
        if refusal is not None:
            raise refusal

    def _answer_to(self, dataset: Dataset) -> Dataset:
        import requests

        try:
            return self._client.store_instances([dataset], str(dataset.StudyInstanceUID))
        except requests.HTTPError as error:
            answer = answer_in(error.response)
            if answer is None:
                raise
            return answer

    def _pages(self, filters: dict[str, str]) -> Iterator[ArchivedImage]:
        """Yield what a search finds; a server may give less at a time than it is asked for, or all at once."""
        seen: set[tuple[Any, Any]] = set()
        offset = 0
        while True:
            page = self._client.search_for_instances(
                search_filters=filters, fields=list(_FIELDS), limit=PAGE, offset=offset
            )
            found = {(_value(item, "0020000D"), _value(item, "00080018")): item for item in page}
            new = [item for key, item in found.items() if key not in seen]
            if not new:
                return
            yield from _images(new, filters["Modality"])
            seen |= found.keys()
            offset += len(page)

    @cached_property
    def _client(self) -> Any:
        from dicomweb_client.web import DICOMwebClient

        for name in ("dicomweb_client", "retrying"):  # they write UIDs and tracebacks
            logging.getLogger(name).setLevel(logging.CRITICAL)
        client = DICOMwebClient(self.address, session=_session(), chunk_size=1 << 30)  # not all take chunks
        client.host = urlsplit(self.address).netloc  # it would leave the port out of the header Host
        client.set_http_retry_params(retry=False)  # who waits, waits for one time-out
        return client


def _images(page: list[dict[str, Any]], modality: str) -> Iterator[ArchivedImage]:
    """Yield the images of a page; a server that ignores the filter does not get a CT in."""
    for item in page:
        uids = [_value(item, tag) for tag in ("00080018", "0020000E", "0020000D")]
        if all(isinstance(uid, str) and is_uid(uid) for uid in uids) and _value(item, "00080060") in (None, modality):
            sides = [_value(item, tag) for tag in ("00280010", "00280011")]
            yield ArchivedImage(*uids, *(side if isinstance(side, int) else 0 for side in sides))


def _value(item: dict[str, Any], tag: str) -> Any:
    """Return the first value of an attribute in the DICOM JSON model; None without."""
    values = (item.get(tag) or {}).get("Value") or [None]
    return values[0]


def _session() -> Any:
    """Return a session with time-outs, the credentials and the authority of the environment."""
    import requests

    class Session(requests.Session):
        def request(self, *arguments: Any, **options: Any) -> requests.Response:
            options["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
            if os.environ.get("BONEAGE_ARCHIVE_CA"):
                options["verify"] = os.environ["BONEAGE_ARCHIVE_CA"]
            return super().request(*arguments, **options)

    class Bearer(requests.auth.AuthBase):
        def __init__(self, token: str) -> None:
            self._token = token

        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {self._token}"
            return request

    session = Session()
    session.headers["Accept"] = "application/dicom+json"
    user, token = os.environ.get("BONEAGE_ARCHIVE_USER"), os.environ.get("BONEAGE_ARCHIVE_TOKEN")
    if token:
        session.auth = Bearer(token)
    elif user:
        session.auth = requests.auth.HTTPBasicAuth(
            user.encode(), os.environ.get("BONEAGE_ARCHIVE_PASSWORD", "").encode()
        )
    return session
