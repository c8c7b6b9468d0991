"""What an archive answers instead of what it was asked for, as one of our errors; no UID and no address is repeated."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from boneage.errors import ArchiveRefused, ArchiveUnreachable, BoneAgeError

DUPLICATE = 0x0111
OUT_OF_RESOURCES = range(0xA700, 0xA800)
MAY_PASS = (0x0110,)  # processing failure: of the object, or of the archive's
NEVER = (400, 405, 406, 409, 410, 411, 413, 415, 422, 501)
"""HTTP status codes that an object which is sent again would get again."""


@contextmanager
def archive_errors(missing: BoneAgeError | None = None, stores: bool = False) -> Iterator[None]:
    """Turn what the client of an archive raises into one family.

    Args:
        missing: What to raise where the archive has no such thing (404).
        stores: True while an object is sent.
    """
    import requests

    try:
        yield
    except requests.exceptions.SSLError as error:
        raise ArchiveUnreachable(
            "The archive's certificate is not trusted.", "Name its authority: --archive-ca FILE or $REQUESTS_CA_BUNDLE."
        ) from error
    except requests.exceptions.Timeout as error:
        raise _away("The archive did not answer in time.") from error
    except requests.exceptions.HTTPError as error:
        raise _of_status(error.response, missing, stores) from error
    except requests.exceptions.JSONDecodeError as error:
        raise _not_dicomweb() from error
    except requests.exceptions.RequestException as error:
        raise _away("The archive cannot be reached.") from error
    except (
        ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError, OSError, NotImplementedError, zlib.error,
        InvalidDicomError, BytesLengthException,
    ) as error:  # fmt: skip
        raise _not_dicomweb() from error


def answer_in(response: Any) -> Dataset | None:
    """Return what an archive says of an object that it did not store (PS3.18, 10.5.3); None if it says nothing."""
    try:
        answer = Dataset.from_json(response.json())
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return answer if answer.get("FailedSOPSequence") else None


def refusal_in(answer: Dataset) -> ArchiveRefused | None:
    """Return why an object was not stored, by the answer to STOW-RS; None if it was, or is there already."""
    failed = answer.get("FailedSOPSequence") or []
    reasons = [int(item.get("FailureReason") or 0) for item in failed]
    if not reasons or reasons == [DUPLICATE]:
        return None
    passing = reasons[0] in MAY_PASS or reasons[0] in OUT_OF_RESOURCES
    message = f"The archive did not take the object (failure reason {reasons[0]:04X})."
    return ArchiveRefused(message, "Its administrator can look the reason up.", for_good=not passing)


def _of_status(response: Any, missing: BoneAgeError | None, stores: bool) -> BoneAgeError:
    status = response.status_code
    if status in (401, 403):
        return ArchiveUnreachable(
            f"The archive refused access (HTTP {status}).",
            "Set $BONEAGE_ARCHIVE_USER and $BONEAGE_ARCHIVE_PASSWORD, or $BONEAGE_ARCHIVE_TOKEN.",
        )
    if status == 404 and missing is not None:
        return missing
    if stores and status in NEVER:
        message = f"The archive did not take the object (HTTP {status})."
        return ArchiveRefused(message, "Ask its administrator.", for_good=True)
    if status in (400, 404, 405):
        return _not_dicomweb()
    return _away(f"The archive failed (HTTP {status}).")


def _away(message: str) -> ArchiveUnreachable:
    return ArchiveUnreachable(message, "Check that it runs; try again.", is_away=True)


def _not_dicomweb() -> ArchiveUnreachable:
    return ArchiveUnreachable("The archive's answer is not DICOMweb.", "Check its address: …/dicom-web on Orthanc.")
