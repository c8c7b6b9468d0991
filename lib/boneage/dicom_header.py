"""The header of a radiograph -> the part of it that every DICOM object made from it takes over, each value valid.

An object belongs to the radiograph's patient and study, as its header names them. What a header holds instead of a
date, a sex or a text is left out, so that the objects are valid DICOM where the radiograph was not.
"""

from __future__ import annotations

import logging
import re
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from boneage import __version__
from boneage.dicom_tags import OWN_MANUFACTURER, laterality
from boneage.errors import InvalidInput, UnreadableRadiograph
from boneage.types import Laterality

EQUIPMENT: dict[str, Any] = {
    "manufacturer": OWN_MANUFACTURER,
    "manufacturer_model_name": "boneage",
    "software_versions": __version__,
    "device_serial_number": __version__,
}
"""Who made the objects, as highdicom asks for it."""

_NAMESPACE = uuid.UUID("6f0b9a52-6c0e-4f0e-9a53-0d1c9a3b7c11")  # of the UIDs that are made of ids

# What says whose it is (PS3.3, C.7.1.1, C.7.2.1); type 2 attributes are empty where the radiograph has none.
_ALWAYS = ("PatientID", "PatientName", "AccessionNumber", "StudyID", "ReferringPhysicianName")
_IF_THERE = ("IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "StudyDescription")
_DATES, _TIME = ("PatientBirthDate", "StudyDate"), r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


@dataclass(frozen=True)
class NewObject:
    """What an object that is being made is called.

    Attributes:
        sop_instance_uid: Its own.
        series_instance_uid: Of its series.
        made_at: When it was made.
        instance_number: Its place in the series.
    """

    sop_instance_uid: str
    series_instance_uid: str
    made_at: datetime
    instance_number: int = 1


def uid_of(kind: str, id: str) -> str:
    """Return the UID of what is made of a correction or an assessment, always the same: sent twice, it is one object.

    Args:
        kind: What it is, such as "SEG".
        id: Of what it is made of; 32 hexadecimal digits for a correction.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'{kind} {id}').int}"  # PS3.5, B.2


def new_uid() -> str:
    """Return a UID that nothing else has."""
    return f"2.25.{uuid.uuid4().int}"


def reference_to(source: Dataset) -> Dataset:
    """Return what of a radiograph's header a new object takes over, each of it valid; texts as decoded.

    Args:
        source: The radiograph's own data set; its pixels are not looked at.

    Raises:
        UnreadableRadiograph: If the data set does not say which study it belongs to, or how large the picture is.
    """
    header = Dataset()
    for keyword in _UIDS:
        uid = str(source.get(keyword) or "")
        if not re.fullmatch(r"[0-9.]{1,64}", uid):
            raise UnreadableRadiograph(f"The radiograph's file has no usable {keyword}.", "Export it again.")
        setattr(header, keyword, uid)
    if not source.get("Rows") or not source.get("Columns"):
        raise UnreadableRadiograph("The radiograph's file holds no picture.", "Choose the image of the series.")
    header.Rows, header.Columns = int(source.Rows), int(source.Columns)
    for keyword in _ALWAYS:
        setattr(header, keyword, _text(source, keyword))
    for keyword in _DATES:
        setattr(header, keyword, _date(_text(source, keyword)))
    header.StudyTime = _matching(_TIME, _text(source, "StudyTime"))
    header.PatientSex = _matching("[FMO]", _text(source, "PatientSex"))
    side, _ = laterality(source)
    header.Laterality = {Laterality.LEFT: "L", Laterality.RIGHT: "R", None: ""}[side]
    for keyword in (*_IF_THERE, "PatientOrientation"):
        if source.get(keyword):
            setattr(header, keyword, source[keyword].value)
    return header


def _text(source: Dataset, keyword: str) -> str:
    """Return an element's text as decoded; a backslash, which makes two values of one text, stays in it."""
    value = source.get(keyword)
    if isinstance(value, MultiValue):
        return "\\".join(map(str, value)).strip()
    return "" if value is None else str(value).strip()


def _matching(pattern: str, text: str) -> str:
    return text if re.fullmatch(pattern, text) else ""


def _date(text: str) -> str:
    """Return YYYYMMDD if it is a day of the calendar; 00000000 is none."""
    try:
        datetime.strptime(_matching(r"\d{8}", text), "%Y%m%d")
    except ValueError:
        return ""
    return text


def complete(made: Dataset, header: Dataset, made_at: datetime) -> None:
    """Add what highdicom leaves out: character set, time, and more of the patient and the study."""
    made.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _IF_THERE:
        if keyword in header:
            setattr(made, keyword, header[keyword].value)
    made.ContentDate = made.SeriesDate = made_at.strftime("%Y%m%d")
    made.ContentTime = made.SeriesTime = made_at.strftime("%H%M%S")


def patient_and_study(header: Dataset) -> dict[str, Any]:
    """Return whose an object is and of which study, as highdicom asks for it."""
    return {
        "study_instance_uid": header.StudyInstanceUID,
        "patient_id": header.PatientID,
        "patient_name": header.PatientName,
        "patient_birth_date": header.PatientBirthDate,
        "patient_sex": header.PatientSex,
        "accession_number": header.AccessionNumber,
        "study_id": header.StudyID,
        "study_date": header.StudyDate,
        "study_time": header.StudyTime,
        "referring_physician_name": header.ReferringPhysicianName,
    }


def source_item(header: Dataset) -> Dataset:
    """Return an item that refers to the radiograph (PS3.3, table 10-11)."""
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return item


def person_name(name: str) -> str | None:
    """Return a reader's short name as a person name of one part: without the signs that have a meaning there."""
    plain = re.sub(r"[\\^=\x00-\x1f]", " ", name).strip()[:63]
    return f"{plain}^" if plain else None


def signer_name(name: str) -> str:
    """Return an expert's name as a person name; "Family^Given" keeps its parts.

    Raises:
        InvalidInput: If nothing is left of it.
    """
    parts = [re.sub(r"[\\\\=\x00-\x1f]", " ", part).strip() for part in name.split("^")][:5]
    plain = "^".join(parts)[:64]
    if not plain.strip("^ "):
        raise InvalidInput("Expected the name of who signs, got none.", "Give it, as in Family^Given.")
    return plain if "^" in plain else f"{plain[:63]}^"


@contextmanager
def refused_headers(made: str) -> Iterator[None]:
    """Keep the words of pydicom and highdicom, which may be a name or a birth date, out of warnings, logs and errors.

    Args:
        made: What is being made, for the error's message.

    Raises:
        UnreadableRadiograph: If the libraries find the header impossible.
    """
    logging.getLogger("highdicom").setLevel(logging.CRITICAL)  # it writes UIDs, and names that look odd to it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's would quote a birth date that is none
        try:
            yield
        except (ValueError, TypeError, AttributeError, KeyError):
            raise UnreadableRadiograph(
                f"The radiograph's header does not allow a {made}.", "Export the radiograph again."
            ) from None
