"""What `monailabel start_server --app monailabel_app` loads; it registers the tasks and opens the studies."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from monailabel.interfaces.app import MONAILabelApp
from monailabel.utils.async_tasks.task import AsyncTask

# MONAI Label has this folder itself on sys.path, and only while it loads this file.
sys.path.append(str(Path(__file__).parents[1]))

from boneage import __version__
from boneage.corrections import CorrectionStore
from boneage.dicomweb_places import is_address
from boneage.errors import ArchiveUnreachable, BoneAgeError, InvalidInput, OutputFailed, StoreFailed, UnknownImage
from boneage.models import MODEL_NAMES
from boneage.schema import assessment_schema
from boneage.scores import stamp_of
from monailabel_app.archive import open_archive
from monailabel_app.folder import FolderStudies
from monailabel_app.infer import infer_tasks, is_upload
from monailabel_app.live_models import LiveModels
from monailabel_app.periodic import Periodic
from monailabel_app.retraining_state import new_corrections, retraining_state
from monailabel_app.scoring import NAME as SCORING
from monailabel_app.scoring import BoneAgeScoring, is_own_process
from monailabel_app.settings import AppSettings
from monailabel_app.strategy import strategies
from monailabel_app.studies import Studies
from monailabel_app.train import train_tasks

log = logging.getLogger("boneage.app")


class BoneAgeApp(MONAILabelApp):
    """Bone age from hand radiographs: three rooms, the one-click assessment, and the store of corrections."""

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self.settings = AppSettings.from_conf(conf)
        self.models = LiveModels(self.settings.models, self.settings.threads)
        super().__init__(
            app_dir,
            studies,
            conf,
            name="Bone age",
            description="Bone age from a hand radiograph: hand box, outline, age. Not a medical device.",
            version=__version__,
            labels={"hand": 1},
        )
        if not is_own_process() and (self.settings.retrain_after or self.settings.retrain_at):
            self._train_periodically()

    def _train_periodically(self) -> None:
        periodic = Periodic(
            self._train_all,
            _is_training,
            lambda: new_corrections(self.datastore()),
            self.settings.retrain_after,
            self.settings.retrain_at,
        )
        periodic.run_in_background()

    def _train_all(self) -> None:
        for name in MODEL_NAMES:  # one after the other
            AsyncTask.run("train", request={"model": name, "started_by": "the schedule"}, enqueue=True)

    def init_datastore(self) -> Studies:
        """Open the folder of studies or the archive, and the store of corrections."""
        if is_address(self.studies):
            cache_bytes = self.settings.archive_cache_mb << 20
            return open_archive(self.studies, self.settings.store, cache_bytes, sends=not is_own_process())
        folder = Path(self.studies)
        store = CorrectionStore(self.settings.store) if self.settings.store else CorrectionStore.in_folder(folder)
        return FolderStudies(folder, store)

    def init_infers(self) -> dict[str, Any]:
        """Return the four tasks, which share the loaded models."""
        return infer_tasks(self.models, self.settings.growth_reference)

    def init_trainers(self) -> dict[str, Any]:
        """Return a task for each model; none begins by itself unless that is set."""
        return train_tasks(self.models, self.settings.training)

    def init_strategies(self) -> dict[str, Any]:
        """Return the strategies; none offers one radiograph to two readers."""
        return strategies(self.datastore(), self.datastore().leases, lambda: stamp_of(self.models.versions))

    def init_scoring_methods(self) -> dict[str, Any]:
        """Return the one method that computes what the strategies need."""
        return {SCORING: BoneAgeScoring(self.models)}

    def async_scoring(self, method: str | None, params: Any = None) -> dict[str, Any]:
        """Score in the background what is not scored yet; MONAI Label asks at the start and with each next sample."""
        studies = self.datastore()
        if AsyncTask.status("scoring", check_if_running=True)[0] is not None:
            return {}
        if not studies.scores.missing(studies.list_images(), stamp_of(self.models.versions)):
            return {}
        return {SCORING: AsyncTask.run("scoring", request={"method": SCORING})[0]}

    def infer(self, request: dict[str, Any], datastore: Any = None) -> dict[str, Any]:
        """Run a task on a radiograph of the studies, or on one that was uploaded with the request.

        MONAI Label itself would open any file of the machine that a client names.
        """
        image_id = str(request.get("image", ""))
        try:
            path = self.datastore().path_of(image_id)
        except UnknownImage as error:
            if not is_upload(image_id):
                return _refusal(error)
            path, image_id = Path(image_id), "upload"
        except (ArchiveUnreachable, OutputFailed) as error:
            return _refusal(error)
        task = self._infers.get(request.get("model", ""))
        if task is None:
            return _refusal(InvalidInput("Expected one of the models: " + ", ".join(self._infers) + ".", "Name one."))
        mask_file, answer = task({**request, "path": path, "image_id": image_id})
        if answer.get("estimates") and image_id != "upload":
            self._note_assessed(image_id)
        return {"label": mask_file, "tag": "original", "file": mask_file, "params": answer}

    def _note_assessed(self, image_id: str) -> None:
        """Remember for the work list that the radiograph was assessed; an answer does not fail for it."""
        try:
            self.datastore().scores.note_assessed(image_id)
        except StoreFailed as error:
            log.warning("The work list does not know of an assessment: %s", error)

    def info(self) -> dict[str, Any]:
        """Describe models with versions and figures, labels and limits: enough for a client to build its screen."""
        return super().info() | {
            "model_cards": [_shown(card) for card in self.models.cards],
            "model_trouble": self.models.trouble,
            "limits": {"bone_age_months": [0, 228]},
            "schemas": {"infer": assessment_schema()},
            "work_list": self._work_list(),
            "retraining": self._retraining(),
        }

    def _retraining(self) -> dict[str, Any]:
        begins = {"after": self.settings.retrain_after, "at": self.settings.retrain_at}
        return retraining_state(self.datastore(), _is_training(), begins)

    def _work_list(self) -> dict[str, Any]:
        studies = self.datastore()
        total = len(studies.list_images())
        scored = total - len(studies.scores.missing(studies.list_images(), stamp_of(self.models.versions)))
        return {"states": ["new", "assessed", "corrected"], "radiographs": total, "scored": scored}


def _is_training() -> bool:
    return AsyncTask.status("train", check_if_running=True)[0] is not None


def _shown(card: dict[str, Any]) -> dict[str, Any]:
    """Return what a client shows of a model: name, version, what it does, and what was measured on which data."""
    return {key: card.get(key) for key in ("name", "version", "task", "figures", "limits", "intended_use")}


def _refusal(error: BoneAgeError) -> dict[str, Any]:
    answer = {"error": {"kind": error.kind, "message": error.message, "advice": error.advice}}
    return {"label": None, "tag": "original", "file": None, "params": answer}
