"""Detector and segmenter against what was drawn: measures by hand, and the command with stand-ins for both rooms."""

import json
from dataclasses import replace

import numpy as np
import pytest
from builders import a_hand, a_hand_mask
from fake_models import NO_HAND_COLUMNS, a_png

from boneage import cli, evaluation_rooms
from boneage.datasets import Annotation
from boneage.errors import InvalidData, InvalidInput, NoHandFound
from boneage.evaluation_drawn import box_iou, dice, drawn_mask, hausdorff_95, point_errors
from boneage.evaluation_not_hand import look_for_no_hand
from boneage.evaluation_rooms import Finders, drawn_radiographs, look_at_all, measure_detector, measure_segmenter
from boneage.evaluation_rooms_report import evaluate_rooms, write_rooms
from boneage.evaluation_sheet import draw_sheet
from boneage.training.card_figures import figures_from
from boneage.types import HandBox, HandPose

ROWS, COLUMNS = 220, 126

# Measures


def a_square(left, top, side=20, rows=60, columns=50):
    mask = np.zeros((rows, columns), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_the_overlap_of_boxes_is_intersection_over_union():
    assert box_iou(HandBox(0, 0, 10, 10), HandBox(5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert box_iou(HandBox(0, 0, 10, 10), HandBox(0, 0, 10, 10)) == 1
    assert box_iou(HandBox(0, 0, 10, 10), HandBox(20, 20, 30, 30)) == 0


def test_dice_counts_the_common_pixels_twice():
    assert dice(a_square(10, 10), a_square(20, 10)) == pytest.approx(2 * 200 / 800)
    assert dice(a_square(10, 10), np.zeros((60, 50), bool)) == 0


def test_the_hausdorff_distance_is_what_brute_force_finds():
    random = np.random.default_rng(5)
    first, second = a_square(5, 12, 25), a_square(9, 10, 30)
    second ^= random.random(second.shape) < 0.02

    def border(mask):
        padded = np.pad(mask, 1)
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        return np.argwhere(mask & ~inner) * (1.5, 1.0)

    apart = np.linalg.norm(border(first)[:, None] - border(second)[None], axis=2)
    expected = max(np.percentile(apart.min(1), 95), np.percentile(apart.min(0), 95))
    assert hausdorff_95(first, second, pixel_aspect=1.5) == pytest.approx(expected)


def test_equal_outlines_are_no_distance_apart_and_a_lost_one_is_as_far_as_can_be():
    assert hausdorff_95(a_square(10, 10), a_square(10, 10)) == 0
    assert hausdorff_95(a_square(10, 10), np.zeros((60, 50), bool), 2.0) == pytest.approx(np.hypot(50, 120))


def test_key_point_errors_are_parts_of_the_true_hand_in_its_true_shape():
    true = HandPose((0.0, 0.0), (30.0, 20.0), (0.0, 50.0))
    found = HandPose((10.0, 0.0), (30.0, 25.0), (0.0, 50.0))
    assert point_errors(true, found, pixel_aspect=2.0) == pytest.approx((10 / 100, 10 / 100, 0.0))


def test_a_drawn_outline_leaves_out_its_holes():
    outer = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]])
    mask = drawn_mask(Annotation("1", outline=(outer,), holes=(outer * 0.5 + 0.25,)), (100, 200))
    assert mask.shape == (100, 200)
    assert mask[20, 30] and not mask[50, 100] and not mask[2, 100]
    assert mask.mean() == pytest.approx(0.64 - 0.16, abs=0.02)


# Rooms


