"""The nodes of a finding: hand box, outline, readings, age distribution; each refers to its radiograph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

from .contract import Estimate, HandBox
from .geometry import BoxInSpace, PictureGrid, box_from_space, box_in_space
from .volumes import IMAGE_ID, SERVER, voxels_of

RADIOGRAPH, ROLE = "BoneAge.Radiograph", "BoneAge.Role"
BOX, OUTLINE, TABLE, CHART, SERIES, READINGS = "hand box", "outline", "distribution", "chart", "series", "readings"
HAND_SEGMENT = "hand"
HAND_COLOUR = (0.13, 0.8, 0.9)
READER_COLOURS = ((0.9, 0.6, 0.1), (0.6, 0.3, 0.9), (0.2, 0.8, 0.3), (0.9, 0.2, 0.4), (0.9, 0.9, 0.2), (0.3, 0.5, 1.0))
SEX_COLOURS = {"female": (0.84, 0.15, 0.46), "male": (0.12, 0.47, 0.71)}


def found(scene: Any, volume: Any, role: str) -> Any:
    """Return the node of this role that belongs to a volume; None if there is none."""
    return next((node for node in belonging(scene, volume) if node.GetAttribute(ROLE) == role), None)


def belonging(scene: Any, volume: Any) -> list[Any]:
    """Return all nodes of the radiograph that a volume holds."""
    if volume is None or not volume.GetID():
        return []
    nodes = (scene.GetNthNode(place) for place in range(scene.GetNumberOfNodes()))
    return [node for node in nodes if node.GetNodeReferenceID(RADIOGRAPH) == volume.GetID()]


def mark(scene: Any, volume: Any) -> None:
    """Note on the nodes of a volume of which server's radiograph they are."""
    for node in belonging(scene, volume):
        for name in (IMAGE_ID, SERVER):
            node.SetAttribute(name, volume.GetAttribute(name))


def part_with(scene: Any, volume: Any, image_id: str) -> None:
    """Leave to the person, hidden, what belongs to another radiograph that the volume's node held before."""
    for node in belonging(scene, volume):
        if node.GetAttribute(IMAGE_ID) not in (None, image_id):
            node.SetNodeReferenceID(RADIOGRAPH, None)
            node.SetName(f"{node.GetName()} (earlier radiograph)")
            if hasattr(node, "SetDisplayVisibility"):
                node.SetDisplayVisibility(False)


def made(scene: Any, volume: Any, role: str, class_name: str, name: str) -> Any:
    """Return the node of this role, a new one if the volume has none."""
    node = found(scene, volume, role)
    if node is None:
        node = scene.AddNewNodeByClass(class_name, name)
        node.SetAttribute(ROLE, role)
        node.SetNodeReferenceID(RADIOGRAPH, volume.GetID())
    return node


def remove(scene: Any, node: Any) -> None:
    """Remove a node with its display and storage nodes."""
    helpers = [node.GetNthDisplayNode(n) for n in range(_count(node, "GetNumberOfDisplayNodes"))]
    helpers += [node.GetNthStorageNode(n) for n in range(_count(node, "GetNumberOfStorageNodes"))]
    scene.RemoveNode(node)
    for helper in helpers:
        if helper is not None:
            scene.RemoveNode(helper)


def _count(node: Any, method: str) -> int:
    return getattr(node, method)() if hasattr(node, method) else 0


# Hand box


def show_box(scene: Any, volume: Any, box: HandBox, grid: PictureGrid) -> Any:
    """Put the ROI of a volume on a hand box and return it."""
    is_new = found(scene, volume, BOX) is None
    roi = made(scene, volume, BOX, "vtkMRMLMarkupsROINode", "Hand box")
    if is_new:
        _set_up_roi(roi)
    roi.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    place = box_in_space(box, grid)
    roi.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(place.object_to_ras))
    roi.SetSize(*place.size_mm)
    return roi


def _set_up_roi(roi: Any) -> None:
    """Show the box with handles that move its sides; it stays parallel to the radiograph's sides."""
    roi.CreateDefaultDisplayNodes()
    display = roi.GetDisplayNode()
    display.SetFillOpacity(0.0)
    display.SetPropertiesLabelVisibility(False)
    for colour in (display.SetColor, display.SetSelectedColor):
        colour(1.0, 0.75, 0.0)
    display.SetHandlesInteractive(True)
    display.SetRotationHandleVisibility(False)


def box_of(roi: Any, grid: PictureGrid) -> HandBox:
    """Return the hand box of an ROI as it is now.

    Raises:
        ClientError: INVALID if it lies outside the radiograph.
    """
    matrix = slicer.util.arrayFromVTKMatrix(roi.GetObjectToNodeMatrix())
    return box_from_space(BoxInSpace(matrix, tuple(roi.GetSize())), grid)


# Outlines


def show_outline(scene: Any, volume: Any, hand: np.ndarray) -> Any:
    """Put the outline of a volume's hand, (k, j, i) bool, into its segmentation and return that."""
    segmentation = _segmentation(scene, volume, OUTLINE, "Hand outline")
    _set_segment(segmentation, volume, HAND_SEGMENT, "Hand", HAND_COLOUR, hand)
    return segmentation


