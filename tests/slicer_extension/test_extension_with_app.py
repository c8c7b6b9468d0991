"""The extension against the app's real server and models: files of every kind, corrections, work list, identity."""

import hashlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from app_server import AppServer
from PIL import Image
from radiographs import AS_PNG, DATA, DicomDatabase, a_dicom, a_volume, grey_of
from slice_view import slicer_scene

from BoneAgeLib import findings, volumes
from BoneAgeLib.client import Client
from BoneAgeLib.contract import Outgoing, Submission
from BoneAgeLib.corrections import ExpertInput, submission
from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.geometry import Geometry
from BoneAgeLib.logic import BoneAgeLogic
from BoneAgeLib.outbox import Outbox
from BoneAgeLib.pictures import nrrd_of, pixels_sha256
from BoneAgeLib.transport import ServerSettings

TURN = np.deg2rad(15)
ROTATED = np.array(
    [[-0.3 * np.cos(TURN), 0.3 * np.sin(TURN), 0, 7], [-0.3 * np.sin(TURN), -0.3 * np.cos(TURN), 0, -9], [0, 0, 1, 4],
     [0, 0, 0, 1]]
)  # fmt: skip
QUARTER = np.array([[0, -0.3, 0, 1], [0.3, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]], float)
FLIPPED = np.diag([0.3, 0.3, 1.0, 1.0])


def an_nrrd(pixels, matrix):
    geometry = Geometry((pixels.shape[1], pixels.shape[0], 1), tuple(map(tuple, np.asarray(matrix, float).tolist())))
    return nrrd_of(pixels[None], geometry)


