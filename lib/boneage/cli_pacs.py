"""`boneage pacs`: the watcher beside a PACS, and the list of what it did."""

from __future__ import annotations

import json
import logging
import os
import signal
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from boneage.cli_corrections import echo_table
from boneage.cli_options import FOLDER
from boneage.cli_values import Words, date_from_words
from boneage.dicomweb_places import archive_address
from boneage.errors import ArchiveUnreachable, InvalidInput
from boneage.output import private_folder
from boneage.pacs_peers import Peer, Tls, peer_from_words, title_from_words

if TYPE_CHECKING:
    from boneage.dicom_results import ResultKind
    from boneage.pacs_state import PacsState

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PEER = Words("AE@HOST:PORT", peer_from_words)
_LISTED = ("state", "received", "study_instance_uid", "reason")  # a UID is worth nothing when it is cut


def _kinds(words: str) -> tuple[ResultKind, ...]:
    from boneage.dicom_results import kinds_from_words

    return kinds_from_words(words)


@click.command()
@click.option("--listen", type=_PEER, help="Receive by C-STORE, under this AE title, at this address.")
@click.option("--allow", multiple=True, type=Words("AE", title_from_words), help="AE title that may send; repeatable.")
@click.option("--archive", type=Words("URL", archive_address), help="Poll this DICOMweb archive.")
@click.option("--archive-ca", type=_FILE, help="Authority of the archive's certificate (also $REQUESTS_CA_BUNDLE).")
@click.option("--since", type=Words("DATE", date_from_words), help="First study date that is polled; today by default.")
@click.option("--every", type=click.FloatRange(1), default=60, show_default=True, help="Seconds between two polls.")
@click.option("--send-to", type=_PEER, help="Send results by C-STORE; by default to --archive, by STOW-RS.")
@click.option("--ae-title", default="BONEAGE", type=Words("AE", title_from_words), help="Ours, without --listen.")
@click.option("--tls-certificate", type=_FILE, help="Listen by TLS, with --tls-key.")
@click.option("--tls-key", type=_FILE, help="Of the certificate.")
@click.option("--tls-ca", type=_FILE, help="Authority of the others' certificates: asked for, and used to send by TLS.")
@click.option("--kinds", default="sr,seg,sc", show_default=True, type=Words("KINDS", _kinds), help="Which results.")
@click.option(
    "--state", "state_file", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file of the state."
)
@click.option("--models", "models_dir", type=FOLDER, help="Other models.")
@click.option("--threads", type=click.IntRange(1), help="Cores for one inference; all by default.")
@click.option("--list", "lists", is_flag=True, help="List what was received and what became of it, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --list, as JSON.")
@click.option("--retry", is_flag=True, help="Give one more try to what failed, and end.")
def pacs(
    listen: Peer | None,
    allow: tuple[str, ...],
    archive: str | None,
    archive_ca: Path | None,
    since: date | None,
    every: float,
    send_to: Peer | None,
    ae_title: str,
    tls_certificate: Path | None,
    tls_key: Path | None,
    tls_ca: Path | None,
    kinds: tuple[ResultKind, ...],
    state_file: Path | None,
    models_dir: Path | None,
    threads: int | None,
    lists: bool,
    as_json: bool,
    retry: bool,
) -> None:
    """Assess the hand radiographs of a PACS as they come, and send the results back, until Ctrl-C.

    Radiographs come by C-STORE (--listen), from a DICOMweb archive (--archive), or both. An archive's user and password
    come from $BONEAGE_ARCHIVE_USER and $BONEAGE_ARCHIVE_PASSWORD, or a bearer token from $BONEAGE_ARCHIVE_TOKEN.
    Stopped or killed, it goes on where it was when it is started with the same --state.
    """
    state_file = state_file or _default_state()
    if lists or retry:
        _show(state_file, as_json) if lists else _retry(state_file)
        return
    _check(listen, allow, archive, send_to, Tls(tls_certificate, tls_key, tls_ca))
    if archive_ca:
        os.environ["BONEAGE_ARCHIVE_CA"] = str(archive_ca.resolve())
    if archive:
        _check_archive(archive)
    from boneage.pacs import PacsSettings, Watcher

    settings = PacsSettings(
        state_file,
        listen.ae_title if listen else ae_title,
        kinds,
        listen=listen,
        allowed=allow,
        archive=archive,
        since=since or date.today(),
        every_seconds=every,
        send_to=send_to,
        tls=Tls(tls_certificate, tls_key, tls_ca),
        models_dir=models_dir,
        threads=threads,
    )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("boneage.batch").setLevel(logging.INFO)
    watcher = Watcher(settings)
    signal.signal(signal.SIGTERM, lambda *_: watcher.stop())
    watcher.run()


def _check(listen: Peer | None, allow: tuple[str, ...], archive: str | None, send_to: Peer | None, tls: Tls) -> None:
    """Refuse what cannot work or is open to all; warn of what is readable on the way."""
    if listen is None and archive is None:
        raise InvalidInput(
            "Expected where radiographs come from.", "Give --listen AE@HOST:PORT, --archive URL or both."
        )
    if send_to is None and archive is None:
        raise InvalidInput("Expected where results go.", "Give --send-to AE@HOST:PORT, or --archive URL.")
    if (tls.certificate is None) != (tls.key is None):
        raise InvalidInput("TLS needs both --tls-certificate and --tls-key.", "Give both or none.")
    tls.for_listening()
    tls.for_sending()
    if listen and not listen.is_local and not allow:
        raise InvalidInput("A listener that others can reach needs the AE titles that may send.", "Give --allow AE.")
    if listen and not listen.is_local and tls.certificate is None:
        _warn("Radiographs are received without TLS: whoever listens on the way can read them. Use a closed network.")
    if send_to and not send_to.is_local and tls.authority is None:
        _warn("Results are sent without TLS: whoever listens on the way can read them. Use a closed network.")


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)


def _check_archive(address: str) -> None:
    """Ask an archive something; one that is away is waited for, one that answers something else is a wrong address."""
    from boneage.dicomweb import Archive

    try:
        Archive(address).check()
    except ArchiveUnreachable as error:
        if not error.is_away:
            raise
        _warn(f"{error} It is asked again.")


def _default_state() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return private_folder(Path(data) / "boneage" / "pacs") / "pacs.sqlite"


def _show(state_file: Path, as_json: bool) -> None:
    from boneage.pacs import in_words

    state = _opened(state_file)
    rows = [
        {
            "state": item.state.value,
            "reason": item.reason,
            "received": datetime.fromtimestamp(item.received_at).astimezone().isoformat(timespec="seconds"),
            "study_instance_uid": item.study_instance_uid,
            "sop_instance_uid": item.sop_instance_uid,
        }
        for item in state.items()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    echo_table(_LISTED, ([row[name] for name in _LISTED] for row in rows))
    click.echo(f"{in_words(state.counts())}.", err=True)


def _retry(state_file: Path) -> None:
    click.echo(f"{_opened(state_file).retry()} radiographs are tried once more.")


def _opened(state_file: Path) -> PacsState:
    from boneage.pacs_state import PacsState

    if not state_file.is_file():
        raise InvalidInput(f"There is no state {state_file} yet.", "Name the --state of the watcher.")
    return PacsState(state_file)
