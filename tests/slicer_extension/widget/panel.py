"""The panel in a window without a screen, used as a person uses it: by its fields, buttons and dialogs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

WIDTH, HEIGHT = 480, 1000  # pixels
PATIENCE = 60.0  # seconds


class Panel:
    """A panel on a scene, with what a person does to it.

    Attributes:
        ui: The widgets by name.
        desk: What the sections share.
        asked: Texts of the dialogs that have been answered.
    """

    def __init__(self, widget: Any, view: Any) -> None:
        self.widget, self.view = widget, view
        self.asked: list[str] = []
        widget.setup()
        widget.enter()
        self.ui, self.desk = widget.ui, widget.desk
        widget.parent.resize(WIDTH, HEIGHT)
        widget.parent.show()

    def close(self) -> None:
        """Close Slicer."""
        self.widget.cleanup()
        self.widget.parent.close()
        assert not self.desk.jobs.faults

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the application run until something holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"waited for too long; the panel says: {self.says()}"
            QApplication.processEvents()
            time.sleep(0.01)

    def rest(self) -> None:
        """Let the application run until nothing goes on any more."""
        self.until(lambda: not self.desk.jobs.busy)

    def press(self, name: str, answer: str | None = None) -> None:
        """Press a button and wait for what comes of it; `answer` is the button of the dialog that it opens."""
        self.begin(name, answer)
        self.rest()

    def begin(self, name: str, answer: str | None = None) -> None:
        """Press a button and do not wait."""
        button = getattr(self.ui, name)
        assert button.isEnabled(), f"{name} is disabled; the panel says: {self.says()}"
        if answer is not None:
            QTimer.singleShot(20, lambda: self._answer(answer))
        button.click()

    def connect(self, address: str, token: str = "") -> None:
        """Connect to a server."""
        self.ui.addressEdit.setText(address)
        self.ui.tokenEdit.setText(token)
        self.press("connectButton")

    def show(self, volume: Any) -> None:
        """Show a volume in the red view, as by a drag from the list of data."""
        self.view.show(volume)
        QApplication.processEvents()

    def type_age(self, which: str, years: int, months: int) -> None:
        """Fill in an age: of the child ("age"), or as the expert sees it ("expert")."""
        getattr(self.ui, f"{which}YearsSpin").setValue(years)
        getattr(self.ui, f"{which}MonthsSpin").setValue(months)

    def type_text(self, name: str, text: str) -> None:
        """Type into a field, letter by letter."""
        field = getattr(self.ui, name)
        field.clear()
        field.insert("")
        for letter in text:
            field.insert(letter)
        field.textEdited.emit(field.text())
        field.editingFinished.emit()

    def rows(self, name: str) -> list[list[str]]:
        """Return the texts of a table."""
        table = getattr(self.ui, name)
        return [[table.item(r, c).text() for c in range(table.columnCount())] for r in range(table.rowCount())]

    def choose_row(self, name: str, text: str) -> None:
        """Choose the row of a table that begins with a text."""
        table = getattr(self.ui, name)
        table.selectRow(next(place for place, row in enumerate(self.rows(name)) if row[0].startswith(text)))

    def says(self) -> dict[str, str]:
        """Return the sentences that stand in the panel."""
        names = ("serverStatus", "assessStatus", "submitStatus", "workListStatus", "trainingStatus")
        return {name: getattr(self.ui, name).text() for name in names if getattr(self.ui, name).text()}

    def nodes(self) -> list[str]:
        """Return the names of the nodes that a person sees in the scene."""
        scene = slicer.mrmlScene
        nodes = [scene.GetNthNode(place) for place in range(scene.GetNumberOfNodes())]
        return [node.GetName() for node in nodes if not node.GetHideFromEditors() and not node.GetSingletonTag()]

    def open_only(self, *sections: str) -> None:
        """Fold all sections but these, and let the window fit."""
        for name in ("server", "assess", "correct", "workList", "training"):
            section = getattr(self.ui, f"{name}Section")
            section.collapsed = name not in sections
        self.desk.changed()
        for _ in range(3):
            QApplication.processEvents()
        self.widget.parent.resize(WIDTH, self.widget.parent.sizeHint().height())
        QApplication.processEvents()

    def picture(self, file: Path) -> None:
        """Write the panel as PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            QApplication.processEvents()
        assert self.widget.parent.grab().save(str(file))

    def _answer(self, text: str) -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None:
            QTimer.singleShot(20, lambda: self._answer(text))
            return
        self.asked.append(dialog.text())
        next(button for button in dialog.buttons() if button.text().replace("&", "") == text).click()
