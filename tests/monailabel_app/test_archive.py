"""The app on a real Orthanc, over HTTP, with the trained models."""

import io
import json
import stat
import time

import highdicom
import jsonschema
import numpy as np
import pydicom
import pytest
from dicom_radiographs import DATA, a_radiograph_dataset, as_nrrd, picture
from orthanc import PASSWORD, USER, an_orthanc, own_places, until
from pydicom.uid import RLELossless, generate_uid

from boneage.corrections import CorrectionStore
from boneage.dicomweb import Archive
from boneage.radiograph import read_radiograph

ROOT = DATA.parents[1]
GIRL = {"PatientID": "P-G", "PatientName": "Girl^Made", "PatientSex": "F", "PatientBirthDate": "20130301"}
BOY = {"PatientID": "P-B", "PatientName": "Мальчик^Имя", "PatientSex": "M", "PatientBirthDate": "20170901"}
BOY |= {"SpecificCharacterSet": "ISO_IR 192", "PhotometricInterpretation": "MONOCHROME1"}


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Ask the archive more often than is polite."""
    from boneage import delivery
    from monailabel_app import archive_list

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_list, "REFRESH_SECONDS", 0.3)
        patch.setattr(delivery, "FIRST_PAUSE_SECONDS", 0.3)
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Run an Orthanc that has a girl's CR, a boy's DX and a CT."""
    with an_orthanc(tmp_path_factory.mktemp("orthanc")) as orthanc:
        girl = a_radiograph_dataset(picture("14717.png"), "CR", **GIRL)
        boy = a_radiograph_dataset(picture("5627.jpg"), "DX", **BOY)
        ct = a_radiograph_dataset(picture("5627.jpg"), "CT", **BOY)
        for dataset in (girl, boy, ct):
            orthanc.upload(dataset)
        orthanc.girl, orthanc.boy, orthanc.ct = girl, boy, ct
        yield orthanc


@pytest.fixture(scope="module")
def client(archive, tmp_path_factory):
    """Serve the archive."""
    from monailabel.config import settings
    from monailabel.interfaces.utils.app import app_instance, clear_cache
    from starlette.testclient import TestClient

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BONEAGE_ARCHIVE_USER", USER)
        patch.setenv("BONEAGE_ARCHIVE_PASSWORD", PASSWORD)
        for name, value in own_places(home).items():
            patch.setenv(name, value)
        patch.delenv("BONEAGE_TOKEN", raising=False)
        patch.setattr(settings, "MONAI_LABEL_APP_DIR", str(ROOT / "monailabel_app"))
        patch.setattr(settings, "MONAI_LABEL_STUDIES", archive.url)
        patch.setattr(settings, "MONAI_LABEL_APP_CONF", {})
        patch.setattr(settings, "MONAI_LABEL_SESSIONS", False)
        patch.setattr(settings, "MONAI_LABEL_AUTO_UPDATE_SCORING", False)
        from monailabel_app.server import create_app

        with TestClient(create_app(), raise_server_exceptions=False) as client:
            client.home = home
            yield client
            app_instance().datastore().close()
        clear_cache()


@pytest.fixture
def infer(client):
    def ask(model, image_id, **params):
        address = f"/infer/{model}?image={image_id}&output=json"
        return client.post(address, data={"params": json.dumps(params)}).json()

    return ask


@pytest.fixture
def correct(client):
    def send(image_id, mask=b"", tag="final", **params):
        files = {"label": ("tmp.nrrd" if mask else "none.json", mask)}
        return client.put(
            f"/datastore/label?image={image_id}&tag={tag}", data={"params": json.dumps(params)}, files=files
        )

    return send


def a_mask(dataset):
    """Return (rows, columns) bool that no flip, turn or transposition leaves as it is."""
    mask = np.zeros((dataset.Rows, dataset.Columns), bool)
    mask[40:90, 30:200] = mask[90:300, 30:70] = True
    mask[350, 100] = True
    return mask


def masks(client):
    return client.get("/info/").json()["datastore"]["archive"]["masks"]


