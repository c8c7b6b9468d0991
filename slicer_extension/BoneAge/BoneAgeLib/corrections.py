"""What an expert changed: checked, put into words before it is sent, and made a submission."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from . import VERSION
from .contract import DRAFT, FEMALE, FINAL, MALE, Assessment, HandBox, Submission
from .errors import ClientError, ErrorKind

OLDEST_MONTHS = 228.0
LONGEST_READER = 64
LONGEST_COMMENT = 4000


@dataclass(frozen=True)
class ExpertInput:
    """What the expert typed.

    Attributes:
        reader: A short name or number.
        bone_age_months: The expert's own bone age, 0 to 228; None if none is given.
        sex: For which it holds.
        comment: For other readers.
        rejected_because: Why the radiograph cannot be assessed; empty if it can.
        tag: "final" or "draft".
    """

    reader: str
    bone_age_months: float | None = None
    sex: str | None = None
    comment: str = ""
    rejected_because: str = ""
    tag: str = FINAL

    def checked(self) -> ExpertInput:
        """Return it if the server can take it.

        Raises:
            ClientError: INVALID, what to put right.
        """
        _check(1 <= len(self.reader.strip()) <= LONGEST_READER, "The reader is not named.", "Enter a short name.")
        _check(self.reader.isprintable(), "The reader's name has unusual characters.", "Enter a short name.")
        age = self.bone_age_months
        _check(age is None or 0 <= age <= OLDEST_MONTHS, "The bone age lies outside 0 to 19 years.", "Correct it.")
        _check(age is None or self.sex in (FEMALE, MALE), "The sex is not set.", "Choose female or male.")
        _check(
            age is None or not self.rejected_because.strip(),
            "There are a bone age and a reason to reject.",
            "Give one of the two.",
        )
        longest = max(len(self.comment), len(self.rejected_because))
        _check(longest <= LONGEST_COMMENT, f"A text is longer than {LONGEST_COMMENT} characters.", "Shorten it.")
        _check(self.tag in (FINAL, DRAFT), "A correction is final or a draft.", "Choose one.")
        return self


@dataclass(frozen=True)
class Changes:
    """What differs from what the models found.

    Attributes:
        expert: What was typed.
        hand_box: The box now, if it was moved; None if it is as found.
        mask_nrrd: The outline now, if it was edited; None if it is as found.
        moved_px: By how much a side of the box was moved at most; None where there was no box to compare with.
        added_px: Pixels that were added to the outline.
        removed_px: Pixels that were taken from it.
    """

    expert: ExpertInput
    hand_box: HandBox | None = None
    mask_nrrd: bytes | None = field(default=None, repr=False)
    moved_px: float | None = None
    added_px: int = 0
    removed_px: int = 0

    @property
    def box_moved(self) -> bool:
        return self.hand_box is not None

    @property
    def outline_edited(self) -> bool:
        return self.mask_nrrd is not None

    @property
    def age_set(self) -> bool:
        return self.expert.bone_age_months is not None

    @property
    def sex_set(self) -> bool:
        return self.expert.sex is not None

    @property
    def rejected(self) -> bool:
        return bool(self.expert.rejected_because.strip())

    @property
    def says_something(self) -> bool:
        """Say whether there is anything that the server keeps."""
        return self.box_moved or self.outline_edited or self.age_set or self.rejected


def summary(changes: Changes, assessment: Assessment | None) -> str:
    """Return in words what will be sent, a line for each piece."""
    expert = changes.expert
    lines = [f"{'Draft' if expert.tag == DRAFT else 'Final reading'} by {expert.reader.strip()}"]
    if changes.rejected:
        lines.append(f"Rejected: {expert.rejected_because.strip()}")
    else:
        lines.append(_age_line(expert, assessment))
    lines += [_box_line(changes), _outline_line(changes)]
    if expert.comment.strip():
        lines.append(f"Comment: {expert.comment.strip()}")
    return "\n".join(lines)


def submission(
    changes: Changes, server: str, image_id: str, assessment: Assessment | None, id: str | None = None
) -> Submission:
    """Return what is put into the outbox.

    Args:
        changes: From `BoneAgeLogic.changes`.
        server: The client's address.
        image_id: Of the radiograph on this server.
        assessment: What the models had found, for `based_on`.
        id: Of an earlier submission that this one takes the place of; a new one if None.

    Raises:
        ClientError: INVALID if there is nothing to send, or what was typed cannot be sent.
    """
    expert = changes.expert.checked()
    _check(changes.says_something, "Nothing was changed and no bone age was given.", "Accept the age, or correct it.")
    params = {
        "reader": expert.reader.strip(),
        "bone_age_months": expert.bone_age_months,
        "sex": expert.sex,
        "comment": expert.comment.strip(),
        "rejected_because": expert.rejected_because.strip(),
        "hand_box_px": changes.hand_box.as_json() if changes.hand_box else None,
        "based_on": _based_on(assessment),
    }
    known = {name: value for name, value in params.items() if value not in (None, "")}
    words = summary(changes, assessment)
    return Submission(id or uuid.uuid4().hex, server, image_id, expert.tag, known, changes.mask_nrrd, words)


def years_and_months(months: float) -> str:
    """Return an age as people say it, to the nearest month."""
    years, rest = divmod(round(months), 12)
    return f"{years} {'year' if years == 1 else 'years'} {rest} {'month' if rest == 1 else 'months'}"


def months_of(years: float, months: float) -> float:
    """Return an age in months."""
    return 12.0 * years + months


def _age_line(expert: ExpertInput, assessment: Assessment | None) -> str:
    found = _found_months(expert, assessment)
    beside = "" if found is None else f"; the models found {years_and_months(found)}"
    if expert.bone_age_months is None:
        return f"Bone age: none given{beside}"
    exact = f"{expert.bone_age_months:.1f}".rstrip("0").rstrip(".")
    return f"Bone age ({expert.sex}): {years_and_months(expert.bone_age_months)} ({exact} months){beside}"


def _found_months(expert: ExpertInput, assessment: Assessment | None) -> float | None:
    estimates = assessment.estimates if assessment else ()
    wanted = [one for one in estimates if expert.sex in (None, one.sex)]
    return wanted[0].bone_age_months if len(wanted) == 1 else None


def _box_line(changes: Changes) -> str:
    if not changes.box_moved:
        return "Hand box: as found"
    return "Hand box: drawn" if changes.moved_px is None else f"Hand box: moved by up to {changes.moved_px:.0f} pixels"


def _outline_line(changes: Changes) -> str:
    if not changes.outline_edited:
        return "Outline: as found"
    return f"Outline: {changes.added_px} pixels added, {changes.removed_px} removed"


def _based_on(assessment: Assessment | None) -> dict[str, str]:
    """Return what the expert saw: the models' versions and the ages that they gave."""
    facts = {"extension": VERSION}
    if assessment is None:
        return facts
    ages = {f"found_months_{one.sex}": f"{one.bone_age_months:.2f}" for one in assessment.estimates}
    return {**facts, **assessment.model_versions, **ages}


def _check(is_good: bool, message: str, advice: str) -> None:
    if not is_good:
        raise ClientError(ErrorKind.INVALID, message, advice)
