import numpy as np
import pytest

from boneage.training.augmentation import (
    RandomEnhancement,
    RandomJpeg,
    as_array,
    random_appearance,
    random_copy,
    random_holes,
    random_jitter,
    random_resolution,
)

A_PIECE = np.random.default_rng(0).random((1, 48, 40)).astype(np.float32)


def appearances(seeds, **options):
    transform = random_appearance(**options)
    for seed in seeds:
        transform.set_random_state(seed)
        yield as_array(transform(A_PIECE.copy()))


def test_an_appearance_is_fixed_by_its_seed_and_another_seed_gives_another():
    first, again, other = appearances([1, 1, 7])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_appearance_is_a_picture_of_the_same_form():
    for picture in appearances(range(40)):
        assert picture.shape == A_PIECE.shape and picture.dtype == np.float32
        assert picture.min() >= 0 and picture.max() <= 1 and np.isfinite(picture).all()


def test_without_strength_no_appearance_changes():
    assert all(picture == pytest.approx(A_PIECE) for picture in appearances(range(10), strength=0.0))


def test_holes_cover_a_part_of_the_picture_only():
    holes = random_holes(48, prob=1.0)
    holes.set_random_state(3)
    changed = (as_array(holes(A_PIECE.copy())) != A_PIECE).mean()
    assert 0 < changed < 0.2


def test_a_jitter_stays_within_its_limits():
    rng = np.random.default_rng(0)
    jitters = [random_jitter(rng, 10, 0.1, 0.0, 0.05, squash=(1.0, 1.0)) for _ in range(200)]
    angles = np.rad2deg([np.arctan2(jitter[1, 0], jitter[0, 0]) for jitter in jitters])
    sizes = np.array([np.hypot(*jitter[:2, 0]) for jitter in jitters])
    shifts = np.array([jitter[:2, 2] for jitter in jitters])
    assert 8 < np.abs(angles).max() <= 10
    assert 0.9 <= sizes.min() < 0.92 and 1.08 < sizes.max() <= 1.1
    assert np.abs(shifts).max() <= 0.05
    assert all(np.linalg.det(jitter) > 0 for jitter in jitters)  # never mirrored


def test_squashing_changes_the_width_alone():
    rng = np.random.default_rng(0)
    for _ in range(20):
        jitter = random_jitter(rng, 0, 0, 0, 0, squash=(0.5, 2.0))
        assert jitter[1, 1] == pytest.approx(1.0)
        assert 0.5 <= jitter[0, 0] <= 2.0


def poor_copies(seeds, strength=1.0):
    transform = random_copy(strength)
    for seed in seeds:
        transform.set_random_state(seed)
        yield as_array(transform(A_PIECE.copy()))


def test_a_poor_copy_is_a_picture_of_the_same_form_and_fixed_by_its_seed():
    copies = list(poor_copies(range(40)))
    assert all(copy.shape == A_PIECE.shape and copy.dtype == np.float32 for copy in copies)
    assert min(copy.min() for copy in copies) >= 0 and max(copy.max() for copy in copies) <= 1
    assert all(np.array_equal(*pair) for pair in zip(copies, poor_copies(range(40)), strict=True))
    unchanged = sum(np.array_equal(copy, A_PIECE) for copy in copies)
    assert 5 <= unchanged <= 30  # most are poor, many are left as they are


def test_copies_are_poor_less_often_at_less_strength():
    changed = [
        sum(not np.array_equal(copy, A_PIECE) for copy in poor_copies(range(40), strength))
        for strength in (1.0, 0.3, 0.0)
    ]
    assert changed[0] > changed[1] > changed[2] == 0


def test_some_copies_have_fewer_pixels_and_the_same_grey():
    transform = random_resolution()
    transform.set_random_state(0)
    made = [as_array(transform(A_PIECE.copy())) for _ in range(200)]
    copies = [copy for copy in made if not np.array_equal(copy, A_PIECE)]
    assert 15 <= len(copies) <= 50
    assert all(copy.std() < A_PIECE.std() for copy in copies)
    assert all(copy.mean() == pytest.approx(A_PIECE.mean(), abs=0.01) for copy in copies)


def test_a_picture_drawn_larger_is_blurred_over_as_many_pixels_more():
    def finest(grain):
        return min(picture.std() for picture in appearances(range(60), saturating=False, grain=grain))

    assert finest(2.0) < 0.8 * finest(1.0)


def test_a_strongly_compressed_copy_loses_detail_but_not_the_picture():
    rows, columns = np.indices((64, 64)) / 63.0
    smooth = (0.5 * rows + 0.5 * columns).astype(np.float32)[None]
    compressed = RandomJpeg(prob=1.0, quality=(5, 6))(smooth)
    assert 0.002 < np.abs(compressed - smooth).mean() < 0.1
    assert len(np.unique(compressed)) < len(np.unique(smooth))


def test_enhancing_widens_local_contrast_in_either_way_and_leaves_the_form():
    rng = np.random.default_rng(1)
    flat = (0.5 + 0.05 * rng.random((1, 64, 48))).astype(np.float32)
    enhance = RandomEnhancement(prob=1.0, clip=(3.0, 4.0), amount=(1.0, 2.0))
    enhance.set_random_state(0)
    made = [enhance(flat) for _ in range(12)]
    assert all(one.shape == flat.shape and one.dtype == np.float32 for one in made)
    assert all(one.std() > 1.3 * flat.std() for one in made)
    assert len({round(float(one.std()), 4) for one in made}) > 6  # each of its own strength
    never = RandomEnhancement(prob=0.0, clip=(3.0, 4.0), amount=(1.0, 2.0))
    assert np.array_equal(never(flat), flat)
