"""A folder of radiographs as studies."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from boneage.corrections import CorrectionStore
from boneage.errors import InvalidInput, UnknownImage
from boneage.radiograph import read_radiograph
from boneage.study_files import image_id_of, radiographs_by_id
from monailabel_app.studies import Studies

REFRESH_SECONDS = 5.0


class FolderStudies(Studies):
    """Radiographs of a folder and its subfolders; files are only ever added, never changed or removed.

    Args:
        folder: Of the radiographs.
        store: Of the corrections.
    """

    def __init__(self, folder: Path, store: CorrectionStore) -> None:
        super().__init__(store)
        self._folder = folder.resolve()
        self._paths: dict[str, Path] = {}
        self._listed_at = -REFRESH_SECONDS
        self._lock = threading.Lock()

    def description(self) -> str:
        return "Hand radiographs of a folder"

    @property
    def work_folder(self) -> Path:
        """Return a hidden folder in the studies, which is not looked into for radiographs."""
        return self._folder / ".boneage"

    def list_images(self) -> list[str]:
        """Return the ids, sorted; the folder is looked through again after some seconds."""
        with self._lock:
            if time.monotonic() - self._listed_at > REFRESH_SECONDS:
                self._paths = radiographs_by_id(self._folder)
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

    def shape_of(self, image_id: str) -> tuple[int, int]:
        rows, columns = read_radiograph(self.path_of(image_id)).pixels.shape
        return rows, columns

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        """Return what a client shows of a radiograph; strategies leave their marks here."""
        path = self.path_of(image_id)
        return {"ts": int(path.stat().st_mtime), **self._infos.get(image_id, {})}

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
