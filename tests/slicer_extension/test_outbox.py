"""Corrections are on disk before they are sent, survive a kill, and go to no other server."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from BoneAgeLib.contract import Submission
from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.outbox import Outbox

ADDRESS = "http://127.0.0.1:8000"
LIBRARY = Path(__file__).parents[2] / "slicer_extension" / "BoneAge"


def a_submission(number=1, server=ADDRESS, mask=b"a mask", **params):
    params = {"reader": "R1", "bone_age_months": 100 + number, **params}
    return Submission(f"{number:032x}", server, f"image-{number}", "final", params, mask, f"Reading {number}")


class Server:
    """Stands in for a client: keeps what is sent, or fails as told."""

    def __init__(self, address=ADDRESS, failures=()):
        self.address, self.failures, self.got = address, dict(failures), []

    def submit(self, submission, cancel=None):
        if submission.id in self.failures:
            raise self.failures[submission.id]
        self.got.append(submission)
        return submission.id


AWAY = ClientError(ErrorKind.AWAY, "The server is not there.", "Check it.")
REFUSED = ClientError(ErrorKind.REFUSED, "Expected a mask of 10 x 10.", "Send it anew.", "invalid_input", 400)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def test_what_is_put_is_sent_in_order_whole_and_then_gone(outbox):
    sent = [a_submission(number) for number in (3, 1, 2)]
    for submission in sent:
        outbox.put(submission)
    assert [entry.summary for entry in outbox.waiting()] == ["Reading 3", "Reading 1", "Reading 2"]
    server, told = Server(), []
    report = outbox.send_all(server, progress=lambda fraction, text: told.append((fraction, text)))
    assert server.got == sent and report.sent == tuple(one.id for one in sent) and report.error is None
    assert outbox.waiting() == [] and told[1] == (1 / 3, "Sending correction 2 of 3")
    assert [path for path in Path(outbox._folder).rglob("*") if path.is_file()] == []


def test_another_outbox_on_the_folder_finds_what_was_put_with_its_mask(outbox, tmp_path):
    outbox.put(a_submission(mask=bytes(range(256)) * 40, comment="größer"))
    outbox.put(a_submission(2, mask=None))
    again = Outbox(tmp_path / "outbox")
    assert again.take_back(f"{1:032x}") == a_submission(mask=bytes(range(256)) * 40, comment="größer")
    assert again.take_back(f"{2:032x}").mask_nrrd is None


def test_a_failure_that_may_pass_keeps_everything_in_order_and_says_why(outbox):
    for number in (1, 2, 3):
        outbox.put(a_submission(number))
    report = outbox.send_all(Server(failures={f"{2:032x}": AWAY}))
    assert report.sent == (f"{1:032x}",) and report.still_waiting == 2 and report.error is AWAY
    first, second = outbox.waiting()
    assert (first.tries, first.reason, second.tries) == (1, "The server is not there. Check it.", 0)
    server = Server()
    assert outbox.send_all(server).still_waiting == 0
    assert [one.params["bone_age_months"] for one in server.got] == [102, 103]


def test_one_correction_that_the_server_stumbles_over_does_not_hold_the_others_back_but_those_of_its_radiograph(outbox):
    fault = ClientError(ErrorKind.SERVER_FAULT, "A fault.", "Tell them.", status=500)
    outbox.put(a_submission(1))
    outbox.put(replace(a_submission(2), image_id="image-1"))
    outbox.put(a_submission(3))
    report = outbox.send_all(Server(failures={f"{1:032x}": fault}))
    assert report.sent == (f"{3:032x}",) and report.still_waiting == 2 and report.error is fault
    server = Server()
    outbox.send_all(server)
    assert [one.id for one in server.got] == [f"{1:032x}", f"{2:032x}"]


def test_a_correction_that_is_discarded_while_others_are_sent_is_not_sent(outbox):
    for number in (1, 2, 3):
        outbox.put(a_submission(number))

    class Discarding(Server):
        def submit(self, submission, cancel=None):
            if submission.id == f"{1:032x}":
                outbox.discard(f"{2:032x}")
            return super().submit(submission, cancel)

    report = outbox.send_all(Discarding())
    assert report.sent == (f"{1:032x}", f"{3:032x}") and report.error is None and report.still_waiting == 0


def test_what_the_server_refuses_for_good_is_set_aside_with_the_reason_and_the_others_go_on(outbox):
    for number in (1, 2):
        outbox.put(a_submission(number))
    report = outbox.send_all(Server(failures={f"{1:032x}": REFUSED}))
    [aside] = report.set_aside
    assert report.sent == (f"{2:032x}",) and report.error is None and "10 x 10" in aside.reason
    assert outbox.waiting() == [] and outbox.set_aside() == [aside]
    edited = outbox.take_back(aside.id)
    outbox.put(Submission(**{**vars(edited), "summary": "Edited", "mask_nrrd": None}))
    assert outbox.set_aside() == [] and [entry.summary for entry in outbox.waiting()] == ["Edited"]
    outbox.discard(aside.id)
    assert outbox.waiting() == []


def test_what_was_set_aside_can_be_tried_again_as_it_is(outbox):
    outbox.put(a_submission())
    outbox.send_all(Server(failures={f"{1:032x}": REFUSED}))
    outbox.retry(f"{1:032x}")
    assert outbox.send_all(Server()).sent == (f"{1:032x}",)


def test_a_correction_goes_to_no_other_server_until_the_person_says_so(outbox):
    outbox.put(a_submission())
    other = Server("http://other:8000")
    assert outbox.send_all(other).still_waiting == 0 and other.got == []
    assert [entry.id for entry in outbox.foreign(other.address)] == [f"{1:032x}"]
    assert outbox.foreign(ADDRESS) == []
    outbox.rebind(f"{1:032x}", other.address)
    assert outbox.send_all(other).sent == (f"{1:032x}",) and other.got[0].server == other.address


def test_a_correction_that_is_edited_while_its_first_form_is_sent_is_sent_again(outbox):
    outbox.put(a_submission())

    class Meanwhile(Server):
        def submit(self, submission, cancel=None):
            outbox.put(a_submission(comment="second thoughts"))
            return super().submit(submission, cancel)

    outbox.send_all(Meanwhile())
    [waiting] = outbox.waiting()
    assert outbox.take_back(waiting.id).params["comment"] == "second thoughts"


def test_two_senders_at_once_send_nothing_twice(outbox):
    for number in range(8):
        outbox.put(a_submission(number))

    class Slow(Server):
        def submit(self, submission, cancel=None):
            time.sleep(0.02)
            return super().submit(submission, cancel)

    server = Slow()
    threads = [threading.Thread(target=outbox.send_all, args=(server,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(server.got) == len({one.id for one in server.got}) == 8


def test_a_full_disk_is_said_and_leaves_no_half_entry(outbox, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ClientError) as caught:
        outbox.put(a_submission())
    assert caught.value.kind == ErrorKind.DISK and "No space left" in str(caught.value)
    assert outbox.waiting() == []


def test_a_damaged_entry_is_said_and_does_not_hold_the_others_back(outbox, tmp_path):
    for number in (1, 2):
        outbox.put(a_submission(number))
    first = next((tmp_path / "outbox" / "waiting").glob(f"*-{1:032x}"))
    (first / "submission.json").write_text("{half")
    server = Server()
    report = Outbox(tmp_path / "outbox").send_all(server)
    assert report.sent == (f"{2:032x}",)
    [damaged] = Outbox(tmp_path / "outbox").set_aside()
    assert "damaged" in damaged.reason and damaged.id == f"{1:032x}"
    Outbox(tmp_path / "outbox").discard(damaged.id)
    assert Outbox(tmp_path / "outbox").set_aside() == []


def test_only_the_owner_can_read_the_outbox(outbox, tmp_path):
    outbox.put(a_submission())
    if os.name == "nt":
        pytest.skip("Windows keeps no such rights")
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "outbox").rglob("*")}
    assert modes == {0} and (tmp_path / "outbox").stat().st_mode & 0o077 == 0


WRITER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from BoneAgeLib.contract import Submission
from BoneAgeLib.outbox import Outbox
outbox = Outbox(sys.argv[2])
for number in range(int(sys.argv[3]), 100000):
    mask = bytes([number % 256]) * 50_000
    outbox.put(Submission(f"{number:032x}", "http://127.0.0.1:8000", "i", "final", {"n": number}, mask, str(number)))
    print(number, flush=True)
"""


