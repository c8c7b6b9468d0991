"""What the server and the extension say to each other, as frozen values.

Coordinates are pixels of the whole radiograph as the server sees it, x to the right, y down; ages are in months.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .training import Retraining

FEMALE, MALE, BOTH = "female", "male", "both"
FINAL, DRAFT = "final", "draft"
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class HandBox:
    """Box around the hand, half-open, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def as_json(self) -> dict[str, float]:
        return {side: getattr(self, side) for side in SIDES}


@dataclass(frozen=True)
class Pose:
    """Three key points, (x, y) in pixels."""

    middle_tip: tuple[float, float]
    thumb_tip: tuple[float, float]
    capitate: tuple[float, float]


@dataclass(frozen=True)
class Outline:
    """How large the outlined hand is; mm2 only where the pixel spacing is known."""

    area_px: int
    area_mm2: float | None
    fraction_of_image: float


@dataclass(frozen=True)
class Hand:
    """The hand that was found, or that was sent along."""

    confidence: float
    laterality: str | None
    box: HandBox
    pose: Pose
    pose_error: float
    outline: Outline | None


@dataclass(frozen=True)
class LocalShift:
    """What the server's local calibration, fitted to ages of its own population, did to a bone age."""

    made_on: str
    ages: int
    shift_months: float
    uncalibrated_bone_age_months: float


@dataclass(frozen=True)
class Estimate:
    """The bone age for one sex; `sds` and what belongs to it only where the chronological age is known."""

    sex: str
    bone_age_months: float
    bone_age_sd_months: float
    lower_90_months: float
    upper_90_months: float
    sds: float | None
    reference_sd_months: float | None
    verdict: str | None
    growth_reference: str | None
    distribution: tuple[float, ...] = field(repr=False)
    local: LocalShift | None = None


@dataclass(frozen=True)
class Saliency:
    """Where the age of one sex comes from.

    Attributes:
        sex: Whose age.
        months_on_grid: Rows of a coarse grid over the whole radiograph: how far the age moves if that spot is blurred.
        shares: Of each part of the hand; they sum to 1.
    """

    sex: str
    months_on_grid: tuple[tuple[float, ...], ...] = field(repr=False)
    shares: dict[str, float]


@dataclass(frozen=True)
class Assessment:
    """What the models found in one radiograph; `estimates` has two where both sexes were asked for."""

    task: str
    image_id: str
    sex: str | None
    sex_source: str | None
    chronological_age_months: float | None
    chronological_age_source: str | None
    estimates: tuple[Estimate, ...]
    hand: Hand
    rows: int
    columns: int
    pixel_spacing_mm: tuple[float, float] | None
    was_inverted: bool
    warnings: tuple[str, ...]
    model_versions: dict[str, str]
    seconds: float
    notice: str
    saliency: Saliency | None = None


@dataclass(frozen=True)
class Assessed:
    """An assessment with its outline: an NRRD file on the grid of the radiograph's own file; None without one."""

    assessment: Assessment
    mask_nrrd: bytes | None = field(repr=False)


@dataclass(frozen=True)
class ModelCard:
    """A deployed model and what was measured of it: figure name -> value with unit, data and remarks."""

    name: str
    version: str
    task: str
    figures: dict[str, Any]
    limits: Any
    intended_use: Any


@dataclass(frozen=True)
class Info:
    """What the server is and can do; `languages` of its reports: code -> own name."""

    name: str
    description: str
    version: str
    models: tuple[str, ...]
    strategies: dict[str, str]
    trainers: tuple[str, ...]
    model_cards: tuple[ModelCard, ...]
    bone_age_limits: tuple[float, float]
    states: tuple[str, ...]
    radiographs: int
    scored: int
    retraining: Retraining
    languages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What one reader said of a radiograph; `made_at` in UTC."""

    id: str
    reader: str
    status: str
    bone_age_months: float | None
    hand_box: HandBox | None
    sex: str | None
    comment: str
    rejected_because: str
    based_on: dict[str, str]
    made_at: datetime | None
    has_mask: bool


@dataclass(frozen=True)
class WorkListItem:
    """A radiograph of the server; `state` is new, assessed or corrected."""

    image_id: str
    state: str
    readings: tuple[Reading, ...]
    held_by: str | None

    @property
    def corrected_by(self) -> tuple[str, ...]:
        """Return the readers with a final reading, in the order of their readings."""
        return tuple(dict.fromkeys(reading.reader for reading in self.readings if reading.status == FINAL))

    @property
    def corrected_at(self) -> datetime | None:
        """Return when the last final reading was made."""
        return max((r.made_at for r in self.readings if r.status == FINAL and r.made_at), default=None)


@dataclass(frozen=True)
class NextCase:
    """A radiograph that the server has given to this reader, with what was said of it."""

    image_id: str
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class Downloaded:
    """A file of the server; `name` is a plain file name, without folders."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Outgoing:
    """A radiograph that is shown, ready to be sent.

    Attributes:
        name: Its content-based name: from its pixels and geometry, and for DICOM its SOP Instance UID.
        file_name: The name with the ending of the format of `content`.
        content: The file.
        sha256: Of the file.
        pixels_sha256: Of pixels and geometry, whatever the file.
        sex: As DICOM says; None: ask.
        chronological_age_months: At acquisition, as DICOM says; None if it does not.
        from_dicom: Whether the file is the DICOM file that the picture was loaded from.
        warnings: What the person should know, in sentences.
    """

    name: str
    file_name: str
    content: bytes = field(repr=False)
    sha256: str
    pixels_sha256: str
    sex: str | None = None
    chronological_age_months: float | None = None
    from_dicom: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submission:
    """A reader's correction on its way to one server.

    Attributes:
        id: 32 hexadecimal digits, chosen here, so that what is sent twice is kept once.
        server: Address that it is for; it goes to no other.
        image_id: The radiograph, by the server's id.
        tag: "final" or "draft".
        params: What `PUT /datastore/label` takes: reader, bone_age_months, hand_box_px, sex, comment, ...
        mask_nrrd: The outline on the radiograph's grid; None if it was not changed.
        summary: In words, for the person.
    """

    id: str
    server: str
    image_id: str
    tag: str
    params: dict[str, Any]
    mask_nrrd: bytes | None = field(repr=False)
    summary: str = ""