def test_cr_and_dx_are_listed_and_a_ct_is_not(client, archive):
    listed = client.get("/datastore/?output=all").json()["objects"]
    assert set(listed) == {archive.girl.SOPInstanceUID, archive.boy.SOPInstanceUID}
    assert client.get("/info/").json()["datastore"]["archive"]["reachable"]


def test_sex_and_age_come_from_the_archives_own_file(infer, archive):
    girl = infer("bone_age", archive.girl.SOPInstanceUID)
    boy = infer("bone_age", archive.boy.SOPInstanceUID)
    assert (girl["sex_source"], boy["sex_source"]) == ("DICOM", "DICOM")
    assert girl["chronological_age_months"] == pytest.approx(126, abs=0.2)
    assert boy["chronological_age_months"] == pytest.approx(72, abs=0.2)
    assert [girl["estimates"][0]["sex"], boy["estimates"][0]["sex"]] == ["female", "male"]
    assert abs(girl["estimates"][0]["bone_age_months"] - 132) < 25
    assert abs(boy["estimates"][0]["bone_age_months"] - 72) < 15  # stored as MONOCHROME1
    assert not any("invert" in warning for warning in boy["warnings"])


def test_the_original_file_is_handed_out_and_kept_privately(client, archive):
    response = client.get(f"/datastore/image?image={archive.girl.SOPInstanceUID}")
    dataset = pydicom.dcmread(io.BytesIO(response.content))
    assert dataset.PixelData == archive.girl.PixelData and dataset.PatientBirthDate == "20130301"
    [folder] = (client.home / "cache" / "archives").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not any(archive.girl.SOPInstanceUID in path.name for path in folder.iterdir())


def test_an_experts_mask_comes_back_as_seg_over_the_same_pixels(client, correct, archive, tmp_path):
    for dataset, reader in ((archive.girl, "R1"), (archive.boy, "Врач")):
        mask = a_mask(dataset)
        based_on = {"hand_segmenter": "0.1.0"} if reader == "R1" else {}
        answer = correct(dataset.SOPInstanceUID, as_nrrd(mask, tmp_path), reader=reader, based_on=based_on)
        assert answer.status_code == 200, answer.text
        [found] = until(lambda uid=dataset.StudyInstanceUID: archive.segmentations(uid))
        assert (found.PatientID, str(found.PatientName)) == (dataset.PatientID, str(dataset.PatientName))
        assert (found.PatientBirthDate, found.PatientSex) == (dataset.PatientBirthDate, dataset.PatientSex)
        assert reader in str(found.ContentCreatorName)
        kind = "SEMIAUTOMATIC" if based_on else "MANUAL"
        assert found.SegmentSequence[0].SegmentAlgorithmType == kind
        read = highdicom.seg.Segmentation.from_dataset(found)
        [pixels] = read.get_pixels_by_source_instance([dataset.SOPInstanceUID], combine_segments=True)
        assert np.array_equal(pixels.astype(bool), mask)
    until(lambda: masks(client)["sent"] == 2)


def test_the_models_mask_lies_over_the_hand_and_can_be_sent_back_as_it_is(client, correct, archive, tmp_path):
    from test_app import parts_of

    uid = archive.boy.SOPInstanceUID
    response = client.post(f"/infer/hand_segmenter?image={uid}", data={"params": "{}"})
    nrrd = parts_of(response)["image"]
    before = len(archive.segmentations(archive.boy.StudyInstanceUID))
    assert correct(uid, nrrd, reader="R2").status_code == 200
    until(lambda: len(archive.segmentations(archive.boy.StudyInstanceUID)) == before + 1)
    newest = next(s for s in archive.segmentations(archive.boy.StudyInstanceUID) if "R2" in str(s.ContentCreatorName))
    hand = newest.pixel_array.astype(bool)
    shown = 255 - archive.boy.pixel_array  # bone bright
    assert hand.sum() > 20_000 and shown[hand].mean() > 2 * shown[~hand].mean()


def test_the_same_correction_sent_again_gives_one_seg(client, correct, archive, tmp_path):
    before = len(archive.segmentations(archive.girl.StudyInstanceUID))
    nrrd, id = as_nrrd(a_mask(archive.girl), tmp_path), "0" * 31 + "1"
    for _ in range(3):
        assert correct(archive.girl.SOPInstanceUID, nrrd, reader="R3", submission_id=id).json()["label"] == id
    until(lambda: masks(client)["waiting"] == 0)
    assert len(archive.segmentations(archive.girl.StudyInstanceUID)) == before + 1


