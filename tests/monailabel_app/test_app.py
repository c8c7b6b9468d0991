"""What a client of the app gets over HTTP, with the trained models and real radiographs."""

import io
import logging
import tempfile
import threading
import time
from email.message import EmailMessage
from email.parser import BytesParser

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from boneage.radiograph import read_radiograph


def parts_of(response):
    message = BytesParser().parsebytes(b"Content-Type: " + response.headers["content-type"].encode() + b"\r\n\r\n"
                                       + response.content)  # fmt: skip
    assert not isinstance(message, EmailMessage)
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.get_payload()}  # fmt: skip


def the_mask(client, image_id, tmp_path):
    response = client.post(f"/infer/hand_segmenter?image={image_id}", data={"params": "{}"})
    file = tmp_path / "mask.nrrd"
    file.write_bytes(parts_of(response)["image"])
    return file


def test_one_click_gives_box_outline_and_an_age_near_the_readers(infer, ids):
    answer = infer("bone_age", ids["boy"], sex="male", chronological_age_months=75)
    [estimate] = answer["estimates"]
    assert abs(estimate["bone_age_months"] - 72) < 15
    assert estimate["verdict"] == "normal" and answer["sex_source"] == "request"
    assert answer["image_id"] == ids["boy"] and set(answer["model_versions"]) == {
        "hand_detector",
        "hand_segmenter",
        "bone_age_regressor",
    }
    assert sum(estimate["distribution_by_whole_month"]) == pytest.approx(1, abs=1e-3)


def test_heights_of_the_request_give_adult_heights(infer, ids):
    answer = infer("bone_age", ids["girl"], sex="female", chronological_age_months=130, height_cm=145.5)
    [adult] = answer["estimates"][0]["adult_heights"]
    assert answer["heights"] == {"height_cm": 145.5}
    assert 145.5 < adult["lower_cm"] < adult["cm"] < adult["upper_cm"] < 190


def test_detector_and_segmenter_need_no_sex_and_give_no_age(infer, ids):
    box = infer("hand_detector", ids["girl"])
    outline = infer("hand_segmenter", ids["girl"])
    assert box["estimates"] == outline["estimates"] == []
    assert box["hand"]["outline"] is None and outline["hand"]["outline"]["area_px"] > 100_000


def test_the_mask_lies_over_the_radiograph(client, ids, tmp_path, studies):
    label = sitk.ReadImage(str(the_mask(client, ids["girl"], tmp_path)))
    radiograph = read_radiograph(studies / "14717.png")
    assert label.GetSize() == (*radiograph.pixels.shape[::-1], 1)
    hand = sitk.GetArrayFromImage(label)[0] > 0
    assert radiograph.pixels[hand].mean() > 2 * radiograph.pixels[~hand].mean()


def test_every_answer_follows_the_schema_that_the_info_gives(client, infer, ids, studies):
    schema = jsonschema.Draft202012Validator(client.get("/info/").json()["schemas"]["infer"])
    for task in ("bone_age", "hand_detector", "hand_segmenter", "bone_age_regressor"):
        tall = {"sex": "male", "chronological_age_months": 100, "height_cm": 130, "mother_height_cm": 160.5}
        for params in ({"sex": "both", "chronological_age_months": 100}, tall, {"sex": "male"}, {}, {"sex": "x"}):
            schema.validate(infer(task, ids["boy"], **params))
    schema.validate(infer("bone_age", "nobody-12345678"))
    assert not schema.is_valid({"task": "bone_age", "image_id": "x"})


def test_a_radiograph_that_is_sent_along_is_assessed_and_not_kept(client, studies):
    files = {"file": ("5627.jpg", (studies / "more" / "5627.jpg").read_bytes())}
    before = sorted(studies.rglob("*.*g"))
    address = "/infer/bone_age?output=json"
    answer = client.post(address, data={"params": '{"sex": "male"}'}, files=files).json()
    assert abs(answer["estimates"][0]["bone_age_months"] - 72) < 15 and answer["image_id"] == "upload"
    assert sorted(studies.rglob("*.*g")) == before


