"""A watcher beside a PACS: radiographs come by C-STORE or from a DICOMweb archive, results go back.

Each step is noted before the next begins (`pacs_state`), so that it may be killed at any instant.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from boneage.delivery import Keeper
from boneage.dicom_results import ResultKind
from boneage.dicomweb import Archive
from boneage.errors import OutputFailed, StoreFailed
from boneage.pacs_files import PacsFiles, lock
from boneage.pacs_inbox import Inbox
from boneage.pacs_listener import Listener
from boneage.pacs_peers import Peer, Tls
from boneage.pacs_poller import Poller
from boneage.pacs_results import Assessor, maker_of_results
from boneage.pacs_scu import StoringPeer
from boneage.pacs_sender import ResultSender
from boneage.pacs_state import OPEN_STATES, PacsState, State

log = logging.getLogger("boneage.pacs")

PROGRESS_SECONDS = 10.0
FAULT_SECONDS = 15.0


@dataclass(frozen=True)
class PacsSettings:
    """What `boneage pacs` was told.

    Attributes:
        state_file: SQLite; files are kept beside it.
        ae_title: Ours, when we call.
        kinds: Which results are made.
        listen: Our title and address for C-STORE; None to receive none.
        allowed: Titles of those who may send; all if empty.
        archive: Address of the archive to poll; None to poll none.
        since: The first study day that is polled.
        every_seconds: Between two polls.
        send_to: The PACS that gets the results by C-STORE; None for the archive, by STOW-RS.
        tls: For C-STORE, both ways.
        models_dir: See `boneage.models.models_folder`.
        threads: Cores that one inference uses; None for all.
    """

    state_file: Path
    ae_title: str
    kinds: tuple[ResultKind, ...]
    listen: Peer | None = None
    allowed: tuple[str, ...] = ()
    archive: str | None = None
    since: date = field(default_factory=date.today)
    every_seconds: float = 60.0
    send_to: Peer | None = None
    tls: Tls = field(default_factory=Tls)
    models_dir: Path | None = None
    threads: int | None = None


def files_of(state_file: Path) -> PacsFiles:
    """Return the files beside a state."""
    return PacsFiles(state_file.with_suffix(".files"))


class _Loop:
    """Calls a round again and again: at once, after the pause that it asks for, or when it is woken."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._wake = threading.Event()

    def wake(self) -> None:
        self._wake.set()

    def run(self, one_round: Callable[[], float]) -> None:
        while not self._stop.is_set():
            try:
                pause = one_round()
            except (StoreFailed, OutputFailed) as error:
                log.warning("Work waits: %s", error)
                pause = FAULT_SECONDS
            self._wake.wait(pause)
            self._wake.clear()


class Watcher:
    """Runs from `run` until `stop` is called from another thread or a signal.

    Args:
        settings: What to do.

    Raises:
        BoneAgeError: If it cannot begin: a wrong file, a port that is taken, refused models.
    """

    def __init__(self, settings: PacsSettings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._loops = {name: _Loop(self._stop) for name in ("assess", "send", "poll")}

    def stop(self) -> None:
        """End after the radiographs in hand."""
        self._stop.set()
        for loop in self._loops.values():
            loop.wake()

    def run(self) -> None:
        """Watch."""
        with lock(self._settings.state_file.with_suffix(".lock")):
            state, files = PacsState(self._settings.state_file), files_of(self._settings.state_file)
            try:
                tidy(state, files)
                self._run(state, files)
            finally:
                log.info("Stopped: %s.", in_words(state.counts()))
                state.close()

    def _run(self, state: PacsState, files: PacsFiles) -> None:
        listener = self._listener(state, files)
        try:
            if listener:
                listener.start()  # what comes while the models are loaded waits
            self._work(self._rounds(state, files), state)
        finally:
            if listener:
                listener.stop()

    def _work(self, rounds: dict[str, Callable[[], float]], state: PacsState) -> None:
        log.info("Ready: %s.", in_words(state.counts()))
        with ThreadPoolExecutor(len(rounds), thread_name_prefix="pacs") as pool:
            try:
                self._watch([pool.submit(self._loops[name].run, one) for name, one in rounds.items()], state)
            finally:
                self.stop()

    def _rounds(self, state: PacsState, files: PacsFiles) -> dict[str, Callable[[], float]]:
        from boneage.assessment import load_models  # heavy

        settings = self._settings
        archive = Archive(settings.archive) if settings.archive else None
        make = maker_of_results(load_models(settings.models_dir, settings.threads), settings.kinds)
        assessor = Assessor(state, files, archive, make, self._loops["send"].wake)
        rounds = {"assess": assessor.round, "send": ResultSender(state, files, self._keeper(archive)).round}
        if archive:
            poller = Poller(archive, state, settings.since, settings.every_seconds, self._loops["assess"].wake)
            rounds["poll"] = poller.round
        return rounds

    def _keeper(self, archive: Archive | None) -> Keeper:
        if self._settings.send_to:
            return StoringPeer(self._settings.ae_title, self._settings.send_to, self._settings.tls)
        assert archive is not None, "the command line asks for one of both"
        return archive

    def _listener(self, state: PacsState, files: PacsFiles) -> Listener | None:
        if self._settings.listen is None:
            return None
        inbox = Inbox(state, files, self._loops["assess"].wake)
        return Listener(self._settings.listen, self._settings.allowed, self._settings.tls, inbox.take)

    def _watch(self, running: list[Future[None]], state: PacsState) -> None:
        """Show now and then how far all is; a loop that ends by a fault ends the program."""
        shown = ""
        while not self._stop.is_set():
            ended, _ = wait(running, PROGRESS_SECONDS, FIRST_COMPLETED)
            for future in ended:
                future.result()
            shown = _told(state, shown)


def _told(state: PacsState, shown: str) -> str:
    """Log the counts if they are not those that were shown, and return them."""
    try:
        line = in_words(state.counts())
    except StoreFailed as error:  # locked or full for a while; the loops wait, too
        line = str(error)
    if line != shown:
        log.info("%s", line)
    return line


def in_words(counts: dict[State, int]) -> str:
    """Return the counts in one line."""
    return ", ".join(f"{count} {state.value}" for state, count in counts.items())


def tidy(state: PacsState, files: PacsFiles) -> None:
    """Remove what a killed program left, and try once more what failed: its reason may have gone."""
    state.retry()
    kept = {item.sop_instance_uid for item in state.items(*OPEN_STATES)} | state.unsent_results()
    removed = files.remove_others(kept)
    if removed:
        log.info("%d unfinished files of an earlier run were removed.", removed)