def test_a_slicer_killed_at_any_instant_loses_no_correction_that_was_put(tmp_path):
    told = -1
    for kill in range(25):
        arguments = [sys.executable, "-c", WRITER, str(LIBRARY), str(tmp_path / "outbox"), str(told + 1)]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        first = process.stdout.readline()
        time.sleep(0.003 * (kill % 9))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=30)
        told = int((first + rest).split()[-1])
        outbox = Outbox(tmp_path / "outbox")
        ids = [int(entry.id, 16) for entry in outbox.waiting()]
        assert ids == sorted(set(ids)) and set(range(told + 1)) <= set(ids) <= set(range(told + 2))
        last = outbox.take_back(f"{ids[-1]:032x}")
        assert last.params == {"n": ids[-1]} and last.mask_nrrd == bytes([ids[-1] % 256]) * 50_000
        told = ids[-1]
    assert not list((tmp_path / "outbox").glob(".half-*")) and told > 25


def test_a_slicer_killed_after_the_server_took_it_sends_it_again_under_the_same_id(outbox, tmp_path):
    outbox.put(a_submission())

    class Killed(Server):
        def submit(self, submission, cancel=None):
            super().submit(submission, cancel)
            raise KeyboardInterrupt  # nothing after it runs, as with a kill

    first, second = Killed(), Server()
    with pytest.raises(KeyboardInterrupt):
        outbox.send_all(first)
    Outbox(tmp_path / "outbox").send_all(second)
    assert first.got == second.got == [a_submission()]


def test_the_reading_is_stored_as_plain_json(outbox, tmp_path):
    outbox.put(a_submission())
    [file] = (tmp_path / "outbox").rglob("submission.json")
    assert json.loads(file.read_text())["params"] == {"reader": "R1", "bone_age_months": 101}
