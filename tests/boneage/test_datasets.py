import json

import numpy as np
import pytest
from drawn_hands import CAPITATE, HEIGHT, IMAGES, MIDDLE_TIP, SIDE, WIDTH, ids_of, make_rsna, write_table

from boneage.datasets import (
    CAPITATE_FROM_WRIST,
    radiograph_of,
    read_annotations,
    read_larger,
    read_rsna,
    split_by_id,
)
from boneage.errors import InvalidData
from boneage.types import Sex

THREE = ("id", *(f"{name}_{axis}" for name in ("middle_tip", "thumb_tip", "capitate") for axis in "xy"), "made_by")


@pytest.fixture
def own_rsna(tmp_path):
    """Make a data set that the test may change."""
    return make_rsna(tmp_path / "rsna", train=2, validation=1, held_out=1)


def test_examples_say_sex_age_and_split_in_the_order_of_the_table(rsna):
    examples = read_rsna(rsna)
    assert [example.id for example in examples] == ids_of("train", 5) + ids_of("validation", 2) + ids_of("held-out", 2)
    assert [example.split for example in examples] == ["train"] * 5 + ["validation"] * 2 + ["held-out"] * 2
    assert [example.sex for example in examples[:2]] == [Sex.MALE, Sex.FEMALE]
    assert [example.bone_age_months for example in examples[:2]] == [24.0, 36.0]


def test_the_squash_of_a_copy_follows_from_the_size_of_its_original(rsna):
    assert read_rsna(rsna)[0].pixel_aspect == pytest.approx(HEIGHT / WIDTH)


def test_without_original_sizes_pixels_count_as_square(own_rsna):
    (own_rsna / "original_sizes.csv").unlink()
    assert {example.pixel_aspect for example in read_rsna(own_rsna)} == {1.0}


def test_larger_copies_have_square_pixels_unless_their_kind_says_squashed(own_rsna):
    [example] = read_larger(own_rsna)
    assert (example.pixel_aspect, example.kind, example.split) == (1.0, "original pixels", "train")
    row = (f"{IMAGES}/{example.id}.png", example.id, 24, True, SIDE, SIDE, "squashed")
    write_table(own_rsna / "larger.csv", ("file", "id", "boneage", "male", "width", "height", "kind"), [row])
    assert read_larger(own_rsna)[0].pixel_aspect == pytest.approx(HEIGHT / WIDTH)


def test_a_radiograph_takes_sex_and_squash_from_the_data_set(rsna):
    radiograph = radiograph_of(read_rsna(rsna)[0])
    assert (radiograph.sex, radiograph.sex_source) == (Sex.MALE, "data set")
    assert radiograph.pixel_aspect == pytest.approx(HEIGHT / WIDTH)
    assert radiograph.pixels.shape == (SIDE, SIDE)


def test_rows_without_an_image_are_left_out(own_rsna):
    gone = read_rsna(own_rsna)[0]
    gone.path.unlink()
    assert gone.id not in {example.id for example in read_rsna(own_rsna)}


