"""The section where an expert corrects and submits."""

from __future__ import annotations

from dataclasses import replace

from . import corrections, dialogs, views, words
from .corrections import ExpertInput
from .desk import Desk
from .errors import ClientError, ErrorKind
from .outbox import Entry, SendReport
from .typed import Typed
from .years_months import YearsMonths

NOT_ON_SERVER = ErrorKind.INVALID, "The server does not know this radiograph yet.", "Press Assess first."
NO_OUTLINE = ErrorKind.INVALID, "There is no outline yet.", "Press Assess; or draw a box and press Update age."
NO_REASON = ErrorKind.INVALID, "A rejected radiograph needs a reason.", "Choose or type it."


class CorrectSection:
    """Box, outline, age, verdict on the radiograph, comment; what could not be sent yet."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ui = desk, desk.ui
        self._unsent: list[Entry] = []
        self._age = YearsMonths(self._ui.expertYearsSpin, self._ui.expertMonthsSpin, self._keep)
        desk.recall_reader()
        self._wire()
        desk.on_change(self.redraw)

    def _wire(self) -> None:
        ui, told = self._ui, self._desk.told
        ui.editBoxButton.clicked.connect(told(self._edit_box, ui.submitStatus))
        ui.editOutlineButton.clicked.connect(told(self._edit_outline, ui.submitStatus))
        ui.asModelButton.clicked.connect(self._take_models_age)
        ui.submitButton.clicked.connect(told(self.submit, ui.submitStatus))
        ui.sendAgainButton.clicked.connect(told(self.send_again, ui.submitStatus))
        ui.discardButton.clicked.connect(told(self._discard, ui.submitStatus))
        for changed in (ui.commentEdit.textEdited, ui.rejectReasonBox.editTextChanged):
            changed.connect(self._keep)
        for toggled in (ui.rejectRadio.toggled, ui.draftCheck.toggled):
            toggled.connect(self._keep)
        ui.readerEdit.editingFinished.connect(self._desk.remember_reader)

    # What the buttons do

    def submit(self) -> None:
        """Sum up what was changed; once that is confirmed, keep it on this computer, and send it."""
        volume, reader = self._desk.needs_volume(), self._desk.needs_reader()
        logic, server = self._desk.logic, self._desk.address
        image_id = logic.image_id_of(volume, server)
        if image_id is None:
            raise ClientError(*NOT_ON_SERVER)
        self._desk.remember_reader()
        changes, assessment = logic.changes(volume, self._expert(reader)), logic.assessment(volume)
        submission = corrections.submission(changes, server, image_id, assessment)
        if dialogs.confirmed(f"{submission.summary}\n\nSend this to {server}?"):
            self._desk.outbox.put(submission)
            self._desk.keep(replace(self._desk.typed, is_submitted=True))
            self.send()

    def send_again(self) -> None:
        """Send what waits; what a server has refused only if it is chosen."""
        chosen = self._chosen_entry()
        if chosen is not None and chosen in self._desk.outbox.set_aside():
            self._desk.outbox.retry(chosen.id)
        self.send()

    def send(self) -> None:
        """Send everything that waits for the server that is asked now."""
        client, outbox = self._desk.client, self._desk.outbox
        self._desk.changed()
        if client is None:
            self._ui.submitStatus.setText("Kept on this computer; it is sent when a server is connected.")
            return
        self._desk.run(
            "Sending",
            lambda job: outbox.send_all(client, job.cancel, job.report),
            self._tell,
            self._ui.submitStatus,
            progress=lambda _, text: self._ui.submitStatus.setText(text),
        )

    def _tell(self, report: SendReport) -> None:
        self._ui.submitStatus.setText(words.sent(report))

    def _discard(self) -> None:
        entry = self._chosen_entry()
        if entry is None:
            self._ui.submitStatus.setText("Choose one of the unsent corrections first.")
        elif dialogs.confirmed(f"Throw this correction away? It cannot be brought back.\n\n{entry.summary}"):
            self._desk.outbox.discard(entry.id)
            self._desk.changed()

    def _edit_box(self) -> None:
        volume = self._desk.needs_volume()
        roi = self._desk.logic.nodes(volume).roi or self._desk.logic.draw_box(volume)
        views.edit_box(roi)

    def _edit_outline(self) -> None:
        volume = self._desk.needs_volume()
        segmentation = self._desk.logic.nodes(volume).segmentation
        if segmentation is None:
            raise ClientError(*NO_OUTLINE)
        views.edit_outline(segmentation, volume)

    def _take_models_age(self, *_) -> None:
        assessment = None if self._desk.volume is None else self._desk.logic.assessment(self._desk.volume)
        if assessment is None or len(assessment.estimates) != 1:
            self._ui.submitStatus.setText("The models have given no age, or two; choose the sex and press Assess.")
        else:
            self._age.show(assessment.estimates[0].bone_age_months)
            self._keep()

    # What is typed

    def _expert(self, reader: str) -> ExpertInput:
        typed = self._desk.typed
        if typed.is_rejected and not typed.rejected_because:
            raise ClientError(*NO_REASON)
        return ExpertInput(
            reader=reader,
            bone_age_months=None if typed.is_rejected else typed.expert_months,
            sex=typed.sex,
            comment=typed.comment,
            rejected_because=typed.rejected_because,
            tag="draft" if typed.is_draft else "final",
        )

    def _keep(self, *_) -> None:
        ui, rejects = self._ui, self._ui.rejectRadio.property("checked")
        typed = replace(
            self._desk.typed,
            expert_months=self._age.value,
            comment=ui.commentEdit.property("text").strip(),
            is_rejected=rejects,
            rejected_because=ui.rejectReasonBox.property("currentText").strip() if rejects else "",
            is_draft=ui.draftCheck.property("checked"),
            is_submitted=False,
        )
        self._desk.keep(typed)
        self._enable(typed)

    # Drawing

    def redraw(self) -> None:
        """Show what was typed for the radiograph that is shown, and what is not sent yet."""
        volume = self._desk.volume
        for name in ("editBoxButton", "editOutlineButton", "updateButton", "submitButton"):
            getattr(self._ui, name).setEnabled(volume is not None)
        self._show_typed()
        self._show_unsent()

    def _show_typed(self) -> None:
        typed, ui = self._desk.typed, self._ui
        shown = (ui.commentEdit, ui.rejectRadio, ui.acceptRadio, ui.rejectReasonBox, ui.draftCheck)
        for widget in shown:
            widget.blockSignals(True)
        self._age.show(typed.expert_months)
        if ui.commentEdit.property("text").strip() != typed.comment:  # the cursor stays where it is while one types
            ui.commentEdit.setText(typed.comment)
        (ui.rejectRadio if typed.is_rejected else ui.acceptRadio).setChecked(True)
        self._enable(typed)
        if ui.rejectReasonBox.property("currentText").strip() != typed.rejected_because:
            ui.rejectReasonBox.setEditText(typed.rejected_because)
        ui.draftCheck.setChecked(typed.is_draft)
        for widget in shown:
            widget.blockSignals(False)

    def _enable(self, typed: Typed) -> None:
        """A rejected radiograph has a reason, any other an age."""
        self._ui.rejectReasonBox.setEnabled(typed.is_rejected)
        for widget in (self._ui.expertYearsSpin, self._ui.asModelButton):
            widget.setEnabled(not typed.is_rejected)
        self._ui.expertMonthsSpin.setEnabled(not typed.is_rejected and self._age.value is not None)

    def _show_unsent(self) -> None:
        waiting, aside = self._desk.outbox.waiting(), self._desk.outbox.set_aside()
        self._ui.unsentFrame.setVisible(bool(waiting or aside))
        if [*waiting, *aside] == self._unsent:
            return
        self._unsent = [*waiting, *aside]
        self._ui.unsentLabel.setText(words.unsent(waiting, aside))
        self._ui.unsentList.clear()
        for entry in self._unsent:
            self._ui.unsentList.addItem(words.entry_row(entry))

    def _chosen_entry(self) -> Entry | None:
        row = self._ui.unsentList.property("currentRow")
        return self._unsent[row] if 0 <= row < len(self._unsent) else None
