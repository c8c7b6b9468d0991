"""How long an assessment takes, and how much memory: `python tests/benchmarks/bench_assess.py [FILE]`.

Without FILE, the demo radiograph of `tests/data` is assessed. Models come from --models, else from $BONEAGE_MODELS,
else from the project. Every memory figure is that of a fresh process. Not a test: nothing here passes or fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click
import numpy as np

PROJECT = Path(__file__).parents[2]
A_RADIOGRAPH = PROJECT / "tests" / "data" / "14717.png"
BONEAGE = (sys.executable, "-m", "boneage.cli")
MEBI = 1024**2

Row = tuple[str, str]


@click.command()
@click.argument("file", default=A_RADIOGRAPH, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--models", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Other models.")
@click.option("--times", default=20, show_default=True, type=click.IntRange(min=1), help="Warm repetitions.")
@click.option("--files", default=100, show_default=True, type=click.IntRange(min=10), help="In the larger folder.")
def main(file: Path, models: Path | None, times: int, files: int) -> None:
    """Measure one assessment of FILE, and folders of copies of it."""
    if models:
        os.environ["BONEAGE_MODELS"] = str(models)
    for rows in (warm(file, times), cold(file), folders(file, files)):
        for name, figures in rows:
            click.echo(f"{name:<44} {figures}")


def warm(file: Path, times: int) -> Iterator[Row]:
    """Yield the time through all rooms and through each, with everything loaded."""
    from boneage.assessment import assess, load_models
    from boneage.radiograph import read_radiograph
    from boneage.types import Sex

    models = load_models()
    sexes = (Sex.FEMALE,)
    radiograph = read_radiograph(file)
    hand = models.detector.find_hand(radiograph)
    mask = models.segmenter.outline(radiograph, hand)
    rooms: dict[str, Callable[[], object]] = {
        "reading": lambda: read_radiograph(file),
        "detection": lambda: models.detector.find_hand(radiograph),
        "segmentation": lambda: models.segmenter.outline(radiograph, hand),
        "regression": lambda: models.regressor.estimate(radiograph, hand, mask, sexes),
        "warm, file to answer": lambda: assess(read_radiograph(file), models, sexes),
    }
    for name, room in rooms.items():
        room()
        yield name, _milliseconds([_seconds(room) for _ in range(times)])


def cold(file: Path) -> Iterator[Row]:
    """Yield the time of a whole `boneage assess`: the first ever, which compiles the models, and later ones."""
    assess = (*BONEAGE, "assess", str(file), "--sex", "female")
    with tempfile.TemporaryDirectory() as cache:
        seconds, memory = _run(assess, BONEAGE_CACHE=cache)
        yield "cold start, models not yet compiled", f"{seconds:6.2f} s   peak {memory:5.0f} MiB"
        later = [_run(assess, BONEAGE_CACHE=cache) for _ in range(3)]
    seconds, memory = (float(np.median(column)) for column in zip(*later, strict=True))
    yield "cold start, models compiled", f"{seconds:6.2f} s   peak {memory:5.0f} MiB"


def folders(file: Path, files: int) -> Iterator[Row]:
    """Yield the throughput of 2 workers against 1, taken in turns, and the memory for few and for many files."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = (_copies(file, Path(folder) / str(count), count) for count in (10, files))
        in_turns = [(_assess_folder(many, 1), _assess_folder(many, 2)) for _ in range(2)]
        one, two = (min(seconds for seconds, _ in runs) for runs in zip(*in_turns, strict=True))
        yield f"{files} files, 1 worker", f"{files / one:6.2f} files/s"
        yield f"{files} files, 2 workers", f"{files / two:6.2f} files/s   {one / two:.2f} times as many"
        _, memory_few = _assess_folder(few, 2)
        memory_many = max(memory for _, (_, memory) in in_turns)
        growth = memory_many - memory_few
        yield f"peak memory, 10 and {files} files", f"{memory_few:6.0f} and {memory_many:.0f} MiB ({growth:+.0f})"


def _copies(file: Path, folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        shutil.copyfile(file, folder / f"{number:04}{file.suffix}")
    return folder


def _assess_folder(folder: Path, workers: int) -> tuple[float, float]:
    options = ("--sex", "female", "--workers", str(workers), "--csv", str(folder.parent / f"{time.monotonic_ns()}.csv"))
    return _run((*BONEAGE, "assess", str(folder), *options))


def _run(command: Sequence[str], **environment: str) -> tuple[float, float]:
    """Return seconds and peak memory in MiB of a command; its own process alone counts."""
    measured = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
    measured += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    start = time.perf_counter()
    done = subprocess.run(
        (sys.executable, "-c", measured, *command), capture_output=True, text=True, env=os.environ | environment
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise click.ClickException(f"{' '.join(command)} failed:\n{done.stderr}")
    return seconds, int(done.stdout) * _maxrss_unit() / MEBI


def _maxrss_unit() -> int:
    """Return the bytes in which this system counts `ru_maxrss`: kibibytes, but bytes on macOS."""
    return 1 if sys.platform == "darwin" else 1024


def _seconds(room: Callable[[], object]) -> float:
    start = time.perf_counter()
    room()
    return time.perf_counter() - start


def _milliseconds(seconds: Sequence[float]) -> str:
    median, p90 = np.percentile(seconds, (50, 90)) * 1000
    return f"{median:6.0f} ms  p90 {p90:5.0f} ms"


if __name__ == "__main__":
    main()
