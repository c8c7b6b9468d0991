"""From a volume to the server's picture and back: flips, turns, spacing, oblique directions, EXIF."""

import io
import itertools

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image, ImageOps

from BoneAgeLib.contract import HandBox
from BoneAgeLib.errors import ClientError, ErrorKind
from BoneAgeLib.exif import orientation_of, stored_from_shown
from BoneAgeLib.geometry import SHOWN_AS, Geometry, box_from_space, box_in_space, grid_of
from BoneAgeLib.pictures import grey_from_colour, mask_voxels, nrrd_of, read_image

ROTATIONS = {
    "as PNG": np.diag([-1.0, -1.0, 1.0]),
    "RAS": np.eye(3),
    "mirrored": np.diag([1.0, -1.0, 1.0]),
    "a quarter turn": np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    "coronal": np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "sagittal": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
}


def oblique(degrees):
    turn = np.deg2rad(degrees)
    return np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]) @ np.diag(
        [-1, -1, 1]
    )


def a_geometry(direction, size=(40, 30, 1), spacing=(0.3, 0.2, 2.0), origin=(5.0, -7.0, 11.0)):
    matrix = np.eye(4)
    matrix[:3, :3] = direction * np.array(spacing)
    matrix[:3, 3] = origin
    return Geometry(size, tuple(map(tuple, matrix.tolist())))


def some_voxels(geometry, seed=0):
    return np.random.default_rng(seed).integers(0, 1000, tuple(reversed(geometry.size))).astype(np.int16)


def as_the_server_turns(voxels, geometry):
    """Return (rows, columns) as boneage.volume_in.as_displayed makes them of the file."""
    image = read_image("x.nrrd", nrrd_of(voxels, geometry))
    across = int(np.argmax(np.abs(np.reshape(image.GetDirection(), (3, 3))[:, image.GetSize().index(1)])))
    return sitk.GetArrayFromImage(sitk.DICOMOrient(image, SHOWN_AS[across]))[0]


ALL = [*ROTATIONS.values(), oblique(12), oblique(-40)]
SIZES = [(40, 30, 1), (40, 1, 30), (1, 40, 30)]


@pytest.mark.parametrize(("direction", "size"), list(itertools.product(ALL, SIZES)))
def test_the_picture_is_the_one_that_the_server_sees_and_turns_back_exactly(direction, size):
    geometry = a_geometry(direction, size)
    voxels, grid = some_voxels(geometry), grid_of(geometry, True)
    picture = grid.picture_of(voxels)
    assert picture.shape == (grid.rows, grid.columns)
    assert np.array_equal(picture, as_the_server_turns(voxels, geometry))
    assert np.array_equal(grid.voxels_of(picture), voxels)


@pytest.mark.parametrize(("direction", "is_turned"), list(itertools.product(ALL, (True, False))))
def test_a_box_goes_into_space_and_back(direction, is_turned):
    grid = grid_of(a_geometry(direction), is_turned)
    for box in (HandBox(3, 5, 17, 21), HandBox(0, 0, grid.columns, grid.rows), HandBox(1.25, 2.5, 9.75, 8.125)):
        placed = box_in_space(box, grid)
        assert box_from_space(placed, grid) == box
        assert np.linalg.det(placed.object_to_ras[:3, :3]) == pytest.approx(1)


@pytest.mark.parametrize("direction", ALL)
def test_the_box_encloses_the_pixels_that_it_names_and_no_others(direction):
    geometry = a_geometry(direction)
    grid = grid_of(geometry, True)
    marked = np.zeros((grid.rows, grid.columns), bool)
    marked[6:14, 4:25] = True
    voxels = grid.voxels_of(marked)
    k, j, i = np.nonzero(voxels)
    centres = (geometry.matrix @ np.stack([i, j, k, np.ones_like(i)]))[:3]
    placed = box_in_space(HandBox(4, 6, 25, 14), grid)
    inside = np.abs((np.linalg.inv(placed.object_to_ras) @ np.vstack([centres, np.ones(len(i))]))[:3])
    half = np.array(placed.size_mm) / 2
    assert (inside.max(axis=1)[:, None] <= half[:, None]).all()
    in_plane = sorted((half - inside.max(axis=1)) / np.array(geometry.spacing))[:2]
    assert in_plane == pytest.approx([0.5, 0.5])  # half a pixel beyond the outermost centres