def test_one_damaged_image_does_not_keep_the_others_from_being_read(own_rsna):
    damaged = read_rsna(own_rsna)[0]
    damaged.path.write_bytes(b"not a picture")
    assert len(read_rsna(own_rsna)) == 4


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("X", 12, "boy"), "True or False, not 'boy'"),
        (("X", "ten", True), "months, not 'ten'"),
        (("X", "", True), "''"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_its_row(own_rsna, row, message):
    read_rsna(own_rsna)[0].path.rename(own_rsna / IMAGES / "X.png")
    write_table(own_rsna / f"{IMAGES}.csv", ("id", "boneage", "male"), [row])
    with pytest.raises(InvalidData, match="radiograph X") as refusal:
        read_rsna(own_rsna)
    assert message in str(refusal.value)


def test_a_missing_table_folder_or_column_is_named(own_rsna, tmp_path):
    with pytest.raises(InvalidData, match="boneage-training-dataset; there is none"):
        read_rsna(tmp_path / "nowhere")
    write_table(own_rsna / f"{IMAGES}.csv", ("id", "age", "male"), [])
    with pytest.raises(InvalidData, match="lacks the columns boneage; it has id, age, male"):
        read_rsna(own_rsna)
    (own_rsna / f"{IMAGES}.csv").unlink()
    with pytest.raises(InvalidData, match="Expected the table"):
        read_rsna(own_rsna)


def test_a_table_that_is_no_text_is_refused(own_rsna):
    (own_rsna / f"{IMAGES}.csv").write_bytes(b"id,boneage,male\n\xff\xfe\n")
    with pytest.raises(InvalidData, match="Cannot read the table"):
        read_rsna(own_rsna)


def test_a_radiograph_without_age_and_sex_is_there_only_for_what_was_drawn_on_it(own_rsna):
    path = own_rsna / f"{IMAGES}.csv"
    lines = path.read_text().splitlines()
    first = lines[1].split(",")[0]
    path.write_text("\n".join([lines[0], f"{first},,", *lines[2:]]) + "\n")
    assert first not in {example.id for example in read_rsna(own_rsna)}
    [drawn] = [example for example in read_rsna(own_rsna, with_age=False) if example.id == first]
    assert drawn.sex is None and np.isnan(drawn.bone_age_months) and drawn.split == "train"
    assert radiograph_of(drawn).sex is None


def test_a_data_set_can_bring_its_own_split(own_rsna):
    ids = [example.id for example in read_rsna(own_rsna)]
    write_table(own_rsna / "split.csv", ("id", "split"), [(ids[0], "held-out")])
    assert [example.split for example in read_rsna(own_rsna)] == ["held-out", "", "", ""]


def test_images_of_no_row_are_refused_as_a_whole(own_rsna):
    write_table(own_rsna / f"{IMAGES}.csv", ("id", "boneage", "male"), [("nobody", 12, True)])
    with pytest.raises(InvalidData, match="No image"):
        read_rsna(own_rsna)


def test_key_points_and_outlines_are_in_fractions(rsna):
    annotation = read_annotations(rsna)[ids_of("train", 1)[0]]
    assert annotation.key_points[0] == pytest.approx(MIDDLE_TIP)
    assert annotation.key_points[2] == pytest.approx(CAPITATE)
    assert annotation.outline[0].min() >= 0 and annotation.outline[0].max() <= 1
    assert annotation.by_hand


def test_the_capitate_of_21_key_points_lies_between_wrist_and_middle_knuckle(tmp_path):
    names = ["id"]
    for joint in ("wrist", "thumb4", "middle_finger1", "middle_finger4"):
        names += [f"{joint}_x", f"{joint}_y"]
    row = ("1", 0.5, 0.9, 0.8, 0.5, 0.5, 0.5, 0.5, 0.1)
    write_table(tmp_path / "hand_keypoints_21.csv", names, [row])
    points = read_annotations(tmp_path)["1"].key_points
    assert points == pytest.approx(np.array([(0.5, 0.1), (0.8, 0.5), (0.5, 0.9 - CAPITATE_FROM_WRIST * 0.4)]))


def test_key_points_of_a_model_do_not_replace_those_of_a_person_but_join_a_box(tmp_path):
    names = ["id", "wrist_x", "wrist_y", "thumb4_x", "thumb4_y"]
    names += ["middle_finger1_x", "middle_finger1_y", "middle_finger4_x", "middle_finger4_y"]
    write_table(tmp_path / "hand_keypoints_21.csv", names, [("1", *[0.5] * 8)])
    write_table(tmp_path / "hand_boxes.csv", ("id", "left", "top", "right", "bottom"), [("2", 0, 0, 1, 1)])
    made = [("1", *[0.1] * 6, "model"), ("2", *[0.1] * 6, "model")]
    write_table(tmp_path / "hand_keypoints_3.csv", THREE, made)
    annotations = read_annotations(tmp_path)
    assert annotations["1"].key_points[0] == pytest.approx((0.5, 0.5)) and annotations["1"].by_hand
    assert annotations["2"].key_points[0] == pytest.approx((0.1, 0.1)) and not annotations["2"].by_hand


def test_holes_of_an_outline_are_read(tmp_path):
    square = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]
    outlines = {"1": [{"exterior": square, "interior": [square]}, {"exterior": square, "interior": None}]}
    (tmp_path / "hand_outlines.json").write_text(json.dumps(outlines))
    annotation = read_annotations(tmp_path)["1"]
    assert (len(annotation.outline), len(annotation.holes)) == (2, 1)


def test_the_committed_split_is_disjoint_and_of_sensible_proportions():
    splits = list(split_by_id().values())
    assert set(splits) == {"train", "validation", "held-out"}
    assert splits.count("train") > 0.7 * len(splits)
