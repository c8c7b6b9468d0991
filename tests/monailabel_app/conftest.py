"""The app on a folder with two real radiographs, the trained models behind it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = "a token of the tests"
sys.path.insert(0, str(ROOT))
sys.path.append(str(ROOT / "tests" / "boneage"))  # its PostgreSQL


@pytest.fixture(scope="session")
def studies(tmp_path_factory):
    """Make a folder with a girl's radiograph and, deeper, a boy's and another of the girl's name."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "more").mkdir()
    shutil.copy(ROOT / "tests" / "data" / "14717.png", folder)
    shutil.copy(ROOT / "tests" / "data" / "5627.jpg", folder / "more")
    shutil.copy(ROOT / "tests" / "data" / "5627.jpg", folder / "more" / "14717.jpg")
    (folder / "notes.txt").write_text("not a radiograph")
    return folder


@pytest.fixture(scope="session")
def client(studies):
    """Serve the studies to a client that has the token; nothing goes over a network."""
    from monailabel.config import settings
    from starlette.testclient import TestClient

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BONEAGE_TOKEN", TOKEN)
        patch.setenv("BONEAGE_UPLOAD_LIMIT_MB", "5")
        patch.setattr(settings, "MONAI_LABEL_APP_DIR", str(ROOT / "monailabel_app"))
        patch.setattr(settings, "MONAI_LABEL_STUDIES", str(studies))
        patch.setattr(settings, "MONAI_LABEL_APP_CONF", {})
        patch.setattr(settings, "MONAI_LABEL_SESSIONS", False)
        patch.setattr(settings, "MONAI_LABEL_AUTO_UPDATE_SCORING", False)
        from monailabel_app.server import create_app

        headers = {"Authorization": f"Bearer {TOKEN}"}
        with TestClient(create_app(), headers=headers, raise_server_exceptions=False) as client:
            yield client


@pytest.fixture(scope="session")
def ids(client):
    """Return the ids of the studies: girl, boy, and the namesake."""
    listed = client.get("/datastore/?output=all").json()["objects"]
    girl, namesake = sorted((i for i in listed if i.startswith("14717")), key=lambda i: "more" in path(client, i))
    return {"girl": girl, "namesake": namesake, "boy": next(i for i in listed if i.startswith("5627"))}


def path(client, image_id):
    from monailabel.interfaces.utils.app import app_instance

    return app_instance().datastore().get_image_uri(image_id)


@pytest.fixture
def infer(client):
    """Return a function that asks a task about a radiograph and returns the JSON answer."""

    def ask(model, image_id, mask=None, **params):
        files = {"label": ("tmp.nrrd", mask)} if mask else None
        address = f"/infer/{model}?image={image_id}&output=json"
        return client.post(address, data={"params": json.dumps(params)}, files=files).json()

    return ask


@pytest.fixture
def correct(client):
    """Return a function that sends a correction and returns the response."""

    def send(image_id, mask=b"", tag="final", name="tmp.nrrd", **params):
        files = {"label": (name if mask else "none.json", mask)}
        address = f"/datastore/label?image={image_id}&tag={tag}"
        return client.put(address, data={"params": json.dumps(params)}, files=files)

    return send
