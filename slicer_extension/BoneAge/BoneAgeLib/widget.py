"""The panel: loads its layout, makes its sections, and follows what the red slice view shows."""

from __future__ import annotations

import qt
import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from . import views
from .desk import Desk
from .jobs import Jobs
from .logic import BoneAgeLogic
from .outbox import Outbox
from .parameters import BoneAgeParameters, parameter_node
from .settings import outbox_folder
from .widget_assess import AssessSection
from .widget_correct import CorrectSection
from .widget_documents import DocumentsSection
from .widget_server import ServerSection
from .widget_training import TrainingSection
from .widget_worklist import WorkListSection

TICK_MILLISECONDS = 100


class BoneAgePanel(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """What Slicer shows in its module panel; the sections do the work."""

    def __init__(self, parent=None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self) -> None:
        """Build the panel, once."""
        ScriptedLoadableModuleWidget.setup(self)
        layout = slicer.util.loadUI(self.resourcePath("UI/BoneAge.ui"))
        self.layout.addWidget(layout)
        self.ui = slicer.util.childWidgetVariables(layout)
        layout.setMRMLScene(slicer.mrmlScene)
        self.desk = Desk(self.ui, BoneAgeLogic(), Jobs(), Outbox(outbox_folder()))
        self._make_sections()
        self._follow_scene()
        self._start_timer()
        self.initialize_parameters()
        self.desk.changed()

    def cleanup(self) -> None:
        """Let go of everything; what is not sent yet stays on the disk."""
        self.timer.stop()
        self.desk.jobs.close()
        self.removeObservers()

    def enter(self) -> None:
        """Come back to the panel: the view may show something else now."""
        self.initialize_parameters()
        self.follow_view()

    def _make_sections(self) -> None:
        self.assess = AssessSection(self.desk)
        self.correct = CorrectSection(self.desk)
        self.documents = DocumentsSection(self.desk)
        self.work_list = WorkListSection(self.desk)
        self.training = TrainingSection(self.desk)
        self.server = ServerSection(self.desk, self._connected)

    def _connected(self) -> None:
        """Send what has waited for this server, and ask for its list."""
        if self.desk.outbox.waiting(self.desk.address):
            self.correct.send()
        self.work_list.refresh()
        self.training.ask()

    # The scene

    def _follow_scene(self) -> None:
        self.ui.volumeSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._choose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._let_go)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._begin_again)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAddedEvent, self._watch_view)
        self._watch_view()

    def initialize_parameters(self) -> None:
        """Take up the choices that are kept in the scene."""
        node = parameter_node(slicer.mrmlScene)
        if self.desk.parameters is None or self.desk.parameters.parameterNode is not node:
            self.desk.parameters = BoneAgeParameters(node)
            self.work_list.restore()
            self.follow_view()

    def _watch_view(self, *_) -> None:
        """Follow the red view, as soon as there is one."""
        view = views.red_view(slicer.mrmlScene)
        if view is not None and not self.hasObserver(view, vtk.vtkCommand.ModifiedEvent, self.follow_view):
            self.addObserver(view, vtk.vtkCommand.ModifiedEvent, self.follow_view)

    def follow_view(self, *_) -> None:
        """Make the radiograph that the red view shows the one that everything is about."""
        volume = views.shown_volume(slicer.mrmlScene)
        if volume is not self.desk.volume:
            self.desk.show(volume)
            if self.desk.parameters is not None:
                self.desk.parameters.radiograph = volume
            self.ui.volumeSelector.setCurrentNode(volume)

    def _choose(self, *_) -> None:
        """Show the volume that the person has chosen in the list."""
        volume = self.ui.volumeSelector.currentNode()
        if volume is not None and volume is not self.desk.volume:
            views.show_volume(volume)

    def _let_go(self, *_) -> None:
        self.desk.parameters = None
        self.desk.show(None)

    def _begin_again(self, *_) -> None:
        self._watch_view()
        self.initialize_parameters()

    # Time

    def _start_timer(self) -> None:
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MILLISECONDS)
        self.timer.timeout.connect(self._tick)
        self.timer.start()

    def _tick(self) -> None:
        """Take what has come from the background; a fault of the panel's own is no secret."""
        self.desk.jobs.poll()
        self.training.tick()
        self.ui.faultLabel.setVisible(bool(self.desk.jobs.faults))
