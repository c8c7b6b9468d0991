"""What was found in a radiograph -> the DICOM objects that go to the archive beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import numpy as np
from pydicom.dataset import Dataset

from boneage.dicom_header import NewObject, new_uid, reference_to, signer_name, uid_of
from boneage.dicom_out import hand_segmentation
from boneage.dicom_pdf import encapsulated_pdf
from boneage.dicom_sc import secondary_capture
from boneage.dicom_sr import structured_report
from boneage.errors import InvalidInput
from boneage.growth import score_signed
from boneage.types import Assessment, Signature
from boneage.wording import years_and_months

SEGMENTER = "hand_segmenter"
DOTS_PER_INCH = 150
OLDEST_BONE_AGE_MONTHS = 240


class ResultKind(str, Enum):
    """The kinds of DICOM objects; the value stands in options and names of files."""

    STRUCTURED_REPORT = "sr"
    SEGMENTATION = "seg"
    SECONDARY_CAPTURE = "sc"


ALL_KINDS = tuple(ResultKind)


def kinds_from_words(words: str) -> tuple[ResultKind, ...]:
    """Read kinds from words such as "sr,seg,sc".

    Raises:
        InvalidInput: If one of them is not known, or there is none.
    """
    names = [word.strip().lower() for word in words.split(",") if word.strip()]
    known = [kind.value for kind in ResultKind]
    if not names or not set(names) <= set(known):
        raise InvalidInput(f"Expected kinds of DICOM objects out of {', '.join(known)}; got '{words}'.")
    return tuple(ResultKind(name) for name in dict.fromkeys(names))


def results(
    assessment: Assessment,
    source: Dataset,
    kinds: Iterable[ResultKind] = ALL_KINDS,
    signature: Signature | None = None,
    report_pdf: bytes | None = None,
    made_at: datetime | None = None,
    id: str = "",
) -> list[Dataset]:
    """Make the DICOM objects of one assessment; each can be written or stored as it is.

    Args:
        assessment: What was found in the radiograph.
        source: The radiograph's own data set; its pixels are not looked at.
        kinds: Which objects, in this order; text such as "sr" does too.
        signature: Who signed which age; None if only the models looked. A signed report is VERIFIED.
        report_pdf: The written report as PDF; it is wrapped as one more object, the last.
        made_at: When; now if None.
        id: Names this assessment for ever, so that the same object made again has the same UID, and an archive keeps
            one; what is signed has other UIDs than what is not. Empty for UIDs that were never used before.

    Raises:
        InvalidInput: If the assessment is of another radiograph than the data set, or nothing is asked for.
        UnreadableRadiograph: If the data set does not say which study it belongs to.
    """
    header = reference_to(source)
    _check_same_radiograph(assessment, header)
    if signature is not None:
        _check_signature(assessment, signature)
    chosen = list(dict.fromkeys(map(ResultKind, kinds)))
    if not chosen and report_pdf is None:
        raise InvalidInput("Expected at least one kind of DICOM object, got none.", "Ask for sr, seg or sc.")
    naming = _Naming(id, signature, made_at or datetime.now())
    made = [_made(kind, assessment, header, signature, naming) for kind in chosen]
    if report_pdf is not None:
        made.append(encapsulated_pdf(report_pdf, header, naming.of("pdf")))
    return made


@dataclass(frozen=True)
class _Naming:
    """How the objects of one assessment are called.

    Attributes:
        id: Of the assessment; empty for UIDs that were never used before.
        signature: What was signed is another object, in the same series.
        made_at: When they are made.
    """

    id: str
    signature: Signature | None
    made_at: datetime

    def of(self, kind: str, is_signed: bool = True) -> NewObject:
        """Name an object; `is_signed` if the signature stands in it."""
        if not self.id:
            return NewObject(new_uid(), new_uid(), self.made_at)
        signature = self.signature if is_signed else None
        words = f"{self.id} {signature}" if signature else self.id
        uid, series = uid_of(f"result {kind}", words), uid_of(f"result series {kind}", self.id)
        return NewObject(uid, series, self.made_at, instance_number=2 if signature else 1)


def _made(
    kind: ResultKind, assessment: Assessment, header: Dataset, signature: Signature | None, naming: _Naming
) -> Dataset:
    if kind is ResultKind.STRUCTURED_REPORT:
        growth = score_signed(assessment, signature) if signature else None
        return structured_report(assessment, header, naming.of(kind.value), signature, growth)
    if kind is ResultKind.SECONDARY_CAPTURE:
        return secondary_capture(_drawn(assessment, signature), header, naming.of(kind.value))
    new = naming.of(kind.value, is_signed=False)
    algorithm = (SEGMENTER, assessment.model_versions.get(SEGMENTER, "unknown"))
    return hand_segmentation(
        assessment.hand_mask,
        header,
        new.sop_instance_uid,
        new.series_instance_uid,
        algorithm=algorithm,
        made_at=new.made_at,
    )


def _drawn(assessment: Assessment, signature: Signature | None) -> np.ndarray:
    """Draw the finding; (rows, columns, 3) uint8. What was signed stands above it, since the drawing is the model's."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from boneage.picture import draw_picture

    figure = draw_picture(assessment)
    figure.set_dpi(DOTS_PER_INCH)
    if signature:
        age = f"{years_and_months(signature.bone_age_months)} ({signature.sex.value})"
        figure.text(
            0.965, 0.975, f"Signed by an expert: {age}. Below: the model's.", ha="right", va="top", weight="bold"
        )
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def _check_same_radiograph(assessment: Assessment, header: Dataset) -> None:
    identity = assessment.radiograph.identity
    if identity is None or identity.sop_instance_uid != header.SOPInstanceUID:
        raise InvalidInput(
            "Expected the assessment of this DICOM radiograph, got one of another image.",
            "Assess the DICOM file itself.",
        )


def _check_signature(assessment: Assessment, signature: Signature) -> None:
    signer_name(signature.name)
    if not 0 <= signature.bone_age_months <= OLDEST_BONE_AGE_MONTHS:
        raise InvalidInput(
            f"Expected a signed bone age of 0 to {OLDEST_BONE_AGE_MONTHS} months, got {signature.bone_age_months:g}."
        )
    if signature.sex not in [estimate.sex for estimate in assessment.estimates]:
        raise InvalidInput(
            f"The bone age is signed for the {signature.sex.value} sex, and was assessed for the other one.",
            "Assess the radiograph for the sex that is signed.",
        )
