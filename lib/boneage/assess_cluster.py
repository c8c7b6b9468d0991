"""`boneage assess --ray`: the radiographs are assessed by the workers of a Ray cluster.

Ray Data hands them out in blocks, replaces a worker that died and gives its block to another one. What is left to do
here is to see that each radiograph has exactly one outcome.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import secrets
import sys
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from boneage.assess_request import Request, assessor
from boneage.batch import Outcome, outcome_of, usable_cores
from boneage.errors import ClusterFailed, InvalidInput, WorkerLost
from boneage.input_table import Input
from boneage.inputs import name_of
from boneage.models import MODEL_NAMES, check_model

if TYPE_CHECKING:
    from ray.data import Dataset

Rows = list[dict[str, str]]
RowsOutcome = Outcome[Input, Rows]

LOCAL = "local"
LARGEST_BLOCK = 16  # radiographs: what a dead worker costs again, and seconds between two signs of life
BLOCKS_PER_WORKER = 4  # so that the last ones end at about the same time
RETRIES = 2  # of a block whose worker died
OBJECT_STORE_BYTES = 100 * 2**20  # of a local cluster: only paths and rows go through it


def assess_on_cluster(
    inputs: Sequence[Input], request: Request, models_dir: Path | None, address: str, workers: int | None = None
) -> Generator[RowsOutcome, None, None]:
    """Assess radiographs on a Ray cluster and yield the CSV rows of each, in the order in which they are done.

    Every radiograph has one outcome, whatever becomes of the workers: one that took its worker along three times in a
    block, and three times alone, has an error.

    Args:
        inputs: What to assess; the files lie where every worker can read them.
        request: What the options say.
        models_dir: Where the models are, for the workers too; None for those that come with the program.
        address: "local" for a cluster of this machine and this command; "auto" or HOST:PORT for one that runs.
        workers: Processes, each with its own models; None for one a core of the cluster.

    Raises:
        ClusterFailed: If Ray is not installed, the cluster cannot be reached, or its workers cannot start.
        ModelRefused: If a model is missing or damaged.
    """
    for name in MODEL_NAMES:
        check_model(name, models_dir)
    left = dict(enumerate(inputs))
    with _connected(address, workers) as cores:
        workers = workers or cores
        for largest in (LARGEST_BLOCK, 1):
            size = min(largest, math.ceil(len(left) / (workers * BLOCKS_PER_WORKER)))
            for number, outcome in _assessed(left, size, workers, request, models_dir):
                if number in left:
                    yield replace(outcome, item=left.pop(number))
    for one in left.values():
        yield Outcome(
            one, error=WorkerLost("Every worker that began with this radiograph died.", "Try it alone, without --ray.")
        )


class Worker:
    """Assesses blocks of radiographs in a process of its own; the models are loaded once."""

    def __init__(self, request: Request, models_dir: Path | None) -> None:
        from boneage import assessment  # heavy

        os.environ["BONEAGE_CORES"] = "1"  # the others belong to other workers
        self._assess = assessor(request, assessment.load_models(models_dir, threads=1, local=request.local_calibration))

    def __call__(self, block: dict[str, Any]) -> dict[str, list[Any]]:
        """Return what became of each radiograph of a block."""
        found = [pickle.dumps(self._outcome(*pickle.loads(pickled))) for pickled in block["radiograph"]]
        return {"number": list(block["number"]), "outcome": found}

    def _outcome(self, name: str, one: Input) -> Outcome[None, Rows]:
        from boneage.report import csv_rows

        outcome = outcome_of(one, lambda one: csv_rows(name, self._assess(one)))
        return Outcome(None, outcome.answer, outcome.error)


def _assessed(
    left: dict[int, Input], size: int, workers: int, request: Request, models_dir: Path | None
) -> Iterator[tuple[int, Outcome[Any, Rows]]]:
    """Let the cluster assess what is left, in blocks of `size`; blocks that cost too many workers are missing."""
    import ray
    from ray.data import ActorPoolStrategy

    if not left:
        return
    workers = min(workers, math.ceil(len(left) / size))
    # One block at a time, since a worker that dies counts against every block that it was given.
    pool = ActorPoolStrategy(min_size=1, initial_size=workers, max_size=workers, max_tasks_in_flight_per_actor=1)
    with warnings.catch_warnings():  # the name that is to replace max_task_retries does not exist yet
        warnings.simplefilter("ignore", DeprecationWarning)
        assessed = _blocks(left, size).map_batches(
            Worker,
            fn_constructor_args=(request, models_dir and models_dir.absolute()),
            batch_size=None,
            compute=pool,
            num_cpus=1,
            max_task_retries=RETRIES,
        )
    try:
        for row in assessed.iter_rows():
            yield row["number"], pickle.loads(row["outcome"])
    except ray.exceptions.RayError as error:
        raise ClusterFailed(
            f"The workers of the cluster cannot go on: {_last_line(error)}",
            "The same boneage and the models must lie on each of its machines. Then go on with --resume.",
        ) from error


def _blocks(left: dict[int, Input], size: int) -> Dataset:
    """Return the radiographs as numbers, names and absolute paths; pickled, since a path need not be valid text."""
    import ray

    items = [
        {"number": number, "radiograph": pickle.dumps((name_of(one.path), replace(one, path=one.path.absolute())))}
        for number, one in left.items()
    ]
    return ray.data.from_items(items, override_num_blocks=math.ceil(len(items) / size))


@contextmanager
def _connected(address: str, workers: int | None) -> Iterator[int]:
    """Connect to the cluster, or start a local one, and give the number of its cores."""
    if address.startswith("ray://"):
        raise InvalidInput("--ray does not go through a Ray Client.", "On a machine of the cluster, give --ray auto.")
    if address == LOCAL and "ray" not in sys.modules:  # which looks for a token when it is imported, and never again
        # Its ports are open to the network, and whoever reaches them runs what he likes.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ray = _ray()
    with TemporaryDirectory(prefix="boneage-", dir="/tmp") as folder:  # Ray's sockets need a short path
        local = {
            "num_cpus": workers or usable_cores(),
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
            "_temp_dir": folder,
        }
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **local if address == LOCAL else {})
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise ClusterFailed(
                f"Expected a Ray cluster at '{address}': {_last_line(error)}",
                "Start one with `ray start --head`, or give --ray local.",
            ) from error
        try:
            yield int(ray.cluster_resources().get("CPU", 1))
        finally:
            ray.shutdown()


def _ray() -> Any:
    """Import Ray, and keep it quiet."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise InvalidInput(
            f"--ray needs Ray, which is not installed ({error}).", "Install it with: pip install 'boneage[cluster]'"
        ) from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.max_errored_blocks = -1  # they are tried again, radiograph by radiograph
    context.max_consecutive_actor_init_deaths = 3
    context.enable_progress_bars = context.print_on_execution_start = False
    return ray


def _last_line(error: Exception) -> str:
    """Return what an error of Ray comes down to; a traceback of the cluster stands before it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
