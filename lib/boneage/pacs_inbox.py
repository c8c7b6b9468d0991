"""What a C-STORE brings: on the disk and noted before the sender is told so; if not, a status to try again upon."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable

import pydicom
from pydicom.dataset import Dataset

from boneage.dicomweb import is_uid
from boneage.errors import OutputFailed, StoreFailed
from boneage.pacs_files import PacsFiles
from boneage.pacs_filter import HEADER, RADIOGRAPH_CLASSES
from boneage.pacs_state import UNFINISHED, Item, Origin, PacsState, State

log = logging.getLogger("boneage.pacs")

# PS3.4, table B.2-1
SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
NOT_OF_ITS_CLASS = 0xA900
CANNOT_UNDERSTAND = 0xC000


class Inbox:
    """Takes radiographs, from several associations at a time.

    Args:
        state: Where they are noted.
        files: Where they are kept.
        on_new: Called when there is something to assess.
    """

    def __init__(self, state: PacsState, files: PacsFiles, on_new: Callable[[], None]) -> None:
        self._state = state
        self._files = files
        self._on_new = on_new
        self._one_at_a_time = threading.Lock()  # the same radiograph may come twice at once

    def take(self, content: bytes, sop_instance_uid: str) -> int:
        """Keep an object and return the status of the C-STORE.

        Args:
            content: A DICOM file.
            sop_instance_uid: As the request names it.
        """
        header = _header(content)
        item = None if header is None else _item(header)
        if header is None or item is None or item.sop_instance_uid != sop_instance_uid:
            log.warning("An object without readable UIDs was refused.")
            return CANNOT_UNDERSTAND
        try:
            return self._take(item, header, content)
        except (OutputFailed, StoreFailed) as error:
            log.error("A radiograph could not be kept, its sender was told to send it again: %s", error)
            return OUT_OF_RESOURCES

    def _take(self, item: Item, header: Dataset, content: bytes) -> int:
        with self._one_at_a_time:
            known = self._state.find(item.sop_instance_uid)
            if header.get("SOPClassUID") not in RADIOGRAPH_CLASSES:  # the header differs from what was negotiated
                if known is None:
                    self._state.add([item])
                    self._state.finish(item, State.LEFT_ALONE, "It is neither a CR nor a DX image.")
                return NOT_OF_ITS_CLASS
            if known is None or known.state in (State.RECEIVED, *UNFINISHED):  # the latest is assessed
                self._keep(item, content, known)
        self._on_new()
        return SUCCESS

    def _keep(self, item: Item, content: bytes, known: Item | None) -> None:
        self._files.keep(item.sop_instance_uid, content)
        try:
            self._state.reopen(item) if known else self._state.add([item])
        except StoreFailed:
            if known is None:
                self._files.remove(item.sop_instance_uid)
            raise


def _header(content: bytes) -> Dataset | None:
    from boneage.dicom_in import pydicom_errors
    from boneage.errors import UnreadableRadiograph

    try:
        with pydicom_errors():
            return pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=list(HEADER))
    except UnreadableRadiograph:
        return None


def _item(header: Dataset) -> Item | None:
    uids = [str(header.get(name) or "") for name in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")]
    return Item(uids[0], uids[1], uids[2], Origin.STORE) if all(map(is_uid, uids)) else None
