"""Questions to the person at the screen."""

from __future__ import annotations

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
    chosen = qt.QFileDialog.getOpenFileName(None, title, "", pattern)
    return chosen[0] if isinstance(chosen, tuple) else chosen
