"""How much slower one click is while a model is trained: `python tests/benchmarks/bench_training.py [--seconds N]`.

Starts the server on copies of the two radiographs of `tests/data`, all of them corrected, times one click over HTTP,
begins a training of the segmenter, and times one click again while it prepares, trains and compares, all in one run.
The server and the training share the cores that this process may use. Not a test: nothing here passes or fails.
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
import requests
from PIL import Image

PROJECT = Path(__file__).parents[2]
CHILDREN = {"14717.png": "female", "5627.jpg": "male"}
COPIES = {"train": 24, "validation": 2, "held-out": 9}  # as few as a training and its gate will do with
SIDE = 320  # longest side of a copy, pixels
MODEL = "hand_segmenter"


@click.command()
@click.option("--times", default=30, show_default=True, type=click.IntRange(min=2), help="One clicks without training.")
@click.option("--seconds", default=240, show_default=True, type=click.IntRange(min=1), help="With it, at most.")
@click.option("--cores", default=2, show_default=True, type=click.IntRange(min=1), help="For server and training.")
@click.option("--epochs", default=3, show_default=True, type=click.IntRange(min=1))
def main(times: int, seconds: int, cores: int, epochs: int) -> None:
    """Time one click without and with a training."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    with tempfile.TemporaryDirectory() as folder:
        studies = Path(folder) / "studies"
        write_copies(studies)
        correct_all(studies)
        with server(studies) as address:
            asked = ask_for(address)
            one_click(address, asked)
            without = [one_click(address, asked) for _ in range(times)]
            row("no training", without, without)
            requests.post(f"{address}/train/{MODEL}", json={"max_epochs": epochs}, timeout=60).raise_for_status()
            by_state = time_meanwhile(address, asked, seconds)
            row("no training, afterwards", [one_click(address, asked) for _ in range(times)], without)
        for state, found in by_state.items():
            row(f"a training, {state}", found, without)
        row("a training, all", [one for found in by_state.values() for one in found], without)
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
def server(studies: Path) -> Iterator[str]:
    """Run the server, with its log beside the studies, and give its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "boneage.cli", "serve", "--studies", str(studies), "--port", str(port)]
    log = (studies.parent / "server.log").open("wb")
    with log, subprocess.Popen(command, stdout=log, stderr=log, cwd=PROJECT) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until_up(address, process)
            yield address
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


def time_meanwhile(address: str, image_id: str, seconds: int) -> dict[str, list[float]]:
    """Return the seconds of one clicks while the training goes on, by what it does; it is stopped after a while."""
    found: dict[str, list[float]] = {}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        progress = state_of(address)
        if progress is None:
            break
        found.setdefault(progress.get("state", "beginning"), []).append(one_click(address, image_id))
    else:
        requests.delete(f"{address}/train/", timeout=60)
        time.sleep(2)
    return found


def state_of(address: str) -> dict[str, Any] | None:
    """Return the progress of the training; None if it has ended."""
    task = requests.get(f"{address}/train/", timeout=60).json()
    if task["status"] not in ("SUBMITTED", "RUNNING"):
        progress = task.get("progress", {})
        click.echo(f"The training ended: {task['status']}, {progress.get('state')}. {progress.get('reason', '')}")
        return None
    return task.get("progress", {})


def row(name: str, found: Sequence[float], without: Sequence[float]) -> None:
    """Print median and 90 % quantile, and how many times the median without a training that is."""
    if not found:
        return
    median, p90 = np.percentile(found, (50, 90)) * 1000
    ratio = np.median(found) / np.median(without)
    click.echo(f"{name:<28} {len(found):4} one clicks  {median:6.0f} ms  p90 {p90:6.0f} ms  {ratio:5.2f} times")


if __name__ == "__main__":
    main()
