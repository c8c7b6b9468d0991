"""The story of the panel as a test inside 3D Slicer: "Reload and Test", or ctest.

It needs a bone age server: the variable BONEAGE_SERVER names its address, BONEAGE_TOKEN its token. The correction that
it submits is a draft by the reader "self-test", which no training takes.
"""

from __future__ import annotations

import os
import time

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from . import sample, views

PATIENCE = 60.0  # seconds
READER = "self-test"


class BoneAgeTest(ScriptedLoadableModuleTest):
    """Connect, assess, move the box, update the age, submit, find it in the work list."""

    def setUp(self) -> None:
        """Begin with an empty scene, as Slicer's tests do."""
        slicer.mrmlScene.Clear(0)

    def runTest(self) -> None:
        """Run by "Reload and Test"."""
        self.setUp()
        self.test_story()

    def test_story(self) -> None:
        """Tell the story once."""
        address = os.environ.get("BONEAGE_SERVER", "")
        if not address:
            self.skipTest("Set BONEAGE_SERVER to the address of a bone age server.")
        self.panel = slicer.util.getModuleWidget("BoneAge")
        self.connect(address)
        self.assess()
        self.correct()
        self.submit()
        self.delayDisplay("Test passed")

    def connect(self, address: str) -> None:
        """Connect to the server."""
        self.delayDisplay("Connecting")
        self.panel.ui.addressEdit.setText(address)
        self.panel.ui.tokenEdit.setText(os.environ.get("BONEAGE_TOKEN", ""))
        self.press("connectButton")
        self.assertIsNotNone(self.panel.desk.info, self.panel.ui.serverStatus.property("text"))

    def assess(self) -> None:
        """Show the sample radiograph and have it assessed."""
        self.delayDisplay("Assessing the sample radiograph")
        self.volume = sample.load_sample()
        views.show_volume(self.volume)
        self.panel.follow_view()
        self.panel.ui.sexBox.setCurrentIndex(1)  # female
        self.press("assessButton")
        found = self.panel.desk.logic.assessment(self.volume)
        self.assertIsNotNone(found, self.panel.ui.assessStatus.property("text"))
        self.assertAlmostEqual(found.estimates[0].bone_age_months, 132, delta=24)  # 132 say the data set's readers

    def correct(self) -> None:
        """Make the box smaller; the age is that of the new box."""
        self.delayDisplay("Moving the box")
        roi = self.panel.desk.logic.nodes(self.volume).roi
        roi.SetSize(*(0.95 * side for side in roi.GetSize()))
        self.press("updateButton")
        self.assertEqual(self.panel.desk.logic.assessment(self.volume).task, "bone_age_regressor")

    def submit(self) -> None:
        """Submit a draft and look for it on the server."""
        self.delayDisplay("Submitting a draft")
        self.panel.ui.readerEdit.setText(READER)
        self.panel.ui.expertYearsSpin.setValue(11)
        self.panel.ui.draftCheck.setChecked(True)
        self.press("submitButton")
        self.assertEqual(self.panel.desk.outbox.waiting(), [], self.panel.ui.submitStatus.property("text"))
        listed = self.panel.desk.client.work_list()
        readers = {reading.reader for item in listed for reading in item.readings}
        self.assertIn(READER, readers)

    def press(self, name: str) -> None:
        """Press a button and wait for what comes of it."""
        getattr(self.panel.ui, name).click()
        end = time.monotonic() + PATIENCE
        while self.panel.desk.jobs.busy:
            self.assertLess(time.monotonic(), end, f"{name} took too long")
            slicer.app.processEvents()
            time.sleep(0.02)
