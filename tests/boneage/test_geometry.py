import numpy as np
import pytest

from boneage import geometry
from boneage.geometry import (
    HandFrame,
    apparent_side,
    frame_from_radiograph,
    hand_length,
    invert,
    letterbox,
    move,
    move_pose,
    pose_distance,
    pose_points,
)
from boneage.types import HandPose, Laterality

A_LEFT_HAND = HandPose(middle_tip=(50.0, 10.0), thumb_tip=(90.0, 60.0), capitate=(52.0, 110.0))
A_FRAME = HandFrame(160, 128, hand_length=0.5, capitate=(0.4, 0.7))


def mirrored(pose, columns=100):
    return move_pose(pose, np.array([[-1.0, 0.0, columns - 1.0], [0.0, 1.0, 0.0]]))


def turned(pose, degrees):
    angle = np.deg2rad(degrees)
    return move_pose(pose, np.array([[np.cos(angle), -np.sin(angle), 7.0], [np.sin(angle), np.cos(angle), -3.0]]))


def upright_points(pose, pixel_aspect=1.0, frame=A_FRAME):
    return move(pose_points(pose), frame_from_radiograph(pose, pixel_aspect, frame))


def test_the_upright_hand_stands_on_its_capitate_with_the_middle_finger_up():
    middle, thumb, capitate = upright_points(A_LEFT_HAND)
    assert capitate == pytest.approx((0.4 * 128, 0.7 * 160))
    assert middle == pytest.approx((0.4 * 128, 0.7 * 160 - 0.5 * 160))
    assert thumb[0] > capitate[0]


@pytest.mark.parametrize("degrees", [0, 37, 90, 180, 271])
def test_turned_and_mirrored_hands_come_to_lie_alike(degrees):
    expected = upright_points(A_LEFT_HAND)
    assert upright_points(turned(A_LEFT_HAND, degrees)) == pytest.approx(expected)
    assert upright_points(turned(mirrored(A_LEFT_HAND), degrees)) == pytest.approx(expected)


def test_the_upright_hand_does_not_depend_on_the_size_of_the_radiograph():
    larger = move_pose(A_LEFT_HAND, np.array([[3.0, 0.0, 1.0], [0.0, 3.0, 1.0]]))
    assert upright_points(larger) == pytest.approx(upright_points(A_LEFT_HAND))


@pytest.mark.parametrize("degrees", [0, 30, 90])
def test_a_squashed_hand_gets_its_shape_back(degrees):
    true = turned(A_LEFT_HAND, degrees)
    squashed = move_pose(true, np.diag([1.0, 1 / 1.4, 1.0])[:2])
    assert upright_points(squashed, pixel_aspect=1.4) == pytest.approx(upright_points(true))


def test_a_jitter_turns_the_hand_around_its_capitate():
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    moved = move(pose_points(A_LEFT_HAND), frame_from_radiograph(A_LEFT_HAND, 1.0, A_FRAME, quarter))
    middle, _, capitate = moved
    assert capitate == pytest.approx((0.4 * 128, 0.7 * 160))
    assert middle == pytest.approx((0.4 * 128 + 0.5 * 160, 0.7 * 160))


def test_a_resized_frame_is_the_same_view():
    small = upright_points(A_LEFT_HAND, frame=A_FRAME.resized(80, 64))
    assert small * 2 == pytest.approx(upright_points(A_LEFT_HAND))


def test_a_pose_in_one_point_gives_finite_numbers():
    nowhere = HandPose((5.0, 5.0), (5.0, 5.0), (5.0, 5.0))
    assert np.isfinite(frame_from_radiograph(nowhere, 1.0, A_FRAME)).all()


@pytest.mark.parametrize(("rows", "columns", "aspect"), [(200, 100, 1.0), (100, 200, 1.0), (100, 100, 1.5)])
def test_a_letterbox_shows_the_whole_radiograph_in_its_middle_and_true_shape(rows, columns, aspect):
    to_square = letterbox((rows, columns), aspect, 64)
    corners = np.array([(-0.5, -0.5), (columns - 0.5, rows - 0.5)])
    first, last = move(corners, to_square)
    width, height = last - first
    assert (first + last) / 2 == pytest.approx((31.5, 31.5))
    assert max(width, height) == pytest.approx(64)
    assert height / width == pytest.approx(rows * aspect / columns)


def test_an_inverted_transform_leads_back():
    transform = frame_from_radiograph(turned(A_LEFT_HAND, 20), 1.3, A_FRAME)
    points = np.array([(3.0, 4.0), (50.0, -2.0)])
    assert move(move(points, transform), invert(transform)) == pytest.approx(points)


def test_the_distance_of_two_poses_is_that_of_the_worst_point_in_hand_lengths():
    pose = HandPose((0.0, 0.0), (50.0, 50.0), (0.0, 100.0))
    other = HandPose((0.0, 10.0), (50.0, 50.0), (30.0, 100.0))
    assert pose_distance(pose, other) == pytest.approx(0.3)
    assert hand_length(pose, pixel_aspect=1.5) == pytest.approx(150.0)
    assert pose_distance(pose, other, pixel_aspect=2.0) == pytest.approx(0.15)


@pytest.mark.parametrize("degrees", [0, 120, 200])
def test_the_side_is_told_by_the_thumb_however_the_hand_is_turned(degrees):
    assert apparent_side(turned(A_LEFT_HAND, degrees)) is Laterality.LEFT
    assert apparent_side(turned(mirrored(A_LEFT_HAND), degrees)) is Laterality.RIGHT


@pytest.mark.parametrize("pixel_aspect", [1.0, 1.4])
def test_a_hand_taken_for_its_mirror_image_has_its_thumb_on_the_other_side(pixel_aspect):
    pose = turned(A_LEFT_HAND, 30)
    taken_for = geometry.mirrored(pose, pixel_aspect)
    assert apparent_side(taken_for) is not apparent_side(pose)
    assert upright_points(taken_for, pixel_aspect) == pytest.approx(upright_points(pose, pixel_aspect))
    assert pose_points(geometry.mirrored(taken_for, pixel_aspect)) == pytest.approx(pose_points(pose))
