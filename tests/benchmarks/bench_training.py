"""How much slower one click is while a model is trained: `python tests/benchmarks/bench_training.py [--seconds N]`.

Starts the server on copies of the two radiographs of `tests/data`, all of them corrected, and a training of the
segmenter, and times one click over HTTP in turns: while the training goes on, and while its process stands still, so
that whatever else the machine does weighs on both alike. The server and the training share the cores that this process
may use. Not a test: nothing here passes or fails.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil
import requests
from PIL import Image

PROJECT = Path(__file__).parents[2]
CHILDREN = {"14717.png": "female", "5627.jpg": "male"}
COPIES = {"train": 24, "validation": 2, "held-out": 9}  # as few as a training and its gate will do with
SIDE = 320  # longest side of a copy, pixels
MODEL = "hand_segmenter"


@click.command()
@click.option("--seconds", default=240, show_default=True, type=click.IntRange(min=1), help="At most.")
@click.option("--cores", default=2, show_default=True, type=click.IntRange(min=1), help="For server and training.")
@click.option("--epochs", default=3, show_default=True, type=click.IntRange(min=1))
def main(seconds: int, cores: int, epochs: int) -> None:
    """Time one click with and without a training."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    with tempfile.TemporaryDirectory() as folder:
        studies = Path(folder) / "studies"
        write_copies(studies)
        correct_all(studies)
        with server(studies) as (address, process):
            asked = ask_for(address)
            one_click(address, asked)
            requests.post(f"{address}/train/{MODEL}", json={"max_epochs": epochs}, timeout=60).raise_for_status()
            by_state = time_meanwhile(address, asked, process, seconds)
    for state, pairs in by_state.items():
        rows(state, pairs)
    rows("all of it", [pair for pairs in by_state.values() for pair in pairs])
    click.echo(f"{cores} cores; load of the machine over the last minutes {os.getloadavg()[1]:.1f}")


def write_copies(studies: Path) -> None:
    """Write copies that differ a little in size, under names that fall to each part of the data."""
    from boneage.study_files import image_id_of
    from boneage.training.corrected import split_of

    studies.mkdir()
    wanted = dict(COPIES)
    for number in count():
        original = sorted(CHILDREN)[number % len(CHILDREN)]
        copy = Path(f"{Path(original).stem}-{number:03}.png")
        split = split_of(image_id_of(copy))
        if wanted[split]:
            wanted[split] -= 1
            write_copy(PROJECT / "tests" / "data" / original, studies / copy, SIDE + number % 40)
        if not any(wanted.values()):
            return


def write_copy(original: Path, copy: Path, longest_side: int) -> None:
    """Write a radiograph in grey at another size."""
    with Image.open(original) as image:
        factor = longest_side / max(image.size)
        image.convert("L").resize((round(factor * image.width), round(factor * image.height))).save(copy)


def correct_all(studies: Path) -> None:
    """Correct each radiograph with the models' own outline and age, as if a reader had confirmed them."""
    from boneage.assessment import assess, load_models
    from boneage.corrections import CorrectionStore
    from boneage.radiograph import read_radiograph
    from boneage.study_files import image_id_of
    from boneage.types import Correction, Sex

    models, store = load_models(), CorrectionStore.in_folder(studies)
    for file in sorted(studies.glob("*.png")):
        sex = next(Sex(sex) for name, sex in CHILDREN.items() if file.name.startswith(Path(name).stem))
        found = assess(read_radiograph(file).with_sex(sex, "benchmark"), models)
        correction = Correction(
            image_id_of(file.relative_to(studies)),
            "benchmark",
            hand_mask=found.hand_mask,
            bone_age_months=found.estimates[0].bone_age.months,
            sex=sex,
        )
        store.add(correction)
    store.close()


@contextmanager
def server(studies: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the server, with its log beside the studies, and give its address and process."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "boneage.cli", "serve", "--studies", str(studies), "--port", str(port)]
    log = (studies.parent / "server.log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log, cwd=PROJECT) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_up(address, process)
            yield address, psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def wait_until_up(address: str, process: subprocess.Popen) -> None:
    """Wait until the server answers."""
    while process.poll() is None:
        with suppress(requests.ConnectionError):
            requests.get(f"{address}/info/", timeout=60).raise_for_status()
            return
        time.sleep(0.5)
    raise click.ClickException("The server stopped.")


def ask_for(address: str) -> str:
    """Return the id of the radiograph that is asked about."""
    return min(requests.get(f"{address}/datastore/?output=all", timeout=60).json()["objects"])


def one_click(address: str, image_id: str) -> float:
    """Return the seconds of one click over HTTP."""
    start = time.perf_counter()
    url = f"{address}/infer/bone_age?image={image_id}&output=json"
    answer = requests.post(url, data={"params": '{"sex": "female"}'}, timeout=600)
    answer.raise_for_status()
    if "error" in answer.json():
        raise click.ClickException(answer.json()["error"]["message"])
    return time.perf_counter() - start


def time_meanwhile(
    address: str, image_id: str, process: psutil.Process, seconds: int
) -> dict[str, list[tuple[float, float]]]:
    """Return the seconds of one clicks with and without the training, by what it does; it is stopped after a while."""
    found: dict[str, list[tuple[float, float]]] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        progress = state_of(address)
        if progress is None:
            break
        with_training = one_click(address, image_id)
        with paused(process.children(recursive=True)):
            without = one_click(address, image_id)
        found.setdefault(progress.get("state", "beginning"), []).append((with_training, without))
    else:
        requests.delete(f"{address}/train/", timeout=60)
    return found


@contextmanager
def paused(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Let the server's tasks stand still for a while."""
    for process in processes:
        with suppress(psutil.Error):
            process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.Error):
                process.resume()


def state_of(address: str) -> dict[str, Any] | None:
    """Return the progress of the training; None if it has ended."""
    task = requests.get(f"{address}/train/", timeout=60).json()
    if task["status"] not in ("SUBMITTED", "RUNNING"):
        progress = task.get("progress", {})
        click.echo(f"The training ended: {task['status']}, {progress.get('state')}. {progress.get('reason', '')}")
        return None
    return task.get("progress", {})


def rows(state: str, pairs: Sequence[tuple[float, float]]) -> None:
    """Print median and 90 % quantile with and without the training, and the median ratio of the pairs."""
    if not pairs:
        return
    seconds = np.array(pairs)
    (median, p90), (median_without, p90_without) = np.percentile(seconds, (50, 90), axis=0).T * 1000
    ratio = np.median(seconds[:, 0] / seconds[:, 1])
    click.echo(
        f"{state:<12} {len(pairs):4} pairs   with {median:5.0f} ms, p90 {p90:5.0f} ms   "
        f"paused {median_without:5.0f} ms, p90 {p90_without:5.0f} ms   {ratio:4.2f} times"
    )


if __name__ == "__main__":
    main()
