"""From the run folder of a training to a live version, or to a refusal that says why."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from boneage.errors import BoneAgeError
from boneage.models import MODEL_NAMES, REGRESSOR, ModelFile, check_bundle, models_folder
from boneage.promotion import Ruling
from boneage.promotion_measures import Ground, compare_versions
from boneage.registry import Action, Entry, live_bundle, promote, refuse
from boneage.suspicion import Suspicion
from boneage.training.calibration import calibrate
from boneage.training.publish import publish, training_of

MOST_TOLD = 50  # suspicions that the history and a training's status keep

log = logging.getLogger(__name__)


def try_to_promote(
    name: str,
    run: Path,
    version: str,
    ground: Ground,
    started_by: str,
    models_dir: Path | None = None,
    suspicious: Callable[[], Sequence[Suspicion]] | None = None,
) -> tuple[Ruling, Entry]:
    """Compare what a training made with the live version, and make it live if it is better and nowhere worse.

    Args:
        name: One of `boneage.models.MODEL_NAMES`.
        run: Run folder of the training. What is measured is kept in its folder `gate`, and an interrupted comparison
            goes on from there.
        version: Of the candidate, as in 1.2.0.
        ground: What to compare on; its validation split calibrates a regressor.
        started_by: Who or what asked for it.
        models_dir: Models folder; None for the project's.
        suspicious: Asked after a refusal which corrections look wrong; the history keeps the strongest.

    Returns:
        The gate's ruling, and the line that was added to the history.

    Raises:
        ModelRefused: If the weights cannot be used.
        InvalidData: If there is too little data to calibrate or to compare on.
        OutputFailed: If something cannot be written; the live version stays live.
    """
    home = models_folder(models_dir)
    with tempfile.TemporaryDirectory(prefix="boneage-candidate-") as folder:
        shop = Path(folder)
        publish(name, run / "model.safetensors", version, {}, training_of(run), shop, "Trained anew.")
        _add_the_others(shop, home, name)
        if name == REGRESSOR:
            calibrate(ground.data, shop, ground.workers)
        candidate = check_bundle(name, shop / name)
        ruling = compare_versions(name, shop / name, ground, run / "gate" / candidate.sha256[:12], home)
        return ruling, _conclude(candidate, ruling, home, started_by, suspicious)


def _conclude(
    candidate: ModelFile,
    ruling: Ruling,
    home: Path,
    started_by: str,
    suspicious: Callable[[], Sequence[Suspicion]] | None,
) -> Entry:
    entry = Entry(
        action=Action.PROMOTED if ruling.goes_live else Action.REFUSED,
        model=candidate.name,
        bundle="",
        version=candidate.version,
        sha256=candidate.sha256,
        parent="",
        started_by=started_by,
        reason=" ".join(ruling.reasons),
        data=str(candidate.card.get("training", {}).get("data", "")),
        figures=ruling.plain(),
    )
    if not ruling.goes_live:
        return refuse(home, _with_suspicions(entry, suspicious))
    _compile(candidate)
    return promote(candidate.weights.parents[1], home, entry)


def _with_suspicions(entry: Entry, suspicious: Callable[[], Sequence[Suspicion]] | None) -> Entry:
    """Add which corrections look wrong to a refusal; that it cannot be found out does not lose the refusal."""
    try:
        found = suspicious() if suspicious else []
    except BoneAgeError as error:
        log.warning("Which corrections look wrong could not be found out: %s", error)
        found = []
    if not found:
        return entry
    told = [one.plain() for one in found[:MOST_TOLD]]
    reason = f"{entry.reason} {len(found)} suspicions against corrections: {found[0].why}"
    return replace(entry, reason=reason, figures=entry.figures | {"suspicious": told})


def _compile(model: ModelFile) -> None:
    """Compile a model before it is live, so that the first radiograph after it does not wait."""
    from boneage.runtime import Network

    Network(model)


def _add_the_others(shop: Path, home: Path, name: str) -> None:
    for other in MODEL_NAMES:
        if other != name:
            os.symlink(live_bundle(home, other).resolve(), shop / other)
