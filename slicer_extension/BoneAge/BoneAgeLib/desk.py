"""What the sections of the panel share: the server, the radiograph that is shown, and the work in the background."""

from __future__ import annotations

from typing import Any, Callable

from .client import Client
from .contract import Info
from .errors import ClientError, ErrorKind
from .settings import remember, remembered
from .typed import Typed, is_typed_for, keep_typed, typed_for

# Kind, message and advice of errors
NOT_CONNECTED = ErrorKind.AWAY, "Not connected to a server.", "Press Connect, under Server."
NO_RADIOGRAPH = ErrorKind.UNSUITABLE, "The red view shows no radiograph.", "Load one, or take the next one."
NO_READER = ErrorKind.INVALID, "The server must know who reads.", "Fill in Reader, under Correct and submit."


class Desk:
    """What lies before the reader.

    Attributes:
        ui: Widgets of the panel by name.
        logic: MRML nodes <-> values.
        jobs: Work in the background; nothing here waits.
        outbox: Submissions that no server has acknowledged yet.
        parameters: Choices that are saved with the scene.
        client: Of the server that was asked last; None before.
        info: What that server is; None while it is not connected.
        volume: Node of the radiograph that is shown; None if none is.
    """

    def __init__(self, ui: Any, logic: Any, jobs: Any, outbox: Any) -> None:
        self.ui, self.logic, self.jobs, self.outbox = ui, logic, jobs, outbox
        self.parameters: Any = None
        self.client: Client | None = None
        self.info: Info | None = None
        self.volume: Any = None
        self._redraws: list[Callable[[], None]] = []

    def on_change(self, redraw: Callable[[], None]) -> None:
        """Have a section drawn anew whenever something here has changed."""
        self._redraws.append(redraw)

    def changed(self) -> None:
        """Draw all sections anew."""
        for redraw in self._redraws:
            redraw()

    # Who and what; each raises a ClientError that says what to do

    def needs_client(self) -> Client:
        """Return the connected server."""
        if self.client is None or self.info is None:
            raise ClientError(*NOT_CONNECTED)
        return self.client

    def needs_volume(self) -> Any:
        """Return the radiograph that is shown."""
        if self.volume is None:
            raise ClientError(*NO_RADIOGRAPH)
        return self.volume

    def needs_reader(self) -> str:
        """Return the reader's name."""
        if not self.reader:
            raise ClientError(*NO_READER)
        return self.reader

    @property
    def reader(self) -> str:
        """Return the reader's name as it stands in the panel."""
        return self.ui.readerEdit.property("text").strip()

    @property
    def address(self) -> str:
        """Return the address of the server that was asked last; empty before."""
        return self.client.address if self.client else ""

    # The radiograph that is shown

    @property
    def typed(self) -> Typed:
        """Return what was typed for the radiograph that is shown."""
        return typed_for(self.volume) if self.volume is not None else Typed()

    def keep(self, typed: Typed) -> None:
        """Keep what was typed for the radiograph that is shown."""
        if self.volume is not None:
            keep_typed(self.volume, typed)

    def show(self, volume: Any) -> None:
        """Make a radiograph the one that everything is about; answers for another one are dropped from now on."""
        self.volume = volume
        self.jobs.show(self.token)
        ui = self.ui
        for status in (ui.assessStatus, ui.submitStatus, ui.documentStatus):  # what they say is about the former one
            status.setText("")
        if volume is not None and not is_typed_for(volume):
            self._take_dicom_facts(volume)
        self.changed()

    def _take_dicom_facts(self, volume: Any) -> None:
        """Fill in sex and age as DICOM has them; what it does not say stays unknown."""
        facts = self.logic.dicom_facts(volume)
        sex, months = facts.sex, facts.chronological_age_months
        sources = {"sex_source": "DICOM" if sex else "", "age_source": "" if months is None else "DICOM"}
        keep_typed(volume, Typed(sex=sex, age_months=months, **sources))

    def volumes(self) -> dict[str, Any]:
        """Return the volumes of the scene that are radiographs of the server that is asked, by their ids there."""
        scene, kind = self.logic.scene, "vtkMRMLScalarVolumeNode"
        nodes = [scene.GetNthNodeByClass(place, kind) for place in range(scene.GetNumberOfNodesByClass(kind))]
        found = {self.logic.image_id_of(node, self.address): node for node in nodes}
        return {image_id: node for image_id, node in found.items() if image_id}

    @property
    def token(self) -> str | None:
        """Return what an answer must be for to be taken; None while no radiograph is shown."""
        return None if self.volume is None else self.logic.slice_uid_token(self.volume)

    # Work in the background

    def run(
        self,
        name: str,
        work: Callable[[Any], Any],
        done: Callable[[Any], None],
        status: Any,
        *,
        about_shown: bool = False,
        progress: Callable[[float | None, str], None] | None = None,
        failed: Callable[[ClientError], None] | None = None,
    ) -> Any:
        """Start work in a thread; what comes of it is told in `status`, a label.

        Args:
            name: What is being done, in words: "Assessing".
            work: Runs in a thread; takes the job, for its `cancel`.
            done: Takes the result, on the main thread.
            status: Label for what goes on and for errors.
            about_shown: Whether the answer is for the radiograph that is shown now, and for no other.
            progress: Takes a fraction and words.
            failed: Takes an error, beside the label.
        """

        def fail(error: ClientError) -> None:
            status.setText(str(error))
            if failed is not None:
                failed(error)
            self.changed()

        def finish(result: Any) -> None:
            status.setText("")
            try:
                done(result)
            except ClientError as error:
                status.setText(str(error))
            self.changed()

        status.setText(f"{name} …")
        shown = self.token if about_shown else None
        job = self.jobs.start(name, work, finish, fail, progress, shown=shown)
        self.changed()
        return job

    def told(self, action: Callable[[], None], status: Any) -> Callable[..., None]:
        """Return what a button calls: the action, whose expected errors become a sentence in `status`."""

        def clicked(*_: Any) -> None:
            try:
                action()
            except ClientError as error:
                status.setText(str(error))

        return clicked

    def remember_reader(self) -> None:
        """Keep the reader's name for the next time."""
        remember("reader", self.reader)

    def recall_reader(self) -> None:
        """Fill in the reader's name of the last time."""
        self.ui.readerEdit.setText(remembered("reader"))
