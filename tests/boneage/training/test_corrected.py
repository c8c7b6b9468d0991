"""From corrections to a data set: what experts drew comes back on the same pixels, in a split that does not move."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from builders import a_hand
from drawn_hands import HEIGHT, IMAGES, WIDTH, draw_hand, make_rsna

from boneage.corrections import CorrectionStore
from boneage.datasets import radiograph_of, read_annotations, read_rsna
from boneage.evaluation_drawn import drawn_box, drawn_mask
from boneage.radiograph import read_radiograph
from boneage.training.corrected import split_of, write_data_set
from boneage.training.hands import marked_hands
from boneage.types import Correction, HandBox, Sex

BOX = HandBox(10.0, 12.5, 100.0, 150.0)


@pytest.fixture
def studies(tmp_path):
    """Make two radiographs and a file that is none."""
    folder = tmp_path / "studies"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), draw_hand())
    cv2.imwrite(str(folder / "b.png"), draw_hand(mirrored=True))
    shutil.copy(Path(__file__).parents[2] / "data" / "14717.png", folder / "real.png")
    (folder / "broken.png").write_bytes(b"not a picture")
    return folder


@pytest.fixture
def write(studies, tmp_path):
    """Keep corrections, write the data set, and return what went in and its folder."""
    store = CorrectionStore.in_folder(studies)

    def run(*corrections, base=None, replay=None, consensus=False):
        for correction in corrections:
            store.add(correction)
        out = tmp_path / "out"
        made = write_data_set(
            store,
            lambda i: studies / f"{i}.png",
            str,
            lambda *_: a_hand(HEIGHT, WIDTH).pose,
            out,
            base,
            replay,
            consensus,
        )
        return made, out

    return run


def a_mask():
    mask = draw_hand() > 60
    mask[90:100, 50:60] = False
    return mask


def test_box_and_mask_come_back_on_the_same_pixels_with_the_hole(write):
    made, out = write(Correction("a", "R", hand_box=BOX, hand_mask=a_mask()))
    [example] = read_rsna(out, with_age=False)
    annotation = read_annotations(out)["a"]
    assert (drawn_mask(annotation, (HEIGHT, WIDTH)) == a_mask()).all()
    box = drawn_box(annotation.box, (HEIGHT, WIDTH))
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((10.0, 12.5, 100.0, 150.0))
    assert (made.boxes, made.outlines, made.ages, example.sex) == (1, 1, {}, None)


def test_the_radiograph_itself_comes_back_as_it_was_read(write, studies):
    _, out = write(Correction("real", "R", bone_age_months=90.0, sex=Sex.MALE))
    [example] = read_rsna(out)
    before, after = read_radiograph(studies / "real.png").pixels, radiograph_of(example).pixels
    assert np.abs(after - before).max() <= 0.5 / 255
    assert (example.bone_age_months, example.sex, example.pixel_aspect) == (90.0, Sex.MALE, 1.0)


@pytest.mark.parametrize(("consensus", "expected"), [(False, 120.0), (True, 100.0)])
def test_the_latest_age_is_learnt_or_the_readers_median(write, consensus, expected):
    ages = zip(("A", "B", "C"), (90.0, 100.0, 120.0), strict=True)
    _, out = write(*(Correction("a", r, bone_age_months=m, sex=Sex.MALE) for r, m in ages), consensus=consensus)
    assert [example.bone_age_months for example in read_rsna(out)] == [expected]


def test_an_age_without_a_sex_is_not_learnt_from_and_a_guess_is_not_made(write):
    made, out = write(
        Correction("a", "R", bone_age_months=90.0), Correction("b", "R", bone_age_months=80, sex=Sex.FEMALE)
    )
    assert [example.id for example in read_rsna(out)] == ["b"]
    assert sum(made.ages.values()) == 1


def test_a_radiograph_that_cannot_be_read_is_left_out_with_its_reason_and_the_others_go_on(write):
    made, out = write(*(Correction(i, "R", bone_age_months=90.0, sex=Sex.MALE) for i in ("a", "broken")))
    assert made.left_out == {"unreadable": 1}
    assert [example.id for example in read_rsna(out)] == ["a"]


def test_a_base_is_mixed_in_with_its_pictures_linked_and_its_own_split(write, tmp_path):
    base = make_rsna(tmp_path / "base", train=3, validation=1, held_out=1)
    made, out = write(Correction("a", "R", bone_age_months=90.0, sex=Sex.MALE, hand_mask=a_mask()), base=base)
    assert made.base == 5
    mixed = {example.id: example for example in read_rsna(out)}
    for example in read_rsna(base):
        assert mixed[example.id].pixel_aspect == pytest.approx(example.pixel_aspect, rel=0.01)
        assert (mixed[example.id].split, mixed[example.id].sex) == (example.split, example.sex)
    assert mixed["a"].split == split_of("a")
    assert (out / IMAGES / f"{read_rsna(base)[0].id}.png").is_symlink()
    assert len(marked_hands(out, "train")) == 3 + (split_of("a") == "train")
    assert len(read_annotations(out)) == 6


def test_only_a_part_of_the_base_is_replayed_but_all_that_is_held_out_and_all_outlines_are(write, tmp_path):
    base = make_rsna(tmp_path / "base", train=5, validation=1, held_out=1)
    outlines = json.loads((base / "hand_outlines.json").read_text())
    first = next(iter(outlines))
    (base / "hand_outlines.json").write_text(json.dumps({first: outlines[first]}))
    made, out = write(base=base, replay=2)
    splits = [example.split for example in read_rsna(out)]
    assert (splits.count("train"), splits.count("validation"), splits.count("held-out")) == (3, 1, 1)
    assert first in {example.id for example in read_rsna(out)}
    assert made.base == 5


def test_a_patients_part_never_moves_and_the_parts_have_their_sizes():
    parts = [split_of(f"patient {number}") for number in range(4000)]
    assert parts[:5] == [split_of(f"patient {number}") for number in range(5)]
    assert parts.count("held-out") / 4000 == pytest.approx(0.15, abs=0.02)
    assert parts.count("validation") / 4000 == pytest.approx(0.05, abs=0.015)
