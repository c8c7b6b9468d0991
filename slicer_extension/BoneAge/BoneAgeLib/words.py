"""Values in the words of the panel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .contract import Assessment, Estimate, Info, ModelCard, Reading, Saliency, WorkListItem
from .corrections import years_and_months
from .outbox import Entry, SendReport

VERDICTS = {
    "delayed": "delayed: more than 2 SD below the child's age",
    "normal": "normal: within 2 SD of the child's age",
    "advanced": "advanced: more than 2 SD above the child's age",
    "outside table": "no verdict: the growth reference does not cover this age",
}
SOURCES = {"DICOM": "from DICOM", "reader": "from you"}
SAME_AGE = 0.05  # months
LONGEST_ID = 30  # characters
KEY_FIGURES = ("MAE (months)", "Dice", "mean IoU")


def connected(info: Info) -> str:
    """Write what a server is in one sentence."""
    return f"Connected to {info.name} {info.version} with {_count(info.radiographs, 'radiograph')}."


def bone_age(assessment: Assessment) -> str:
    """Write the bone age large: a line for each sex that was assessed."""
    estimates = assessment.estimates
    if len(estimates) == 1:
        return years_and_months(estimates[0].bone_age_months)
    return "\n".join(f"{each.sex}: {years_and_months(each.bone_age_months)}" for each in estimates)


def interval(assessment: Assessment) -> str:
    """Write the 90 % interval, and the bone age in months, of each sex that was assessed."""
    return "\n".join(_interval(each, len(assessment.estimates) > 1) for each in assessment.estimates)


def verdict(assessment: Assessment) -> str:
    """Write SDS and verdict, or what is missing for them."""
    scored = [each for each in assessment.estimates if each.verdict]
    if not scored:
        return "No SDS and no verdict: the child's age is not known."
    several = len(assessment.estimates) > 1
    return "\n".join((f"{each.sex}: " if several else "") + _verdict(each) for each in scored)


def warnings(assessment: Assessment, sex: str | None, age_months: float | None) -> str:
    """Write the warnings, one a line, first whether sex or age are others now than those that the answer is for."""
    sexes = [each.sex for each in assessment.estimates]
    is_old = sex not in (None, *sexes) or not _is_same_age(age_months, assessment.chronological_age_months)
    old = ["sex or age were changed since; press Assess again"] if is_old else []
    return "\n".join(f"Warning: {warning}" for warning in [*old, *assessment.warnings])


def made_by(assessment: Assessment) -> str:
    """Write who or what found this: versions of the models, seconds."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(assessment.model_versions.items()))
    return f"{versions}; {assessment.seconds:.1f} s. {assessment.notice}"


def shares(saliency: Saliency | None) -> str:
    """Write where the age comes from, in one line: the largest share first."""
    if saliency is None:
        return ""
    ordered = sorted(saliency.shares.items(), key=lambda item: -item[1])
    highest = max(max(row) for row in saliency.months_on_grid)
    parts = ", ".join(f"{part} {100 * share:.0f}\u00a0%" for part, share in ordered)
    return (
        f"Where the age ({saliency.sex}) comes from: {parts}. Blurring one spot moves it by up to {highest:.1f} months."
    )


def source(name: str) -> str:
    """Write where a sex or an age came from."""
    return SOURCES.get(name, "")


def state_row(item: WorkListItem) -> tuple[str, str, str, str, str]:
    """Write a radiograph of the work list: id, state, by whom and when corrected, with whom it is now."""
    return item.image_id, item.state, ", ".join(item.corrected_by), when(item.corrected_at), item.held_by or ""


def reading_row(reading: Reading) -> tuple[str, str, str, str]:
    """Write a reading: reader, bone age, when, what it is."""
    age = "" if reading.bone_age_months is None else years_and_months(reading.bone_age_months)
    parts = [
        reading.status,
        "box" if reading.hand_box else "",
        "outline" if reading.has_mask else "",
        f"rejected: {reading.rejected_because}" if reading.rejected_because else "",
        reading.comment,
    ]
    return reading.reader, age, when(reading.made_at), "; ".join(part for part in parts if part)


def short(image_id: str) -> str:
    """Write an id so that it fits a line, and so that ids that differ still do."""
    return image_id if len(image_id) <= LONGEST_ID else f"{image_id[:11]}…{image_id[-12:]}"


