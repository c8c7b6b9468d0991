"""FHIR resources of an assessment, validated by a library that knows them (R4B, in which ours are those of R4)."""

import json
from datetime import date, datetime

import pytest
from builders import AN_IDENTITY, a_radiograph, an_assessment, both_sexes
from fhir.resources.R4B.bundle import Bundle

from boneage.fhir import PatientIdentifier, fhir_bundle, fhir_entries
from boneage.types import Laterality, Sex, Signature, Verdict

SIGNED = Signature("Петрова^Анна", 132.0, Sex.FEMALE, datetime(2026, 1, 2, 3, 4, 5), "Hospital")
A_CHILD = PatientIdentifier("urn:oid:1.2.3", "ID-77")
RADIOGRAPH = {"identity": AN_IDENTITY, "acquisition_date": date(2024, 1, 2)}


def found(**radiograph):
    return an_assessment(a_radiograph(**(RADIOGRAPH | radiograph)), warnings=("The pose is unsure.",))


def resources(assessment=None, **more):
    """Return the resources by type, as they come out of a validated bundle's text."""
    bundle = fhir_bundle([fhir_entries(assessment or found(), **more)])
    Bundle.model_validate(bundle)
    read = json.loads(json.dumps(bundle, allow_nan=False))["entry"]
    of_type = {kind: [] for kind in ("DiagnosticReport", "Observation", "Device")}
    for entry in read:
        of_type[entry["resource"]["resourceType"]].append(entry["resource"])
    assert sum(map(len, of_type.values())) == len(read)
    return of_type


def component(observation, code):
    values = {part["code"]["coding"][0]["code"]: part for part in observation["component"]}
    return values[code].get("valueQuantity", values[code].get("valueCodeableConcept"))


def test_a_bone_age_is_a_quantity_in_months_with_its_code_spread_and_score():
    [observation] = resources()["Observation"]
    [growth] = [estimate.growth for estimate in found().estimates]
    assert observation["code"]["coding"] == [
        {"system": "http://loinc.org", "code": "85151-9", "display": "XR Bone age"}
    ]
    age = {"value": 126.4, "unit": "months", "system": "http://unitsofmeasure.org", "code": "mo"}
    assert observation["valueQuantity"] == age
    assert component(observation, "BONE_AGE_SD")["value"] == 6.0
    lower, upper = (component(observation, f"BONE_AGE_{end}90")["value"] for end in ("LOWER", "UPPER"))
    assert lower < 126.4 < upper
    assert component(observation, "121416")["value"] == round(growth.sds, 2)
    assert component(observation, "121033")["value"] == 114.0
    assert component(observation, "121032")["coding"][0]["code"] == "female"


@pytest.mark.parametrize(
    ("months", "verdict", "letter"),
    [(180.0, Verdict.DELAYED, "L"), (126.0, Verdict.NORMAL, "N"), (70.0, Verdict.ADVANCED, "H")],
)
def test_the_verdict_is_an_interpretation_and_the_range_of_normal_ages_stands_beside_it(months, verdict, letter):
    [observation] = resources(found(chronological_age_months=months))["Observation"]
    [interpretation] = observation["interpretation"]
    assert (interpretation["text"], interpretation["coding"][0]["code"]) == (verdict.value, letter)
    [normal] = observation["referenceRange"]
    inside = normal["low"]["value"] <= 126.4 <= normal["high"]["value"]
    assert inside == (verdict is Verdict.NORMAL) and normal["low"]["value"] < months < normal["high"]["value"]


def test_an_age_outside_the_table_is_said_in_words_without_a_letter_or_a_range():
    [observation] = resources(found(chronological_age_months=300.0))["Observation"]
    [interpretation] = observation["interpretation"]
    assert interpretation["text"] == "outside table" and len(interpretation["coding"]) == 1
    assert "referenceRange" not in observation


def test_without_a_chronological_age_there_is_no_verdict():
    [observation] = resources(found(chronological_age_months=None))["Observation"]
    assert not {"interpretation", "referenceRange"} & set(observation)


