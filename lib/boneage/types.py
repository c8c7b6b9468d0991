"""The nouns of the project: frozen values that the rooms hand to each other.

Units and grids are part of the names: pixels of the whole radiograph, millimetres, months.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from pathlib import Path

import numpy as np

MONTHS_PER_YEAR = 12.0
DAYS_PER_MONTH = 365.25 / MONTHS_PER_YEAR
BONE_WAS_DARK = "Bone was dark"
CM_PER_INCH = 2.54


class Sex(str, Enum):
    """The child's sex as the growth references use it."""

    FEMALE = "female"
    MALE = "male"


class Laterality(str, Enum):
    """Which hand the file says it shows (DICOM Laterality or Image Laterality)."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class DicomIdentity:
    """What ties a result to its DICOM image. Never a name or a birth date."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str


@dataclass(frozen=True)
class Heights:
    """What was measured of the child and the parents; None for what is not known.

    Attributes:
        height_cm: Standing height.
        length_cm: Recumbent length, which is a little more.
        weight_kg: Body weight.
        mother_height_cm: Of the biological mother.
        father_height_cm: Of the biological father.
    """

    height_cm: float | None = None
    length_cm: float | None = None
    weight_kg: float | None = None
    mother_height_cm: float | None = None
    father_height_cm: float | None = None

    def given(self) -> dict[str, float]:
        """Return what is known: field name -> value."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def with_given(self, other: Heights) -> Heights:
        """Return a copy in which everything that `other` knows is taken from it."""
        return replace(self, **other.given())


NO_HEIGHTS = Heights()


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One hand radiograph, ready for the models.

    Attributes:
        pixels: (rows, columns) float32, 0..1, bone bright.
        pixel_spacing_mm: (row, column) distance between pixel centres in mm; None if unknown.
        pixel_aspect: Height of a pixel divided by its width; 1.0 for square pixels. A squashed copy of a
            portrait image has pixels higher than wide (> 1).
        sex: As the file or the user says; None if unknown.
        sex_source: Where `sex` came from: "DICOM", "option", "table", "data set"; empty if unknown.
        chronological_age_months: Age at acquisition; None if unknown.
        age_source: Where the chronological age came from, like `sex_source`.
        heights: Of the child and the parents, as the user says.
        acquisition_date: Day of the exposure; None if unknown.
        laterality: Which hand the file says it shows; None if it does not say.
        identity: DICOM UIDs; None for other formats.
        source: The file that it was read from; None for pixels made in memory.
        was_inverted: True if the pixels were turned although the file did not ask for it.
        warnings: What the reader had to assume, in sentences.
    """

    pixels: np.ndarray
    pixel_spacing_mm: tuple[float, float] | None = None
    pixel_aspect: float = 1.0
    sex: Sex | None = None
    sex_source: str = ""
    chronological_age_months: float | None = None
    age_source: str = ""
    heights: Heights = NO_HEIGHTS
    acquisition_date: date | None = None
    laterality: Laterality | None = None
    identity: DicomIdentity | None = None
    source: Path | None = None
    was_inverted: bool = False
    warnings: tuple[str, ...] = ()

    def turned(self, certainty: float) -> Radiograph:
        """Return a copy whose dark is bright; of one that was turned before, the picture as it was."""
        turns = [warning for warning in self.warnings if warning.startswith(BONE_WAS_DARK)]
        others = tuple(warning for warning in self.warnings if warning not in turns)
        note = f"Bone was dark (certainty {certainty:.2f}); the picture was inverted."
        return replace(
            self,
            pixels=np.subtract(np.float32(1.0), self.pixels),
            was_inverted=not self.was_inverted,
            warnings=others if self.was_inverted else (*others, note),
        )

    def with_sex(self, sex: Sex, source: str) -> Radiograph:
        """Return a copy with `sex` set by `source`."""
        return replace(self, sex=sex, sex_source=source)

    def with_age(self, chronological_age_months: float, source: str) -> Radiograph:
        """Return a copy with the chronological age set by `source`."""
        return replace(self, chronological_age_months=chronological_age_months, age_source=source)

    def with_heights(self, heights: Heights) -> Radiograph:
        """Return a copy in which everything that `heights` knows is taken from it."""
        return replace(self, heights=self.heights.with_given(heights))


