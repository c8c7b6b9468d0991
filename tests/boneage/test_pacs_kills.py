"""The watcher is killed before and after each of its steps: nothing is lost, and nothing is done twice."""

import io
import itertools

import numpy as np
import pydicom
import pytest
from dicom_radiographs import a_radiograph_dataset

from boneage.dicom_header import uid_of
from boneage.pacs import tidy
from boneage.pacs_files import PacsFiles
from boneage.pacs_inbox import SUCCESS, Inbox
from boneage.pacs_results import Assessor
from boneage.pacs_sender import ResultSender
from boneage.pacs_state import PacsState, State

INSTANTS = 24  # before and after each of 12 steps
KINDS = ("sr", "seg")
CLOCKS = (lambda now=now: now for now in itertools.count(1000.0, 1000.0))  # each start is later


class Killed(BaseException):
    """Not an Exception, so that nothing of the program goes on after it."""


class Pacs:
    """Stands for the network: a PACS that counts how often it was sent what."""

    def __init__(self):
        self.sent = []

    def holds(self, dataset):
        return dataset.SOPInstanceUID in self.sent

    def store(self, dataset):
        self.sent.append(str(dataset.SOPInstanceUID))


STEPS = [
    *((PacsFiles, name) for name in ("keep", "remove")),
    *((PacsState, name) for name in ("add", "begin", "assessed", "result_sent", "finish", "reopen")),
    (Pacs, "store"),
]


@pytest.fixture
def kill_at(monkeypatch):
    """Return a function that has the program killed at an instant: before or after one of its steps."""
    left = [0]

    def killing(step):
        def stepped(*arguments, **options):
            _count(left)
            answer = step(*arguments, **options)
            _count(left)
            return answer

        return stepped

    for owner, name in STEPS:
        monkeypatch.setattr(owner, name, killing(getattr(owner, name)))
    return lambda instant: left.__setitem__(0, instant)


def _count(left):
    left[0] -= 1
    if left[0] == 0:
        raise Killed


def made_of(path):
    """Stand in for the models: results with the UIDs that the radiograph's own UID gives."""
    source = pydicom.dcmread(path)
    results = []
    for kind in KINDS:
        result = a_radiograph_dataset(np.zeros((4, 4), np.uint8), StudyInstanceUID=source.StudyInstanceUID)
        result.SOPInstanceUID = uid_of(kind, str(source.SOPInstanceUID))
        results.append(result)
    return results


def run(folder, pacs, contents):
    """Start the watcher, send it what was not acknowledged, and let it do all that is to do."""
    state, files = PacsState(folder / "pacs.sqlite", next(CLOCKS)), PacsFiles(folder / "files")
    try:
        tidy(state, files)
        inbox = Inbox(state, files, lambda: None)
        for uid, content in list(contents.items()):
            assert inbox.take(content, uid) == SUCCESS
            del contents[uid]
        assessor, sender = Assessor(state, files, None, made_of, lambda: None), ResultSender(state, files, pacs)
        while not assessor.round():
            pass
        while not sender.round():
            pass
        return [item.state for item in state.items()]
    finally:
        state.close()


def a_radiograph():
    dataset, file = a_radiograph_dataset(np.zeros((40, 30), np.uint8)), io.BytesIO()
    pydicom.dcmwrite(file, dataset, write_like_original=False)
    return {str(dataset.SOPInstanceUID): file.getvalue()}


@pytest.mark.parametrize("instant", range(1, INSTANTS + 1))
def test_killed_at_any_instant_it_sends_each_result_once(tmp_path, kill_at, instant):
    pacs, contents = Pacs(), a_radiograph()
    wanted = sorted(uid_of(kind, uid) for uid in contents for kind in KINDS)
    kill_at(instant)
    with pytest.raises(Killed):
        run(tmp_path, pacs, contents)
    assert run(tmp_path, pacs, contents) == [State.SENT]
    assert sorted(pacs.sent) == wanted
    assert list((tmp_path / "files").iterdir()) == []


def test_these_are_all_instants(tmp_path, kill_at):
    kill_at(INSTANTS + 1)
    assert run(tmp_path, Pacs(), a_radiograph()) == [State.SENT]


def test_killed_again_and_again_it_comes_to_an_end(tmp_path, kill_at):
    pacs, contents = Pacs(), a_radiograph()
    kills = 0
    while True:
        kill_at(9)
        try:
            states = run(tmp_path, pacs, contents)
        except Killed:
            kills += 1
            assert kills < 50
        else:
            break
    assert kills > 2 and states == [State.SENT]
    assert len(pacs.sent) == len(set(pacs.sent)) == 2 and list((tmp_path / "files").iterdir()) == []
