"""Slicer's own views and editors: what is shown, and where a box or an outline is edited."""

from __future__ import annotations

import slicer

from .findings import ROLE
from .saliency import OPACITY, SALIENCY

RED = "Red"


def red_view(scene):
    """Return the node that says what the red slice view shows; None before there is a view."""
    return scene.GetSingletonNode(RED, "vtkMRMLSliceCompositeNode")


def shown_volume(scene):
    """Return the radiograph in the background of the red slice view; None if there is none, or none with pixels."""
    view = red_view(scene)
    volume = None if view is None else scene.GetNodeByID(view.GetBackgroundVolumeID() or "")
    is_radiograph = volume is not None and volume.GetImageData() is not None and not volume.GetAttribute(ROLE)
    return volume if is_radiograph else None


def show_volume(volume) -> None:
    """Show a volume in the slice views; the scene keeps everything else."""
    slicer.util.setSliceViewerLayers(background=volume, fit=True)


def overlay(scene, saliency) -> None:
    """Lay a map over the radiograph in the red view; with None take away the one that lies there, and no other."""
    view = red_view(scene)
    if view is None:
        return
    lies_there = scene.GetNodeByID(view.GetForegroundVolumeID() or "")
    if saliency is not None and saliency is not lies_there:
        view.SetForegroundVolumeID(saliency.GetID())
        view.SetForegroundOpacity(OPACITY)
    elif saliency is None and lies_there is not None and lies_there.GetAttribute(ROLE) == SALIENCY:
        view.SetForegroundVolumeID(None)


def edit_box(roi) -> None:
    """Give a box handles to move and stretch it by."""
    display = roi.GetDisplayNode()
    display.SetVisibility(True)
    display.SetHandlesInteractive(True)
    display.SetTranslationHandleVisibility(True)
    display.SetScaleHandleVisibility(True)


def edit_outline(segmentation, volume) -> None:
    """Open an outline in Slicer's Segment Editor."""
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    editor.setSegmentationNode(segmentation)
    editor.setSourceVolumeNode(volume)
    editor.setCurrentSegmentID(segmentation.GetSegmentation().GetNthSegmentID(0))
