"""A bone age, sex -> the same fitted to one's own population: how it is kept, and when it is in force.

    MODELS/registry/local_calibration/2-9b1e0c77aa01/configs/metadata.json      what was fitted, for which regressor
    MODELS/registry/history.jsonl                                               promoted, refused, rolled back

It belongs to the weights of one regressor and to how they are read: as soon as others are live, it is not in force.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from boneage.distribution import moved
from boneage.errors import InvalidInput, ModelRefused
from boneage.models import ModelFile
from boneage.registry import Entry, live_bundle, roll_back
from boneage.spread import Spread
from boneage.types import BoneAge, LocalShift, Sex

NAME = "local_calibration"
SHA256 = "sha256"  # of all other values


@dataclass(frozen=True)
class Adjustment:
    """A straight line for the ages of one sex, and a factor for their spread.

    Attributes:
        offset_months: Added to every age.
        slope: Added for each month above `about_months`, or taken away for each below; above -1, so that order stays.
        about_months: Mean age of what it was fitted to.
        from_months: Youngest age that it was fitted to; the line goes on level below it.
        to_months: Oldest age; the line goes on level above it.
        stretch: Of the distribution about its mean.
        ages: That it was fitted to.
    """

    offset_months: float
    slope: float
    about_months: float
    from_months: float
    to_months: float
    stretch: float
    ages: int

    def shift_months(self, months: float | np.ndarray) -> Any:
        """Return what is added to an age of so many months, or to each of several."""
        inside = np.clip(months, self.from_months, self.to_months)
        return self.offset_months + self.slope * (inside - self.about_months)

    def __call__(self, bone_age: BoneAge) -> BoneAge:
        """Return the bone age fitted to one's own population; one that is not to be changed stays as it is."""
        shift = float(self.shift_months(bone_age.months))
        return (
            bone_age if (shift, self.stretch) == (0.0, 1.0) else moved(bone_age, bone_age.months + shift, self.stretch)
        )


@dataclass(frozen=True)
class FittedFor:
    """The regressor that a local calibration belongs to; its weights and how they are read count, not its version."""

    version: str = field(compare=False)
    sha256: str
    spread: Spread

    @staticmethod
    def of(regressor: ModelFile) -> FittedFor:
        """Return what tells this regressor from others."""
        return FittedFor(regressor.version, regressor.sha256, Spread.of(regressor.card))

    def plain(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"version": self.version, "sha256": self.sha256, **self.spread.plain()}

    @staticmethod
    def read(values: Mapping[str, Any]) -> FittedFor:
        """Return what `plain` told; a temperature alone, as told before there was more to a spread, will do."""
        return FittedFor(values["version"], values["sha256"], Spread.of(values))


@dataclass(frozen=True)
class LocalCalibration:
    """What was fitted.

    Attributes:
        version: A number, counted from 1.
        made_on: Day, UTC.
        fitted_for: The regressor.
        adjustments: For each sex with enough ages; the other one stays as it is.
    """

    version: str
    made_on: date
    fitted_for: FittedFor
    adjustments: Mapping[Sex, Adjustment]

    @property
    def ages(self) -> int:
        """How many ages it was fitted to."""
        return sum(one.ages for one in self.adjustments.values())

    def __call__(self, bone_age: BoneAge, sex: Sex) -> tuple[BoneAge, LocalShift | None]:
        """Return the calibrated bone age and what was done to it; the same and None for a sex without enough ages."""
        if sex not in self.adjustments:
            return bone_age, None
        shift = LocalShift(bone_age, self.made_on, self.ages, self.version)
        return self.adjustments[sex](bone_age), shift

    def __str__(self) -> str:
        """Name it in words."""
        return f"local calibration of {self.made_on} from {self.ages} ages"

    def plain(self) -> dict[str, Any]:
        """Return plain values for JSON, with a sha256 over them."""
        adjustments = {sex.value: asdict(one) for sex, one in self.adjustments.items()}
        values = {
            "version": self.version,
            "made_on": self.made_on.isoformat(),
            "fitted_for": self.fitted_for.plain(),
            "adjustments": adjustments,
        }
        return values | {SHA256: _digest(values)}