def when(moment: datetime | None) -> str:
    """Write a moment in the time of this computer."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def model_row(card: ModelCard) -> tuple[str, str, str]:
    """Write a model: name, version, its main figure with the data that it was measured on."""
    found = next((name for name in KEY_FIGURES if name in card.figures), None)
    figure = "" if found is None else f"{found.replace(' (months)', '')} {_figure(card.figures[found], found)}"
    return card.name, card.version, figure


def figures(card: ModelCard) -> str:
    """Write every figure of a model, one a line."""
    return "\n".join(f"{name}: {_figure(value, name)}" for name, value in card.figures.items())


def _is_same_age(first: float | None, second: float | None) -> bool:
    return first == second or (first is not None and second is not None and abs(first - second) < SAME_AGE)


def _interval(estimate: Estimate, names_sex: bool) -> str:
    ends = f"{years_and_months(estimate.lower_90_months)} to {years_and_months(estimate.upper_90_months)}"
    months = f"{estimate.bone_age_months:.1f} months, SD {estimate.bone_age_sd_months:.1f} months"
    return f"{estimate.sex + ': ' if names_sex else ''}90 %: {ends}\n{months}{_local(estimate)}"


def _local(estimate: Estimate) -> str:
    """Write what the server's local calibration did, on a line of its own; nothing where none is in force."""
    if estimate.local is None:
        return ""
    shift, without = estimate.local.shift_months, estimate.local.uncalibrated_bone_age_months
    fitted = f"Local calibration of {estimate.local.made_on} from {estimate.local.ages} ages"
    return f"\n{fitted}: {shift:+.1f} months ({without:.1f} without it)"


def _verdict(estimate: Estimate) -> str:
    words = VERDICTS.get(estimate.verdict or "", estimate.verdict)
    if estimate.sds is None:
        return f"{words} ({estimate.growth_reference})."
    return f"SDS {estimate.sds:+.2f}, {words} ({estimate.growth_reference})."


def _figure(value: Any, name: str) -> str:
    unit = " months" if "(months)" in name else ""
    if not isinstance(value, dict):
        return f"{value:.3g}{unit}" if isinstance(value, float) else str(value)
    middle, lower, upper = (f"{value[key]:.3g}" for key in ("value", "lower", "upper"))
    return f"{middle}{unit} ({lower} to {upper})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def sent(report: SendReport) -> str:
    """Write what became of the corrections that waited."""
    if report.error is not None:
        kept = _count(report.still_waiting, "correction")
        return f"{report.error} Not sent: {kept}, kept on this computer until you send again."
    if report.set_aside:
        return f"The server refused {_count(len(report.set_aside), 'correction')}; the reason stands below."
    if report.still_waiting:
        return "Being sent already."
    return f"Sent; the server has kept {_count(len(report.sent), 'correction')}." if report.sent else "Nothing to send."


def unsent(waiting: Sequence[Entry], aside: Sequence[Entry]) -> str:
    """Write how much is not sent yet."""
    refused = f", {len(aside)} refused by a server" if aside else ""
    return f"Not sent yet, kept on this computer: {len(waiting)}{refused}."


def entry_row(entry: Entry) -> str:
    """Write an unsent correction in a line or two."""
    head = f"{when(entry.made_at)}  {short(entry.image_id)} to {entry.server}"
    return f"{head}\n{entry.reason}" if entry.reason else head


def strategies(info: Info | None) -> dict[str, str]:
    """Return the strategies that choose a radiograph, with what they do; reopening is no choice of one."""
    return {name: text for name, text in (info.strategies if info else {}).items() if name != "reopen"}


def filtered(items: Sequence[WorkListItem], text: str, state: str) -> list[WorkListItem]:
    """Return the radiographs of a state ("all" for any) in whose row the text occurs, whatever its case."""
    wanted = text.strip().lower()
    return [item for item in items if state in ("all", item.state) and wanted in " ".join(state_row(item)).lower()]


def listed(shown: int, found: int, total: int) -> str:
    """Write how many radiographs the list shows, of those found by the filter, of all."""
    if shown < found:
        return f"The first {shown} of {found} found, of {_count(total, 'radiograph')}; filter to see others."
    return f"{_count(total, 'radiograph')}." if found == total else f"{found} of {_count(total, 'radiograph')}."