def a_turned_jpeg(pixels):
    """Return a JPEG that lies on its side and says so."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels)).save(file, "JPEG", exif=exif, quality=95)
    return file.getvalue()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Serve radiographs of every kind, all of one boy's hand but for the girl's."""
    folder = tmp_path_factory.mktemp("app") / "studies"
    (folder / "more").mkdir(parents=True)
    boy = grey_of("5627.jpg")
    files = {
        "girl.png": (DATA / "14717.png").read_bytes(),
        "more/boy.jpg": (DATA / "5627.jpg").read_bytes(),
        "dicom.dcm": a_dicom(boy, PatientSex="M", PatientBirthDate="20140101", StudyDate="20200102"),
        "rotated.nrrd": an_nrrd(boy, ROTATED),
        "flipped.nrrd": an_nrrd(np.ascontiguousarray(boy[::-1, ::-1]), FLIPPED),
        "quarter.nrrd": an_nrrd(np.ascontiguousarray(np.rot90(boy, -1)), QUARTER),
        "side.jpg": a_turned_jpeg(boy),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    served = AppServer(folder, "a token of the tests").start()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def client(server):
    return Client(ServerSettings(server.address, server.token))


@pytest.fixture(scope="module")
def ids(client):
    return {item.image_id.rsplit("-", 1)[0]: item.image_id for item in client.work_list()}


@pytest.fixture
def app():
    return slicer_scene()


@pytest.fixture
def logic(app):
    return BoneAgeLogic(app.scene)


def opened(logic, client, image_id, sex="male"):
    """Return the volume of a work list case with its finding shown, and the answer."""
    volume = logic.load_downloaded(client.download_image(image_id), image_id, client.address)
    assessed = client.assess(image_id, sex)
    logic.show(volume, assessed, client.address)
    return volume, assessed


def flips_of(hand):
    return hand[:, ::-1], hand[::-1], hand[::-1, ::-1]


def fits(picture, hand):
    """Say whether an outline lies on the hand: it covers what is bright, and better than if it were flipped."""
    as_it_is, *flipped = (np.corrcoef(picture.ravel(), one.ravel())[0, 1] for one in (hand, *flips_of(hand)))
    return as_it_is > 0.6 and as_it_is > max(flipped) + 0.1


def test_the_server_is_one_for_bone_age_of_the_same_version(client):
    info = client.info()
    assert {"bone_age", "bone_age_regressor"} <= set(info.models) and info.bone_age_limits == (0, 228)
    assert client.train_status() is None


def test_a_wrong_token_is_told_from_a_wrong_address(server):
    for token in ("wrong", ""):
        with pytest.raises(ClientError) as caught:
            Client(ServerSettings(server.address, token)).info()
        assert caught.value.kind == ErrorKind.NO_ACCESS and "set it anew" in str(caught.value)
    with pytest.raises(ClientError) as caught:
        Client(ServerSettings(server.address + "/elsewhere", server.token)).info()
    assert caught.value.kind == ErrorKind.NOT_BONE_AGE and "Check the address" in str(caught.value)


@pytest.mark.parametrize("name", ["girl", "boy", "dicom", "rotated", "flipped", "quarter", "side"])
def test_box_and_outline_fit_the_hand_and_a_drawn_one_comes_back_on_the_same_pixels(logic, app, client, ids, name):
    volume, assessed = opened(logic, client, ids[name], "female" if name == "girl" else "male")
    assessment, grid = assessed.assessment, volumes.grid_of_volume(volume)
    hand, picture = logic.mask(volume), grid.picture_of(volumes.voxels_of(volume)).astype(float)
    box = logic.hand_box(volume)
    assert all(abs(box.as_json()[side] - value) < 0.01 for side, value in assessment.hand.box.as_json().items())
    assert hand.sum() == assessment.hand.outline.area_px and hand.shape == (assessment.rows, assessment.columns)
    assert fits(picture, hand)
    columns = [round(value) for value in (box.left, box.right)]
    fingers = hand[round(box.top) : round(box.bottom), slice(*columns)]
    assert fingers.sum() > 0.97 * hand[: round(box.bottom)].sum()
    tip, wrist = assessment.hand.pose.middle_tip, assessment.hand.pose.capitate
    assert hand[round(wrist[1]), round(wrist[0])] and tip[1] < wrist[1]

    drawn = hand.copy()
    drawn[: drawn.shape[0] // 3, : drawn.shape[1] // 2] = False
    drawn[5:9, 3:40] = True
    findings.show_outline(app.scene, volume, grid.voxels_of(drawn))
    sent = submission(logic.changes(volume, ExpertInput("R1", 75, "male")), client.address, ids[name], assessment)
    kept = client.submit(sent)
    logic.show_readings(volume, client.reopen(ids[name], "R1").readings, {kept: client.download_mask(kept)})
    reading = findings.found(app.scene, volume, findings.READINGS)
    assert kept == sent.id
    assert np.array_equal(grid.picture_of(findings.outline_of(reading, volume, kept)), drawn)


def test_one_hand_in_seven_files_gets_one_age(client, ids):
    ages = [client.assess(ids[name], "male").assessment.estimates[0].bone_age_months
            for name in ("boy", "dicom", "rotated", "flipped", "quarter", "side")]  # fmt: skip
    assert max(ages) - min(ages) < 3 and abs(ages[0] - 72) < 15


def test_of_dicom_the_server_knows_sex_and_age_and_says_where_from(client, ids):
    assessment = client.assess(ids["dicom"]).assessment
    assert (assessment.sex, assessment.sex_source, assessment.chronological_age_source) == ("male", "DICOM", "DICOM")
    assert assessment.chronological_age_months == pytest.approx(72, abs=0.1)
    assert assessment.estimates[0].sds is not None


def test_an_unknown_sex_is_asked_for(client, ids):
    with pytest.raises(ClientError) as caught:
        client.assess(ids["girl"])
    assert caught.value.server_kind == "unknown_sex"
    assert [one.sex for one in client.assess(ids["girl"], "both").assessment.estimates] == ["female", "male"]


def test_a_moved_box_and_an_edited_outline_give_a_new_age(logic, app, client, ids):
    volume, first = opened(logic, client, ids["girl"], "female")
    box = replace(first.assessment.hand.box, left=first.assessment.hand.box.left + 60)
    moved = client.update_age(ids["girl"], "female", hand_box=box).assessment
    assert moved.hand.box.left == pytest.approx(box.left) and moved.task == "bone_age_regressor"
    half = logic.mask(volume)
    half[:, : half.shape[1] // 2] = False
    findings.show_outline(app.scene, volume, volumes.grid_of_volume(volume).voxels_of(half))
    edited = client.update_age(ids["girl"], "female", mask_nrrd=logic.mask_nrrd(volume)).assessment
    assert edited.hand.outline.area_px == half.sum()
    assert edited.estimates[0].bone_age_months != first.assessment.estimates[0].bone_age_months
    wrong = nrrd_of(np.ones((1, 5, 6), np.uint8), Geometry((6, 5, 1), tuple(map(tuple, AS_PNG.tolist()))))
    with pytest.raises(ClientError) as caught:
        client.update_age(ids["girl"], "female", mask_nrrd=wrong)
    assert caught.value.kind == ErrorKind.REFUSED and "6 x 5" in str(caught.value)


# Radiographs that the server lacks


@pytest.mark.parametrize("matrix", [AS_PNG, ROTATED, FLIPPED, QUARTER], ids=["png", "rotated", "flipped", "quarter"])
def test_a_shown_volume_is_sent_once_and_its_finding_fits(logic, app, client, matrix):
    boy = grey_of("5627.jpg")
    pixels = {id(FLIPPED): boy[::-1, ::-1], id(QUARTER): np.rot90(boy, -1)}.get(id(matrix), boy)
    volume = a_volume(app.scene, pixels[None], matrix, "Doe^Jane")
    before = len(client.work_list())
    image_id = client.ensure_image(logic.outgoing(volume))
    assert client.ensure_image(logic.outgoing(volume)) == image_id and len(client.work_list()) == before + 1
    logic.bind(volume, image_id, client.address)
    assessed = client.assess(image_id, "male", 75)
    logic.show(volume, assessed, client.address)
    grid, hand = volumes.grid_of_volume(volume), logic.mask(volume)
    assert (grid.rows, grid.columns) == boy.shape and hand.sum() == assessed.assessment.hand.outline.area_px
    assert np.array_equal(grid.picture_of(volumes.voxels_of(volume)), boy)
    assert fits(boy, hand)
    assert abs(assessed.assessment.estimates[0].bone_age_months - 72) < 15


def test_a_radiograph_of_the_dicom_module_keeps_its_identity(app, client, tmp_path):
    pixels = np.pad(grey_of("5627.jpg"), 3)
    (tmp_path / "a.dcm").write_bytes(a_dicom(pixels, SOPInstanceUID="1.2.3.99", PatientSex="O"))
    volume = a_volume(app.scene, pixels[None], np.diag([-0.4, -0.4, 1, 1]))
    volume.SetAttribute("DICOM.instanceUIDs", "1.2.3.99")
    logic = BoneAgeLogic(app.scene, DicomDatabase({"1.2.3.99": tmp_path / "a.dcm"}))
    outgoing = logic.outgoing(volume)
    image_id = client.ensure_image(outgoing)
    assert outgoing.sex is None
    logic.bind(volume, image_id, client.address)
    assessed = client.assess(image_id, "male", outgoing.chronological_age_months)
    logic.show(volume, assessed, client.address)
    assert assessed.assessment.pixel_spacing_mm == (0.4, 0.4)
    assert logic.mask(volume).sum() == assessed.assessment.hand.outline.area_px
    assert client.download_image(image_id).content == (tmp_path / "a.dcm").read_bytes()


def test_a_dicom_file_whose_header_was_edited_is_the_same_radiograph_and_one_with_other_pixels_is_not(client):
    pixels = np.pad(grey_of("5627.jpg"), 5)

    def outgoing(picture, **elements):
        content = a_dicom(picture, SOPInstanceUID="1.2.3.98", **elements)
        sent = an_outgoing(picture, content, "sha256-" + "d" * 64)
        return replace(sent, file_name=f"{sent.name}.dcm", from_dicom=True)

    image_id = client.ensure_image(outgoing(pixels))
    assert client.ensure_image(outgoing(pixels, PatientSex="M")) == image_id
    with pytest.raises(ClientError) as caught:
        client.ensure_image(outgoing(pixels[:, ::-1]))
    assert caught.value.kind == ErrorKind.WRONG_IMAGE


def an_outgoing(pixels, content, name):
    return Outgoing(name, f"{name}.nrrd", content, hashlib.sha256(content).hexdigest(), pixels_sha256(pixels[None]))


def test_the_same_pixels_from_another_slicer_are_recognised_and_other_pixels_under_the_name_are_not(client):
    pixels = np.pad(grey_of("5627.jpg"), 1)
    sent = an_outgoing(pixels, an_nrrd(pixels, AS_PNG), "sha256-" + "0" * 64)
    image_id = client.ensure_image(sent)
    assert client.ensure_image(an_outgoing(pixels, an_nrrd(pixels, AS_PNG) + b"\n", sent.name)) == image_id
    with pytest.raises(ClientError) as caught:
        client.ensure_image(an_outgoing(pixels[::-1], an_nrrd(pixels[::-1], AS_PNG), sent.name))
    assert caught.value.kind == ErrorKind.WRONG_IMAGE


def test_what_is_no_radiograph_is_refused_in_the_servers_words(client):
    blank = np.zeros((100, 100), np.uint8)
    with pytest.raises(ClientError) as caught:
        client.ensure_image(an_outgoing(blank, an_nrrd(blank, AS_PNG), "sha256-" + "b" * 64))
    assert caught.value.server_kind == "unreadable" and "blank" in str(caught.value) and caught.value.is_final


# Corrections and work list


def test_a_correction_goes_through_the_outbox_once_and_the_case_is_reopened_with_all_readings(
    logic, client, ids, tmp_path
):
    volume, assessed = opened(logic, client, ids["boy"])
    outbox = Outbox(tmp_path / "outbox")
    expert = ExpertInput("R7", 80, "male", comment="two lines\nof text")
    sent = submission(logic.changes(volume, expert), client.address, ids["boy"], assessed.assessment)
    outbox.put(sent)
    assert outbox.send_all(client).sent == (sent.id,)
    outbox.put(sent)  # as if Slicer had been killed before it heard the answer
    assert outbox.send_all(client).sent == (sent.id,) and outbox.waiting() == []
    rejected = submission(
        logic.changes(volume, ExpertInput("R8", rejected_because="too dark")), client.address, ids["boy"], None
    )
    client.submit(rejected)
    readings = {reading.id: reading for reading in client.reopen(ids["boy"], "R9").readings}
    mine = readings[sent.id]
    assert (mine.reader, mine.bone_age_months, mine.sex, mine.comment) == ("R7", 80, "male", "two lines\nof text")
    assert mine.based_on["bone_age_regressor"] == assessed.assessment.model_versions["bone_age_regressor"]
    assert [one.reader for one in readings.values()].count("R7") == 1
    assert readings[rejected.id].rejected_because == "too dark"
    [item] = [one for one in client.work_list() if one.image_id == ids["boy"]]
    assert item.state == "corrected" and {"R7", "R8"} <= set(item.corrected_by) and item.held_by == "R9"
    assert client.reopen(ids["boy"], "R10") is None


def test_what_the_server_refuses_is_set_aside_and_what_it_cannot_hear_waits(client, server, ids, tmp_path):
    outbox, settings = Outbox(tmp_path / "outbox"), ServerSettings(server.address, server.token)
    for number, age in enumerate((900, 90)):
        params = {"reader": "R1", "bone_age_months": age, "sex": "male"}
        made = submission_of(f"{number:032x}", client.address, ids["side"], params)
        outbox.put(made)
    away = Client(replace(settings, token="expired"))
    assert away.address == client.address
    report = outbox.send_all(away)
    assert report.error.kind == ErrorKind.NO_ACCESS and len(outbox.waiting()) == 2
    report = outbox.send_all(client)
    assert report.sent == (f"{1:032x}",) and "0 to 228" in report.set_aside[0].reason and report.error is None


def submission_of(id, server, image_id, params):
    return Submission(id, server, image_id, "final", params, None, "")


def test_two_readers_get_different_radiographs_and_an_unknown_one_is_said(client):
    offered = [client.next_case("first", reader) for reader in ("R20", "R21")]
    taken = [case.image_id for case in offered if case]
    assert len(set(taken)) == len(taken)
    with pytest.raises(ClientError) as caught:
        client.reopen("nobody-12345678", "R1")
    assert caught.value.server_kind == "unknown_image"


@pytest.mark.slow
def test_a_correction_that_waited_while_the_server_was_down_is_sent_by_the_next_slicer(server, ids, client, tmp_path):
    """The whole way: put, server stopped, Slicer killed, both started again."""
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from BoneAgeLib.client import Client, ServerSettings\n"
        "from BoneAgeLib.contract import Submission\n"
        "from BoneAgeLib.outbox import Outbox\n"
        "client = Client(ServerSettings(sys.argv[2], sys.argv[3]))\n"
        "params = {'reader': 'R30', 'bone_age_months': 66, 'sex': 'male'}\n"
        "outbox = Outbox(sys.argv[4])\n"
        "outbox.put(Submission('f' * 32, client.address, sys.argv[5], 'final', params, None, 'Reading'))\n"
        "assert outbox.send_all(client).error.kind == 'server away'\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    library = Path(volumes.__file__).parents[1]
    server.stop()
    arguments = [str(library), server.address, server.token, str(tmp_path / "outbox"), ids["quarter"]]
    killed = subprocess.run([sys.executable, "-c", script, *arguments], timeout=60, check=False)
    assert killed.returncode == -9
    server.start()
    assert Outbox(tmp_path / "outbox").send_all(client).sent == ("f" * 32,)
    assert "R30" in [reading.reader for reading in client.reopen(ids["quarter"], "R1").readings]


def test_the_check_of_the_fit_can_fail():
    hand = np.zeros((60, 60), bool)
    hand[5:50, 10:25] = hand[30:40, 25:50] = True
    picture = np.where(hand, 200.0, 10.0)
    assert fits(picture, hand)
    for moved in (*flips_of(hand), np.roll(hand, 12, 1)):
        assert not fits(picture, moved)
