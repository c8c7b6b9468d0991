"""The server's calls, one method each: requests in, values out; knows neither Slicer nor widgets."""

from __future__ import annotations

import json
import threading
from typing import Any, Optional
from urllib.parse import quote

from . import VERSION, answers
from .contract import (
    Assessed,
    Assessment,
    Downloaded,
    HandBox,
    Info,
    NextCase,
    Outgoing,
    Submission,
    WorkListItem,
)  # fmt: skip
from .dicom_pixels import content_sha256
from .documents import DocumentRequest
from .errors import ClientError, ErrorKind
from .multipart import parts_of
from .names import expected_image_id, file_name_in
from .pictures import pixels_sha256_of_file
from .training import ROLL_BACK, TRAIN, TrainingTask, training_task
from .transport import Answer, ServerSettings, Transport

Cancel = Optional[threading.Event]


class Client:
    """Talks to one server. Methods block; call them in a job. Each raises `ClientError` and nothing else.

    Args:
        settings: Of the server.
        version: Of this extension.
    """

    def __init__(self, settings: ServerSettings, version: str = VERSION) -> None:
        self._transport = Transport(settings)
        self._version = version

    @property
    def address(self) -> str:
        """Return the server's address in one form; submissions are bound to it."""
        return self._transport.address

    def info(self, cancel: Cancel = None) -> Info:
        """Return what the server is, if it is one for bone age and of a version that fits."""
        try:
            info = answers.info(self._transport.send("GET", "/info/", cancel).json())
        except ClientError as error:
            raise _no_bone_age_server() if error.status == 404 else error from None
        if _major_minor(info.version) != _major_minor(self._version):
            raise ClientError(
                ErrorKind.WRONG_VERSION,
                f"The server has version {info.version}, this extension {self._version}.",
                "Bring both to the same version.",
            )
        return info

    # Radiographs

    def ensure_image(self, outgoing: Outgoing, cancel: Cancel = None) -> str:
        """Return the server's id of a radiograph; send it if the server lacks it; make sure that it is the same."""
        expected = expected_image_id(outgoing.file_name)
        if self._has(expected, outgoing.sha256, cancel):
            return expected
        image_id = self._upload(outgoing, cancel)
        if not self._has(image_id, outgoing.sha256, cancel):
            self._compare(image_id, outgoing, cancel)
        return image_id

    def download_image(self, image_id: str, cancel: Cancel = None) -> Downloaded:
        """Return the file of a radiograph."""
        answer = self._transport.send("GET", "/datastore/image", cancel, {"image": image_id})
        return Downloaded(file_name_in(answer.label, image_id), answer.content)

    # Assessment

    def assess(
        self,
        image_id: str,
        sex: str | None = None,
        chronological_age_months: float | None = None,
        cancel: Cancel = None,
        explain: bool = False,
    ) -> Assessed:
        """Ask for hand box, outline and bone age, and where the age comes from if `explain`."""
        params = _params(sex, chronological_age_months, explain)
        return Assessed(*self._infer("bone_age", image_id, params, None, cancel))

    def update_age(
        self,
        image_id: str,
        sex: str | None = None,
        chronological_age_months: float | None = None,
        hand_box: HandBox | None = None,
        mask_nrrd: bytes | None = None,
        cancel: Cancel = None,
        explain: bool = False,
    ) -> Assessed:
        """Ask for the bone age of the hand as the expert has it: a box, an outline, or both."""
        params = _params(sex, chronological_age_months, explain)
        if hand_box is not None:
            params["hand_box_px"] = hand_box.as_json()
        return Assessed(*self._infer("bone_age_regressor", image_id, params, mask_nrrd, cancel))

    def document(self, request: DocumentRequest, cancel: Cancel = None) -> bytes:
        """Return a report as a file, or DICOM objects as a ZIP archive."""
        image_id = request.assessment.image_id
        _, file = self._infer(request.task, image_id, request.params(), request.mask_nrrd, cancel)
        if not file:
            raise ClientError(
                ErrorKind.WRONG_ANSWER, "The server has sent no document.", "Check that its version is yours."
            )
        return file

    # Work list and readings

    def work_list(self, cancel: Cancel = None) -> tuple[WorkListItem, ...]:
        """Return every radiograph of the server with its state and readings."""
        return answers.work_list(self._transport.send("GET", "/datastore/", cancel, {"output": "all"}).json())

    def next_case(self, strategy: str, reader: str, cancel: Cancel = None) -> NextCase | None:
        """Return the radiograph that a strategy gives to this reader; None if nothing is left."""
        return self._sample(strategy, {"reader": reader, "client_id": reader}, cancel)

    def reopen(self, image_id: str, reader: str, cancel: Cancel = None) -> NextCase | None:
        """Return a radiograph, finished or not, with all its readings; None if it is with another reader."""
        return self._sample("reopen", {"reader": reader, "client_id": reader, "image": image_id}, cancel)

    def download_mask(self, reading_id: str, cancel: Cancel = None) -> bytes:
        """Return the outline of a reading as an NRRD file."""
        return self._transport.send("GET", "/datastore/label", cancel, {"label": reading_id, "tag": "final"}).content

    def submit(self, submission: Submission, cancel: Cancel = None) -> str:
        """Send a correction and return its id on the server; sent again, it is kept once."""
        if submission.server != self.address:
            raise ClientError(
                ErrorKind.INVALID, "This correction is for another server.", "Connect to it, or move the correction."
            )
        mask = submission.mask_nrrd
        label = ("mask.nrrd", mask) if mask else ("none.json", b"")
        params = json.dumps({**submission.params, "submission_id": submission.id})
        query = {"image": submission.image_id, "tag": submission.tag}
        answer = self._transport.send(
            "PUT", "/datastore/label", cancel, query, data={"params": params}, files={"label": label}
        )
        return answers.label_id(answer.json())

    # Training

    def train_start(self, model: str, started_by: str, cancel: Cancel = None) -> TrainingTask:
        """Start a training, or let one that was stopped go on; nothing else in this extension does."""
        return self._train(model, {"action": TRAIN, "started_by": started_by}, cancel)

    def roll_back(self, model: str, started_by: str, cancel: Cancel = None) -> TrainingTask:
        """Have the version of a model put back that was in use before the present one."""
        return self._train(model, {"action": ROLL_BACK, "started_by": started_by}, cancel)

    def train_status(self, cancel: Cancel = None) -> TrainingTask | None:
        """Return the task that runs, else the last one; None if there was none since the server started."""
        return self._task({"check_if_running": "true"}, cancel) or self._task(None, cancel)

    def train_stop(self, cancel: Cancel = None) -> None:
        """Stop the training that runs, if one does."""
        self._transport.send("DELETE", "/train/", cancel)

    def logs(self, cancel: Cancel = None) -> str:
        """Return the last lines of the server's log, where the server gives them."""
        return self._transport.send("GET", "/logs/", cancel).content.decode("utf-8", "replace")

    # Inside

    def _train(self, model: str, params: dict[str, str], cancel: Cancel) -> TrainingTask:
        try:
            answer = self._transport.send("POST", f"/train/{quote(model, safe='')}", cancel, json=params)
        except ClientError as error:
            if error.status != 429:
                raise
            raise ClientError(
                ErrorKind.REFUSED, "A training runs on the server already.", "Wait until it has ended, or stop it."
            ) from None
        return training_task(answer.json())

    def _task(self, query: dict[str, str] | None, cancel: Cancel) -> TrainingTask | None:
        try:
            return training_task(self._transport.send("GET", "/train/", cancel, query).json())
        except ClientError as error:
            if error.status == 404 and error.kind == ErrorKind.REFUSED:
                return None
            raise

    def _has(self, image_id: str, sha256: str, cancel: Cancel) -> bool:
        """Say whether the server holds exactly this file."""
        try:
            self._transport.send("HEAD", "/datastore/image", cancel, {"image": image_id, "check_sum": sha256})
        except ClientError as error:
            if error.status in (400, 404):
                return False
            raise
        return True

    def _upload(self, outgoing: Outgoing, cancel: Cancel) -> str:
        """Send the file; where its name is taken, another Slicer has sent it before, and its id is looked up."""
        try:
            answer = self._transport.send(
                "PUT", "/datastore/image", cancel, {"image": outgoing.name},
                files={"file": (outgoing.file_name, outgoing.content)},
            )  # fmt: skip
            return answers.image_id(answer.json())
        except ClientError as error:
            if error.status != 400:
                raise
            known = [item.image_id for item in self.work_list(cancel) if item.image_id.startswith(outgoing.name)]
            if len(known) != 1:
                raise
            return known[0]

    def _compare(self, image_id: str, outgoing: Outgoing, cancel: Cancel) -> None:
        """Refuse a radiograph of the server that has this content's name but not its pixels."""
        held = self.download_image(image_id, cancel)
        if outgoing.from_dicom:
            is_same = content_sha256(held.content) == content_sha256(outgoing.content)
        else:
            is_same = pixels_sha256_of_file(held) == outgoing.pixels_sha256
        if not is_same:
            raise ClientError(
                ErrorKind.WRONG_IMAGE,
                "The server holds another picture under this radiograph's id.",
                "Do not go on with it; tell who runs the server.",
            )

    def _infer(
        self, model: str, image_id: str, params: dict[str, Any], mask_nrrd: bytes | None, cancel: Cancel
    ) -> tuple[Assessment, bytes | None]:
        files = {"label": ("mask.nrrd", mask_nrrd)} if mask_nrrd else None
        query = {"image": image_id, "output": "all"}
        body = {"data": {"params": json.dumps(params)}, "files": files}
        assessment, file = _assessed(self._transport.send("POST", f"/infer/{model}", cancel, query, **body))
        if assessment.image_id != image_id:
            raise ClientError(
                ErrorKind.WRONG_IMAGE, "The server answered about another radiograph.", "Tell who runs the server."
            )
        return assessment, file

    def _sample(self, strategy: str, params: dict[str, str], cancel: Cancel) -> NextCase | None:
        return answers.next_case(
            self._transport.send("POST", f"/activelearning/{quote(strategy, safe='')}", cancel, json=params).json()
        )


def _assessed(answer: Answer) -> tuple[Assessment, bytes | None]:
    """Return the assessment, and the file that came with it."""
    if "multipart/" not in answer.content_type.lower():
        return answers.assessment(answer.json()), None
    parts = parts_of(answer.content_type, answer.content)
    params = Answer(answer.status, "application/json", parts.get("params", b"")).json()
    return answers.assessment(params), parts.get("image")


def _no_bone_age_server() -> ClientError:
    return ClientError(ErrorKind.NOT_BONE_AGE, "There is no bone age server at this address.", "Check the address.")


def _params(sex: str | None, chronological_age_months: float | None, explain: bool) -> dict[str, Any]:
    params = {"sex": sex, "chronological_age_months": chronological_age_months, "explain": explain or None}
    return {name: value for name, value in params.items() if value is not None}


def _major_minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])