def test_an_unknown_sex_is_asked_for(infer, ids):
    assert infer("bone_age", ids["girl"])["error"]["kind"] == "unknown_sex"
    assert len(infer("bone_age", ids["girl"], sex="both")["estimates"]) == 2


def test_a_corrected_box_and_a_corrected_mask_give_a_new_answer(client, infer, ids, tmp_path):
    first = infer("bone_age_regressor", ids["girl"], sex="female")
    box = {name: value + 20 * (name in ("left", "top")) for name, value in first["hand"]["box_px"].items()}
    again = infer("bone_age_regressor", ids["girl"], sex="female", hand_box_px=box)
    assert again["hand"]["box_px"] != first["hand"]["box_px"]
    mask = sitk.ReadImage(str(the_mask(client, ids["girl"], tmp_path)))
    half = sitk.GetArrayFromImage(mask)
    half[0, : half.shape[1] // 2] = 0
    shrunk = sitk.GetImageFromArray(half)
    shrunk.CopyInformation(mask)
    sitk.WriteImage(shrunk, str(tmp_path / "half.nrrd"))
    masked = infer("bone_age_regressor", ids["girl"], mask=(tmp_path / "half.nrrd").read_bytes(), sex="female")
    assert masked["hand"]["outline"]["area_px"] == int(half.sum())
    assert masked["estimates"][0]["bone_age_months"] != first["estimates"][0]["bone_age_months"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sex": "other"}, "female, male or both"),
        ({"sex": "male", "hand_box_px": {"left": 0}}, "left, top, right and bottom"),
        ({"sex": "male", "hand_box_px": {"left": 9, "top": 0, "right": 3, "bottom": 5}}, "inside"),
        ({"sex": "male", "chronological_age_months": "ten"}, "chronological_age_months"),
        ({"sex": "male", "height_cm": "1.52m"}, "height_cm as a number"),
        ({"sex": "male", "height_cm": True}, "height_cm as a number"),
        ({"sex": "male", "chronological_age_months": 156, "height_cm": 60}, "78 to 234 cm"),
        ({"sex": "male", "mother_height_cm": 1.65}, "mother's height of 85 to 255 cm"),
        ({"sex": "male", "label": "/etc/passwd"}, "as an upload"),
    ],
)
def test_params_that_cannot_be_used_are_refused_with_what_was_expected(infer, ids, params, words):
    answer = infer("bone_age", ids["boy"], **params)
    assert answer["error"]["kind"] == "invalid_input" and words in answer["error"]["message"]


def test_no_file_of_the_machine_is_assessed_whatever_the_request_names(client, infer, ids, studies):
    for name in ("/etc/passwd", "../../etc/passwd", str(studies / "14717.png")):
        assert client.post("/infer/bone_age", params={"image": name}, data={"params": "{}"}).status_code == 400
    assert infer("bone_age", ids["girl"], image=str(studies / "14717.png"))["error"]["kind"] == "unknown_image"
    assert infer("bone_age", "nobody-12345678")["error"]["kind"] == "unknown_image"


def test_two_files_of_one_name_are_two_radiographs(infer, ids):
    girl, namesake = (infer("hand_detector", ids[name]) for name in ("girl", "namesake"))
    assert girl["radiograph"]["rows"] != namesake["radiograph"]["rows"]


