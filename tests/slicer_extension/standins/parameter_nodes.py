"""Stands for `slicer.parameterNodeWrapper`: a class with annotations becomes typed access to a MRML node's parameters.

Like Slicer's own it refuses annotations that cannot be evaluated, and types it cannot keep; of the types it knows text,
truth values and nodes.
"""

import typing


def parameterNodeWrapper(described):
    """Make the class described by annotations the wrapper of a vtkMRMLScriptedModuleNode."""
    for name, kind in typing.get_type_hints(described).items():
        setattr(described, name, _parameter(name, kind, getattr(described, name, None)))
    described.__init__ = _keep_node
    return described


def _keep_node(self, parameterNode):
    self.parameterNode = parameterNode


def _parameter(name, kind, default):
    if kind is str:
        return property(
            lambda self: self.parameterNode.GetParameter(name) or default,
            lambda self, value: self.parameterNode.SetParameter(name, value),
        )
    if kind is bool:
        return property(
            lambda self: (self.parameterNode.GetParameter(name) or str(default)) == "True",
            lambda self, value: self.parameterNode.SetParameter(name, str(value)),
        )
    assert kind.__name__.startswith("vtkMRML"), f"{name}: {kind} is not known to the stand-in"
    return property(
        lambda self: self.parameterNode.GetNodeReference(name),
        lambda self, node: self.parameterNode.SetNodeReferenceID(name, node.GetID() if node else None),
    )
