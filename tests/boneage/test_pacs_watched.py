"""`boneage pacs` as a process beside a real Orthanc, killed on the way: every result there, once, and nobody named."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from dicom_radiographs import a_radiograph_dataset, picture
from orthanc import PASSWORD, USER, an_orthanc, free_port, until
from pynetdicom import AE

from boneage.cli import main
from boneage.pacs_state import PacsState, State

ROOT = Path(__file__).parents[2]
NAMES = ("Made^Up", "P-1", "20130301")


@contextmanager
def watching(folder, *options):
    """Run the watcher until it says that it is ready; SIGTERM at the end."""
    command = [sys.executable, "-m", "boneage.cli", "pacs", "--state", str(folder / "pacs.sqlite"), "--threads", "1"]
    environment = os.environ | {"BONEAGE_ARCHIVE_USER": USER, "BONEAGE_ARCHIVE_PASSWORD": PASSWORD}
    log = folder / "log"
    before = log.read_text().count("Ready") if log.exists() else 0
    with log.open("ab") as file:
        process = subprocess.Popen([*command, *options], env=environment, cwd=ROOT, stdout=file, stderr=file)
    try:
        until(lambda: process.poll() is not None or log.read_text().count("Ready") > before, 240)
        assert process.poll() is None, log.read_text()[-3000:]
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def send(port, *datasets):
    entity = AE(ae_title="MODALITY")
    entity.add_requested_context(datasets[0].SOPClassUID)
    association = entity.associate("127.0.0.1", port, ae_title="BONEAGE")
    assert association.is_established
    statuses = [association.send_c_store(dataset).Status for dataset in datasets]
    association.release()
    return statuses


def became(folder):
    return [item.state for item in PacsState(folder / "pacs.sqlite").items()]


def hands(number, **tags):
    return [a_radiograph_dataset(picture("5627.jpg"), PatientID=f"P-1{one}", **tags) for one in range(number)]


@pytest.mark.slow
def test_every_study_gets_its_results_once_though_orthanc_and_watcher_are_killed(tmp_path):
    port = free_port()
    polled, sent = hands(3), hands(4)
    with an_orthanc(tmp_path / "orthanc") as orthanc:
        for dataset in polled:
            orthanc.upload(dataset)
        options = ["--archive", orthanc.url, "--every", "1", "--since", "2000-01-01", "--kinds", "seg"]
        options += ["--listen", f"BONEAGE@127.0.0.1:{port}", "--allow", "MODALITY"]
        with watching(tmp_path, *options) as process:
            assert send(port, *sent[:3], sent[0]) == [0, 0, 0, 0]
            until(lambda: State.SENT in became(tmp_path), 120)
            process.kill()
            process.wait(30)
        orthanc.stop(kill=True)
        with watching(tmp_path, *options) as process:  # while the archive is away
            assert send(port, sent[3]) == [0]
            until(lambda: State.ASSESSED in became(tmp_path), 120)
            process.kill()
            process.wait(30)
        with watching(tmp_path, *options):
            orthanc.start()
            until(lambda: became(tmp_path) == [State.SENT] * 7, 240)
            assert send(port, *sent) == [0, 0, 0, 0]
            time.sleep(3)
        found = [orthanc.modalities(dataset.StudyInstanceUID)["SEG"] for dataset in (*polled, *sent)]
    assert found == [1] * 7
    assert list((tmp_path / "pacs.files").iterdir()) == []
    written = (tmp_path / "log").read_text()
    assert not [name for name in (*NAMES, PASSWORD, polled[0].StudyInstanceUID) if name in written]


@pytest.mark.slow
def test_what_is_no_hand_or_says_no_sex_is_listed_with_its_reason(tmp_path, capsys):
    port, pacs_port = free_port(), free_port()
    [fine, of_no_sex, chest, broken] = hands(4)
    of_no_sex.PatientSex, chest.BodyPartExamined = "O", "CHEST"
    broken.PixelData = broken.PixelData[:1000]
    settings = {"DicomServerEnabled": True, "DicomAet": "PACS", "DicomPort": pacs_port, "DicomAlwaysAllowFind": True}
    with an_orthanc(tmp_path / "orthanc", **settings) as orthanc:
        options = ["--listen", f"BONEAGE@127.0.0.1:{port}", "--send-to", f"PACS@127.0.0.1:{pacs_port}"]
        with watching(tmp_path, *options, "--kinds", "seg") as process:
            assert send(port, fine, of_no_sex, chest, broken) == [0, 0, 0, 0]
            wanted = [State.SENT, State.NEEDS_HUMAN, State.LEFT_ALONE, State.FAILED]
            until(lambda: became(tmp_path) == wanted, 120)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        assert orthanc.modalities(fine.StudyInstanceUID) == {"SEG": 1}
        assert not orthanc.modalities(of_no_sex.StudyInstanceUID)
    assert main(["pacs", "--state", str(tmp_path / "pacs.sqlite"), "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["state"] for row in rows] == ["sent", "needs a human", "left alone", "failed"]
    assert "sex" in rows[1]["reason"] and "CHEST" in rows[2]["reason"] and rows[3]["reason"]
    assert not [name for name in NAMES if name in json.dumps(rows)]


@pytest.mark.slow
def test_an_archive_that_throws_results_away_is_not_believed(tmp_path):
    script = tmp_path / "filter.lua"
    script.write_text('function ReceivedInstanceFilter(dicom, origin, info) return dicom["Modality"] ~= "SEG" end')
    [hand] = hands(1)
    with an_orthanc(tmp_path / "orthanc", LuaScripts=[str(script)]) as orthanc:
        orthanc.upload(hand)
        options = ["--archive", orthanc.url, "--every", "1", "--since", "2000-01-01", "--kinds", "seg"]
        with watching(tmp_path, *options):
            until(lambda: [item.reason for item in PacsState(tmp_path / "pacs.sqlite").items() if item.reason], 120)
            assert became(tmp_path) == [State.ASSESSED]
            orthanc.stop()
            orthanc.configure()  # without the filter
            orthanc.start()
            until(lambda: became(tmp_path) == [State.SENT], 120)
        assert orthanc.modalities(hand.StudyInstanceUID) == {"CR": 1, "SEG": 1}


@pytest.mark.slow
def test_the_documented_orthanc_sends_what_arrives_and_takes_the_results(tmp_path):
    port, pacs_port = free_port(), free_port()
    text = (ROOT / "docs" / "pacs.md").read_text().replace("11112", str(port)).replace("4242", str(pacs_port))
    text = text.replace("/etc/orthanc", str(tmp_path))
    settings, script = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("json", "lua"))
    (tmp_path / "boneage.lua").write_text(script)
    [options] = re.findall(r"\(`boneage pacs (--listen.*?)`\)", text)
    [hand] = hands(1)
    with (
        watching(tmp_path, *options.split(), "--kinds", "sr,seg"),
        an_orthanc(tmp_path / "orthanc", **json.loads(settings)) as orthanc,
    ):
        orthanc.upload(hand)
        until(lambda: became(tmp_path) == [State.SENT], 120)
        assert orthanc.modalities(hand.StudyInstanceUID) == {"CR": 1, "SR": 1, "SEG": 1}


# The door


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "where radiographs come from"),
        (["--listen", "BONEAGE@127.0.0.1:11112"], "where results go"),
        (["--listen", "BONEAGE@0.0.0.0:11112", "--send-to", "PACS@127.0.0.1:104"], "--allow"),
        (["--listen", "BONEAGE"], "AE@HOST:PORT"),
        (["--archive", "http://reader:geheim@127.0.0.1:1/dicom-web"], "BONEAGE_ARCHIVE_PASSWORD"),
        (["--archive", "http://127.0.0.1:1", "--kinds", "sr,pdf"], "sr, seg, sc"),
        (["--list"], "no state"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path, capsys, options, said):
    assert main(["pacs", "--state", str(tmp_path / "pacs.sqlite"), *options]) == 2
    shown = capsys.readouterr().err
    assert said in shown and "geheim" not in shown


def test_half_of_tls_is_refused(tmp_path, capsys):
    (tmp_path / "cert.pem").touch()
    options = ["--archive", "http://127.0.0.1:1", "--tls-certificate", str(tmp_path / "cert.pem")]
    assert main(["pacs", *options]) == 2
    assert "both" in capsys.readouterr().err


def test_a_port_that_is_taken_ends_it_with_a_sentence(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        here = f"BONEAGE@127.0.0.1:{other.getsockname()[1]}"
        options = ["--listen", here, "--send-to", "PACS@127.0.0.1:104", "--state", str(tmp_path / "pacs.sqlite")]
        assert main(["pacs", *options]) == 2
    assert "Cannot listen" in capsys.readouterr().err
