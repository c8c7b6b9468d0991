"""Many studies through a real Orthanc and `boneage pacs`, both killed on the way: every result there, and once.

    python tests/benchmarks/many_through_a_pacs.py --data rsna --studies 500

Half of the studies lie in the archive and are found by polling, the others are sent by C-STORE, by a sender that tries
again until it is told success. At a fifth of the results Orthanc is killed, at two fifths the watcher, at three fifths
both; always by SIGKILL. Ends with 1 if an object is missing or there twice. The patients are made up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from PIL import Image

PROJECT = Path(__file__).parents[2]
sys.path.append(str(PROJECT / "tests" / "monailabel_app"))

from dicom_radiographs import a_radiograph_dataset  # noqa: E402
from orthanc import PASSWORD, USER, Orthanc, an_orthanc, free_port  # noqa: E402

from boneage.datasets import read_rsna  # noqa: E402
from boneage.errors import StoreFailed  # noqa: E402
from boneage.pacs_state import OPEN_STATES, PacsState, State  # noqa: E402

MODALITIES = {"sr": "SR", "seg": "SEG", "sc": "SC"}
AWAY_SECONDS = 8.0


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--studies", default=500, show_default=True, type=click.IntRange(10))
@click.option("--kinds", default="sr,seg,sc", show_default=True)
def main(data: Path, studies: int, kinds: str) -> None:
    """Run it and count."""
    folder = Path(tempfile.mkdtemp(prefix="many-through-a-pacs-"))
    with an_orthanc(folder / "orthanc") as orthanc:
        radiographs = list(made_up_radiographs(data, studies))
        polled, sent = radiographs[::2], radiographs[1::2]
        for dataset in polled:
            orthanc.upload(dataset)
        click.echo(f"{len(polled)} studies in the archive, {len(sent)} to be sent by C-STORE; {folder}")
        watcher = Watcher(folder, orthanc, kinds)
        sender = Sender(sent, watcher.port)
        start = time.monotonic()
        watcher.start()
        threading.Thread(target=sender.run, daemon=True).start()
        disturb_until_done(watcher, orthanc, studies)
        click.echo(f"done after {time.monotonic() - start:.0f} s; the sender was failed {sender.failures} times")
        time.sleep(10)  # would anything come twice?
        watcher.stop()
        wrong = count(orthanc, radiographs, kinds.split(","), PacsState(watcher.state_file))
        left = list(watcher.state_file.with_suffix(".files").iterdir())
        click.echo(f"files left in the state's folder: {len(left)}")
    sys.exit(1 if wrong or left or sender.waiting else 0)


def made_up_radiographs(data: Path, studies: int) -> Iterator[Any]:
    """Yield data sets of real radiographs, each of a made-up patient as old as the bones; squashed copies say so."""
    for number, example in enumerate(read_rsna(data)[:studies], start=1):
        assert example.sex is not None
        pixels = np.asarray(Image.open(example.path).convert("L"))
        born = np.datetime64("2023-09-01") - np.timedelta64(round(example.bone_age_months * 365.25 / 12), "D")
        yield a_radiograph_dataset(
            pixels,
            PatientID=f"P-{number}",
            PatientName=f"Made^Up{number}",
            PatientSex=example.sex.value[0].upper(),
            PatientBirthDate=str(born).replace("-", ""),
            BodyPartExamined="HAND" if number % 3 else None,
            ImagerPixelSpacing=None,
            PixelAspectRatio=[round(1000 * example.pixel_aspect), 1000],
        )


class Watcher:
    """`boneage pacs` as a process."""

    def __init__(self, folder: Path, orthanc: Orthanc, kinds: str) -> None:
        self.port = free_port()
        self.state_file = folder / "pacs.sqlite"
        self._log = folder / "log"
        self._command = [sys.executable, "-m", "boneage.cli", "pacs", "--listen", f"BONEAGE@127.0.0.1:{self.port}"]
        self._command += ["--archive", orthanc.url, "--every", "5", "--since", "2023-01-01", "--kinds", kinds]
        self._command += ["--state", str(self.state_file), "--threads", "1"]
        self._environment = os.environ | {"BONEAGE_ARCHIVE_USER": USER, "BONEAGE_ARCHIVE_PASSWORD": PASSWORD}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        click.echo(f"the watcher ended with {self._process.wait(60)}; its log: {self._log}")

    def counts(self) -> dict[State, int]:
        try:
            return PacsState(self.state_file).counts()
        except StoreFailed:
            return dict.fromkeys(State, 0)


class Sender:
    """Sends each radiograph until it is told success, and one in ten twice."""

    def __init__(self, radiographs: list[Any], port: int) -> None:
        self.waiting = [*radiographs, *radiographs[::10]]
        self.failures = 0
        self._port = port

    def run(self) -> None:
        from pynetdicom import AE

        entity = AE(ae_title="MODALITY")
        entity.add_requested_context(self.waiting[0].SOPClassUID)
        while self.waiting:
            association = entity.associate("127.0.0.1", self._port, ae_title="BONEAGE")
            while self.waiting and association.is_established:
                self._send_one(association)
                time.sleep(0.2)
            if association.is_established:
                association.release()
            elif self.waiting:
                time.sleep(1)

    def _send_one(self, association: Any) -> None:
        try:
            is_taken = association.send_c_store(self.waiting[0]).get("Status") == 0
        except RuntimeError:  # the association ended meanwhile
            is_taken = False
        if is_taken:
            self.waiting.pop(0)
        else:
            self.failures += 1


def disturb_until_done(watcher: Watcher, orthanc: Orthanc, studies: int) -> None:
    """Kill Orthanc, the watcher and both as results arrive; return when nothing is left to do."""
    kills = {studies // 5: (orthanc,), 2 * studies // 5: (watcher,), 3 * studies // 5: (orthanc, watcher)}
    shown = -1
    while True:
        counts = watcher.counts()
        sent, is_open = counts[State.SENT], sum(counts[state] for state in OPEN_STATES)
        due = [number for number in kills if sent >= number]
        for number in due:
            disturb(kills.pop(number), sent, watcher, orthanc)
        if sum(counts.values()) == studies and not is_open:
            return
        if sent // 50 != shown:
            shown = sent // 50
            click.echo(", ".join(f"{count} {state.value}" for state, count in counts.items()))
        time.sleep(0.5)


def disturb(killed: tuple[Any, ...], sent: int, watcher: Watcher, orthanc: Orthanc) -> None:
    names = " and ".join("Orthanc" if one is orthanc else "the watcher" for one in killed)
    click.echo(f"at {sent} sent: {names} killed")
    if orthanc in killed:
        orthanc.stop(kill=True)
    if watcher in killed:
        watcher.kill()
    time.sleep(AWAY_SECONDS)
    if watcher in killed:
        watcher.start()
    if orthanc in killed:
        time.sleep(AWAY_SECONDS)
        orthanc.start()
    click.echo(f"{names} started again")


def count(orthanc: Orthanc, radiographs: list[Any], kinds: list[str], state: PacsState) -> int:
    """Say how many objects of each kind there are, and return how many radiographs have not exactly one of each."""
    there = {dataset.StudyInstanceUID: orthanc.modalities(dataset.StudyInstanceUID) for dataset in radiographs}
    totals = sum(there.values(), Counter())
    click.echo(f"in the archive: {', '.join(f'{number} {modality}' for modality, number in sorted(totals.items()))}")
    click.echo(f"the watcher's state: {', '.join(f'{count} {one.value}' for one, count in state.counts().items())}")
    without = {item.study_instance_uid for item in state.items(State.LEFT_ALONE, State.NEEDS_HUMAN, State.FAILED)}
    for item in state.items(State.LEFT_ALONE, State.NEEDS_HUMAN, State.FAILED):
        click.echo(f"  {item.state.value}: {item.reason}")
    expected = {study: int(study not in without) for study in there}
    wrong = [study for study in there if any(there[study][MODALITIES[kind]] != expected[study] for kind in kinds)]
    click.echo(f"studies without exactly one of each kind: {len(wrong)}")
    return len(wrong)


if __name__ == "__main__":
    main()
