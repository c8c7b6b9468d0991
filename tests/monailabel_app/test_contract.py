"""The app still answers in the shape that was recorded for the 3D Slicer extension (tests/contract)."""

import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest

from boneage.schema import assessment_schema

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "tests" / "contract"
IS_RECORDING = os.environ.get("BONEAGE_RECORD_CONTRACT") == "1"

# Their keys are names of things: radiographs, models, figures. What counts is the shape of each value.
BY_NAME = {"objects", "models", "strategies", "figures", "model_versions", "based_on", "labels", "infer", "scoring"}
FREE = {"schemas", "limits", "config", "train_stats", "datastore", "intended_use", "figures"}  # may change without harm
INFERENCES = ("bone_age", "both_sexes", "hand_detector", "updated_age", "unknown_sex")


@pytest.fixture(scope="module")
def answers(client, ids, studies):
    """Return the answer of each call by name, without what is long and not read."""
    from monailabel.interfaces.utils.app import app_instance

    waiting = studies / "contract.jpg"  # other tests may have left nothing to ask for
    shutil.copy(ROOT / "tests" / "data" / "5627.jpg", waiting)
    app_instance().datastore().refresh()

    def infer(model, **params):
        address = f"/infer/{model}?image={ids['girl']}&output=json"
        return client.post(address, data={"params": json.dumps(params)}).json()

    def correct(**params):
        address, none = f"/datastore/label?image={ids['boy']}&tag=final", {"label": ("none.json", b"")}
        return client.put(address, data={"params": json.dumps(params)}, files=none).json()

    bone_age = infer("bone_age", sex="female", chronological_age_months=130)
    box = bone_age["hand"]["box_px"]
    reading = {"reader": "R1", "bone_age_months": 70, "sex": "male", "hand_box_px": {k: v / 4 for k, v in box.items()}}
    yield {
        "bone_age": bone_age,
        "both_sexes": infer("bone_age", sex="both"),
        "hand_detector": infer("hand_detector"),
        "updated_age": infer("bone_age_regressor", sex="female", hand_box_px=box),
        "unknown_sex": infer("bone_age"),
        "info": client.get("/info/").json() | {"schemas": {}},
        "label": correct(**reading, submission_id="0c" * 16, based_on={"extension": "0.1.0"}),
        "refused_label": correct(reader="R1", bone_age_months=400),
        "work_list": client.get("/datastore/?output=all").json(),
        "next": client.post("/activelearning/first", json={"reader": "R2"}).json(),
        "reopened": client.post("/activelearning/reopen", json={"reader": "R3", "image": ids["boy"]}).json(),
        "held": client.post("/activelearning/reopen", json={"reader": "R4", "image": ids["boy"]}).json(),
        "no_access": client.get("/info/", headers={"Authorization": "Bearer wrong"}).json(),
        "no_training": client.get("/train/").json(),
    }
    waiting.unlink()
    app_instance().datastore().refresh()
    for image_id in app_instance().datastore().leases.held():  # other tests ask for work, too
        app_instance().datastore().leases.end(image_id)


def shape_of(answer, name=""):
    """Return the keys and kinds of JSON; lists by their first element, null as fitting anything."""
    if name in FREE:
        return "free"
    if isinstance(answer, dict) and name in BY_NAME:
        return {"*": shape_of(next(iter(answer.values()), None))}
    if isinstance(answer, dict):
        return {key: shape_of(value, key) for key, value in answer.items()}
    if isinstance(answer, list):
        return [shape_of(answer[0])] if answer else []
    is_number = isinstance(answer, (int, float)) and not isinstance(answer, bool)
    return "number" if is_number else type(answer).__name__


def fits(now, recorded):
    """Say whether all that was recorded is still there; null and empty fit anything, and what is new does no harm."""
    if "NoneType" in (now, recorded) or [] in (now, recorded):
        return True
    if isinstance(now, dict) and isinstance(recorded, dict):
        return all(key in now and fits(now[key], recorded[key]) for key in recorded)
    if isinstance(now, list) and isinstance(recorded, list):
        return fits(now[0], recorded[0])
    return now == recorded


@pytest.mark.skipif(not IS_RECORDING, reason="only on demand: BONEAGE_RECORD_CONTRACT=1")
def test_record_the_contract_anew(answers):
    for name, answer in answers.items():
        text = json.dumps(answer, indent=1, sort_keys=True, ensure_ascii=False)
        (CONTRACT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


@pytest.mark.skipif(IS_RECORDING, reason="the contract is being recorded")
def test_the_app_answers_every_call_in_the_recorded_shape(answers):
    recorded = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in CONTRACT.glob("*.json")}
    assert set(recorded) == set(answers)
    changed = {name: shape_of(answer) for name, answer in answers.items()
               if not fits(shape_of(answer), shape_of(recorded[name]))}  # fmt: skip
    assert not changed


def test_recorded_and_present_answers_of_the_models_follow_the_schema(answers):
    schema = jsonschema.Draft202012Validator(assessment_schema())
    for name in INFERENCES:
        schema.validate(answers[name])
        schema.validate(json.loads((CONTRACT / f"{name}.json").read_text(encoding="utf-8")))


def test_a_changed_shape_does_not_pass_for_the_recorded_one():
    recorded = shape_of({"age": 3, "readings": [{"id": "a"}]})
    for same in ({"age": None, "readings": []}, {"age": 4, "readings": [{"id": "b", "new": 1}], "also": "new"}):
        assert fits(shape_of(same), recorded)
    for changed in ({"age": 3}, {"age": "3", "readings": []}, {"age": 3, "readings": [{"name": "a"}]}):
        assert not fits(shape_of(changed), recorded)
