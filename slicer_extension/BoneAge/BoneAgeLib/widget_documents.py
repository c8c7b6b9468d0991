"""The buttons that save what is shown as a report, or as DICOM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Callable

from . import dialogs, documents
from .corrections import ExpertInput, years_and_months
from .desk import Desk
from .documents import DocumentRequest, Signature
from .errors import ClientError, ErrorKind

NOTHING_SHOWN = ErrorKind.INVALID, "There is nothing to write about yet.", "Press Assess first."
NO_AGE_TO_SIGN = ErrorKind.INVALID, "There is no age of yours to sign.", "Enter it under Correct and submit."
REPORTS = "PDF (*.pdf);;Web page (*.html)"


class DocumentsSection:
    """Report and DICOM objects of the radiograph that is shown, written by the server."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ui = desk, desk.ui
        self._languages: dict[str, str] = {}
        self._ui.reportButton.clicked.connect(desk.told(self.save_report, self._ui.documentStatus))
        self._ui.dicomButton.clicked.connect(desk.told(self.save_dicom, self._ui.documentStatus))
        desk.on_change(self.redraw)

    def save_report(self) -> None:
        """Have the report written, keep it where the person wants it, and open it."""
        request = self._request(documents.REPORT)
        chosen = dialogs.choose_place("Save the report", "bone-age-report.pdf", REPORTS) if request else ""
        if chosen:
            file = Path(chosen)
            wanted = replace(request, form=documents.format_of(file), language=self._language)
            self._write("Writing the report", wanted, lambda content: self._keep_report(file, content))

    def save_dicom(self) -> None:
        """Have structured report, segmentation and picture written, and keep them in a folder of the person's."""
        request = self._request(documents.DICOM)
        chosen = dialogs.choose_folder("Folder for the DICOM files") if request else ""
        if chosen:
            self._write("Writing DICOM", request, lambda content: self._keep_dicom(Path(chosen), content))

    def _request(self, task: str) -> DocumentRequest | None:
        """Return what to ask for: what is shown, with box and outline as they are now; None if it was called off."""
        self._desk.needs_client()
        volume, logic = self._desk.needs_volume(), self._desk.logic
        assessment = logic.assessment(volume)
        if assessment is None or not assessment.estimates:
            raise ClientError(*NOTHING_SHOWN)
        hand = logic.changes(volume, ExpertInput(reader="reader"))
        request = DocumentRequest(task, assessment, hand.hand_box, hand.mask_nrrd)
        if not self._ui.signCheck.property("checked"):
            return request
        signature = self._signature()
        question = f"Sign as {signature.reader}, with a bone age of {years_and_months(signature.bone_age_months)}?"
        return replace(request, signature=signature) if dialogs.confirmed(question) else None

    def _signature(self) -> Signature:
        reader, months = self._desk.needs_reader(), self._desk.typed.expert_months
        if months is None:
            raise ClientError(*NO_AGE_TO_SIGN)
        return Signature(reader, months)

    def _write(self, name: str, request: DocumentRequest, keep: Callable[[bytes], None]) -> None:
        client = self._desk.needs_client()
        self._desk.run(name, lambda job: client.document(request, job.cancel), keep, self._ui.documentStatus)

    def _keep_report(self, file: Path, content: bytes) -> None:
        documents.save(file, content)
        self._ui.documentStatus.setText(f"Saved as {file.name}.")
        dialogs.open_file(file)

    def _keep_dicom(self, folder: Path, content: bytes) -> None:
        files = documents.save_all(folder, content)
        self._ui.documentStatus.setText(f"Saved {', '.join(file.name for file in files)}.")

    # Drawing

    @property
    def _language(self) -> str:
        return list(self._languages)[self._ui.languageBox.property("currentIndex")] if self._languages else ""

    def redraw(self) -> None:
        """Offer what the server that is connected can write."""
        offered = self._desk.info.models if self._desk.info else ()
        for button, task in ((self._ui.reportButton, documents.REPORT), (self._ui.dicomButton, documents.DICOM)):
            button.setEnabled(task in offered)
        languages = self._desk.info.languages if self._desk.info else {}
        if languages != self._languages:
            self._languages = languages
            self._ui.languageBox.clear()
            self._ui.languageBox.addItems(list(languages.values()))
        self._ui.languageBox.setVisible(len(languages) > 1)