def show_reading(scene: Any, volume: Any, place: int, reading_id: str, name: str, hand: np.ndarray) -> Any:
    """Put a reader's outline beside the others as a segment of its own."""
    segmentation = _segmentation(scene, volume, READINGS, "Readings")
    colour = READER_COLOURS[place % len(READER_COLOURS)]
    _set_segment(segmentation, volume, reading_id, name, colour, hand)
    return segmentation


def outline_of(segmentation: Any, volume: Any, segment: str) -> np.ndarray | None:
    """Return a segment as (k, j, i) bool on the voxels of the volume; None if it is not there or empty."""
    if segmentation.GetSegmentation().GetSegment(segment) is None:
        return None
    labelmap, whole = slicer.vtkOrientedImageData(), _oriented(volume, None)
    segmentation.GetBinaryLabelmapRepresentation(segment, labelmap)
    if labelmap.IsEmpty():
        return None
    resampled = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(labelmap, whole, resampled)
    values = numpy_support.vtk_to_numpy(resampled.GetPointData().GetScalars())
    hand = values.reshape(tuple(reversed(resampled.GetDimensions()))) > 0
    return hand if hand.any() else None


def hand_outline_of(segmentation: Any, volume: Any) -> np.ndarray | None:
    """Return the hand, (k, j, i) bool: its own segment, or the only one there is where the person drew it anew."""
    ids = list(segmentation.GetSegmentation().GetSegmentIDs())
    if HAND_SEGMENT not in ids and len(ids) != 1:
        return None
    return outline_of(segmentation, volume, HAND_SEGMENT if HAND_SEGMENT in ids else ids[0])


def _segmentation(scene: Any, volume: Any, role: str, name: str) -> Any:
    is_new = found(scene, volume, role) is None
    segmentation = made(scene, volume, role, "vtkMRMLSegmentationNode", name)
    if is_new:
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        segmentation.CreateDefaultDisplayNodes()
        segmentation.GetDisplayNode().SetOpacity2DFill(0.15)
    segmentation.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    return segmentation


def _set_segment(segmentation: Any, volume: Any, segment: str, name: str, colour: Any, hand: np.ndarray) -> None:
    segments = segmentation.GetSegmentation()
    if segments.GetSegment(segment) is None:
        segments.AddEmptySegment(segment, name, colour)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    logic.SetBinaryLabelmapToSegment(_oriented(volume, hand), segmentation, segment, logic.MODE_REPLACE)


def _oriented(volume: Any, hand: np.ndarray | None) -> Any:
    """Return an image on the voxels of a volume: of the hand, or empty."""
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(volume.GetImageData().GetDimensions())
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    image.SetImageToWorldMatrix(matrix)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    scalars = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    scalars[:] = 0 if hand is None else hand.ravel()
    return image


# Age distribution


def show_distribution(scene: Any, volume: Any, estimates: Sequence[Estimate]) -> tuple[Any, Any]:
    """Return table and chart of the probability of each whole month, a curve for each sex."""
    table = made(scene, volume, TABLE, "vtkMRMLTableNode", "Bone age distribution")
    chart = made(scene, volume, CHART, "vtkMRMLPlotChartNode", "Bone age distribution")
    _fill_table(table, estimates)
    chart.RemoveAllPlotSeriesNodeIDs()
    for estimate in estimates:
        chart.AddAndObservePlotSeriesNodeID(_series(scene, volume, table, estimate.sex).GetID())
    chart.SetTitle("Bone age")
    chart.SetXAxisTitle("Bone age (months)")
    chart.SetYAxisTitle("Probability of the month")
    chart.SetLegendVisibility(len(estimates) > 1)
    _set_range(chart, estimates)
    return table, chart


def _fill_table(table: Any, estimates: Sequence[Estimate]) -> None:
    table.RemoveAllColumns()
    columns: dict[str, Sequence[float]] = {"month": range(max((len(one.distribution) for one in estimates), default=0))}
    columns.update({one.sex: one.distribution for one in estimates})
    for name, values in columns.items():
        column = numpy_support.numpy_to_vtk(np.array(values, float), deep=True)
        column.SetName(name)
        table.AddColumn(column)


def _series(scene: Any, volume: Any, table: Any, sex: str) -> Any:
    series = made(scene, volume, f"{SERIES} {sex}", "vtkMRMLPlotSeriesNode", sex)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName("month")
    series.SetYColumnName(sex)
    series.SetPlotType(series.PlotTypeScatter)
    series.SetMarkerStyle(series.MarkerStyleNone)
    series.SetColor(*SEX_COLOURS[sex])
    return series


def _set_range(chart: Any, estimates: Sequence[Estimate]) -> None:
    """Show the months that matter: four standard deviations to both sides."""
    if not estimates:
        return
    lows = [one.bone_age_months - 4 * one.bone_age_sd_months for one in estimates]
    highs = [one.bone_age_months + 4 * one.bone_age_sd_months for one in estimates]
    chart.SetXAxisRangeAuto(False)
    chart.SetXAxisRange(max(0.0, min(lows)), min(240.0, max(highs)))


def same_size(volume: Any, hand: np.ndarray) -> bool:
    """Say whether an outline lies on the voxels of a volume."""
    return voxels_of(volume).shape[:3] == hand.shape
