import numpy as np
import pytest
from drawn_hands import NEVER_TRAINED, ids_of

from boneage.datasets import Annotation
from boneage.errors import InvalidData
from boneage.geometry import pose_from_points, pose_points
from boneage.training import scenes
from boneage.training.hands import BOX_FROM_THUMB, MarkedHand, PixelStore, marked_hands
from boneage.training.scenes import SceneMaker
from boneage.training.upright import FoundHand

SIDE = 96


@pytest.fixture(scope="module")
def hands(rsna):
    return marked_hands(rsna, "train")


@pytest.fixture
def maker(hands):
    return SceneMaker(hands, SIDE, PixelStore())


def only(monkeypatch, no_hand=0.0, two_hands=0.0):
    monkeypatch.setattr(scenes, "NO_HAND", no_hand)
    monkeypatch.setattr(scenes, "TWO_HANDS", two_hands)


def brightness_at(scene, point):
    """Return the mean of the pixels around a point; 0 outside of the scene."""
    x, y = np.round(point).astype(int)
    return scene.pixels[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].mean()


def test_a_plain_scene_shows_the_hand_upright_in_true_shape_with_its_points_on_it(maker, hands):
    for index, hand in enumerate(hands):
        scene = maker.plain(index)
        (middle, thumb, capitate), [box] = scene.key_points[0], scene.boxes
        assert brightness_at(scene, capitate) > 0.9  # the brightest spot of the drawing
        assert middle[0] == pytest.approx(capitate[0], abs=0.05 * SIDE) and middle[1] < capitate[1]
        assert (box[:2] <= np.minimum(middle, thumb) + 0.08 * SIDE).all() and (box[2:] >= capitate).all()
        assert hand.example.pixel_aspect > 1.3


def test_key_points_stay_on_the_hand_however_it_is_turned(maker, monkeypatch):
    only(monkeypatch)
    on_the_hand = []
    for seed in range(40):
        scene = maker.random(seed % 5, np.random.default_rng(seed))
        assert scene.pixels.shape == (SIDE, SIDE) and scene.pixels.dtype == np.float32
        assert scene.boxes.shape == (1, 4) and scene.key_points.shape == (1, 3, 2)
        assert (scene.boxes >= 0).all() and (scene.boxes <= SIDE).all()
        capitate = scene.key_points[0, 2]
        around = scene.pixels[scene.pixels > 0].mean()
        on_the_hand.append(brightness_at(scene, capitate) > around)
    assert np.mean(on_the_hand) > 0.85  # markers, grey levels and borders hide a few


def test_random_hands_come_in_both_sides(maker, monkeypatch):
    from boneage.geometry import apparent_side

    only(monkeypatch)
    sides = [
        apparent_side(pose_from_points(maker.random(0, np.random.default_rng(seed)).key_points[0]))
        for seed in range(30)
    ]
    assert len(set(sides)) == 2


def test_two_hands_stand_side_by_side(maker, monkeypatch):
    only(monkeypatch, two_hands=1.0)
    scene = maker.random(0, np.random.default_rng(4))
    left, right = scene.boxes
    assert left[2] <= SIDE / 2 <= right[0]
    assert scene.key_points.shape == (2, 3, 2)


def test_a_scene_without_a_hand_has_no_box(maker, monkeypatch):
    only(monkeypatch, no_hand=1.0)
    for seed in range(25):
        scene = maker.random(seed % 5, np.random.default_rng(seed))
        assert len(scene.boxes) == len(scene.key_points) == 0
        assert np.isfinite(scene.pixels).all() and scene.pixels.min() >= 0 and scene.pixels.max() <= 1


def test_the_same_chance_gives_the_same_scene(maker):
    first, again = (maker.random(1, np.random.default_rng((2017, 0, 1))) for _ in range(2))
    assert np.array_equal(first.pixels, again.pixels) and np.array_equal(first.key_points, again.key_points)
    other = maker.random(1, np.random.default_rng((2017, 1, 1)))
    assert not np.array_equal(first.pixels, other.pixels)


def test_hands_are_those_of_one_split_only(rsna):
    train, validation = ([hand.example.id for hand in marked_hands(rsna, split)] for split in ("train", "validation"))
    assert (train, validation) == (ids_of("train", 5), ids_of("validation", 2))
    assert not set(train + validation) & set(ids_of(NEVER_TRAINED, 1000))


def test_a_folder_without_key_points_is_refused(rsna, monkeypatch):
    monkeypatch.setattr("boneage.training.hands.read_annotations", lambda data: {})
    with pytest.raises(InvalidData, match=r"No radiograph of split train .* has key points"):
        marked_hands(rsna, "train")


def test_a_box_made_of_key_points_holds_them(hands):
    for hand in hands:
        hull = hand.hull(96, 96)
        low, high = hull.min(0), hull.max(0)
        points = np.array([hand.pose(96, 96).middle_tip, hand.pose(96, 96).thumb_tip, hand.pose(96, 96).capitate])
        assert (points > low - 6).all() and (points < high + 6).all()
    assert BOX_FROM_THUMB.shape == (3, 4)


def test_a_radiograph_is_read_once_and_reduced_to_its_side(hands, monkeypatch):
    store = PixelStore(side=48)
    pixels = store(hands[0].example)
    monkeypatch.setattr("boneage.training.hands.radiograph_of", None)
    assert pixels.shape == (48, 48) and pixels.max() <= 1
    assert np.array_equal(store(hands[0].example), pixels)


def test_a_fraction_in_the_middle_of_a_pixel_is_that_whole_pixel_on_every_grid(hands):
    """Pixel centres are at whole numbers: column 10 of 96 lies at (10 + 0.5) / 96 of the width."""
    fractions = (np.array([(10, 20), (30, 40), (50, 60)]) + 0.5) / (96, 128)
    drawn = MarkedHand(hands[0].example, Annotation("1", key_points=fractions))
    found = FoundHand(hands[0].example, fractions, np.zeros((1, 1), np.uint8))
    for pose in (drawn.pose(128, 96), found.pose_in((128, 96))):
        assert pose_points(pose) == pytest.approx(np.array([(10, 20), (30, 40), (50, 60)]))
    for pose in (drawn.pose(256, 192), found.pose_in((256, 192))):  # between two pixels of a grid twice as fine
        assert pose_points(pose)[0] == pytest.approx((20.5, 40.5))
