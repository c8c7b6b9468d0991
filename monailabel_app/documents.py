"""Two more infer tasks, whose file is not the mask but a document: a report to sign, and DICOM objects."""

from __future__ import annotations

import io
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType

from boneage.dicom_results import results
from boneage.errors import InvalidInput
from boneage.language import ENGLISH, languages
from boneage.report_html import report_html
from boneage.report_page import ReportOptions
from boneage.report_pdf import report_pdf
from boneage.types import Assessment, Signature
from monailabel_app.infer import BoneAgeTask
from monailabel_app.live_models import LiveModels
from monailabel_app.scratch import scratch_folder

FORMS = ("pdf", "html")
LONGEST_NAME = 64


def document_tasks(models: LiveModels, growth_reference: str) -> dict[str, InferTask]:
    """Return the tasks by name."""
    return {
        "bone_age_report": ReportTask(models, growth_reference, "The bone age on one page to sign: PDF or HTML"),
        "bone_age_dicom": DicomTask(models, growth_reference, "The bone age as DICOM: SR, SEG and secondary capture"),
    }


class ReportTask(BoneAgeTask):
    """One page about a radiograph: as PDF or HTML, in a language that there is."""

    kind = InferType.OTHERS

    def _file(self, assessment: Assessment, request: dict[str, Any]) -> str:
        form, options = _one_of(request, "format", FORMS, "pdf"), _options(request, self._models)
        page = report_pdf(assessment, options) if form == "pdf" else report_html(assessment, options).encode()
        return _scratch_file(page, f".{form}")


class DicomTask(BoneAgeTask):
    """Structured report, segmentation, picture and report page of a DICOM radiograph, as a ZIP archive."""

    kind = InferType.OTHERS

    def _file(self, assessment: Assessment, request: dict[str, Any]) -> str:
        if assessment.radiograph.identity is None:
            raise InvalidInput("Expected a DICOM radiograph: only beside one can DICOM results stand.", "Choose one.")
        source = pydicom.dcmread(request["path"], stop_before_pixels=True)
        page = report_pdf(assessment, _options(request, self._models))
        objects = results(assessment, source, signature=_signature(assessment, request), report_pdf=page)
        return _scratch_file(_zipped(objects), ".zip")


def _options(request: dict[str, Any], models: LiveModels) -> ReportOptions:
    return ReportOptions(_one_of(request, "language", languages(), ENGLISH), models_dir=models.folder)


def _signature(assessment: Assessment, request: dict[str, Any]) -> Signature | None:
    name, months = request.get("signed_by"), request.get("signed_bone_age_months")
    if name is None and months is None:
        return None
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"Expected signed_by as a name of 1 to {LONGEST_NAME} characters.", "Say who signs.")
    if isinstance(months, bool) or not isinstance(months, (int, float)) or not 0 <= months <= 228:
        raise InvalidInput("Expected signed_bone_age_months from 0 to 228.", "Say which age is signed.")
    if len(assessment.estimates) != 1:
        raise InvalidInput("Expected one sex to sign an age for, got both.", "Choose the sex.")
    return Signature(name.strip(), float(months), assessment.estimates[0].sex, datetime.now())


def _one_of(request: dict[str, Any], name: str, known: tuple[str, ...], otherwise: str) -> str:
    value = request.get(name, otherwise)
    if value not in known:
        raise InvalidInput(f"Expected {name} as one of {', '.join(known)}, got {str(value)[:20]!r}.", "Choose one.")
    return str(value)


def _zipped(objects: list[pydicom.Dataset]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in objects:
            content = io.BytesIO()
            pydicom.dcmwrite(content, one, write_like_original=False)
            archive.writestr(f"{one.Modality.lower()}-{one.SOPInstanceUID}.dcm", content.getvalue())
    return file.getvalue()


def _scratch_file(content: bytes, suffix: str) -> str:
    """Write a file that the server sends and then removes."""
    with tempfile.NamedTemporaryFile(dir=scratch_folder(), prefix="document-", suffix=suffix, delete=False) as file:
        file.write(content)
    return str(Path(file.name))
