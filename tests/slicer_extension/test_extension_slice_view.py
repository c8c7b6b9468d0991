"""What is seen in Slicer's slice view: upright, not mirrored, not inverted, box and outline where they belong."""

import numpy as np
import pytest
from radiographs import AS_PNG, a_dicom, a_volume, an_answer
from slice_view import SliceView, slicer_scene

from BoneAgeLib import volumes
from BoneAgeLib.contract import Downloaded
from BoneAgeLib.logic import BoneAgeLogic

SERVER = "http://127.0.0.1:8000"
BOX = {"left": 40.0, "top": 30.0, "right": 160.0, "bottom": 210.0}
TURN = np.deg2rad(15)
GEOMETRIES = {
    "PNG": AS_PNG,
    "spacing": np.diag([-0.2, -0.3, 1.0, 1.0]),
    "flipped": np.diag([0.3, 0.3, 1.0, 1.0]),
    "rotated": np.array(
        [[-0.3 * np.cos(TURN), 0.3 * np.sin(TURN), 0, 7], [-0.3 * np.sin(TURN), -0.3 * np.cos(TURN), 0, -9],
         [0, 0, 1, 4], [0, 0, 0, 1]]
    ),
    "a quarter turn": np.array([[0, -0.3, 0, 1], [0.3, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]], float),
}  # fmt: skip
BOX_COLOUR, OUTLINE_COLOUR = np.array([255, 191, 0]), np.array([33, 204, 230])


def a_picture():
    """Return (rows, columns) uint8: a grey plate, brighter to the lower right, with one white spot upper left."""
    picture = 40 + np.add.outer(np.arange(240) / 4, np.arange(200) / 4)
    picture[20:28, 12:20] = 255
    return picture.astype(np.uint8)


def a_hand():
    hand = np.zeros((240, 200), bool)
    hand[60:200, 70:110] = hand[150:190, 100:150] = True
    return hand


@pytest.fixture
def app():
    return slicer_scene()


def is_near(pixels, column, row, colour, within=3):
    """Say whether a pixel of this colour lies near a place."""
    row, column = round(row), round(column)
    piece = pixels[max(row - within, 0) : row + within + 1, max(column - within, 0) : column + within + 1].astype(int)
    return bool((np.abs(piece - colour).sum(axis=-1) < 90).any())


@pytest.mark.parametrize("name", GEOMETRIES)
def test_box_and_outline_are_drawn_over_the_pixels_that_the_server_named(app, name):
    logic, matrix = BoneAgeLogic(app.scene), GEOMETRIES[name]
    size = (240, 200) if name == "a quarter turn" else (200, 240)
    volume = a_volume(app.scene, np.zeros((1, *size[::-1]), np.uint8), matrix)
    grid = volumes.grid_of_volume(volume)
    voxels = volumes.voxels_of(volume)
    voxels[:] = grid.voxels_of(a_picture())
    volume.GetImageData().Modified()
    volume.GetDisplayNode().AutoWindowLevelOff()
    volume.GetDisplayNode().SetWindowLevel(255, 127.5)
    logic.bind(volume, "one", SERVER)
    logic.show(volume, an_answer(volume, grid, "one", a_hand(), BOX), SERVER)
    view = SliceView(app).show(volume)
    pixels = view.pixels()

    def on_screen(x, y):
        return view.place_of(tuple((grid.geometry.matrix @ grid.picture_to_ijk @ [x, y, 0, 1])[:3]))

    for x, y in ((39.5, 100), (159.5, 100), (70, 29.5), (70, 209.5)):
        assert is_near(pixels, *on_screen(x, y), BOX_COLOUR), (x, y)
    for x, y in ((69.5, 100), (110.5, 100), (90, 59.5), (149.5, 170), (90, 199.5)):
        assert is_near(pixels, *on_screen(x, y), OUTLINE_COLOUR), (x, y)
    assert not is_near(pixels, *on_screen(180, 100), BOX_COLOUR)
    spot, opposite = on_screen(16, 24), on_screen(199 - 16, 239 - 24)
    assert is_near(pixels, *spot, np.array([255, 255, 255])) and not is_near(
        pixels, *opposite, np.array([255, 255, 255])
    )
    assert spot[0] < opposite[0] and spot[1] < opposite[1], "the picture is shown as the server sees it"
    view.close()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_bone_is_bright_in_a_fetched_dicom_radiograph_however_it_was_stored(app, photometric):
    logic = BoneAgeLogic(app.scene)
    bone = a_picture() if photometric == "MONOCHROME2" else 255 - a_picture()
    file = Downloaded("a.dcm", a_dicom(bone, PhotometricInterpretation=photometric))
    view = SliceView(app).show(logic.load_downloaded(file, "one", SERVER))
    pixels = view.pixels()[..., 0].astype(int)
    rows, columns = pixels.shape
    assert pixels[rows * 3 // 4, columns * 3 // 4] > pixels[rows // 3, columns // 3] + 20
    view.close()