def test_drafts_and_corrections_without_a_mask_stay_here(client, correct, archive, tmp_path):
    before = masks(client)
    nrrd = as_nrrd(a_mask(archive.girl), tmp_path)
    assert correct(archive.girl.SOPInstanceUID, nrrd, tag="draft", reader="R4").status_code == 200
    assert correct(archive.girl.SOPInstanceUID, reader="R4", bone_age_months=120).status_code == 200
    assert masks(client) == before


def test_an_archive_that_is_away_costs_no_correction_and_no_list(client, infer, correct, archive, tmp_path):
    girl, boy = archive.girl, archive.boy
    path_is_cached = client.get(f"/datastore/image?image={girl.SOPInstanceUID}").status_code == 200
    assert path_is_cached
    before = len(archive.segmentations(girl.StudyInstanceUID))
    archive.stop(kill=True)
    try:
        answer = correct(girl.SOPInstanceUID, as_nrrd(a_mask(girl), tmp_path), reader="R5")
        assert answer.status_code == 200, answer.text
        until(lambda: not client.get("/info/").json()["datastore"]["archive"]["reachable"])
        start = time.perf_counter()
        info = client.get("/info/").json()
        assert time.perf_counter() - start < 1
        assert info["datastore"]["total"] == 2 and info["datastore"]["archive"]["masks"]["waiting"] == 1
        assert infer("bone_age", girl.SOPInstanceUID)["estimates"]
        away = infer("bone_age", "1.2.3.4")
        assert away["error"]["kind"] == "archive_unreachable"
        jsonschema.validate(away, info["schemas"]["infer"])
        assert client.get("/datastore/image?image=1.2.3.4").status_code == 502
        assert correct(boy.SOPInstanceUID, reader="R5", bone_age_months=70).status_code == 200
    finally:
        archive.start()
    until(lambda: masks(client)["waiting"] == 0)
    assert len(archive.segmentations(girl.StudyInstanceUID)) == before + 1


def test_a_mask_goes_to_the_patient_whom_the_archive_names_now(client, correct, archive, tmp_path):
    wrong = a_radiograph_dataset(picture("5627.jpg"), **BOY)
    archive.upload(wrong)
    assert client.get(f"/datastore/image?image={wrong.SOPInstanceUID}").status_code == 200
    archive.delete(wrong)
    wrong.PatientID, wrong.PatientBirthDate = "P-RIGHT", "20160101"
    archive.upload(wrong)
    nrrd = as_nrrd(a_mask(wrong), tmp_path)
    assert correct(wrong.SOPInstanceUID, nrrd, reader="R7").status_code == 200
    [found] = until(lambda: archive.segmentations(wrong.StudyInstanceUID))
    assert (found.PatientID, found.PatientBirthDate) == ("P-RIGHT", "20160101")
    archive.delete(wrong)


def test_a_compressed_radiograph_is_fetched_as_it_is(client, infer, archive):
    small = a_radiograph_dataset(picture("5627.jpg"), "DX", **BOY)
    small.compress(RLELossless)
    archive.upload(small)
    assert infer("hand_detector", small.SOPInstanceUID)["hand"]
    content = client.get(f"/datastore/image?image={small.SOPInstanceUID}").content
    fetched = pydicom.dcmread(io.BytesIO(content))
    assert fetched.file_meta.TransferSyntaxUID == RLELossless and fetched.PixelData == small.PixelData
    archive.delete(small)


def test_unknown_ids_are_refused(client, infer, correct):
    for unknown in ("1.2.3.4", "nobody", "1..2"):
        assert infer("bone_age", unknown)["error"]["kind"] == "unknown_image"
        assert correct(unknown, reader="R", bone_age_months=9).status_code == 404


