"""The panel on a scene of its own, beside a server that is started once for all tests of this folder."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(Path(__file__).parent)]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # no screen is needed

from app_server import AppServer  # noqa: E402
from panel import Panel  # noqa: E402
from relay import Relay  # noqa: E402

TOKEN = "a token of the tests"
RADIOGRAPHS = {"girl": "14717.png", "boy": "5627.jpg"}


@pytest.fixture(scope="session")
def application(tmp_path_factory):
    """Start what stands for Slicer, with settings of its own."""
    from standins import application

    return application.start(tmp_path_factory.mktemp("settings"))


@pytest.fixture
def settings(application):
    """Forget what earlier tests have made Slicer remember."""
    from PySide6.QtCore import QSettings

    folder = Path(QSettings().fileName()).parent / "BoneAge"
    QSettings().clear()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def scene(application, settings):
    """Make the scene new, with the red view of a layout; return the view."""
    import slicer
    from slice_view import SliceView, slicer_scene

    whole = slicer_scene()
    slicer.mrmlScene = whole.scene
    view = SliceView(whole)
    view.whole = whole  # its logics live as long
    yield view
    view.close()


@pytest.fixture
def open_panel(scene):
    """Return a function that opens the panel, as Slicer does when the module is chosen; again after a restart."""
    import BoneAge

    opened = []

    def open_it():
        opened.append(Panel(BoneAge.BoneAgeWidget(), scene))
        return opened[-1]

    yield open_it
    for panel in opened:
        panel.close()


@pytest.fixture
def panel(open_panel):
    return open_panel()


@pytest.fixture(scope="session")
def studies(tmp_path_factory):
    """Make a folder with a girl's and a boy's radiograph, and the boy's again in another folder."""
    folder = tmp_path_factory.mktemp("served") / "studies"
    (folder / "more").mkdir(parents=True)
    for copy in "abcdefgh":
        shutil.copy(ROOT / "tests" / "data" / RADIOGRAPHS["boy"], folder / "more" / f"{copy}.jpg")
    for name in RADIOGRAPHS.values():
        shutil.copy(ROOT / "tests" / "data" / name, folder)
    return folder


@pytest.fixture(scope="session")
def server(studies):
    """Serve the studies to who has the token."""
    served = AppServer(studies, TOKEN).start()
    yield served
    served.stop()


@pytest.fixture
def network(server):
    """Stand between panel and server; `cut()`, `mend()` and `answers_held()` make it bad."""
    relay = Relay(int(server.address.rpartition(":")[2]))
    yield relay
    relay.close()


@pytest.fixture
def connected(panel, network):
    """Return the panel, connected through the network."""
    panel.connect(network.address, TOKEN)
    return panel


@pytest.fixture
def load(scene):
    """Return a function that loads a radiograph of the tests from its file, as a drag onto Slicer does."""
    import slicer

    def load_it(who, name=None):
        file = ROOT / "tests" / "data" / RADIOGRAPHS[who]
        return slicer.util.loadVolume(str(file), {"singleFile": True, "name": name or who})

    return load_it
