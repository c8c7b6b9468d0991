"""A folder of the subject hierarchy for each radiograph's findings, beside the radiograph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk

_MARK = "BoneAge.Folder"
NO_ITEM = 0


class CaseFolders:
    """The folders of a scene."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene

    @property
    def _hierarchy(self) -> Any:
        """Return the hierarchy that there is now: closing a scene makes a new one."""
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def gather(self, volume: Any, nodes: Sequence[Any]) -> int:
        """Put the nodes of a radiograph into its folder, a new one if it has none, and return the folder's item."""
        shown = [node for node in nodes if not node.GetHideFromEditors()]
        folder = self.item_of(shown)
        if folder == NO_ITEM:
            folder = self._hierarchy.CreateFolderItem(self._parent_for(volume), f"Bone age of {volume.GetName()}")
            self._hierarchy.SetItemAttribute(folder, _MARK, "1")
        for node in shown:
            item = self._hierarchy.GetItemByDataNode(node)
            if item == NO_ITEM:
                self._hierarchy.CreateItem(folder, node)
            elif self._hierarchy.GetItemParent(item) != folder:
                self._hierarchy.SetItemParent(item, folder)
        return folder

    def item_of(self, nodes: Sequence[Any]) -> int:
        """Return the folder that holds the nodes of a radiograph; `NO_ITEM` if there is none."""
        for node in nodes:
            item = self._hierarchy.GetItemByDataNode(node)
            parent = self._hierarchy.GetItemParent(item) if item != NO_ITEM else NO_ITEM
            if parent != NO_ITEM and self._hierarchy.GetItemAttribute(parent, _MARK):
                return parent
        return NO_ITEM

    def remove_if_empty(self, folder: int) -> None:
        """Remove a folder that is ours and holds nothing any more; what the person has put there stays."""
        if folder == NO_ITEM:
            return
        children = vtk.vtkIdList()
        self._hierarchy.GetItemChildren(folder, children)
        if children.GetNumberOfIds() == 0:
            self._hierarchy.RemoveItem(folder)

    def _parent_for(self, volume: Any) -> int:
        item = self._hierarchy.GetItemByDataNode(volume)
        parent = self._hierarchy.GetItemParent(item) if item != NO_ITEM else NO_ITEM
        return parent if parent != NO_ITEM else self._hierarchy.GetSceneItemID()
