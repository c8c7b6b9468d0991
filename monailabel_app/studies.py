"""Radiographs and their corrections as MONAI Label's datastore: what a folder and an archive have in common.

Labels are corrections in the append-only store; where the radiographs lie is the business of the two children.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from monailabel.interfaces.datastore import Datastore

from boneage.corrections import CorrectionStore
from boneage.corrections_checked import validated
from boneage.errors import InvalidInput, StoreFailed
from boneage.mask_files import read_mask, write_mask
from boneage.scores import Scores
from boneage.selection import Leases
from boneage.study_files import patient_in
from boneage.types import Correction, CorrectionStatus
from monailabel_app.labels import correction_from_params, info_of
from monailabel_app.scratch import scratch_folder

log = logging.getLogger("boneage.studies")

TAGS = {status.value for status in CorrectionStatus}


class Studies(Datastore):
    """Radiographs by id, and what readers say of them; nothing is ever changed or removed.

    Args:
        store: Of the corrections.
    """

    def __init__(self, store: CorrectionStore) -> None:
        self.store = store
        self.scores = Scores(store.engine)
        self.leases = Leases(store.engine)
        self._infos: dict[str, dict[str, Any]] = {}

    def name(self) -> str:
        return "Studies"

    def set_name(self, name: str) -> None:
        """Do nothing: the name is fixed."""

    def set_description(self, description: str) -> None:
        """Do nothing: the description is fixed."""

    # What a child must know

    @property
    def work_folder(self) -> Path:
        """Return where trainings keep what they make; the first one makes it, for this user only."""
        raise NotImplementedError

    def patient_of(self, image_id: str) -> str:
        """Return one word for the patient of a radiograph: two of one patient are trained on together or not at all.

        Raises:
            UnknownImage: As `path_of`.
        """
        return patient_in(self.path_of(image_id)) or image_id

    def path_of(self, image_id: str) -> Path:
        """Return the file of a radiograph.

        Raises:
            UnknownImage: If no radiograph has this id, or it was deleted meanwhile.
        """
        raise NotImplementedError

    def shape_of(self, image_id: str) -> tuple[int, int]:
        """Return rows and columns of a radiograph.

        Raises:
            UnknownImage: If no radiograph has this id.
        """
        raise NotImplementedError

    def _after_correction(self, kept: Correction, has_mask: bool) -> None:
        """Do what is to be done with a correction that is kept already; must not fail."""

    # Radiographs

    def get_image(self, image_id: str, params: Any = None) -> bytes:
        return self.path_of(image_id).read_bytes()

    def get_image_uri(self, image_id: str) -> str:
        return str(self.path_of(image_id))

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Remember a mark, such as when a strategy offered the radiograph, while the server runs."""
        self.get_image_info(image_id)
        self._infos.setdefault(image_id, {}).update(info)

    def remove_image(self, image_id: str) -> None:
        """Refuse: the studies are the clinic's; a correction may belong to the radiograph."""
        raise InvalidInput("Radiographs are not removed through the server.", "Remove the file from the studies.")

    # Labels: corrections

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Keep a reader's correction and return its id; an empty file or JSON means that no mask is sent.

        Raises:
            InvalidInput: If tag, parameters or mask cannot be used.
        """
        if label_tag not in TAGS:
            raise InvalidInput("Expected the tag final or draft.", "Send one of them.")
        shape, file = self.shape_of(image_id), Path(label_filename)
        mask = None if file.stat().st_size == 0 or file.suffix == ".json" else read_mask(file, self.path_of(image_id))
        correction = correction_from_params(image_id, {"status": label_tag} | label_info, mask)
        kept = self.store.add(validated(correction, shape))
        if kept.status is CorrectionStatus.FINAL:
            self._end_lease(image_id)
        self._after_correction(kept, mask is not None)
        return kept.id

    def _end_lease(self, image_id: str) -> None:
        """End a lease; the correction is kept already, so that a failure must not look like one of it."""
        try:
            self.leases.end(image_id)
        except StoreFailed as error:
            log.warning("A lease could not be ended; it ends by itself: %s", error)

    def get_labels_by_image_id(self, image_id: str) -> dict[str, str]:
        latest = {row.status.value: row.id for row in self.store.standing(image_id)}
        return dict(sorted(latest.items()))

    def get_label_by_image_id(self, image_id: str, tag: str) -> str:
        return self.get_labels_by_image_id(image_id).get(tag, "")

    def get_label(self, label_id: str, label_tag: str, params: Any = None) -> bytes:
        return Path(self.get_label_uri(label_id, label_tag)).read_bytes()

    def get_label_uri(self, label_id: str, label_tag: str) -> str:
        """Write the mask of a correction, in its radiograph's own geometry, to a temporary file and return its path."""
        row = self.store.get(label_id)
        mask = self.store.mask(row.id)
        if mask is None:
            return ""
        out = scratch_folder() / f"{row.id}.nrrd"
        write_mask(mask, self.path_of(row.image_id), out)
        return str(out)

    def get_label_info(self, label_id: str, label_tag: str) -> dict[str, Any]:
        return info_of(self.store.get(label_id))

    def update_label_info(self, label_id: str, label_tag: str, info: dict[str, Any]) -> None:
        """Refuse: a correction is never changed; a new one takes its place."""
        raise InvalidInput("A correction is never changed.", "Send a new one; it takes the place of the old one.")

    def remove_label(self, label_id: str, label_tag: str) -> None:
        """Refuse: only a reader withdraws, by a new row."""
        raise InvalidInput("A correction is never removed.", "Withdraw it: boneage corrections withdraw.")

    def get_labeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        wanted = label_tag or CorrectionStatus.FINAL.value
        corrected = {row.image_id for row in self.store.standing() if row.status.value == wanted}
        return [image_id for image_id in self.list_images() if image_id in corrected]

    def get_unlabeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        done = set(self.get_labeled_images(label_tag, labels))
        return [image_id for image_id in self.list_images() if image_id not in done]

    def datalist(self) -> list[dict[str, Any]]:
        """Return image and latest final correction of every radiograph that has one."""
        finals, there = self.store.finals(), set(self.list_images())
        return [
            {"image": self.get_image_uri(image_id), "bone_age_months": label.bone_age_months, "label": label.mask_id}
            for image_id, label in finals.items()
            if image_id in there
        ]

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """Refuse: radiographs of patients do not leave in one file."""
        raise InvalidInput("The studies are not packed into an archive.", "Use: boneage corrections export.")

    def status(self) -> dict[str, Any]:
        total, done = len(self.list_images()), len(self.get_labeled_images())
        return {"total": total, "completed": done, "label_tags": {"final": done}, "train": []}

    def json(self) -> dict[str, Any]:
        """Return every radiograph with its standing corrections, as clients of MONAI Label list them.

        Beside what those know, an object has its `state` (new, assessed, corrected), all `readings`, oldest first, and
        who it is `held_by`.
        """
        readings, assessed, held = self.readings(), self.scores.assessed(), self.leases.held()
        objects = {i: self._object(readings.get(i, []), i in assessed, held.get(i)) for i in self.list_images()}
        return {"name": self.name(), "description": self.description(), "objects": objects}

    def readings(self, image_id: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return the standing corrections of each radiograph as plain values, oldest first."""
        with_mask = self.store.with_mask(image_id)
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self.store.standing(image_id):
            reading = {"id": row.id, **info_of(row), "has_mask": row.id in with_mask}
            found.setdefault(row.image_id, []).append(reading)
        return found

    def _object(self, readings: list[dict[str, Any]], is_assessed: bool, holder: str | None) -> dict[str, Any]:
        labels = {reading["status"]: {"name": reading["id"], "info": reading} for reading in readings}
        state = "corrected" if CorrectionStatus.FINAL.value in labels else "assessed" if is_assessed else "new"
        return {"image": {"info": {}}, "labels": labels, "state": state, "readings": readings, "held_by": holder}
