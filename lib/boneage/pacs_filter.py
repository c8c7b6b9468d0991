"""Which objects of a PACS are left alone, by their header alone: all but CR and DX that may show a hand."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
DX_STORAGE = "1.2.840.10008.5.1.4.1.1.1.1"  # for presentation; the one for processing is raw
RADIOGRAPH_CLASSES = (CR_STORAGE, DX_STORAGE)
MODALITIES = ("CR", "DX")

_MAY_SHOW_A_HAND = re.compile("HAND|WRIST|FINGER|CARP|EXTREMIT|UP_?EXM|BONE ?AGE|^UPPER|^ARM$")
"""The detector decides on those, and where no body part is said, as often in DX, or something that is no code."""

HEADER = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality", "BodyPartExamined"),
    *("Rows", "Columns"),
)
"""What is read of a header to decide."""


def why_left_alone(header: Dataset) -> str | None:
    """Return why this object is not assessed; None if it may be a radiograph of a hand. Texts are repeated if codes."""
    if header.get("SOPClassUID") not in RADIOGRAPH_CLASSES:
        return "It is neither a CR nor a DX image."
    if _code(header, "Modality") not in MODALITIES:
        return f"Its modality is {_code(header, 'Modality') or 'not said'}, not CR or DX."
    part = _code(header, "BodyPartExamined")
    if part and not _MAY_SHOW_A_HAND.search(part):
        return f"It shows another part of the body: {part}."
    if not header.get("Rows") or not header.get("Columns"):
        return "It holds no picture."
    return None


def _code(header: Dataset, keyword: str) -> str:
    """Return a code string (PS3.5, VR "CS"), in capitals; empty for anything else, which might be a name."""
    value = str(header.get(keyword) or "").strip().upper()
    return value if re.fullmatch(r"[A-Z0-9 _]{0,16}", value) else ""
