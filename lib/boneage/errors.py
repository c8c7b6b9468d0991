"""The one family of errors that users are expected to meet.

Every error says what was expected, what came and what to do, and never whose radiograph it was.
Anything else that is raised is a fault of the program.
"""

from __future__ import annotations


class BoneAgeError(Exception):
    """Base of all expected errors; caught by name, once, at a door (command line, server task, button).

    Args:
        message: What was expected and what came.
        advice: What the user can do about it; may be empty.
    """

    kind = "error"

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(f"{message} {advice}".strip())
        self.message = message
        self.advice = advice


class UnreadableRadiograph(BoneAgeError):
    """The file is not one readable hand radiograph: no image, several frames, colour, empty, truncated, absurd size."""

    kind = "unreadable"


class NoHandFound(BoneAgeError):
    """No hand is seen with enough certainty to give an age."""

    kind = "no_hand"


class SeveralHandsFound(BoneAgeError):
    """More than one hand is in the radiograph, and nobody said which one to assess."""

    kind = "several_hands"


class UnreadableHand(BoneAgeError):
    """A hand is seen, but so little in it that its age could be almost any."""

    kind = "unreadable_hand"


class UnknownSex(BoneAgeError):
    """Neither the file nor the user says the child's sex; it is asked for, never guessed."""

    kind = "unknown_sex"


class InvalidInput(BoneAgeError):
    """An option, a table or a value given by the user cannot be used."""

    kind = "invalid_input"


class ModelRefused(BoneAgeError):
    """A model is missing, damaged, or not the one that its card describes."""

    kind = "model_refused"


class InvalidData(BoneAgeError):
    """A folder of training or evaluation data is not laid out as expected."""

    kind = "invalid_data"


class OutputFailed(BoneAgeError):
    """A result could not be written: disk full, folder read-only."""

    kind = "output_failed"


class ClusterFailed(BoneAgeError):
    """The Ray cluster cannot be reached, or its workers cannot start."""

    kind = "cluster_failed"


class WorkerLost(BoneAgeError):
    """Every process that began with this radiograph died: of too little memory, or of a library's crash."""

    kind = "worker_lost"


class MemoryExceeded(BoneAgeError):
    """More memory is in use than was allowed."""

    kind = "memory_exceeded"


class UnknownImage(BoneAgeError):
    """No radiograph has this id, or it was there and has been deleted or moved meanwhile."""

    kind = "unknown_image"


class StoreFailed(BoneAgeError):
    """A database of ours could not be opened, read or written: locked, disk full, no connection, damaged."""

    kind = "store_failed"


class ArchiveUnreachable(BoneAgeError):
    """The archive (DICOMweb server, PACS) does not answer, or refuses what it was asked for.

    Args:
        message: What was expected and what came.
        advice: What the user can do about it.
        is_away: True if there was no answer, so that the same request may do later.
    """

    kind = "archive_unreachable"

    def __init__(self, message: str, advice: str = "", is_away: bool = False) -> None:
        super().__init__(message, advice)
        self.is_away = is_away


class ArchiveRefused(ArchiveUnreachable):
    """The archive answers, and does not take an object; `for_good` if asking again cannot help."""

    def __init__(self, message: str, advice: str = "", for_good: bool = False) -> None:
        super().__init__(message, advice)
        self.for_good = for_good
