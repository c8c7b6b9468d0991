"""A real Orthanc with DICOMweb of the tests' own, on the loopback."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests

PROGRAM = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
PLUGIN = "libOrthancDicomWeb.so"
PLUGIN_PLACES = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc/plugins", "/usr/local/share/orthanc/plugins")
USER, PASSWORD = "reader", "a password of the tests"
START_SECONDS = 60


class Orthanc:
    """An archive that can be stopped and started again on the same data.

    Args:
        folder: Of its own, for data and settings.
        plugin: The DICOMweb plugin.
        settings: Further ones, that replace those below.
    """

    def __init__(self, folder: Path, plugin: Path, **settings: Any) -> None:
        self._folder = folder
        self._settings = folder / "orthanc.json"
        self.port = free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/dicom-web"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = (USER, PASSWORD)
        self._process: subprocess.Popen | None = None
        known = {
            "Name": "tests",
            "StorageDirectory": str(folder / "data"),
            "IndexDirectory": str(folder / "data"),
            "Plugins": [str(plugin)],
            "HttpPort": self.port,
            "RemoteAccessAllowed": False,
            "DicomServerEnabled": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
        }
        self._known = known
        self.configure(**settings)

    def configure(self, **settings: Any) -> None:
        """Change the settings, as of the next start."""
        self._settings.write_text(json.dumps(self._known | settings))

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, str(self._settings)], stdout=log, stderr=log)
        for _ in range(10 * START_SECONDS):
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            try:
                if self.session.get(f"{self.root}/system", timeout=5).ok:
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"Orthanc did not answer within {START_SECONDS} s.")

    def stop(self, kill: bool = False) -> None:
        """Stop it, or kill it; its data stay."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(30)
            self._process = None

    def upload(self, dataset: pydicom.Dataset) -> None:
        """Store a data set by Orthanc's own interface."""
        file = io.BytesIO()
        pydicom.dcmwrite(file, dataset, write_like_original=False)
        self.session.post(f"{self.root}/instances", data=file.getvalue(), timeout=30).raise_for_status()

    def delete(self, dataset: pydicom.Dataset) -> None:
        """Remove one instance."""
        [id] = self._found({"SOPInstanceUID": dataset.SOPInstanceUID})
        self.session.delete(f"{self.root}/instances/{id}", timeout=30).raise_for_status()

    def segmentations(self, study_instance_uid: str) -> list[pydicom.Dataset]:
        """Return every DICOM SEG of a study."""
        ids = self._found({"StudyInstanceUID": study_instance_uid, "Modality": "SEG"})
        files = (self.session.get(f"{self.root}/instances/{id}/file", timeout=30).content for id in ids)
        return [pydicom.dcmread(io.BytesIO(file)) for file in files]

    def modalities(self, study_instance_uid: str) -> Counter[str]:
        """Return how many objects of each modality a study has."""
        ids = self._found({"StudyInstanceUID": study_instance_uid})
        tags = (self.session.get(f"{self.root}/instances/{id}/simplified-tags", timeout=30).json() for id in ids)
        return Counter(tag["Modality"] for tag in tags)

    def _found(self, query: dict[str, str]) -> list[str]:
        wanted = {"Level": "Instance", "Query": query}
        return self.session.post(f"{self.root}/tools/find", json=wanted, timeout=30).json()


@contextmanager
def an_orthanc(folder: Path, **settings: Any) -> Iterator[Orthanc]:
    """Run Orthanc with its data in `folder`; skips where it or its DICOMweb plugin is not installed."""
    plugin = next((Path(place) / PLUGIN for place in PLUGIN_PLACES if (Path(place) / PLUGIN).exists()), None)
    if plugin is None or not Path(PROGRAM).exists():
        pytest.skip("needs Orthanc with DICOMweb (Debian: orthanc, orthanc-dicomweb)")
    folder.mkdir(parents=True, exist_ok=True)
    orthanc = Orthanc(folder, plugin, **settings)
    orthanc.start()
    try:
        yield orthanc
    finally:
        orthanc.stop()


def own_places(home: Path) -> dict[str, str]:
    """Return variables that keep corrections and radiographs of a test under `home`; compiled models are shared."""
    from boneage.runtime import cache_folder

    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    there = cache_folder().iterdir() if cache_folder().is_dir() else ()
    for compiled in there:
        if compiled.name != "archives" and not (cache / compiled.name).exists():
            (cache / compiled.name).symlink_to(compiled)
    return {"BONEAGE_CACHE": str(cache), "XDG_DATA_HOME": str(home / "data")}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "It did not come to pass in time."
        time.sleep(0.1)
    return found
