"""What the page says below the drawing: what SDS and verdict rest on."""

from __future__ import annotations

from collections.abc import Iterator

from boneage.growth import SDS_LIMIT
from boneage.language import Language
from boneage.report_page import Item
from boneage.types import Assessment, Estimate


def facts(assessment: Assessment, words: Language) -> Iterator[Item]:
    """Give the names and values, those of each sex side by side."""
    _ = words.gettext
    yield Item(_("Method"), _("Greulich-Pyle, as a neural network learnt it from readers"))
    scored = [estimate for estimate in assessment.estimates if estimate.growth]
    if scored:
        yield Item(_("Bone age minus age"), _of_each(scored, [_advance(estimate, words) for estimate in scored], words))
        yield Item(_("1 SD at this age"), _of_each(scored, [_sd(estimate, words) for estimate in scored], words))
        yield Item(_("SD series"), _series(scored, words))
        yield Item(_("Beyond {limit} SD", limit=words.decimal(SDS_LIMIT)), _("delayed or advanced"))


def _advance(estimate: Estimate, words: Language) -> str:
    assert estimate.growth is not None, "only scored estimates have an advance"
    months = estimate.bone_age.months - estimate.growth.chronological_age_months
    return words.months(months, signed=True)


def _sd(estimate: Estimate, words: Language) -> str:
    assert estimate.growth is not None, "only scored estimates have an SD"
    sd = estimate.growth.reference_sd_months
    return words.gettext("not in the series") if sd is None else words.months(sd)


def _series(scored: list[Estimate], words: Language) -> str:
    titles = dict.fromkeys(estimate.growth.growth_reference for estimate in scored if estimate.growth)
    return "; ".join(map(words.gettext, titles))


def _of_each(estimates: list[Estimate], values: list[str], words: Language) -> str:
    """Write one value as it is, and two with their sexes."""
    if len(estimates) == 1:
        return values[0]
    named = zip(estimates, values, strict=True)
    return "; ".join(f"{words.gettext(estimate.sex.value)}: {value}" for estimate, value in named)
