"""Radiographs with experts' ages -> a local calibration that goes live, or a refusal that says why."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from boneage.batch import assess_many, usable_cores
from boneage.local_calibration import NAME, FittedFor, LocalCalibration, local_state, write_candidate
from boneage.models import check_model, models_folder
from boneage.progress import with_progress
from boneage.promotion import Ruling
from boneage.promotion_local import LocalAge, check_enough, cross_validated, fingerprint, fit, rule_on_local
from boneage.registry import Action, Entry, history, promote, refuse
from boneage.types import BoneAge, Sex


@dataclass(frozen=True)
class Reading:
    """A radiograph and the age that an expert read in it.

    Attributes:
        path: Its file.
        read_months: The expert's age.
        sex: The child's; None to take what the file says.
        patient: One word; empty to take each radiograph for a patient of its own.
    """

    path: Path
    read_months: float
    sex: Sex | None = None
    patient: str = ""


@dataclass(frozen=True)
class Calibrated:
    """What came of it.

    Attributes:
        ruling: The gate's.
        calibration: That was fitted to all ages.
        entry: The line in the registry's history; None for a dry run.
    """

    ruling: Ruling
    calibration: LocalCalibration
    entry: Entry | None


@dataclass
class Looked:
    """The ages that can be fitted to, and kind of error -> radiographs that are left out."""

    ages: list[LocalAge] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def look_at(readings: Sequence[Reading], models_dir: Path | None = None, workers: int | None = None) -> Looked:
    """Assess radiographs without a local calibration; those without an age are counted and left out.

    Raises:
        ModelRefused: If a model cannot be loaded.
    """
    from boneage import assessment  # heavy
    from boneage.radiograph import read_radiograph

    models = assessment.load_models(models_dir, threads=1)

    def look(one: Reading) -> tuple[Sex, BoneAge]:
        radiograph = read_radiograph(one.path)
        radiograph = radiograph.with_sex(one.sex, "reading") if one.sex else radiograph
        estimate = assessment.assess(radiograph, models).estimates[0]
        return estimate.sex, estimate.bone_age

    looked = Looked()
    with closing(assess_many(readings, look, workers or usable_cores())) as outcomes:
        for one in with_progress(outcomes, len(readings), "Assessing"):
            if one.answer is None:
                looked.left_out[one.error.kind if one.error else ""] += 1
                continue
            sex, bone_age = one.answer
            patient = one.item.patient or str(one.item.path)
            looked.ages.append(LocalAge(bone_age, sex, one.item.read_months, patient))
    return looked


def try_to_calibrate(
    ages: Sequence[LocalAge], started_by: str, models_dir: Path | None = None, is_dry_run: bool = False
) -> Calibrated:
    """Fit a local calibration, and let it go live if it is better than what is in force and nowhere worse.

    Args:
        ages: As `look_at` gives them.
        started_by: Who asks for it.
        models_dir: Models folder; None for the project's.
        is_dry_run: Compare only; nothing is written.

    Raises:
        InvalidData: If there are too few ages.
        ModelRefused: If the regressor, or a calibration that is there already, cannot be used.
        OutputFailed: If it cannot be written down; what is in force stays.
    """
    check_enough(ages)
    home = models_folder(models_dir)
    regressor = check_model("bone_age_regressor", home)
    ruling = rule_on_local(ages, local_state(home, regressor).in_force)
    today = datetime.now(timezone.utc).date()
    calibration = LocalCalibration(_next_version(home), today, FittedFor.of(regressor), fit(ages))
    if is_dry_run:
        return Calibrated(ruling, calibration, None)
    return Calibrated(ruling, calibration, _conclude(calibration, ruling, ages, home, started_by))


def coverage(ages: Sequence[LocalAge]) -> tuple[float, float]:
    """Return the share of experts' ages in their 90 % intervals without and with calibration, cross-validated."""

    def inside(bone_ages: Sequence[BoneAge]) -> float:
        pairs = list(zip(ages, bone_ages, strict=True))
        return sum(age.lower_90_months <= one.read_months <= age.upper_90_months for one, age in pairs) / len(pairs)

    return inside([one.bone_age for one in ages]), inside(cross_validated(ages))


def _next_version(home: Path) -> str:
    return str(1 + max((int(one.version) for one in history(home) if _is_numbered(one)), default=0))


def _is_numbered(entry: Entry) -> bool:
    return entry.model == NAME and entry.version.isdigit()


def _conclude(
    calibration: LocalCalibration, ruling: Ruling, ages: Sequence[LocalAge], home: Path, started_by: str
) -> Entry:
    before, after = coverage(ages)
    figures = ruling.plain() | {"coverage_90_before": before, "coverage_90": after, "calibration": calibration.plain()}
    entry = Entry(
        action=Action.PROMOTED if ruling.goes_live else Action.REFUSED,
        model=NAME,
        bundle="",
        version=calibration.version,
        sha256=str(calibration.plain()["sha256"]),
        parent="",
        started_by=started_by,
        reason=" ".join(ruling.reasons),
        data=fingerprint(ages),
        figures=figures,
    )
    if not ruling.goes_live:
        return refuse(home, entry)
    with tempfile.TemporaryDirectory(prefix="boneage-local-") as folder:
        write_candidate(calibration, Path(folder) / NAME)
        return promote(Path(folder) / NAME, home, entry)
