"""`make demo`: the main job on two real radiographs, over HTTP, as a MONAI Label client does it.

Starts the server on a folder of studies, asks for the one-click assessment of each radiograph, sends a reader's
correction of one of them, shows what the store has kept, and stops the server.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from monailabel.client import MONAILabelClient

ROOT = Path(__file__).parents[1]
STUDIES = ROOT / "out" / "demo" / "studies"
PICTURES = ROOT / "out" / "demo"
BONEAGE = str(Path(sys.executable).with_name("boneage"))
RADIOGRAPHS = {"14717.png": ("female", 132), "5627.jpg": ("male", 72)}  # sex and bone age by the data set's readers
START_SECONDS = 300


def main() -> int:
    """Run the demonstration; the exit status is 0 only if every step went well."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    STUDIES.mkdir(parents=True)
    for name in RADIOGRAPHS:
        shutil.copy(ROOT / "tests" / "data" / name, STUDIES)
    port = _free_port()
    with _server(port) as process:
        client = MONAILabelClient(f"http://127.0.0.1:{port}", tmpdir=tempfile.gettempdir())
        seconds = _wait_until_up(client, process)
        print(f"Server up after {seconds:.1f} s at {client.get_server_url()}, with the studies in {_shown(STUDIES)}.")
        images = _images(client)
        for image_id, name in images.items():
            _one_click(client, image_id, name)
        _correct(client, next(image_id for image_id, name in images.items() if name == "14717.png"))
    print(f"Server stopped with exit status {process.returncode}.\n")
    for name, (sex, _) in RADIOGRAPHS.items():
        picture = PICTURES / f"{Path(name).stem}.png"
        _boneage("assess", str(STUDIES / name), "--sex", sex, "--picture", str(picture), quiet=True)
    print(f"Pictures of the findings: {_shown(PICTURES)}/*.png")
    return process.returncode


@contextlib.contextmanager
def _server(port: int) -> Iterator[subprocess.Popen]:
    """Run `boneage serve`; its log is beside the studies. It is stopped however the demonstration ends."""
    command = [BONEAGE, "serve", "--studies", str(STUDIES), "--port", str(port)]
    with (PICTURES / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_up(client: MONAILabelClient, process: subprocess.Popen) -> float:
    start = time.monotonic()
    while time.monotonic() - start < START_SECONDS:
        if process.poll() is not None:
            sys.exit(f"The server stopped; its log is {_shown(PICTURES / 'server.log')}.")
        with contextlib.suppress(OSError):  # nobody listens yet
            client.info()
            return time.monotonic() - start
        time.sleep(0.1)
    sys.exit(f"The server was not up after {START_SECONDS} s; its log is {_shown(PICTURES / 'server.log')}.")


def _images(client: MONAILabelClient) -> dict[str, str]:
    """Return the file name of each radiograph of the server, by its id."""
    listed = requests.get(f"{client.get_server_url()}/datastore/?output=all", timeout=60).json()["objects"]
    return {image_id: next(n for n in RADIOGRAPHS if image_id.startswith(Path(n).stem)) for image_id in listed}


def _one_click(client: MONAILabelClient, image_id: str, name: str) -> None:
    sex, read_months = RADIOGRAPHS[name]
    start = time.monotonic()
    mask, answer = client.infer("bone_age", image_id, {"sex": sex})
    print(f"\nOne click on {image_id}: {time.monotonic() - start:.2f} s over HTTP")
    if "error" in answer:
        sys.exit(f"{answer['error']['message']} {answer['error']['advice']}")
    estimate = answer["estimates"][0]
    print(f"  bone age   {estimate['bone_age_months']:.1f} months, the data set's readers said {read_months}")
    print(f"  90 %       {estimate['lower_90_months']:.1f} to {estimate['upper_90_months']:.1f} months")
    print(f"  hand box   {_in_words(answer['hand']['box_px'])}")
    print(f"  mask       {Path(mask).stat().st_size} bytes, in the radiograph's own geometry")
    print(f"  warnings   {'; '.join(answer['warnings']) or 'none'}")


def _correct(client: MONAILabelClient, image_id: str) -> None:
    """Send one reader's bone age and show what the store has kept of it."""
    with tempfile.NamedTemporaryFile(suffix=".json") as nothing:  # an age alone: no mask goes with it
        params = {"reader": "reader 1", "bone_age_months": 132, "sex": "female", "comment": "by the atlas"}
        answer = client.save_label(image_id, nothing.name, tag="final", params=params)
    print(f"\nCorrection of {image_id} kept as {answer['label']}:")
    print(_boneage("corrections", "list", "--store", str(STUDIES)))


def _in_words(box: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in box.items())


def _boneage(*words: str, quiet: bool = False) -> str:
    done = subprocess.run([BONEAGE, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return "" if quiet else done.stdout.rstrip()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
