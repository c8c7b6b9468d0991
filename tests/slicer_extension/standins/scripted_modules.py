"""Stands for `slicer.ScriptedLoadableModule`: the bases of a module, its panel and its test."""

import unittest
from pathlib import Path

from PySide6.QtWidgets import QVBoxLayout, QWidget

MODULE_FOLDER = Path(__file__).parents[3] / "slicer_extension" / "BoneAge"


class ScriptedLoadableModule:
    """What Slicer asks for title, category and help; `parent` is Slicer's description of the module."""

    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    """A panel with a layout of its own."""

    def __init__(self, parent=None):
        self.parent = parent or QWidget()
        self.layout = QVBoxLayout(self.parent)

    def setup(self):
        """Slicer adds tools for developers here."""

    def resourcePath(self, name):
        return str(MODULE_FOLDER / "Resources" / name)


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A test that runs inside Slicer; `delayDisplay` shows a sentence for a moment."""

    def delayDisplay(self, message, msec=1000):
        print(message)
