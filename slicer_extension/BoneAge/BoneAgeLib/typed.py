"""What the reader has typed for a radiograph: kept on its node, so that it never strays to another child's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

ATTRIBUTE = "BoneAge.Typed"


@dataclass(frozen=True)
class Typed:
    """What was typed; None and empty where nothing was.

    Attributes:
        sex: "female" or "male"; None if not known.
        age_months: Chronological age in months; None if not known.
        sex_source: Where the sex is from: "DICOM" or "reader".
        age_source: Where the age is from.
        expert_months: Bone age as the reader sees it.
        comment: For those who read the correction.
        is_rejected: Whether the radiograph cannot be used.
        rejected_because: Why it cannot.
        is_draft: Whether the correction is one to go on with.
        is_submitted: Whether all of it has been submitted.
    """

    sex: str | None = None
    age_months: float | None = None
    sex_source: str = ""
    age_source: str = ""
    expert_months: float | None = None
    comment: str = ""
    is_rejected: bool = False
    rejected_because: str = ""
    is_draft: bool = False
    is_submitted: bool = False


def typed_for(volume) -> Typed:
    """Return what was typed for the radiograph of this volume node."""
    known = {field.name for field in fields(Typed)}
    kept = json.loads(volume.GetAttribute(ATTRIBUTE) or "{}")
    return Typed(**{name: value for name, value in kept.items() if name in known})


def keep_typed(volume, typed: Typed) -> None:
    """Keep it with the volume node; it is saved and restored with the scene."""
    volume.SetAttribute(ATTRIBUTE, json.dumps(asdict(typed)))


def is_typed_for(volume) -> bool:
    """Say whether anything was ever kept for this volume node."""
    return bool(volume.GetAttribute(ATTRIBUTE))
