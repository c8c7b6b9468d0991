"""What the widget asks for: radiographs out, findings in, corrections made of what was changed. Main thread only.

It never touches nodes that are not its own: each of its nodes refers to the radiograph that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import slicer

from . import findings, volumes
from .comparison import changes_of
from .contract import Assessed, Assessment, Downloaded, HandBox, Outgoing, Reading
from .corrections import Changes, ExpertInput, years_and_months
from .dicom_facts import DicomFacts
from .errors import ClientError, ErrorKind
from .folders import CaseFolders
from .geometry import PictureGrid
from .pictures import mask_voxels, nrrd_of
from .saliency import SALIENCY, saliency_of, show_saliency


@dataclass(frozen=True, eq=False)
class CaseNodes:
    """The nodes of one radiograph; None where there is none."""

    folder_item: int
    roi: Any = None
    segmentation: Any = None
    table: Any = None
    chart: Any = None
    readings: Any = None
    saliency: Any = None


@dataclass(frozen=True, eq=False)
class _Case:
    """What the models found first, and what was shown last (after a corrected hand, for example)."""

    found: Assessment
    found_mask: np.ndarray | None
    latest: Assessment


class BoneAgeLogic:
    """Keeps, beside the nodes of the scene, what was found in each radiograph.

    Args:
        scene: Slicer's own if None.
        dicom_database: With `fileForInstance`; Slicer's own, if there is one, if None.
    """

    def __init__(self, scene: Any = None, dicom_database: Any = None) -> None:
        self.scene = scene if scene is not None else slicer.mrmlScene
        self._database = dicom_database
        self._folders = CaseFolders(self.scene)
        self._cases: dict[str, _Case] = {}

    # Radiographs

    def outgoing(self, volume: Any) -> Outgoing:
        """Return what to send of the volume that is shown."""
        return volumes.outgoing_of(volume, self._file_of_instance)

    def dicom_facts(self, volume: Any) -> DicomFacts:
        """Return sex and chronological age by the DICOM file behind a volume, if there is one; nothing is guessed."""
        return volumes.dicom_facts_of(volume, self._file_of_instance)

    def bind(self, volume: Any, image_id: str, server: str) -> None:
        """Note on a volume which radiograph of which server it is, as long as its pixels stay the same.

        Raises:
            ClientError: WRONG_IMAGE if its pixels have changed since `outgoing`.
        """
        pixels = volumes.pixels_of(volume)
        if volume.GetAttribute(volumes.SENT) not in (None, pixels):
            raise ClientError(
                ErrorKind.WRONG_IMAGE, "The radiograph was changed while it was sent.", "Assess it again."
            )
        volume.SetAttribute(volumes.IMAGE_ID, image_id)
        volume.SetAttribute(volumes.SERVER, server)
        volume.SetAttribute(volumes.PIXELS, pixels)
        volume.SetAttribute(volumes.SENT, None)
        findings.part_with(self.scene, volume, image_id)

    def image_id_of(self, volume: Any, server: str) -> str | None:
        """Return the id of a volume on a server; None if it is not known there or its pixels have changed since."""
        if volume is None or volume.GetImageData() is None or volume.GetAttribute(volumes.SERVER) != server:
            return None
        if volume.GetAttribute(volumes.PIXELS) != volumes.pixels_of(volume):
            return None
        return volume.GetAttribute(volumes.IMAGE_ID)

    def slice_uid_token(self, volume: Any) -> str:
        """Return what tells one shown radiograph from any other, also from one loaded into the same node."""
        return f"{volume.GetID()} {volumes.pixels_of(volume)}"

    def load_downloaded(self, downloaded: Downloaded, image_id: str, server: str) -> Any:
        """Return a new volume with a radiograph of the server's work list, bound to it."""
        volume = volumes.load(downloaded, self.scene, image_id)
        self.bind(volume, image_id, server)
        return volume

    # Findings

    def show(self, volume: Any, assessed: Assessed, server: str, keep_hand: bool = False) -> CaseNodes:
        """Show hand box, outline and age distribution of a volume.

        Args:
            volume: The radiograph.
            assessed: The server's answer about it.
            server: The client's address.
            keep_hand: Leave box and outline as the expert has them; only age and distribution are new.

        Raises:
            ClientError: WRONG_IMAGE if the answer is about another radiograph than this volume is now.
        """
        assessment = assessed.assessment
        grid = volumes.grid_of_volume(volume)
        self._check_is_about(volume, assessment, server, (grid.rows, grid.columns))
        mask = mask_voxels(assessed.mask_nrrd, volumes.voxels_of(volume).shape[:3]) if assessed.mask_nrrd else None
        if not keep_hand:
            findings.show_box(self.scene, volume, assessment.hand.box, grid)
        if mask is not None and not keep_hand:
            findings.show_outline(self.scene, volume, mask)
        if assessment.estimates:
            findings.show_distribution(self.scene, volume, assessment.estimates)
        self._show_saliency(volume, assessment, grid)
        self._remember(volume, assessment, mask)
        self._gather(volume)
        return self.nodes(volume)

    def nodes(self, volume: Any) -> CaseNodes:
        """Return the nodes of a volume, as far as they are there."""
        roles = (findings.BOX, findings.OUTLINE, findings.TABLE, findings.CHART, findings.READINGS, SALIENCY)
        found = [findings.found(self.scene, volume, role) for role in roles]
        return CaseNodes(self._folders.item_of(findings.belonging(self.scene, volume)), *found)

    def assessment(self, volume: Any) -> Assessment | None:
        """Return what was shown last of a volume."""
        case = self._case(volume)
        return case.latest if case else None

    def draw_box(self, volume: Any) -> Any:
        """Return an ROI to start from where no hand was found: over the middle of the radiograph."""
        grid = volumes.grid_of_volume(volume)
        x, y = grid.columns / 8, grid.rows / 8
        roi = findings.show_box(self.scene, volume, HandBox(x, y, grid.columns - x, grid.rows - y), grid)
        self._gather(volume)
        return roi

    # What the expert has made of them

    def hand_box(self, volume: Any) -> HandBox | None:
        """Return the hand box as it is now, in the server's pixels; None if there is none."""
        roi = findings.found(self.scene, volume, findings.BOX)
        return None if roi is None else findings.box_of(roi, volumes.grid_of_volume(volume))

    def mask(self, volume: Any) -> np.ndarray | None:
        """Return the outline as it is now, (rows, columns) bool on the server's pixels; None if there is none."""
        hand = self._outline(volume)
        return None if hand is None else volumes.grid_of_volume(volume).picture_of(hand)

    def mask_nrrd(self, volume: Any) -> bytes | None:
        """Return the outline as it is now as a file on the grid of the radiograph's own file."""
        hand = self._outline(volume)
        return None if hand is None else nrrd_of(hand.astype(np.uint8), volumes.geometry_of(volume))

    def changes(self, volume: Any, expert: ExpertInput) -> Changes:
        """Return what differs from what the models found; without a finding, all that is there counts as changed.

        Raises:
            ClientError: INVALID if the hand box lies outside, the outline was erased, or what was typed is amiss.
        """
        case, hand = self._case(volume), self._outline(volume)
        found = (case.found.hand.box, case.found_mask) if case else (None, None)
        return changes_of(expert, self.hand_box(volume), hand, self.mask_nrrd(volume), *found)

    # Readings of others

    def show_readings(self, volume: Any, readings: Sequence[Reading], masks: Mapping[str, bytes]) -> Any:
        """Return a segmentation with a segment for each reading that has an outline, named by reader and age."""
        shape, node = volumes.voxels_of(volume).shape[:3], None
        for place, reading in enumerate(one for one in readings if one.id in masks):
            hand = mask_voxels(masks[reading.id], shape)
            node = findings.show_reading(self.scene, volume, place, reading.id, _reading_name(reading), hand)
        self._gather(volume)
        return node

    # Tidying up

    def remove_case(self, volume: Any, with_volume: bool = False) -> None:
        """Remove the nodes that were made for a volume, and the volume itself if asked to; nothing else."""
        nodes = findings.belonging(self.scene, volume)
        folder = self._folders.item_of(nodes)
        for node in [*nodes, *([volume] if with_volume else [])]:
            findings.remove(self.scene, node)
        self._folders.remove_if_empty(folder)
        self._cases.pop(volume.GetID() or "", None)

    def _gather(self, volume: Any) -> None:
        findings.mark(self.scene, volume)
        self._folders.gather(volume, findings.belonging(self.scene, volume))

    def _show_saliency(self, volume: Any, assessment: Assessment, grid: PictureGrid) -> None:
        """Show where the age comes from; remove the map of a former answer if this one has none."""
        if assessment.saliency is not None:
            show_saliency(self.scene, volume, assessment.saliency, grid)
        elif (former := saliency_of(self.scene, volume)) is not None:
            findings.remove(self.scene, former)

    def _outline(self, volume: Any) -> np.ndarray | None:
        segmentation = findings.found(self.scene, volume, findings.OUTLINE)
        return None if segmentation is None else findings.hand_outline_of(segmentation, volume)

    def _check_is_about(self, volume: Any, assessment: Assessment, server: str, shape: tuple[int, int]) -> None:
        is_it = assessment.image_id == self.image_id_of(volume, server)
        if not is_it or (assessment.rows, assessment.columns) != shape:
            raise ClientError(
                ErrorKind.WRONG_IMAGE, "The answer is about another radiograph than the one shown.", "Assess it again."
            )

    def _remember(self, volume: Any, assessment: Assessment, mask: np.ndarray | None) -> None:
        before = self._case(volume)
        if before is None or assessment.task == "bone_age":
            self._cases[volume.GetID()] = _Case(assessment, mask, assessment)
        else:
            self._cases[volume.GetID()] = replace(before, latest=assessment)

    def _case(self, volume: Any) -> _Case | None:
        """Return what is known of a volume, unless other pixels were loaded into its node meanwhile."""
        case = self._cases.get(volume.GetID() or "") if volume is not None else None
        if case is None or volume.GetAttribute(volumes.IMAGE_ID) != case.found.image_id:
            return None
        return case

    def _file_of_instance(self, instance: str) -> str:
        database = self._database or getattr(slicer, "dicomDatabase", None)
        return database.fileForInstance(instance) if database is not None else ""


def _reading_name(reading: Reading) -> str:
    if reading.bone_age_months is None:
        return f"{reading.reader} ({reading.status})"
    return f"{reading.reader}: {years_and_months(reading.bone_age_months)} ({reading.status})"
