"""Questions to the person at the screen."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer

TITLE = "Bone age"


def ask_sex() -> str | None:
    """Ask for the child's sex; return "female", "male", "both", or None if it was called off."""
    box = qt.QMessageBox()
    box.setWindowTitle(TITLE)
    box.setText("The radiograph does not say the child's sex. The bone age depends on it.")
    buttons = [(box.addButton(sex.capitalize(), qt.QMessageBox.AcceptRole), sex) for sex in ("female", "male", "both")]
    box.addButton("Cancel", qt.QMessageBox.RejectRole)
    box.exec_()
    clicked = box.clickedButton()
    return next((sex for button, sex in buttons if button == clicked), None)


def confirmed(question: str) -> bool:
    """Ask whether to go on."""
    return slicer.util.confirmOkCancelDisplay(question, TITLE)


def choose_file(title: str, pattern: str) -> str:
    """Ask for a file; empty if it was called off."""
    return _path(qt.QFileDialog.getOpenFileName(None, title, "", pattern))


def choose_place(title: str, name: str, pattern: str) -> str:
    """Ask where to save a file; empty if it was called off."""
    return _path(qt.QFileDialog.getSaveFileName(None, title, name, pattern))


def choose_folder(title: str) -> str:
    """Ask for a folder; empty if it was called off."""
    return qt.QFileDialog.getExistingDirectory(None, title)


def open_file(file: Path) -> None:
    """Show a file with what the person has for its kind."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(file)))


def _path(chosen) -> str:
    """Return the path; PySide gives the pattern with it, PythonQt does not."""
    return chosen[0] if isinstance(chosen, tuple) else chosen