def test_what_a_model_found_is_preliminary_and_names_every_model():
    made = resources()
    [device] = made["Device"]
    versions = {version["type"]["text"]: version["value"] for version in device["version"]}
    assert versions.items() >= found().model_versions.items() and "boneage" in versions
    assert [one["status"] for one in made["DiagnosticReport"] + made["Observation"]] == ["preliminary"] * 2
    assert made["DiagnosticReport"][0]["code"]["coding"][0]["code"] == "37362-1"


def test_every_reference_inside_the_bundle_leads_somewhere():
    bundle = fhir_bundle([fhir_entries(found(), signature=SIGNED)])
    named = {entry["fullUrl"] for entry in bundle["entry"]}
    text = json.dumps(bundle)
    referred = {word for word in text.split('"') if word.startswith("urn:uuid:")}
    assert referred == named and len(named) == 4


def test_a_signed_report_is_final_and_names_both_ages_and_the_signer():
    made = resources(signature=SIGNED)
    [report], [signed, model] = made["DiagnosticReport"], made["Observation"]
    assert (report["status"], signed["status"], model["status"]) == ("final", "final", "preliminary")
    assert (signed["valueQuantity"]["value"], model["valueQuantity"]["value"]) == (132.0, 126.4)
    assert signed["performer"][0]["display"] == "Петрова Анна, Hospital" == report["resultsInterpreter"][0]["display"]
    assert "device" in model and "device" not in signed
    bundle = fhir_bundle([fhir_entries(found(), signature=SIGNED)])
    addresses = {entry["resource"].get("status"): entry["fullUrl"] for entry in bundle["entry"][1:]}
    assert bundle["entry"][0]["resource"]["result"] == [{"reference": addresses["final"]}]
    assert bundle["entry"][1]["resource"]["derivedFrom"][0] == {"reference": addresses["preliminary"]}


def test_with_both_sexes_each_age_says_for_which_it_holds():
    observations = resources(an_assessment(a_radiograph(sex=None), both_sexes()))["Observation"]
    ages = {component(one, "121032")["coding"][0]["code"]: one["valueQuantity"]["value"] for one in observations}
    assert ages == {"female": 126.4, "male": 140.2}


def test_nobody_is_named_and_no_day_is_given_unless_the_caller_names_the_child():
    text = json.dumps(fhir_bundle([fhir_entries(found())], datetime(2026, 1, 2)))
    assert "subject" not in text and "2024-01-02" not in text
    for one in resources(patient=A_CHILD)["Observation"] + resources(patient=A_CHILD)["DiagnosticReport"]:
        assert one["subject"]["identifier"] == {"system": "urn:oid:1.2.3", "value": "ID-77"}
        assert one["effectiveDateTime"] == "2024-01-02"


def test_warnings_side_and_study_are_told():
    [observation] = resources(found(laterality=Laterality.LEFT))["Observation"]
    assert observation["bodySite"]["text"] == "Left hand"
    assert observation["note"][0]["text"] == "The pose is unsure."
    assert observation["derivedFrom"][0]["identifier"]["value"] == f"urn:oid:{AN_IDENTITY.study_instance_uid}"
    [plain] = resources(an_assessment())["Observation"]
    assert plain["bodySite"]["text"] == "Hand" and "derivedFrom" not in plain


def test_under_the_same_id_the_addresses_are_the_same_and_otherwise_new():
    addresses = [[entry["fullUrl"] for entry in fhir_entries(found(), id=id)] for id in ("a", "a", "b", "")]
    assert addresses[0] == addresses[1]
    assert len({address for one in addresses for address in one}) == 9


def test_several_go_into_one_bundle():
    bundle = fhir_bundle([fhir_entries(found()), fhir_entries(found())])
    assert len(Bundle.model_validate(bundle).entry) == 6
    Bundle.model_validate(fhir_bundle([]))


def test_a_wrong_resource_would_be_found_out():
    entries = fhir_entries(found())
    entries[1]["resource"]["status"] = "perhaps"
    entries[1]["resource"]["valueQuantity"]["unitt"] = "months"
    with pytest.raises(ValueError, match="unitt"):
        Bundle.model_validate(fhir_bundle([entries]))
