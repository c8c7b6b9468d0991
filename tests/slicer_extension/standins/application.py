"""Stands for the application around real MRML: `slicer.app`, `slicer.modules`, and what of `slicer.util` needs Qt."""

import re
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import slicer
import slicer.util
from PySide6.QtCore import QBuffer, QSettings
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QApplication, QMessageBox

from . import mrml_widgets, parameter_nodes, qt, scripted_modules


def start(settings_folder):
    """Make the application, once; its settings lie in `settings_folder`."""
    app = QApplication.instance() or QApplication([])
    app.setOrganizationName("tests")
    app.setApplicationName("Slicer")
    QSettings.setDefaultFormat(QSettings.IniFormat)
    QSettings.setPath(QSettings.IniFormat, QSettings.UserScope, str(settings_folder))
    sys.modules["qt"] = qt
    _module("slicer.ScriptedLoadableModule", vars(scripted_modules))
    _module("slicer.parameterNodeWrapper", vars(parameter_nodes))
    _module("SampleData", {"SampleDataLogic": SampleDataLogic})
    slicer.app = SimpleNamespace(connect=lambda signal, slot: slot(), processEvents=app.processEvents)
    slicer.modules = SimpleNamespace(segmenteditor=SimpleNamespace(widgetRepresentation=lambda: segment_editor))
    for name in (
        "loadUI",
        "childWidgetVariables",
        "confirmOkCancelDisplay",
        "selectModule",
        "setSliceViewerLayers",
        "loadVolume",
    ):
        setattr(slicer.util, name, globals()[name])
    return app


def _module(name, content):
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module


def loadUI(path):
    """Load a .ui file with the widgets that Slicer adds to Qt Designer; qMRMLWidget makes its connections here."""
    text = re.sub("<connections>.*</connections>", "", Path(path).read_text(encoding="utf-8"), flags=re.DOTALL)
    loader, content = QUiLoader(), QBuffer()
    for widget in mrml_widgets.WIDGETS:
        loader.registerCustomWidget(widget)
    content.setData(text.encode())
    loaded = loader.load(content)
    assert loaded is not None, loader.errorString()
    for section in loaded.findChildren(mrml_widgets.ctkCollapsibleButton):
        section.fold()
    return loaded


def childWidgetVariables(widget):
    """Return an object whose attributes are the named widgets."""
    children = [child for child in widget.findChildren(qt.QWidget) if child.objectName()]
    return SimpleNamespace(**{child.objectName(): child for child in children})


def confirmOkCancelDisplay(text, windowTitle=None, parent=None, **_):
    """Ask in a dialog, as Slicer does while it is not being tested."""
    box = QMessageBox(QMessageBox.Question, windowTitle or "", text, QMessageBox.Ok | QMessageBox.Cancel)
    return box.exec() == QMessageBox.Ok


def selectModule(name):
    """Remember which module was opened."""
    slicer.modules.selected = name


def setSliceViewerLayers(background=None, fit=False, **_):
    """Show a volume in the background of all slice views."""
    scene = slicer.mrmlScene
    for place in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        view = scene.GetNthNodeByClass(place, "vtkMRMLSliceCompositeNode")
        view.SetBackgroundVolumeID(background.GetID() if background else None)


def loadVolume(path, properties):
    """Load a picture, which slicer-core cannot, as one slice."""
    from BoneAgeLib import volumes
    from BoneAgeLib.contract import Downloaded

    volume = volumes.load(Downloaded(Path(path).name, Path(path).read_bytes()), slicer.mrmlScene, properties["name"])
    volume.RemoveAttribute(volumes.GRID)  # of downloads only
    return volume


class SegmentEditor:
    """Stands for the Segment Editor module: remembers what it was given to edit."""

    def self(self):
        return SimpleNamespace(editor=self)

    def setSegmentationNode(self, node):
        self.segmentation = node

    def setSourceVolumeNode(self, node):
        self.volume = node

    def setCurrentSegmentID(self, segment_id):
        self.segment_id = segment_id


segment_editor = SegmentEditor()


class SampleDataLogic:
    """Stands for Slicer's list of sample data; `sources` are the arguments of each registration."""

    sources: list = []  # noqa: RUF012 - as in Slicer, one list for all

    @staticmethod
    def registerCustomSampleDataSource(**source):
        SampleDataLogic.sources.append(source)
