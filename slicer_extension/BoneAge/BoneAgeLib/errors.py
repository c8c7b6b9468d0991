"""The one family of errors: what went wrong and what to do, in words for the person at the screen, never who."""

from __future__ import annotations


class ErrorKind:
    """What a `ClientError` is about; the widget may act on it."""

    AWAY = "server away"
    TIMEOUT = "time-out"
    CERTIFICATE = "certificate refused"
    NO_ACCESS = "token refused"
    WRONG_VERSION = "wrong version"
    NOT_BONE_AGE = "not a bone age server"
    REFUSED = "refused by the server"
    SERVER_FAULT = "fault of the server"
    HALF_ANSWER = "half an answer"
    WRONG_ANSWER = "answer not understood"
    REDIRECT = "sent elsewhere"
    CANCELLED = "cancelled"
    WRONG_IMAGE = "another radiograph"
    UNKNOWN_SEX = "sex not known"
    UNSUITABLE = "not a radiograph"
    DISK = "disk"
    INVALID = "invalid input"
    FAULT = "fault of the extension"


_FINAL_STATUS = (400, 404, 409, 413, 422)


class ClientError(Exception):
    """Something expected went wrong.

    Attributes:
        kind: One of `ErrorKind`.
        message: What was expected, what came.
        advice: What to do.
        server_kind: The server's own name of the error, such as "no_hand"; empty if it is not the server's.
        status: Of the HTTP answer; 0 if there was none.
    """

    def __init__(self, kind: str, message: str, advice: str = "", server_kind: str = "", status: int = 0) -> None:
        super().__init__(kind, message, advice)
        self.kind = kind
        self.message = message
        self.advice = advice
        self.server_kind = server_kind
        self.status = status

    @property
    def is_final(self) -> bool:
        """Say whether the server has read what was sent and will never take it as it is."""
        return self.kind == ErrorKind.REFUSED and self.status in _FINAL_STATUS

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()