def test_a_new_radiograph_of_the_archive_is_found_and_a_deleted_one_is_gone(client, infer, archive):
    new = a_radiograph_dataset(picture("5627.jpg"), "CR", **BOY)
    archive.upload(new)
    assert infer("hand_detector", new.SOPInstanceUID)["hand"]  # before any list was asked for
    until(lambda: new.SOPInstanceUID in client.get("/datastore/?output=all").json()["objects"])
    archive.delete(new)
    until(lambda: new.SOPInstanceUID not in client.get("/datastore/?output=all").json()["objects"])
    assert infer("hand_detector", new.SOPInstanceUID)["error"]["kind"] == "unknown_image"


def test_a_dicom_radiograph_is_uploaded_into_the_archive_and_nothing_else_is(client, archive):
    def upload(content, name):
        return client.put("/datastore/image?image=new", files={"file": (name, content)})

    new = a_radiograph_dataset(picture("5627.jpg"), "DX", **BOY)
    file = io.BytesIO()
    pydicom.dcmwrite(file, new, write_like_original=False)
    for _ in range(2):
        response = upload(file.getvalue(), "x.dcm")
        assert response.status_code == 200 and response.json()["image"] == new.SOPInstanceUID
    assert new.SOPInstanceUID in client.get("/datastore/?output=all").json()["objects"]
    study, new.StudyInstanceUID = new.StudyInstanceUID, generate_uid()
    other = io.BytesIO()
    pydicom.dcmwrite(other, new, write_like_original=False)
    assert "another image" in upload(other.getvalue(), "x.dcm").json()["error"]["message"]
    png = (DATA / "14717.png").read_bytes()
    assert "Expected a DICOM file" in upload(png, "x.png").json()["error"]["message"]
    new.StudyInstanceUID = study
    archive.delete(new)


def test_scoring_and_strategies_work_on_the_archive(client, archive):
    until(lambda: len(client.get("/datastore/?output=all").json()["objects"]) == 2)
    assert client.post("/scoring/bone_age?run_sync=true", json={}).json() == {"scored": 2, "failed": 0}
    assert client.get("/info/").json()["work_list"]["scored"] == 2
    offered = client.post("/activelearning/reopen", json={"image": archive.girl.SOPInstanceUID, "reader": "R"}).json()
    assert read_radiograph(offered["path"]).identity.sop_instance_uid == archive.girl.SOPInstanceUID


def test_masks_that_the_archive_silently_throws_away_are_reported_and_sent_after_its_repair(tmp_path, monkeypatch):
    from boneage import delivery
    from monailabel_app import archive_outbox
    from monailabel_app.archive import ArchiveStudies

    monkeypatch.setattr(delivery, "LONGEST_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(archive_outbox, "MOST_REFUSALS", 3)
    monkeypatch.setenv("BONEAGE_ARCHIVE_USER", USER)
    monkeypatch.setenv("BONEAGE_ARCHIVE_PASSWORD", PASSWORD)
    (tmp_path / "filter.lua").write_text("function ReceivedInstanceFilter(dicom) return dicom.Modality ~= 'SEG' end")

    def studies():
        return ArchiveStudies(
            Archive(orthanc.url), CorrectionStore.in_folder(tmp_path), tmp_path / "cache", 1 << 30, True
        )

    with an_orthanc(tmp_path / "orthanc", LuaScripts=[str(tmp_path / "filter.lua")]) as orthanc:
        boy = a_radiograph_dataset(picture("5627.jpg"), "CR", **BOY)
        orthanc.upload(boy)
        first = studies()
        (tmp_path / "mask.nrrd").write_bytes(as_nrrd(a_mask(boy), tmp_path))
        first.save_label(boy.SOPInstanceUID, str(tmp_path / "mask.nrrd"), "final", {"reader": "R1"})
        until(lambda: first.status()["archive"]["masks"]["refused"] == 1)
        [reason] = first.status()["archive"]["masks"]["reasons"]
        assert "does not have it" in reason["reason"] and reason["masks"] == 1
        assert boy.SOPInstanceUID not in str(first.status())
        first.close()
        orthanc.stop()
        orthanc.configure()
        orthanc.start()
        second = studies()
        until(lambda: second.status()["archive"]["masks"]["sent"] == 1)
        assert len(orthanc.segmentations(boy.StudyInstanceUID)) == 1
        second.close()
