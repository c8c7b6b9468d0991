"""Stand for the widgets that Slicer and CTK add to Qt and that BoneAge.ui names."""

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

TITLE_STYLE = "font-weight: bold; border: none; text-align: left; padding: 2px; background: #dfe5ec"


class qMRMLWidget(QWidget):
    """A panel that hands the scene to the widgets in it; in Slicer the connections of the .ui file do that."""

    def setMRMLScene(self, scene):
        for child in self.findChildren(qMRMLNodeComboBox):
            child.setMRMLScene(scene)


class ctkCollapsibleButton(QWidget):
    """A section with a title that folds away; the .ui file gives it its layout."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._text, self._is_collapsed, self._folded = "", False, []
        self._button = QPushButton(self)
        self._button.setStyleSheet(
            "font-weight: bold; border: none; text-align: left; padding: 2px; background: #dfe5ec"
        )
        self._button.clicked.connect(lambda: self._set_collapsed(not self._is_collapsed))
        self.setContentsMargins(0, self._button.sizeHint().height() + 4, 0, 0)

    def fold(self):
        """Hide what is inside, or show again what was not hidden before."""
        children = self.findChildren(QWidget, options=Qt.FindDirectChildrenOnly)
        if self._is_collapsed:
            self._folded = [child for child in children if child is not self._button and not child.isHidden()]
        for child in self._folded:
            child.setVisible(not self._is_collapsed)
        self._button.setText(("▸ " if self._is_collapsed else "▾ ") + self._text)
        self.setMaximumHeight(self._button.sizeHint().height() + 4 if self._is_collapsed else 16777215)

    def _set_collapsed(self, collapsed):
        if collapsed != self._is_collapsed:
            self._is_collapsed = collapsed
            self.fold()
        self.contentsCollapsed.emit(collapsed)

    def _set_text(self, text):
        self._text = text

    def resizeEvent(self, event):
        self._button.resize(self.width(), self._button.sizeHint().height())
        super().resizeEvent(event)

    text = Property(str, lambda self: self._text, _set_text)
    collapsed = Property(bool, lambda self: self._is_collapsed, _set_collapsed)


class qMRMLNodeComboBox(QWidget):
    """A list of the scene's nodes of some classes, from which one is chosen."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = QComboBox(self)
        self._scene, self._ids, self._slots = None, [None], []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._tell)

    def setMRMLScene(self, scene):
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent):
            scene.AddObserver(event, lambda *_: self._list())
        self._list()

    def connect(self, signal, slot):
        assert signal == "currentNodeChanged(vtkMRMLNode*)"
        self._slots.append(slot)

    def currentNode(self):
        node_id = self._ids[max(0, self._box.currentIndex())]
        return self._scene.GetNodeByID(node_id) if node_id else None

    def setCurrentNode(self, node):
        self._list()
        self._box.setCurrentIndex(self._ids.index(node.GetID()) if node else 0)

    def _list(self):
        kept = self._ids[max(0, self._box.currentIndex())]
        types = self.property("nodeTypes") or ["vtkMRMLScalarVolumeNode"]
        nodes = [node for kind in types for node in _nodes(self._scene, kind)]
        self._box.blockSignals(True)
        self._ids = [None] + [node.GetID() for node in nodes]
        self._box.clear()
        self._box.addItems(["None"] + [node.GetName() for node in nodes])
        self._box.setCurrentIndex(self._ids.index(kept) if kept in self._ids else 0)
        self._box.blockSignals(False)

    def _tell(self):
        for slot in self._slots:
            slot(self.currentNode())


def _nodes(scene, kind):
    return [scene.GetNthNodeByClass(place, kind) for place in range(scene.GetNumberOfNodesByClass(kind))]


WIDGETS = (qMRMLWidget, ctkCollapsibleButton, qMRMLNodeComboBox)
