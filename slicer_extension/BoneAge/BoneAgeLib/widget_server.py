"""The section where the server is chosen."""

from __future__ import annotations

from . import dialogs, words
from .client import Client
from .contract import Info
from .desk import Desk
from .settings import DEFAULT_ADDRESS, remember, remembered
from .transport import ServerSettings


class ServerSection:
    """Address, token, certificate; says in one sentence how it stands with the server.

    Args:
        desk: Shared with the other sections.
        connected: Called once the server has answered.
    """

    def __init__(self, desk: Desk, connected) -> None:
        self._desk, self._ui, self._connected = desk, desk.ui, connected
        self._ui.addressEdit.setText(remembered("address", DEFAULT_ADDRESS))
        self._ui.caFileEdit.setText(remembered("ca_file"))
        self._ui.tokenEdit.setText(remembered("token"))
        self._ui.keepTokenCheck.setChecked(bool(remembered("token")))
        self._ui.connectButton.clicked.connect(desk.told(self.connect, self._ui.serverStatus))
        self._ui.addressEdit.returnPressed.connect(desk.told(self.connect, self._ui.serverStatus))
        self._ui.caBrowseButton.clicked.connect(self._choose_ca_file)

    def connect(self) -> None:
        """Ask the server who it is; until it answers, the panel is not connected."""
        settings = ServerSettings(self._text("addressEdit"), self._text("tokenEdit"), self._text("caFileEdit"))
        client = Client(settings)
        self._desk.jobs.cancel_all()
        self._desk.client, self._desk.info = client, None
        self._remember()

        def keep(info: Info) -> None:
            if self._desk.client is client:  # another one may have been asked meanwhile
                self._desk.info = info
                self._ui.serverStatus.setText(f"{words.connected(info)} {settings.caution}".strip())
                self._connected()

        self._desk.run("Connecting", lambda job: client.info(job.cancel), keep, self._ui.serverStatus)

    def _choose_ca_file(self, *_) -> None:
        path = dialogs.choose_file("Authority of the server's certificate", "Certificates (*.pem *.crt *.cer)")
        if path:
            self._ui.caFileEdit.setText(path)

    def _remember(self) -> None:
        remember("address", self._text("addressEdit"))
        remember("ca_file", self._text("caFileEdit"))
        remember("token", self._text("tokenEdit") if self._ui.keepTokenCheck.property("checked") else "")

    def _text(self, name: str) -> str:
        return getattr(self._ui, name).property("text").strip()
