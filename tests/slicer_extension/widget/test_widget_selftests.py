"""The tests that run inside Slicer, run here on the stand-ins: Slicer's own runner is unittest too."""

import importlib
import sys
import unittest
from pathlib import Path

import pytest

TESTING = Path(__file__).parents[3] / "slicer_extension" / "BoneAge" / "Testing" / "Python"


@pytest.fixture
def as_in_slicer(panel, monkeypatch):
    """Let `slicer.util.getModuleWidget` return the panel."""
    import slicer

    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda name: panel.widget, raising=False)
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_: True)  # as Slicer does in testing mode
    monkeypatch.setattr(sys, "path", [str(TESTING), *sys.path])


def run(module):
    """Run the tests of a module as `slicer.testing.runUnitTest` does."""
    tests = unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))
    result = unittest.TestResult()
    tests.run(result)
    assert not result.failures + result.errors, (result.failures + result.errors)[0][1]
    return result


def test_the_self_test_tells_the_whole_story(as_in_slicer, server, monkeypatch):
    monkeypatch.setenv("BONEAGE_SERVER", server.address)
    monkeypatch.setenv("BONEAGE_TOKEN", server.token)
    result = run("BoneAge")
    assert (result.testsRun, result.skipped) == (1, [])


def test_without_a_server_the_self_test_is_skipped_with_a_reason(as_in_slicer, monkeypatch):
    monkeypatch.delenv("BONEAGE_SERVER", raising=False)
    assert "BONEAGE_SERVER" in run("BoneAge").skipped[0][1]


def test_the_test_without_a_server_passes(as_in_slicer):
    assert run("BoneAgeOfflineTest").testsRun == 2
