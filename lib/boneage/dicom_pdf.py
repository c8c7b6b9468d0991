"""A written report as an encapsulated PDF (PS3.3, A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from boneage import terms
from boneage.dicom_header import EQUIPMENT, NewObject, complete, patient_and_study, refused_headers, source_item
from boneage.errors import InvalidInput

SERIES_NUMBER = 9004
TITLE = "Bone age report"


def encapsulated_pdf(pdf: bytes, header: Dataset, new: NewObject) -> Dataset:
    """Wrap a PDF; its pages are not looked at.

    Args:
        pdf: The file.
        header: The radiograph's, as `boneage.dicom_header.reference_to` returns it.
        new: Its UIDs.

    Raises:
        InvalidInput: If it is no PDF.
        UnreadableRadiograph: If the header does not allow it.
    """
    from highdicom.base import SOPClass

    if not pdf.startswith(b"%PDF-"):
        raise InvalidInput("Expected a report as PDF, got something else.", "Give the bytes of a .pdf file.")
    with refused_headers("report as PDF"):
        document = SOPClass(
            series_instance_uid=new.series_instance_uid,
            series_number=SERIES_NUMBER,
            sop_instance_uid=new.sop_instance_uid,
            sop_class_uid=EncapsulatedPDFStorage,
            instance_number=new.instance_number,
            modality="DOC",
            series_description=TITLE,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            **patient_and_study(header),
            **EQUIPMENT,
        )
        complete(document, header, new.made_at)
    _add_pdf(document, pdf, header)
    return document


def _add_pdf(document: Dataset, pdf: bytes, header: Dataset) -> None:
    document.ConversionType = "WSD"  # made on a workstation
    document.BurnedInAnnotation = "YES"
    document.AcquisitionDateTime = ""  # type 2: a report is not acquired
    document.DocumentTitle = TITLE
    document.ConceptNameCodeSequence = [_title_code()]
    document.SourceInstanceSequence = [source_item(header)]
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocumentLength = len(pdf)
    document.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)


def _title_code() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = terms.BONE_AGE_REPORT.code, terms.BONE_AGE_REPORT.scheme
    code.CodeMeaning = terms.BONE_AGE_REPORT.meaning
    return code
