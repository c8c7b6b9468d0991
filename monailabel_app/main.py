"""What `monailabel start_server --app monailabel_app` loads; it registers the tasks and opens the studies."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from monailabel.interfaces.app import MONAILabelApp

# MONAI Label has this folder itself on sys.path, and only while it loads this file.
sys.path.append(str(Path(__file__).parents[1]))

from boneage import __version__
from boneage.assessment import load_models
from boneage.corrections import CorrectionStore
from boneage.errors import InvalidInput, UnknownImage
from boneage.models import MODEL_NAMES, check_model
from monailabel_app.infer import infer_tasks, is_upload
from monailabel_app.settings import AppSettings
from monailabel_app.strategy import strategies
from monailabel_app.studies import FolderStudies

SCHEMA = Path(__file__).parent / "schemas" / "assessment.schema.json"


class BoneAgeApp(MONAILabelApp):
    """Bone age from hand radiographs: three rooms, the one-click assessment, and the store of corrections."""

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self.settings = AppSettings.from_conf(conf)
        self.models = load_models(self.settings.models, self.settings.threads)
        self.cards = [_card(name, self.settings.models) for name in MODEL_NAMES]
        super().__init__(
            app_dir,
            studies,
            conf,
            name="Bone age",
            description="Bone age from a hand radiograph: hand box, outline, age. Not a medical device.",
            version=__version__,
            labels={"hand": 1},
        )

    def init_datastore(self) -> FolderStudies:
        """Open the folder of studies and its store of corrections."""
        if "://" in self.studies:
            raise InvalidInput("Expected a folder of studies, got an address.", "DICOMweb is not served yet.")
        folder = Path(self.studies)
        store = CorrectionStore(self.settings.store) if self.settings.store else CorrectionStore.in_folder(folder)
        return FolderStudies(folder, store)

    def init_infers(self) -> dict[str, Any]:
        """Return the four tasks, which share the loaded models."""
        return infer_tasks(self.models, self.settings.growth_reference)

    def init_strategies(self) -> dict[str, Any]:
        """Return the strategies; none offers one radiograph to two readers."""
        return strategies(self.datastore())

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
        task = self._infers.get(request.get("model", ""))
        if task is None:
            return _refusal(InvalidInput("Expected one of the models: " + ", ".join(self._infers) + ".", "Name one."))
        mask_file, answer = task({**request, "path": path, "image_id": image_id})
        return {"label": mask_file, "tag": "original", "file": mask_file, "params": answer}

    def info(self) -> dict[str, Any]:
        """Describe models with versions and figures, labels and limits: enough for a client to build its screen."""
        return super().info() | {
            "model_cards": self.cards,
            "limits": {"bone_age_months": [0, 228]},
            "schemas": {"infer": json.loads(SCHEMA.read_text(encoding="utf-8"))},
            "retraining": {"state": "not available"},
        }


def _card(name: str, folder: Path | None) -> dict[str, Any]:
    """Return what a client shows of a model: name, version, what it does, and what was measured on which data."""
    card = check_model(name, folder).card
    return {key: card.get(key) for key in ("name", "version", "task", "figures", "limits", "intended_use")}


def _refusal(error: InvalidInput | UnknownImage) -> dict[str, Any]:
    answer = {"error": {"kind": error.kind, "message": error.message, "advice": error.advice}}
    return {"label": None, "tag": "original", "file": None, "params": answer}
