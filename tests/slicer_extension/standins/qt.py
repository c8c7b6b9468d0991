"""Stands for Slicer's `qt` (PythonQt): all classes of Qt in one module; here those of PySide6.

What the two share is what the extension may use: setters, signals' `connect`, and `property(name)` for reading.
"""

from PySide6 import QtWidgets
from PySide6.QtCore import *  # noqa: F403
from PySide6.QtGui import *  # noqa: F403
from PySide6.QtUiTools import QUiLoader  # noqa: F401
from PySide6.QtWidgets import *  # noqa: F403


class QMessageBox(QtWidgets.QMessageBox):
    """With the name that PythonQt gives to `exec`."""

    def exec_(self):
        return self.exec()
