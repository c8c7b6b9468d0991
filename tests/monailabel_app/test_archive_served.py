"""`boneage serve` and MONAI Label's own launcher on a real Orthanc, as processes that are killed."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import requests
from dicom_radiographs import DATA, a_radiograph_dataset, as_nrrd, picture
from orthanc import PASSWORD, USER, an_orthanc, free_port, own_places, until

from boneage.cli import main

ROOT = DATA.parents[1]


@pytest.mark.parametrize("answers", [False, True])
def test_an_address_that_is_no_archive_is_a_clear_error(capsys, answers, tmp_path):
    port = free_port()
    server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), str(port)]
    process = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if answers else None
    try:
        if process:
            until(lambda: answers_at(f"http://127.0.0.1:{port}/"))
        assert main(["serve", "--studies", f"http://127.0.0.1:{port}/dicom-web"]) == 2
    finally:
        if process:
            process.terminate()
            process.wait(10)
    assert ("not DICOMweb" if answers else "cannot be reached") in capsys.readouterr().err


def test_a_password_in_the_address_is_refused_and_not_shown(capsys):
    assert main(["serve", "--studies", "http://reader:geheim@127.0.0.1:1/dicom-web"]) == 2
    shown = capsys.readouterr()
    assert "BONEAGE_ARCHIVE_PASSWORD" in shown.err and "geheim" not in shown.err + shown.out


def answers_at(url):
    try:
        return requests.get(url, timeout=10).ok
    except requests.ConnectionError:
        return False


@contextlib.contextmanager
def serving(command, port, home, log):
    """Run a server until it answers, and stop it by SIGTERM at the end."""
    environment = os.environ | own_places(home) | {"BONEAGE_ARCHIVE_USER": USER, "BONEAGE_ARCHIVE_PASSWORD": PASSWORD}
    environment["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment.pop("BONEAGE_TOKEN", None)
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or answers_at(f"{address}/info/"), 240)
        assert process.poll() is None, log.read_text()[-3000:]
        yield process, address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def info(address):
    return requests.get(f"{address}/info/", timeout=30).json()


@pytest.mark.slow
def test_a_mask_survives_that_archive_and_server_are_killed_and_reaches_the_archive_once(tmp_path):
    port, log = free_port(), tmp_path / "log"
    with an_orthanc(tmp_path / "orthanc") as orthanc:
        girl = a_radiograph_dataset(picture("5627.jpg"))
        orthanc.upload(girl)
        command = [shutil.which("boneage", path=os.path.dirname(sys.executable)), "serve", "--port", str(port)]
        command += ["--studies", f"{orthanc.url}/"]
        mask = np.zeros(picture("5627.jpg").shape, bool)
        mask[50:90, 20:300] = True
        with serving(command, port, tmp_path, log) as (process, address):
            until(lambda: info(address)["work_list"]["scored"] == 1, 240)  # in a process of its own
            orthanc.stop(kill=True)
            sent = requests.put(
                f"{address}/datastore/label?image={girl.SOPInstanceUID}&tag=final",
                data={"params": '{"reader": "R1"}'},
                files={"label": ("tmp.nrrd", as_nrrd(mask, tmp_path))},
                timeout=60,
            )
            assert sent.status_code == 200, sent.text
            process.kill()
            process.wait(30)
        with serving(command, port, tmp_path, log) as (_, address):  # the archive was known before
            assert info(address)["datastore"]["total"] == 1
            assert info(address)["datastore"]["archive"]["masks"]["waiting"] == 1
            orthanc.start()
            [segmentation] = until(lambda: orthanc.segmentations(girl.StudyInstanceUID), 120)
            until(lambda: info(address)["datastore"]["archive"]["masks"]["sent"] == 1)
            time.sleep(1)
            assert len(orthanc.segmentations(girl.StudyInstanceUID)) == 1
        assert np.array_equal(segmentation.pixel_array.astype(bool), mask)
    written = log.read_text()
    assert "Scored 1 of 1" in written
    for secret in (PASSWORD, girl.SOPInstanceUID, girl.StudyInstanceUID, girl.PatientBirthDate, "Made^Up"):
        assert secret not in written


@pytest.mark.slow
def test_monai_labels_own_launcher_serves_an_archive(tmp_path):
    port = free_port()
    made = [ROOT / "monailabel_app" / name for name in ("model", "lib", "logs", "bin")]
    before = [path for path in made if path.exists()]
    with an_orthanc(tmp_path / "orthanc") as orthanc:
        boy = a_radiograph_dataset(picture("5627.jpg"), "DX", PatientSex="M")
        orthanc.upload(boy)
        command = ["monailabel", "start_server", "--app", "monailabel_app", "--studies", orthanc.url]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        program = shutil.which("monailabel", path=os.path.dirname(sys.executable))
        try:
            with serving([program, *command[1:]], port, tmp_path, tmp_path / "log") as (_, address):
                listed = requests.get(f"{address}/datastore/?output=all", timeout=30).json()["objects"]
                assert list(listed) == [boy.SOPInstanceUID]
                url = f"{address}/infer/bone_age?image={boy.SOPInstanceUID}&output=json"
                answer = requests.post(url, data={"params": "{}"}, timeout=120).json()
                assert answer["estimates"][0]["sex"] == "male" and answer["sex_source"] == "DICOM"
        finally:
            for path in made:
                if path not in before:
                    shutil.rmtree(path, ignore_errors=True)
    assert PASSWORD not in (tmp_path / "log").read_text()
