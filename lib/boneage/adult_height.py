"""Room 5: bone age, chronological age, sex and heights -> the adult heights that published methods give for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from boneage.bayley_pinneau import bayley_pinneau
from boneage.errors import InvalidInput
from boneage.rwt import rwt_1975
from boneage.types import BAYLEY_PINNEAU, RWT_1975, TARGET_HEIGHT, AdultHeight, Heights, Sex

SEX_DIFFERENCE_CM = 13.0
TARGET_RANGE_CM = 8.5


def adult_heights(
    heights: Heights,
    bone_age_months: float,
    chronological_age_months: float | None,
    sex: Sex,
    bone_age_interval_months: tuple[float, float] | None = None,
) -> tuple[AdultHeight, ...]:
    """Give the adult height by every method that something was given for.

    A method that lacks something answers with a note that names it: Bayley-Pinneau is asked for with a standing height,
    RWT with a recumbent length or a weight, the target height with a parent's height.

    Args:
        heights: What was measured.
        bone_age_months: After Greulich and Pyle.
        chronological_age_months: When the radiograph was taken; None if not known.
        sex: Of the child.
        bone_age_interval_months: The 90 % interval of the bone age; None if not known.

    Raises:
        InvalidInput: If an age is not a finite number. Whether heights are plausible is for `boneage.heights` to say.
    """
    for months in (bone_age_months, chronological_age_months, *(bone_age_interval_months or ())):
        if months is not None and not math.isfinite(months):
            raise InvalidInput(f"Expected bone age and chronological age in months; got {months}.")

    def by_bone_age(predict: Callable[[float], AdultHeight | None]) -> AdultHeight | None:
        found = predict(bone_age_months)
        return found and _over_interval(found, predict, bone_age_interval_months)

    answers = (
        by_bone_age(lambda months: _bayley_pinneau(heights, months, chronological_age_months, sex)),
        by_bone_age(lambda months: _rwt(heights, months, chronological_age_months, sex)),
        _target(heights, sex),
    )
    return tuple(answer for answer in answers if answer is not None)


def target_height(mother_height_cm: float, father_height_cm: float, sex: Sex) -> AdultHeight:
    """Give the height that fits the parents: their mean, 6.5 cm more for a boy and less for a girl, +-8.5 cm.

    Tanner, Goldstein and Whitehouse, Arch Dis Child 1970;45:755-762, as quoted in BMC Pediatrics 2025;26:30, Table 1.
    """
    difference_cm = SEX_DIFFERENCE_CM if sex is Sex.MALE else -SEX_DIFFERENCE_CM
    cm = (mother_height_cm + father_height_cm + difference_cm) / 2
    note = "from the parents' heights alone, not from the bone age"
    return AdultHeight(TARGET_HEIGHT, cm, cm - TARGET_RANGE_CM, cm + TARGET_RANGE_CM, "target range", note=note)


def _over_interval(
    found: AdultHeight, predict: Callable[[float], AdultHeight | None], interval: tuple[float, float] | None
) -> AdultHeight:
    """Add the least and the greatest height over an interval of bone ages, as far as the table covers it."""
    if interval is None or found.cm is None:
        return found
    # Every half month, since the height jumps where the class changes.
    bone_ages = np.arange(*interval, 0.5).tolist()
    others = [predict(months) for months in (*bone_ages, interval[1])]
    cm = [found.cm, *(other.cm for other in others if other and other.cm is not None)]
    beyond = "" if len(cm) > len(others) else "; the 90 % interval of the bone age reaches beyond the table"
    return replace(found, over_bone_age_cm=(min(cm), max(cm)), note=found.note + beyond)


def _bayley_pinneau(
    heights: Heights, bone_age_months: float, chronological_age_months: float | None, sex: Sex
) -> AdultHeight | None:
    if heights.height_cm is None:
        return None
    if chronological_age_months is None:
        return _lacking(BAYLEY_PINNEAU, ["the chronological age"])
    return bayley_pinneau(heights.height_cm, bone_age_months, chronological_age_months, sex)


def _rwt(
    heights: Heights, bone_age_months: float, chronological_age_months: float | None, sex: Sex
) -> AdultHeight | None:
    length, weight = heights.length_cm, heights.weight_kg
    mother, father = heights.mother_height_cm, heights.father_height_cm
    if length is None and weight is None:
        return None
    if length is None or weight is None or mother is None or father is None or chronological_age_months is None:
        return _lacking(RWT_1975, _lacking_for_rwt(heights, chronological_age_months))
    return rwt_1975(length, weight, (mother + father) / 2, bone_age_months, chronological_age_months, sex)


def _lacking_for_rwt(heights: Heights, chronological_age_months: float | None) -> list[str]:
    needs = {
        "the recumbent length (standing height does not do)": heights.length_cm,
        "the weight": heights.weight_kg,
        "the mother's height": heights.mother_height_cm,
        "the father's height": heights.father_height_cm,
        "the chronological age": chronological_age_months,
    }
    return [name for name, value in needs.items() if value is None]


def _target(heights: Heights, sex: Sex) -> AdultHeight | None:
    mother, father = heights.mother_height_cm, heights.father_height_cm
    if mother is None and father is None:
        return None
    if mother is None or father is None:
        return _lacking(TARGET_HEIGHT, [f"the {'mother' if mother is None else 'father'}'s height"])
    return target_height(mother, father, sex)


def _lacking(method: str, what: list[str]) -> AdultHeight:
    return AdultHeight(method, None, note=f"needs {', '.join(what)}")
