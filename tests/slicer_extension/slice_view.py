"""A scene as Slicer sets it up, and a slice view that is rendered without a screen: slicer-core's own, with no widgets.

In the application qSlicerCoreApplication, the modules and qMRMLSliceWidget do this.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

_MANAGER_CLASSES = (
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)


@dataclass(frozen=True, eq=False)
class SlicerScene:
    """A scene with the logics of the modules that the extension needs; they live as long as this does."""

    scene: Any
    app_logic: Any
    logics: tuple[Any, ...]


def slicer_scene() -> SlicerScene:
    """Return a new scene, set up as Slicer does at its start."""
    scene = slicer.vtkMRMLScene()
    app_logic = slicer.vtkSlicerApplicationLogic()
    app_logic.SetMRMLScene(scene)
    app_logic.GetColorLogic().SetMRMLScene(scene)
    app_logic.GetColorLogic().AddDefaultColorNodes()
    app_logic.SetSliceLogics(vtk.vtkCollection())
    app_logic.SetViewLogics(vtk.vtkCollection())
    slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(app_logic)
    made = {"Segmentations": slicer.vtkSlicerSegmentationsModuleLogic(), "Markups": slicer.vtkSlicerMarkupsLogic()}
    for name, logic in made.items():
        logic.SetMRMLApplicationLogic(app_logic)
        logic.SetMRMLScene(scene)
        app_logic.SetModuleLogic(name, logic)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    return SlicerScene(scene, app_logic, tuple(made.values()))


class SliceView:
    """The view "Red" of a scene, drawn into memory.

    Args:
        of: The scene.
        size: Width and height in pixels of the screen.
    """

    def __init__(self, of: SlicerScene, size: tuple[int, int] = (600, 700)) -> None:
        self._renderer = vtk.vtkRenderer()
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(True)
        self._window.SetMultiSamples(0)
        self._window.AddRenderer(self._renderer)
        self._window.SetSize(*size)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(of.app_logic)
        of.app_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(of.scene)
        self.node = self.logic.AddSliceNode("Red")
        self.logic.ResizeSliceNode(*size)
        self._image = self._image_actor()
        self._group = self._displayable_managers(of)

    def show(self, volume: Any) -> SliceView:
        """Put a volume into the background, turn the view to its plane and fit it."""
        self.logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        self.node.SetOrientation("Axial")
        self.logic.RotateSliceToLowestVolumeAxes(False)
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()
        return self

    def pixels(self) -> np.ndarray:
        """Return what is drawn: (rows, columns, 3) uint8, the upper row first."""
        self._image.GetMapper().SetInputConnection(self.logic.GetImageDataConnection())
        self._window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self._window)
        grab.SetInputBufferTypeToRGB()
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        columns, rows, _ = image.GetDimensions()
        values = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        return np.ascontiguousarray(values.reshape(rows, columns, 3)[::-1])

    def save(self, file: Path) -> Path:
        """Write what is drawn as PNG."""
        from PIL import Image

        Image.fromarray(self.pixels()).save(file)
        return file

    def place_of(self, ras: tuple[float, float, float]) -> tuple[float, float]:
        """Return where a point lies on the screen: column and row, the upper left corner first."""
        to_xy = slicer.util.arrayFromVTKMatrix(self.node.GetXYToRAS())
        x, y = (np.linalg.inv(to_xy) @ [*ras, 1.0])[:2]
        return float(x), self._window.GetSize()[1] - 1 - float(y)

    def close(self) -> None:
        """Let go of the window; managers must not outlive it."""
        self._group.SetMRMLDisplayableNode(None)
        self._window.Finalize()

    def _image_actor(self) -> Any:
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self._renderer.AddViewProp(actor)
        return actor

    def _displayable_managers(self, of: SlicerScene) -> Any:
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(of.app_logic)
        for name in _MANAGER_CLASSES:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        group = slicer.vtkMRMLDisplayableManagerGroup()
        group.SetRenderer(self._renderer)
        group.Initialize(factory, self._renderer)
        group.SetMRMLDisplayableNode(self.node)
        return group