def test_a_box_that_was_turned_or_reaches_beyond_is_cut_to_a_box_on_the_picture():
    grid = grid_of(a_geometry(ROTATIONS["as PNG"]), True)
    placed = box_in_space(HandBox(10, 10, 20, 20), grid)
    turn = np.eye(4)
    turn[:2, :2] = [[0, -1], [1, 0]]
    turned = box_from_space(type(placed)(placed.object_to_ras @ turn, (3.0, 2.0, 2.0)), grid)
    assert turned.right - turned.left == pytest.approx(2.0 / 0.3, abs=0.01)
    far = type(placed)(placed.object_to_ras, (500.0, 500.0, 2.0))
    assert box_from_space(far, grid) == HandBox(0, 0, grid.columns, grid.rows)
    beside = placed.object_to_ras.copy()
    beside[0, 3] += 1000
    with pytest.raises(ClientError) as caught:
        box_from_space(type(placed)(beside, placed.size_mm), grid)
    assert caught.value.kind == ErrorKind.INVALID


@pytest.mark.parametrize("size", [(40, 30, 2), (40, 1, 1), (1, 1, 1)])
def test_what_is_not_one_slice_is_refused(size):
    with pytest.raises(ClientError) as caught:
        grid_of(a_geometry(np.eye(3), size), True)
    assert caught.value.kind == ErrorKind.UNSUITABLE


def test_skewed_axes_are_refused():
    with pytest.raises(ClientError) as caught:
        grid_of(a_geometry(np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])), True)
    assert caught.value.kind == ErrorKind.UNSUITABLE


def test_a_file_of_a_volume_keeps_pixels_and_geometry():
    geometry = a_geometry(oblique(12))
    voxels = some_voxels(geometry)
    image = read_image("x.nrrd", nrrd_of(voxels, geometry))
    assert np.array_equal(sitk.GetArrayFromImage(image), voxels)
    assert image.GetSpacing() == pytest.approx(geometry.spacing)
    assert image.GetOrigin() == pytest.approx((-5.0, 7.0, 11.0))
    assert image.GetDirection() == pytest.approx(geometry.direction_lps)


def test_a_mask_of_another_size_is_refused():
    geometry = a_geometry(np.eye(3))
    mask = nrrd_of((some_voxels(geometry) > 500).astype(np.uint8), geometry)
    assert mask_voxels(mask, (1, 30, 40)).dtype == bool
    with pytest.raises(ClientError) as caught:
        mask_voxels(mask, (1, 40, 30))
    assert caught.value.kind == ErrorKind.WRONG_IMAGE and "40 x 30" in str(caught.value)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_the_grid_follows_the_exif_orientation_as_the_server_does(orientation, format_):
    stored = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)
    picture, file = Image.fromarray(stored), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(file, format_, exif=exif)
    assert orientation_of(file.getvalue()) == orientation
    turned = Image.fromarray(stored)
    turned.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(turned))
    grid = grid_of(a_geometry(ROTATIONS["as PNG"], (30, 20, 1)), False, orientation)
    assert np.array_equal(grid.picture_of(stored[None]), shown)
    assert np.array_equal(grid.voxels_of(shown), stored[None])
    matrix = stored_from_shown(orientation, 30, 20)
    i, j = (matrix @ [3, 2, 0, 1])[:2].astype(int)
    assert stored[j, i] == shown[2, 3]


def test_a_file_without_orientation_or_damaged_is_taken_as_it_is():
    file = io.BytesIO()
    Image.new("L", (20, 20)).save(file, "JPEG")
    for content in (file.getvalue(), file.getvalue()[:30], b"", b"II*\0", b"\xff\xd8\xff\xe1\x00", b"\x89PNG"):
        assert orientation_of(content) == 1


def test_colour_that_is_grey_becomes_grey_as_on_the_server_and_a_photograph_is_refused():
    grey = np.random.default_rng(1).integers(0, 255, (1, 80, 90), np.uint8)
    same, notes = grey_from_colour(np.stack([grey, grey, grey], -1))
    assert np.array_equal(same, grey) and notes == ()
    clear = np.stack([grey, grey, grey, np.full_like(grey, 255)], -1)
    assert np.array_equal(grey_from_colour(clear)[0], grey)
    clear[..., 3] = 0
    assert grey_from_colour(clear)[0].max() == 0
    tinted, notes = grey_from_colour(np.stack([grey, (grey * 0.8).astype(np.uint8), (grey * 0.9).astype(np.uint8)], -1))
    assert "tinted" in notes[0] and tinted.shape == grey.shape
    with pytest.raises(ClientError) as caught:
        grey_from_colour(np.random.default_rng(2).integers(0, 255, (1, 80, 90, 3), np.uint8))
    assert caught.value.kind == ErrorKind.UNSUITABLE
