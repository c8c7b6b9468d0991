"""What the panel does inside 3D Slicer without a server: it says so, and mixes nothing up."""

from __future__ import annotations

import socket
import time
import unittest

import slicer

from BoneAgeLib import sample, views

PATIENCE = 30.0  # seconds


class BoneAgeOfflineTest(unittest.TestCase):
    """Needs no network."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(0)
        self.panel = slicer.util.getModuleWidget("BoneAge")

    def test_a_server_that_is_away_is_said_in_one_sentence(self) -> None:
        """Connect to a port where nobody listens."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.panel.ui.addressEdit.setText(f"http://127.0.0.1:{port}")
        self.panel.ui.connectButton.click()
        self.wait()
        self.assertTrue(self.panel.ui.serverStatus.property("text"))
        self.assertIsNone(self.panel.desk.info)

    def test_what_is_typed_stays_with_its_radiograph(self) -> None:
        """Load the sample twice, and type for one of them."""
        first, second = sample.load_sample(), sample.load_sample()
        self.show(first)
        self.panel.ui.sexBox.setCurrentIndex(1)
        self.panel.ui.expertYearsSpin.setValue(11)
        self.show(second)
        self.assertEqual(self.panel.ui.sexBox.property("currentIndex"), 0)
        self.assertEqual(self.panel.ui.expertYearsSpin.property("value"), -1)
        self.show(first)
        self.assertEqual(self.panel.ui.expertYearsSpin.property("value"), 11)

    def show(self, volume) -> None:
        """Show a volume in the red view."""
        views.show_volume(volume)
        self.panel.follow_view()

    def wait(self) -> None:
        """Let Slicer run until nothing goes on any more."""
        end = time.monotonic() + PATIENCE
        while self.panel.desk.jobs.busy:
            self.assertLess(time.monotonic(), end)
            slicer.app.processEvents()
            time.sleep(0.02)
