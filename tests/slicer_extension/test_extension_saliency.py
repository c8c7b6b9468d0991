"""Where the age comes from, over the right pixels: PNG, spacing, flips, turns; beside its radiograph and no other."""

import numpy as np
import pytest
import slicer
import vtk
from radiographs import AS_PNG, a_volume, an_answer
from slice_view import SliceView, slicer_scene
from test_extension_logic import BOX, GEOMETRIES, SERVER, a_hand, some_pixels

from BoneAgeLib import findings, views, volumes
from BoneAgeLib.logic import BoneAgeLogic
from BoneAgeLib.saliency import OPACITY

ROWS, COLUMNS = 24, 20  # cells, of 5 x 5 pixels
HOT = (3, 14)  # row and column of a cell


@pytest.fixture
def app():
    return slicer_scene()


@pytest.fixture
def logic(app):
    return BoneAgeLogic(app.scene)


def a_map(rows=ROWS, columns=COLUMNS, hot=HOT):
    months = np.zeros((rows, columns))
    months[hot] = 2.0
    return {"sex": "female", "months_on_grid": months.tolist(), "shares": {"carpus": 0.4, "fingers": 0.6}}


def a_case(app, logic, matrix=AS_PNG, saliency=None, name="radiograph"):
    volume = a_volume(app.scene, some_pixels(), matrix, name)
    logic.bind(volume, name, SERVER)
    grid = volumes.grid_of_volume(volume)
    logic.show(volume, an_answer(volume, grid, name, a_hand(grid), BOX, saliency=saliency), SERVER)
    return volume, grid


def a_matrix(node):
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("cells", [(ROWS, COLUMNS), (17, 19)])
def test_the_hot_cell_lies_over_the_pixels_that_the_server_means(app, logic, name, cells):
    volume, grid = a_case(app, logic, GEOMETRIES[name], a_map(*cells))
    node = logic.nodes(volume).saliency
    k, j, i = np.argwhere(volumes.voxels_of(node) > 1)[0]
    to_picture = np.linalg.inv(grid.geometry.matrix @ grid.picture_to_ijk)
    x, y, depth = (to_picture @ a_matrix(node) @ [i, j, k, 1])[:3]
    expected = [(HOT[1] + 0.5) * grid.columns / cells[1] - 0.5, (HOT[0] + 0.5) * grid.rows / cells[0] - 0.5]
    assert [x, y] == pytest.approx(expected, abs=1e-6) and depth == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_map_covers_the_radiograph_exactly(app, logic, name):
    volume, _ = a_case(app, logic, GEOMETRIES[name], a_map())
    bounds = np.zeros(6), np.zeros(6)
    volume.GetRASBounds(bounds[0])
    logic.nodes(volume).saliency.GetRASBounds(bounds[1])
    assert bounds[1] == pytest.approx(bounds[0], abs=1e-4)


def test_the_map_is_named_grouped_replaced_and_removed_with_its_radiograph(app, logic):
    volume, grid = a_case(app, logic, saliency=a_map())
    node = logic.nodes(volume).saliency
    assert node.GetName() == "Where the age of radiograph comes from"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(app.scene)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == logic.nodes(volume).folder_item
    hotter = an_answer(volume, grid, "radiograph", a_hand(grid), BOX, saliency=a_map(hot=(5, 5)))
    assert logic.show(volume, hotter, SERVER).saliency is node
    assert volumes.voxels_of(node)[0, 5, 5] == 2
    logic.remove_case(volume)
    assert app.scene.GetFirstNodeByName("Where the age of radiograph comes from") is None


def test_a_new_answer_without_a_map_takes_the_former_one_away(app, logic):
    volume, grid = a_case(app, logic, saliency=a_map())
    assert logic.show(volume, an_answer(volume, grid, "radiograph", a_hand(grid), BOX), SERVER).saliency is None


def test_the_map_is_never_taken_for_a_radiograph(app, logic):
    volume, _ = a_case(app, logic, saliency=a_map())
    view = SliceView(app).show(logic.nodes(volume).saliency)
    assert views.shown_volume(app.scene) is None
    view.show(volume)
    assert views.shown_volume(app.scene) is volume
    view.close()


def test_only_a_map_is_taken_out_of_the_foreground(app, logic):
    volume, _ = a_case(app, logic, saliency=a_map())
    others = a_volume(app.scene, some_pixels(), name="the person's own")
    view = SliceView(app).show(volume)
    composite = view.logic.GetSliceCompositeNode()
    composite.SetForegroundVolumeID(others.GetID())
    views.overlay(app.scene, None)
    assert composite.GetForegroundVolumeID() == others.GetID()
    views.overlay(app.scene, logic.nodes(volume).saliency)
    assert composite.GetForegroundOpacity() == OPACITY
    views.overlay(app.scene, None)
    assert not composite.GetForegroundVolumeID()
    view.close()


@pytest.mark.parametrize("name", ["PNG", "DICOM with spacing", "flipped", "rotated", "a quarter turn"])
def test_on_the_screen_the_hot_place_is_coloured_and_the_rest_stays_as_it_was(app, logic, name):
    volume, grid = a_case(app, logic, GEOMETRIES[name], a_map())
    volumes.voxels_of(volume)[:] = 100
    volume.GetImageData().Modified()
    volume.GetDisplayNode().AutoWindowLevelOff()
    volume.GetDisplayNode().SetWindowLevel(255, 127.5)
    for role in (findings.BOX, findings.OUTLINE):
        findings.found(app.scene, volume, role).SetDisplayVisibility(False)
    view = SliceView(app).show(volume)
    before = view.pixels().astype(int)
    views.overlay(app.scene, logic.nodes(volume).saliency)
    moved = np.abs(view.pixels().astype(int) - before).sum(axis=-1)

    def on_screen(row, column):
        x, y = (column + 0.5) * grid.columns / COLUMNS - 0.5, (row + 0.5) * grid.rows / ROWS - 0.5
        place = view.place_of(tuple((grid.geometry.matrix @ grid.picture_to_ijk @ [x, y, 0, 1])[:3]))
        return round(place[1]), round(place[0])

    row, column = on_screen(*HOT)
    assert moved[row, column] > 60
    for other in ((3, 5), (20, 14), (20, 5), (10, 10)):
        assert moved[on_screen(*other)] == 0
    rows, columns = np.nonzero(moved)
    assert abs(rows.mean() - row) < 4 and abs(columns.mean() - column) < 4
    view.close()
