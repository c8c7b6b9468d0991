"""The self-test that Slicer runs; filled below."""

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest


class BoneAgeTest(ScriptedLoadableModuleTest):
    """x"""