class Force(str, Enum):
    """Whether a local calibration changes ages."""

    NONE = "none"
    IN_FORCE = "in force"
    NOT_IN_FORCE = "not in force"
    OFF = "off"


@dataclass(frozen=True)
class LocalState:
    """How it stands with the local calibration of a models folder.

    Attributes:
        force: See `Force`.
        calibration: The one that is live in the registry; None without one.
        reason: Why it is not in force, in a sentence; empty if nothing needs saying.
    """

    force: Force
    calibration: LocalCalibration | None = None
    reason: str = ""

    @property
    def in_force(self) -> LocalCalibration | None:
        """The calibration, if it changes ages."""
        return self.calibration if self.force is Force.IN_FORCE else None

    def plain(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        told: dict[str, Any] = {"state": self.force.value, "reason": self.reason or None}
        if self.calibration is None:
            return told
        one = self.calibration
        fitted = {"version": one.version, "made_on": one.made_on.isoformat(), "ages": one.ages}
        return told | fitted | {"fitted_for": one.fitted_for.version}


WITHOUT_LOCAL = LocalState(Force.OFF, reason="Local calibration is switched off.")


def local_state(models: Path, regressor: ModelFile, wanted: bool = True) -> LocalState:
    """Return whether a local calibration is in force for the live regressor.

    Args:
        models: The models folder.
        regressor: Its live regressor.
        wanted: False if it is switched off.

    Raises:
        ModelRefused: If there is one, and it is damaged.
    """
    if not wanted:
        return WITHOUT_LOCAL
    found = _live(models)
    if found is None:
        return LocalState(Force.NONE)
    if found.fitted_for == FittedFor.of(regressor):
        return LocalState(Force.IN_FORCE, found)
    return LocalState(Force.NOT_IN_FORCE, found, _why_not(found, regressor))


def roll_back_local(models: Path, started_by: str, reason: str = "") -> Entry:
    """Put the local calibration before this one in force, or none where there was none before.

    Raises:
        InvalidInput: If there is none to take back.
        OutputFailed: If it cannot be written down; nothing changes then.
    """
    if _bundle(models) == models / NAME:
        raise InvalidInput("There is no local calibration to take back.", "See: boneage models history.")
    return roll_back(models, NAME, started_by, reason, may_be_none=True)


def write_candidate(calibration: LocalCalibration, bundle: Path) -> str:
    """Write a calibration as a bundle that the registry can keep, and return its sha256."""
    (bundle / "configs").mkdir(parents=True)
    values = calibration.plain()
    _card(bundle).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return str(values[SHA256])


def _live(models: Path) -> LocalCalibration | None:
    bundle = _bundle(models)
    return None if bundle == models / NAME else _read(bundle)


def _bundle(models: Path) -> Path:
    return live_bundle(models, NAME)


def _card(bundle: Path) -> Path:
    return bundle / "configs" / "metadata.json"


def _read(bundle: Path) -> LocalCalibration:
    try:
        values = json.loads(_card(bundle).read_text(encoding="utf-8"))
        calibration = LocalCalibration(
            values["version"],
            date.fromisoformat(values["made_on"]),
            FittedFor.read(values["fitted_for"]),
            {Sex(sex): Adjustment(**one) for sex, one in values["adjustments"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(bundle, type(error).__name__) from error
    if values.pop(SHA256, None) != _digest(values):
        raise _damaged(bundle, "its sha256 is not its own")
    return calibration


def _damaged(bundle: Path, why: str) -> ModelRefused:
    return ModelRefused(
        f"The local calibration {bundle.name} is missing or damaged ({why}).",
        "Take it back (boneage models rollback local_calibration), or switch it off (--no-local-calibration, "
        "--conf local_calibration=off).",
    )


def _why_not(found: LocalCalibration, regressor: ModelFile) -> str:
    now = regressor.version
    if found.fitted_for.sha256 == regressor.sha256:
        now += ", which was calibrated anew"
    return (
        f"The {found} was fitted for regressor {found.fitted_for.version} and is not in force with {now}: "
        "fit it anew (boneage models calibrate-locally)."
    )


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