class FakeRooms:
    """Stand in for both rooms: the hand of `builders`, moved to the right by `shift` pixels."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def find_hand(self, radiograph):
        if radiograph.pixels.shape[1] == NO_HAND_COLUMNS:
            raise NoHandFound("No hand.")
        hand = a_hand(*radiograph.pixels.shape)
        box, pose = hand.box, hand.pose
        moved = replace(box, left=box.left + self.shift, right=box.right + self.shift)
        tip = (pose.middle_tip[0] + self.shift, pose.middle_tip[1])
        return replace(hand, box=moved, pose=replace(pose, middle_tip=tip), pose_error=0.3 if self.shift else 0.01)

    def outline(self, radiograph, hand):
        return np.roll(a_hand_mask(*radiograph.pixels.shape), round(self.shift), axis=1)


def finders(shift=0.0):
    rooms = FakeRooms(shift)
    return Finders(rooms, rooms, {"hand_detector": "1.0.0", "hand_segmenter": "1.1.0"})


def drawn_as_found(rows, columns):
    """Return fractions (box, key points, outline) of the hand in `a_png`, as people would draw it."""
    import cv2

    hand = a_hand(rows, columns)
    box = np.array([hand.box.left / columns, hand.box.top / rows, hand.box.right / columns, hand.box.bottom / rows])
    points = np.array([hand.pose.middle_tip, hand.pose.thumb_tip, hand.pose.capitate])
    mask = a_hand_mask(rows, columns).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return box, (points + 0.5) / (columns, rows), (contours[0][:, 0] + 0.5) / (columns, rows)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return drawn hands: 1 with everything, 2 refused, 3 of the train split, 4 with points by a model, 5 bare."""
    folder = tmp_path / "rsna"
    table, boxes, outlines = ["id,boneage,male"], ["id,left,top,right,bottom"], {}
    points = ["id,middle_tip_x,middle_tip_y,thumb_tip_x,thumb_tip_y,capitate_x,capitate_y,made_by"]
    for id in range(1, 6):
        columns = NO_HAND_COLUMNS if id == 2 else COLUMNS
        a_png(folder / "boneage-training-dataset" / f"{id}.png", columns, ROWS)
        table.append(f"{id},100,True")
        box, pose, outline = drawn_as_found(ROWS, columns)
        if id < 5:
            points.append(",".join([str(id), *map(str, pose.ravel()), "model" if id == 4 else "hand"]))
        if id < 4:
            boxes.append(",".join([str(id), *map(str, box)]))
        if id < 3:
            outlines[id] = [{"exterior": outline.tolist(), "interior": []}]
    (folder / "boneage-training-dataset.csv").write_text("\n".join(table) + "\n")
    (folder / "hand_boxes.csv").write_text("\n".join(boxes) + "\n")
    (folder / "hand_keypoints_3.csv").write_text("\n".join(points) + "\n")
    (folder / "hand_outlines.json").write_text(json.dumps(outlines))
    splits = {str(id): "train" if id == 3 else "held-out" for id in range(1, 6)}
    monkeypatch.setattr("boneage.datasets.split_by_id", lambda: splits)
    return folder


def looked_at(data, shift=0.0):
    return look_at_all(drawn_radiographs(data, "held-out"), finders(shift))


def test_only_what_people_drew_on_radiographs_of_the_split_is_looked_at(data):
    assert [one.example.id for one in drawn_radiographs(data, "held-out")] == ["1", "2"]
    assert [one.example.id for one in drawn_radiographs(data, "all")] == ["1", "2", "3"]


def test_a_split_without_drawings_is_refused(data):
    with pytest.raises(InvalidData, match="validation"):
        drawn_radiographs(data, "validation")


def test_a_hand_found_where_it_was_drawn_has_perfect_figures(data):
    [good, _] = looked_at(data)
    assert good.answer.iou == pytest.approx(1)
    assert good.answer.point_errors == pytest.approx((0, 0, 0), abs=1e-9)
    assert good.answer.dice == pytest.approx(1)
    assert good.answer.hausdorff_95 == 0


def test_a_refused_hand_is_missed_but_does_not_spoil_the_mean_of_the_found(data):
    figures = measure_detector(looked_at(data))
    assert (figures.boxes, figures.recall.value, figures.mean_iou.value) == (2, 0.5, pytest.approx(1))
    assert figures.unsure_pose.value == 0
    outlines = measure_segmenter(looked_at(data))
    assert (outlines.outlines, outlines.without_hand, outlines.dice.value) == (2, 1, pytest.approx(1))


