"""A folder of radiographs as MONAI Label's datastore; labels are corrections in the append-only store."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monailabel.interfaces.datastore import Datastore

from boneage.corrections import CorrectionStore
from boneage.corrections_checked import validated
from boneage.errors import InvalidInput, StoreFailed, UnknownImage
from boneage.mask_files import read_mask, write_mask
from boneage.radiograph import is_probably_radiograph_file, read_radiograph, supported_suffixes
from boneage.scores import Scores
from boneage.selection import Leases
from boneage.types import CorrectionStatus
from monailabel_app.labels import correction_from_params, info_of
from monailabel_app.scratch import scratch_folder

log = logging.getLogger("boneage.studies")

REFRESH_SECONDS = 5.0
TAGS = {status.value for status in CorrectionStatus}


def image_id_of(relative: Path) -> str:
    """Return the id of a file by its path in the studies: its name and, to tell it from others, a hash of the path."""
    name = relative.name.lower()
    suffix = next((s for s in sorted(supported_suffixes, key=len, reverse=True) if name.endswith(s)), "")
    stem = relative.name[: len(name) - len(suffix)] or "image"
    digest = hashlib.sha256(relative.as_posix().encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', stem)[:80].lstrip('.')}-{digest}"


class FolderStudies(Datastore):
    """Radiographs of a folder and its subfolders; files are only ever added, never changed or removed.

    Args:
        folder: Of the radiographs.
        store: Of the corrections.
    """

    def __init__(self, folder: Path, store: CorrectionStore) -> None:
        self._folder = folder.resolve()
        self.store = store
        self.scores = Scores(store.engine)
        self.leases = Leases(store.engine)
        self._paths: dict[str, Path] = {}
        self._listed_at = -REFRESH_SECONDS
        self._lock = threading.Lock()
        self._infos: dict[str, dict[str, Any]] = {}

    def name(self) -> str:
        return "Studies"

    def set_name(self, name: str) -> None:
        """Do nothing: the name is fixed."""

    def description(self) -> str:
        return "Hand radiographs of a folder"

    def set_description(self, description: str) -> None:
        """Do nothing: the description is fixed."""

    # Radiographs

    def list_images(self) -> list[str]:
        """Return the ids, sorted; the folder is looked through again after some seconds."""
        with self._lock:
            if time.monotonic() - self._listed_at > REFRESH_SECONDS:
                found = (path.relative_to(self._folder) for path in _radiographs_in(self._folder))
                self._paths = {image_id_of(relative): relative for relative in found}
                self._listed_at = time.monotonic()
            return sorted(self._paths)

    def refresh(self) -> None:
        """Look through the folder at the next chance."""
        self._listed_at = -REFRESH_SECONDS

    def path_of(self, image_id: str) -> Path:
        """Return the file of a radiograph.

        Raises:
            UnknownImage: If no radiograph has this id, or it was deleted meanwhile.
        """
        if image_id not in self._paths:
            self.list_images()
        relative = self._paths.get(image_id)
        if relative is None or not (self._folder / relative).is_file():
            raise UnknownImage("No radiograph of the studies has this id, or it was deleted.", "Ask for the list.")
        return self._folder / relative

    def get_image(self, image_id: str, params: Any = None) -> bytes:
        return self.path_of(image_id).read_bytes()

    def get_image_uri(self, image_id: str) -> str:
        return str(self.path_of(image_id))

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """Return what a client shows of a radiograph; strategies leave their marks here."""
        path = self.path_of(image_id)
        return {"ts": int(path.stat().st_mtime), **self._infos.get(image_id, {})}

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Remember a mark, such as when a strategy offered the radiograph, while the server runs."""
        self.path_of(image_id)
        self._infos.setdefault(image_id, {}).update(info)

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Keep an uploaded radiograph, if it can be read, and return its id.

        Raises:
            UnreadableRadiograph: If it is none; nothing is kept.
            InvalidInput: If the name that the client chose cannot be one.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", image_id):
            raise InvalidInput("Expected a name of letters, digits, dots, dashes and lines.", "Choose another name.")
        upload = Path(image_filename)
        read_radiograph(upload)
        target = self._folder / f"{image_id}{''.join(upload.suffixes).lower()}"
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
            shutil.copyfile(upload, file.name)
        try:
            os.link(file.name, target)  # fails where the name is taken; nothing is overwritten
        except FileExistsError:
            raise InvalidInput("A radiograph of this name is there already.", "Choose another name.") from None
        finally:
            os.unlink(file.name)
        self.refresh()
        return image_id_of(target.relative_to(self._folder))

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
        path, file = self.path_of(image_id), Path(label_filename)
        mask = None if file.stat().st_size == 0 or file.suffix == ".json" else read_mask(file, path)
        shape = read_radiograph(path).pixels.shape
        correction = correction_from_params(image_id, {"status": label_tag} | label_info, mask)
        kept = self.store.add(validated(correction, (shape[0], shape[1])))
        if kept.status is CorrectionStatus.FINAL:
            self._end_lease(image_id)
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


def _radiographs_in(folder: Path) -> Iterator[Path]:
    """Yield the radiographs of a folder and its subfolders; no hidden ones, none that a link leads out to."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from _radiographs_in(Path(entry.path))
            elif is_probably_radiograph_file(Path(entry.path)):
                yield Path(entry.path)