@dataclass(frozen=True)
class HandBox:
    """Axis-parallel box around the hand, half-open, in pixels of the whole radiograph (x to the right, y down)."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class HandPose:
    """Three key points of the hand as (x, y) in pixels of the whole radiograph.

    They fix the hand's position, rotation, size and side.
    """

    middle_tip: tuple[float, float]
    thumb_tip: tuple[float, float]
    capitate: tuple[float, float]


@dataclass(frozen=True)
class Hand:
    """A found hand.

    Attributes:
        box: Around the whole hand.
        pose: Its key points.
        confidence: 0..1, the detector's.
        pose_error: How far two independent looks at the hand disagree on its key points, as a fraction of the
            distance from capitate to middle finger tip; high means unsure.
        either_side: Whether it may be a hand or its mirror image: the thumb was seen on both sides.
    """

    box: HandBox
    pose: HandPose
    confidence: float
    pose_error: float
    either_side: bool = False


@dataclass(frozen=True)
class BoneAge:
    """A bone age with its spread.

    Attributes:
        months: The estimate (mean of the distribution).
        sd_months: One standard deviation.
        lower_90_months: 5 % quantile.
        upper_90_months: 95 % quantile.
        distribution: Probability of each whole month, starting with 0; sums to 1.
        looks_apart_months: How far apart the ages are that looks at the hand, slightly turned and resized, give.
    """

    months: float
    sd_months: float
    lower_90_months: float
    upper_90_months: float
    distribution: tuple[float, ...] = field(default=(), repr=False)
    looks_apart_months: float = 0.0


class Verdict(str, Enum):
    """Bone age against chronological age: |SDS| > 2 is delayed or advanced."""

    DELAYED = "delayed"
    NORMAL = "normal"
    ADVANCED = "advanced"
    OUTSIDE_TABLE = "outside table"


@dataclass(frozen=True)
class GrowthScore:
    """A bone age set against the child's chronological age.

    Attributes:
        chronological_age_months: At acquisition.
        sds: (bone age - chronological age) / SD for age and sex; None outside the table.
        reference_sd_months: The SD that was used; None outside the table.
        verdict: See `Verdict`.
        growth_reference: Name of the table, since two series differ enough to flip a verdict.
    """

    chronological_age_months: float
    sds: float | None
    reference_sd_months: float | None
    verdict: Verdict
    growth_reference: str


BAYLEY_PINNEAU, RWT_1975 = "Bayley-Pinneau 1952", "Roche-Wainer-Thissen 1975"
TARGET_HEIGHT = "Target height (Tanner 1970)"


@dataclass(frozen=True)
class AdultHeight:
    """An adult height by one published method, or why there is none.

    Attributes:
        method: BAYLEY_PINNEAU, RWT_1975 or TARGET_HEIGHT.
        cm: The height; None if the method does not cover the child or needs more than was given.
        lower_cm: Lower end of the range that the method's source gives; None if it gives none.
        upper_cm: Upper end.
        range_means: What the range is, for example "90 % limits"; empty without one.
        over_bone_age_cm: Least and greatest height over the 90 % interval of the bone age, which the other range leaves
            out; None if the interval is not known or the method does not use it.
        note: How the height came about, or why there is none.
    """

    method: str
    cm: float | None
    lower_cm: float | None = None
    upper_cm: float | None = None
    range_means: str = ""
    over_bone_age_cm: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class LocalShift:
    """What a local calibration did to a bone age.

    Attributes:
        uncalibrated: The bone age without it.
        made_on: Day on which it was fitted.
        ages: Read by experts of one's own population, which it was fitted to.
        version: Of the calibration.
    """

    uncalibrated: BoneAge
    made_on: date
    ages: int
    version: str


@dataclass(frozen=True)
class Estimate:
    """The bone age for one sex, with what follows from it.

    Attributes:
        sex: That it holds for.
        bone_age: Locally calibrated where `local` says so.
        growth: Its score; None if the chronological age is not known.
        adult_heights: One a method, if heights are known.
        local: What the local calibration did; None where none is in force for this sex.
    """

    sex: Sex
    bone_age: BoneAge
    growth: GrowthScore | None
    adult_heights: tuple[AdultHeight, ...] = ()
    local: LocalShift | None = None


@dataclass(frozen=True)
class CoursePoint:
    """One bone age of a child whose growth is followed.

    Attributes:
        chronological_age_months: At acquisition.
        bone_age_months: The bone age then.
        sd_months: Its uncertainty, one SD; None if not known.
    """

    chronological_age_months: float
    bone_age_months: float
    sd_months: float | None = None

    @property
    def advance_months(self) -> float:
        """Bone age minus chronological age."""
        return self.bone_age_months - self.chronological_age_months


@dataclass(frozen=True)
class CourseInterval:
    """What happened between two successive bone ages.

    Attributes:
        start: The earlier one.
        end: The later one.
        velocity: Months of bone age per month of age; None if both were taken at the same age.
        velocity_sd: Its uncertainty, one SD; None if one of the bone ages has none, or there is no velocity.
    """

    start: CoursePoint
    end: CoursePoint
    velocity: float | None
    velocity_sd: float | None


@dataclass(frozen=True)
class Course:
    """The bone ages of one child over the years.

    Attributes:
        sex: Of the child.
        points: By rising chronological age.
        scores: One for each point.
        intervals: Between successive points, one fewer.
        growth_reference: Title of the series of SDs.
        warnings: Sentences for the reader.
        overall: From the first to the last point; None for a single one.
    """

    sex: Sex
    points: tuple[CoursePoint, ...]
    scores: tuple[GrowthScore, ...]
    intervals: tuple[CourseInterval, ...]
    growth_reference: str
    warnings: tuple[str, ...] = ()
    overall: CourseInterval | None = None


@dataclass(frozen=True, eq=False)
class Saliency:
    """Where a bone age comes from.

    Attributes:
        months: (rows, columns) float32 on a coarse grid over the whole radiograph: how far the bone age moves when that
            spot is blurred.
        shares: Part of the hand -> its share of the whole, 0..1.
    """

    months: np.ndarray
    shares: dict[str, float]


@dataclass(frozen=True, eq=False)
class Assessment:
    """Everything found in one radiograph.

    Attributes:
        radiograph: What was assessed.
        hand: The hand that was found or given.
        hand_mask: (rows, columns) bool, on the radiograph's grid.
        estimates: One, or two where both sexes were asked for.
        model_versions: Model name -> version, as in the model cards.
        warnings: Sentences for the reader of the report; the reader's own warnings included.
        seconds: Time from pixels to answer.
        saliency: Where the age of the first estimate comes from; None if that was not asked for.
    """

    radiograph: Radiograph
    hand: Hand
    hand_mask: np.ndarray
    estimates: tuple[Estimate, ...]
    model_versions: dict[str, str]
    warnings: tuple[str, ...]
    seconds: float
    saliency: Saliency | None = None


@dataclass(frozen=True)
class Signature:
    """What an expert signs: a bone age, the expert's own or the model's.

    Attributes:
        name: Of the expert, as it is to stand in the signed report; "Family^Given" or as people write it.
        bone_age_months: The age that is signed.
        sex: For which it holds.
        signed_at: When.
        organization: The expert's; empty if it is not to be named.
    """

    name: str
    bone_age_months: float
    sex: Sex
    signed_at: datetime
    organization: str = ""


class CorrectionStatus(str, Enum):
    """A draft is work in progress; only a final correction is learnt from."""

    DRAFT = "draft"
    FINAL = "final"


@dataclass(frozen=True, eq=False)
class Correction:
    """What one reader says of one radiograph: at least one of box, mask, bone age and rejection, or a withdrawal.

    Attributes:
        image_id: The radiograph, by its id in the studies.
        reader: Who says so: a short name or number that the reader chose, as little personal as possible.
        status: Draft or final.
        hand_box: The corrected box.
        hand_mask: (rows, columns) bool, the corrected outline on the radiograph's grid.
        bone_age_months: The reader's own bone age, 0..228.
        sex: For which the bone age holds.
        comment: Free text for other readers.
        rejected_because: Why the radiograph cannot be assessed, and is not to be learnt from; empty if it can.
        based_on: What the reader saw: model name -> version, and other short facts, as text.
        id: Given by the store, or by a client that may send it twice: 32 hexadecimal digits; empty before.
        made_at: Given by the store, in UTC; None before.
        withdraws: The id of the correction that this one takes back; None otherwise.
    """

    image_id: str
    reader: str
    status: CorrectionStatus = CorrectionStatus.FINAL
    hand_box: HandBox | None = None
    hand_mask: np.ndarray | None = None
    bone_age_months: float | None = None
    sex: Sex | None = None
    comment: str = ""
    rejected_because: str = ""
    based_on: dict[str, str] = field(default_factory=dict)
    id: str = ""
    made_at: datetime | None = None
    withdraws: str | None = None