def test_a_correction_of_age_alone_box_alone_or_mask_alone_is_kept(client, correct, ids, tmp_path):
    mask = the_mask(client, ids["boy"], tmp_path)
    box = {"left": 40, "top": 10, "right": 390, "bottom": 440}
    sent = [
        correct(ids["boy"], reader="R1", bone_age_months=70, sex="male"),
        correct(ids["boy"], reader="R2", hand_box_px=box, tag="draft"),
        correct(ids["boy"], mask.read_bytes(), reader="R2"),
    ]
    assert [response.status_code for response in sent] == [200] * 3
    info = client.get("/datastore/label/info", params={"label": sent[0].json()["label"], "tag": "final"}).json()
    assert (info["reader"], info["bone_age_months"], info["sex"]) == ("R1", 70.0, "male")
    kept = client.get("/datastore/label", params={"label": sent[2].json()["label"], "tag": "final"}).content
    (tmp_path / "kept.nrrd").write_bytes(kept)
    masks = [sitk.GetArrayFromImage(sitk.ReadImage(str(file))) for file in (mask, tmp_path / "kept.nrrd")]
    assert np.array_equal(*masks)
    assert client.get("/datastore/").json()["completed"] == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"reader": "R", "bone_age_months": -1}, "0 to 228"),
        ({"reader": "R", "bone_age_months": 400}, "0 to 228"),
        ({"reader": "R", "bone_age_months": "ten"}, "number of months"),
        ({"bone_age_months": 100}, "the reader"),
        ({"reader": "R"}, "none of them"),
        ({"reader": "R", "hand_box_px": {"left": 0, "top": 0, "right": 9000, "bottom": 10}}, "within"),
    ],
)
def test_an_impossible_correction_is_refused_and_nothing_is_kept(correct, ids, params, words):
    response = correct(ids["namesake"], **params)
    assert response.status_code == 400 and words in response.json()["error"]["message"]


def test_a_mask_of_another_size_is_refused(correct, ids):
    file = io.BytesIO()
    Image.fromarray(np.ones((30, 20), np.uint8)).save(file, "PNG")
    response = correct(ids["girl"], file.getvalue(), name="tmp.png", reader="R")
    assert response.status_code == 400 and "got 20 x 30" in response.json()["error"]["message"]


def test_tags_that_are_paths_and_unknown_ids_are_refused(correct, ids):
    assert correct(ids["girl"], tag="../../evil", reader="R", bone_age_months=9).status_code == 400
    assert correct(ids["girl"], tag="evil", reader="R", bone_age_months=9).status_code == 400
    assert correct("nobody-12345678", reader="R", bone_age_months=9).status_code == 404


def test_an_upload_is_kept_only_if_it_is_a_radiograph_and_never_over_another(client, studies):
    def upload(content, name="new"):
        return client.put(f"/datastore/image?image={name}", files={"file": ("x.png", content)})

    before = sorted(path.name for path in studies.rglob("*"))
    assert upload(b"no picture").status_code == 422
    assert sorted(path.name for path in studies.rglob("*")) == before
    radiograph = (studies / "14717.png").read_bytes()
    assert upload(radiograph).status_code == 200
    assert upload(radiograph).status_code == 400
    assert (studies / "new.png").read_bytes() == radiograph
    (studies / "new.png").unlink()


