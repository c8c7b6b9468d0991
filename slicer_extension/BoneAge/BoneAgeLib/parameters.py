"""What the panel keeps in the scene, with its types; what belongs to one radiograph stands in `entries`."""

from __future__ import annotations

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScriptedModuleNode
from slicer.parameterNodeWrapper import parameterNodeWrapper

MODULE = "BoneAge"


@parameterNodeWrapper
class BoneAgeParameters:
    """Choices of the panel, saved and restored with the scene.

    Attributes:
        radiograph: That is shown, and that "Assess" is about.
        strategy: By which the server chooses the next radiograph.
        state: Which radiographs the work list shows: "all" or one state.
        close_submitted: Whether a submitted radiograph leaves the scene when the next one opens.
    """

    radiograph: vtkMRMLScalarVolumeNode
    strategy: str = ""
    state: str = "all"
    close_submitted: bool = False


def parameter_node(scene) -> vtkMRMLScriptedModuleNode:
    """Return the one node of the scene that keeps the choices; make it if it is not there."""
    node = scene.GetSingletonNode(MODULE, "vtkMRMLScriptedModuleNode")
    if node is None:
        node = vtkMRMLScriptedModuleNode()
        node.SetSingletonTag(MODULE)
        node.SetModuleName(MODULE)
        node.SetName(MODULE)
        node = scene.AddNode(node)
    return node