def test_a_hand_found_beside_the_drawn_one_is_measured_as_such(data):
    shift = 12.0
    looked = looked_at(data, shift)
    figures, outlines = measure_detector(looked), measure_segmenter(looked)
    width, length = 0.6 * COLUMNS, 0.7 * ROWS
    assert figures.mean_iou.value == pytest.approx((width - shift) / (width + shift))
    assert figures.points["middle finger tip"].median == pytest.approx(shift / length)
    assert figures.points["capitate"].percentile_95 == pytest.approx(0, abs=1e-9)
    assert figures.unsure_pose.value == 1
    assert 0.5 < outlines.dice.value < 0.95
    assert 0.5 * shift < outlines.hausdorff_95_px.value <= shift
    assert outlines.hausdorff_95_hand_lengths.value == pytest.approx(outlines.hausdorff_95_px.value / length)


def test_a_box_that_overlaps_too_little_is_a_miss(data):
    assert measure_detector(looked_at(data, shift=40.0)).recall.value == 0


# Images without a hand


def test_every_image_without_a_hand_that_gets_one_is_named(tmp_path):
    a_png(tmp_path / "chest.png", NO_HAND_COLUMNS)
    a_png(tmp_path / "more" / "knee.png", COLUMNS)
    (tmp_path / "README.txt").write_text("Not a radiograph.")
    figures = look_for_no_hand(tmp_path, FakeRooms().find_hand)
    assert (figures.files, figures.unreadable, figures.refused) == (3, 1, {"no_hand": 1})
    assert figures.with_hand == {"more/knee.png": 0.97}


def test_a_folder_without_a_readable_image_is_no_perfect_answer(tmp_path):
    (tmp_path / "README.txt").write_text("Not a radiograph.")
    with pytest.raises(InvalidData):
        look_for_no_hand(tmp_path, FakeRooms().find_hand)


# Reports


def test_the_sheet_shows_refused_hands_first_and_names_them(data):
    titles = [axes.get_title(loc="left") for axes in draw_sheet(looked_at(data, 12.0), finders(12.0)).axes]
    assert len(titles) == 2 + 1 + 2  # boxes, key points (of found hands), outlines
    assert titles[0] == "Boxes\n2: no_hand"
    assert titles[1].startswith("\n1: IoU 0.7")
    assert titles[2].startswith("Key points\n1:")
    assert titles[3] == "Outlines\n2: no_hand"


def test_figures_for_the_cards_come_from_the_report(data, tmp_path):
    looked = looked_at(data)
    write_rooms(evaluate_rooms(looked, "rsna", "held-out", {}), looked, tmp_path)
    detector = figures_from(tmp_path / "rooms.json", "hand_detector")
    assert detector["data"] == "rsna, split held-out, 2 radiographs"
    assert (detector["recall at IoU 0.5"]["value"], detector["hands refused"]) == (0.5, 1)
    assert figures_from(tmp_path / "rooms.json", "hand_segmenter")["Dice"]["value"] == pytest.approx(1)
    with pytest.raises(InvalidInput):
        figures_from(tmp_path / "rooms.json", "bone_age_regressor")


def test_the_command_writes_figures_report_and_worst_cases(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(evaluation_rooms, "load_finders", lambda models_dir: finders())
    a_png(tmp_path / "not-hand" / "knee.png", COLUMNS)
    out = tmp_path / "out"
    arguments = ["--data", data, "--not-hand", tmp_path / "not-hand", "--out", out]
    assert cli.main(["evaluate-rooms", *map(str, arguments)]) == 0
    figures = json.loads((out / "rooms.json").read_text())
    assert figures["refused"] == {"no_hand": 1}
    assert figures["not_hand"]["with_hand"] == {"knee.png": 0.97}
    assert [one["id"] for one in figures["each"]] == ["1", "2"]
    assert (out / "rooms_worst.png").read_bytes().startswith(b"\x89PNG")
    report = (out / "rooms.md").read_text()
    assert "knee.png (confidence 0.97)" in report
    assert "50.0 %" in capsys.readouterr().out
    assert "flatter" not in report


def test_radiographs_without_boxes_or_outlines_leave_these_figures_out(data, tmp_path, monkeypatch):
    for name in ("hand_boxes.csv", "hand_outlines.json"):
        (data / name).unlink()
    looked = looked_at(data)
    evaluation = evaluate_rooms(looked, "rsna", "held-out", {})
    write_rooms(evaluation, looked, tmp_path)
    assert evaluation.segmenter is None
    assert "not measured" in (tmp_path / "rooms.md").read_text()
    assert json.loads((tmp_path / "rooms.json").read_text())["detector"]["recall"] is None
