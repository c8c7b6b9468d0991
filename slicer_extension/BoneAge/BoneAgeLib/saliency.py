"""Where the age comes from, as a volume in colour over the radiograph."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from .contract import Saliency
from .findings import found, made
from .geometry import Geometry, PictureGrid

SALIENCY = "saliency"
COLOURS = "vtkMRMLColorTableNodeIron"  # black over red to yellow and white
OPACITY = 0.4
SHOWN_FROM = 0.15  # of the highest value; what is below is left clear


def show_saliency(scene: Any, volume: Any, saliency: Saliency, grid: PictureGrid) -> Any:
    """Put the map of a radiograph into its volume, a new one if it has none, and return that."""
    cells = grid.voxels_of(np.array(saliency.months_on_grid, np.float32))
    node = made(scene, volume, SALIENCY, "vtkMRMLScalarVolumeNode", f"Where the age of {volume.GetName()} comes from")
    matrix = cells_to_ras(grid.geometry, cells.shape)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    slicer.util.updateVolumeFromArray(node, cells)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    _colour(node, float(cells.max()))
    return node


def saliency_of(scene: Any, volume: Any) -> Any:
    """Return the map that belongs to a volume; None if there is none."""
    return found(scene, volume, SALIENCY)


def cells_to_ras(geometry: Geometry, shape: tuple[int, ...]) -> np.ndarray:
    """Return the 4 x 4 matrix of a coarse grid, (k, j, i) cells, that covers the same space as a volume's voxels."""
    scale = np.array(geometry.size) / np.array(shape[::-1])
    to_voxels = np.diag([*scale, 1.0])
    to_voxels[:3, 3] = (scale - 1) / 2  # the centre of the first cell, counted from the centre of the first voxel
    return geometry.matrix @ to_voxels


def _colour(node: Any, highest: float) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(COLOURS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, highest or 1.0)
    display.AutoThresholdOff()
    display.SetLowerThreshold(SHOWN_FROM * highest)
    display.SetUpperThreshold(highest or 1.0)
    display.ApplyThresholdOn()
