"""The codes by which other systems know our values: in DICOM structured reports and in FHIR resources alike.

LOINC has the bone age and its method, DICOM (PS3.16) the statistics, SNOMED CT the body parts. What no public scheme
names is in a scheme of our own, 99BONEAGE: names that begin with 99 are private (PS3.16, section 8.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from boneage.types import Laterality, Sex, Verdict

OWN_SCHEME = "99BONEAGE"


@dataclass(frozen=True)
class Term:
    """A coded concept.

    Attributes:
        code: At most 16 characters.
        scheme: As DICOM calls it: LN is LOINC, SCT is SNOMED CT.
        meaning: In words; at most 64 characters.
    """

    code: str
    scheme: str
    meaning: str


# What is said
BONE_AGE = Term("85151-9", "LN", "XR Bone age")
BONE_AGE_METHOD = Term("85150-1", "LN", "Bone age method")
BONE_AGE_REPORT = Term("37362-1", "LN", "XR Bone age")  # the document
BONE_AGE_VIEWS = Term("24724-7", "LN", "XR Bone age Views")  # the procedure
BONE_AGE_SD = Term("BONE_AGE_SD", OWN_SCHEME, "Standard deviation of the bone age estimate")
BONE_AGE_LOWER_90 = Term("BONE_AGE_LOWER90", OWN_SCHEME, "Lower limit of the 90 % interval of the bone age")
BONE_AGE_UPPER_90 = Term("BONE_AGE_UPPER90", OWN_SCHEME, "Upper limit of the 90 % interval of the bone age")
Z_SCORE = Term("121416", "DCM", "Z-Score of measurement")
POPULATION_SD = Term("121414", "DCM", "Standard deviation of population")
SUBJECT_AGE = Term("121033", "DCM", "Subject Age")
SUBJECT_SEX = Term("121032", "DCM", "Subject Sex")
VERDICT = Term("VERDICT", OWN_SCHEME, "Bone age against chronological age")
PERSON, DEVICE = Term("121006", "DCM", "Person"), Term("121007", "DCM", "Device")
PERSON_OBSERVER = Term("121008", "DCM", "Person Observer Name")
COMMENT = Term("121106", "DCM", "Comment")
HAND = Term("85562004", "SCT", "Hand")

# What it is said with
GREULICH_PYLE = Term("GREULICH_PYLE", OWN_SCHEME, "Greulich and Pyle")
STANDARD_DEVIATION = Term("386136009", "SCT", "Standard Deviation")
USER_CHOSEN = Term("121410", "DCM", "User chosen value")
SEXES = {Sex.FEMALE: Term("F", "DCM", "Female"), Sex.MALE: Term("M", "DCM", "Male")}
SIDES = {Laterality.LEFT: Term("7771000", "SCT", "Left"), Laterality.RIGHT: Term("24028007", "SCT", "Right")}
VERDICTS = {
    Verdict.DELAYED: Term("DELAYED", OWN_SCHEME, "Delayed: more than 2 SD below chronological age"),
    Verdict.NORMAL: Term("NORMAL", OWN_SCHEME, "Normal: within 2 SD of chronological age"),
    Verdict.ADVANCED: Term("ADVANCED", OWN_SCHEME, "Advanced: more than 2 SD above chronological age"),
    Verdict.OUTSIDE_TABLE: Term("OUTSIDE_TABLE", OWN_SCHEME, "None: age not covered by the growth reference"),
}
NORMALITIES = {  # PS3.16, CID 222
    Verdict.DELAYED: Term("371880002", "SCT", "Abnormally Low"),
    Verdict.NORMAL: Term("17621005", "SCT", "Normal"),
    Verdict.ADVANCED: Term("371879000", "SCT", "Abnormally High"),
    Verdict.OUTSIDE_TABLE: Term("371934000", "SCT", "Normality Undetermined"),
}

# Units
MONTHS = Term("mo", "UCUM", "month")
NO_UNIT = Term("1", "UCUM", "no units")
