"""`boneage serve`: the MONAI Label app with safe defaults."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import click

from boneage.dicomweb_places import LIST_FILE, archive_address, cache_folder, is_address
from boneage.errors import ArchiveUnreachable, InvalidInput

_ROOT = Path(__file__).parents[2]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class _Studies(click.ParamType):
    """A folder, or the address of an archive."""

    name = "DIR|URL"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address in its one spelling, or the whole path."""
        return archive_address(value) if is_address(value) else str(_FOLDER.convert(value, param, ctx).resolve())


@click.command()
@click.option(
    "--studies", type=_Studies(), required=True, help="Folder of radiographs, or address of a DICOMweb archive."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Another one needs a token.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--token-file", type=_FILE, help="File with the token that clients must send (also $BONEAGE_TOKEN).")
@click.option("--certificate", type=_FILE, help="For TLS, with --key.")
@click.option("--key", type=_FILE, help="Of the certificate.")
@click.option("--models", "models_dir", type=_FOLDER, help="Other models.")
@click.option("--store", help="URL of the corrections' database; by default SQLite in the studies folder.")
@click.option("--archive-ca", type=_FILE, help="Authority of the archive's certificate (also $REQUESTS_CA_BUNDLE).")
@click.option("--archive-cache", type=click.IntRange(1), default=2048, show_default=True, help="Of radiographs, in MB.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Cores for one inference.")
@click.option("--conf", multiple=True, metavar="KEY=VALUE", help="Of the app, as base=DIR or retrain_after=50.")
@click.option("--upload-limit", type=click.IntRange(1), default=100, show_default=True, help="In MB.")
def serve(
    studies: str,
    host: str,
    port: int,
    token_file: Path | None,
    certificate: Path | None,
    key: Path | None,
    models_dir: Path | None,
    store: str | None,
    archive_ca: Path | None,
    archive_cache: int,
    threads: int,
    conf: tuple[str, ...],
    upload_limit: int,
) -> None:
    """Serve the MONAI Label app on a folder of radiographs or a DICOMweb archive, until Ctrl-C.

    An archive's user and password come from $BONEAGE_ARCHIVE_USER and $BONEAGE_ARCHIVE_PASSWORD, or a bearer token from
    $BONEAGE_ARCHIVE_TOKEN. Corrections of its radiographs are kept in the user's data folder.
    """
    token = token_file.read_text().strip() if token_file else os.environ.get("BONEAGE_TOKEN", "")
    _check_access(host, token, certificate, key)
    _check_port(host, port)
    if archive_ca:
        os.environ["BONEAGE_ARCHIVE_CA"] = str(archive_ca.resolve())
    if is_address(studies):
        _check_archive(studies)
    settings = {"threads": str(threads), "archive_cache_mb": str(archive_cache), **_pairs(conf)}
    settings |= {"models": str(models_dir)} if models_dir else {}
    settings |= {"store": store} if store else {}
    os.environ |= {
        "BONEAGE_TOKEN": token,
        "BONEAGE_UPLOAD_LIMIT_MB": str(upload_limit),
        "MONAI_LABEL_APP_DIR": str(_app_folder()),
        "MONAI_LABEL_STUDIES": studies,
        "MONAI_LABEL_APP_CONF": json.dumps(settings),
        "MONAI_LABEL_SESSIONS": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),  # for its processes
    }
    _run(host, port, certificate, key)


def _pairs(conf: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in conf]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise InvalidInput(f"Expected --conf as KEY=VALUE, got {key[:20]!r}.", "Write it as in retrain_after=50.")
    return {key: value for key, _, value in pairs}


def _check_access(host: str, token: str, certificate: Path | None, key: Path | None) -> None:
    if not token and not _is_loopback(host):
        raise InvalidInput("A server that others can reach needs a token.", "Give --token-file, or serve on 127.0.0.1.")
    if (certificate is None) != (key is None):
        raise InvalidInput("TLS needs both --certificate and --key.", "Give both or none.")


def _check_archive(address: str) -> None:
    """Ask an archive something; one that answered before may be away now, one that never did is a wrong address."""
    from boneage.dicomweb import Archive

    try:
        Archive(address).check()
    except ArchiveUnreachable as error:
        if not error.is_away or not (cache_folder(address) / LIST_FILE).exists():
            raise
        click.echo(f"{error} What is known of it is served.", err=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise InvalidInput(f"Cannot listen on {host}:{port}: {error.strerror}.", "Choose another --port.") from None


def _app_folder() -> Path:
    folder = _ROOT / "monailabel_app"
    if not (folder / "main.py").is_file():
        raise InvalidInput("The folder monailabel_app is missing beside lib.", "Run from a copy of the whole project.")
    return folder


def _run(host: str, port: int, certificate: Path | None, key: Path | None) -> None:
    import uvicorn

    sys.path.insert(0, str(_ROOT))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has shut down
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    uvicorn.run(
        "monailabel_app.server:create_app",
        factory=True,
        host=host,
        port=port,
        access_log=False,  # it writes addresses with ids
        log_config=None,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