def test_a_radiograph_or_mask_that_is_refused_stays_nowhere(client, correct, ids, studies, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    radiograph = (studies / "14717.png").read_bytes()
    for content in (radiograph, b"no picture"):
        files = {"file": ("14717.png", content)}
        assert client.put("/datastore/image?image=14717", files=files).status_code in (400, 422)
        answer = client.post("/infer/bone_age?output=json", data={"params": "{"}, files=files)
        assert answer.status_code == 400
    assert correct(ids["girl"], mask=radiograph, name="mask.png").status_code == 400
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length(client):
    def pieces():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n'
        for _ in range(12):
            yield b"x" * (1 << 19)

    for body in (b"x" * (6 << 20), pieces()):
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        response = client.put("/datastore/image?image=big", content=body, headers=kind)
        assert response.status_code == 413 and response.json()["error"]["kind"] == "too_large"


def test_without_the_token_nobody_gets_in_and_closed_addresses_are_closed(client):
    assert client.get("/info/", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/info/").status_code == 200
    for address in ("/logs/", "/proxy/dicom/x", "/ohif/", "/model/x", "/session/x"):
        assert client.get(address).status_code == 404
    assert client.get("/datastore/dataset").status_code == 400


def test_two_readers_who_ask_for_work_never_get_the_same_radiograph(client, correct, ids):
    def ask(reader):
        return client.post("/activelearning/first", json={"client_id": reader}).json().get("id")

    offered = [ask("R1"), ask("R2")]
    assert len(set(offered)) == 2
    done = offered[0]
    assert correct(done, reader="R1", bone_age_months=90).status_code == 200
    assert done not in {ask("R1"), ask("R2"), ask("R3")}


def test_the_info_describes_models_strategies_and_limits(client):
    info = client.get("/info/").json()
    tasks = {"bone_age", "hand_detector", "hand_segmenter", "bone_age_regressor", "bone_age_report", "bone_age_dicom"}
    assert set(info["models"]) == tasks
    cards = {card["name"]: card for card in info["model_cards"]}
    assert 5 < cards["bone_age_regressor"]["figures"]["MAE (months)"]["value"] < 10
    assert {"first", "random"} <= set(info["strategies"]) and info["limits"]["bone_age_months"] == [0, 228]


def test_the_info_is_answered_while_a_slow_inference_runs(client, infer, ids, monkeypatch):
    from monailabel_app import infer as tasks

    started, go_on = threading.Event(), threading.Event()

    def slow(path):
        started.set()
        assert go_on.wait(30)
        return read_radiograph(path)

    monkeypatch.setattr(tasks, "read_radiograph", slow)
    thread = threading.Thread(target=lambda: infer("hand_detector", ids["boy"]))
    thread.start()
    assert started.wait(30)
    client.get("/info/")
    assert thread.is_alive()
    go_on.set()
    thread.join()


def test_nothing_of_a_request_but_its_kind_is_logged(client, infer, correct, ids, caplog, monkeypatch):
    own = logging.getLogger("boneage.server")
    monkeypatch.setattr(own, "disabled", False)  # other tests set up logging in ways of their own
    monkeypatch.setattr(own, "handlers", [caplog.handler])
    caplog.set_level("INFO")
    caplog.set_level("INFO", "boneage.server")
    infer("bone_age", ids["girl"], sex="female", note="Jane Doe")
    correct(ids["girl"], reader="Dr Roe", bone_age_months=120)
    time.sleep(0.1)
    logged = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))  # the test's client
    assert "POST /infer 200" in logged
    assert "Jane" not in logged and "Roe" not in logged and "14717" not in logged


def test_the_work_list_says_what_was_done_to_each_radiograph_and_a_finished_one_can_be_reopened(
    client, infer, correct, ids
):
    def listed(image_id):
        return client.get("/datastore/?output=all").json()["objects"][image_id]

    infer("bone_age", ids["namesake"], sex="male")
    assert listed(ids["namesake"])["state"] == "assessed" and listed(ids["namesake"])["readings"] == []
    correct(ids["namesake"], reader="R1", bone_age_months=71, sex="male")
    correct(ids["namesake"], reader="R2", rejected_because="too dark")
    done = listed(ids["namesake"])
    assert done["state"] == "corrected"
    assert [(r["reader"], r["bone_age_months"], r["rejected_because"]) for r in done["readings"]] == [
        ("R1", 71.0, ""),
        ("R2", None, "too dark"),
    ]
    reopened = client.post("/activelearning/reopen", json={"image": ids["namesake"], "reader": "R3"}).json()
    assert reopened["id"] == ids["namesake"] and len(reopened["readings"]) == 2
    assert listed(ids["namesake"])["held_by"] == "R3"
    assert client.post("/activelearning/reopen", json={"image": ids["namesake"], "reader": "R4"}).json() == {}
    assert client.post("/activelearning/reopen", json={"image": "nobody-1"}).status_code == 404


def test_a_correction_sent_twice_under_one_id_is_kept_once(correct, client, ids):
    once = {"reader": "R9", "bone_age_months": 80, "submission_id": "ab" * 16}
    assert [correct(ids["boy"], **once).json()["label"] for _ in range(2)] == ["ab" * 16] * 2
    readings = client.get("/datastore/?output=all").json()["objects"][ids["boy"]]["readings"]
    assert [reading["reader"] for reading in readings].count("R9") == 1


def test_scoring_looks_at_each_radiograph_once_and_the_strategies_use_it(client, ids):
    for scored in (3, 0):
        answer = client.post("/scoring/bone_age?run_sync=true", json={})
        assert answer.json() == {"scored": scored, "failed": 0}
    assert client.get("/info/").json()["work_list"]["scored"] == 3
    for strategy in ("uncertain", "diverse"):
        assert client.post(f"/activelearning/{strategy}", json={"reader": strategy}).status_code == 200
