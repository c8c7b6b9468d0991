"""Corrections in a real store beside models that are made on the spot."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from builders import a_bone_age, a_hand, a_hand_mask, a_radiograph

from boneage import assessment
from boneage.cli import main
from boneage.corrections import CorrectionStore
from boneage.errors import NoHandFound
from boneage.study_files import image_id_of
from boneage.suspicion_look import dice, look, overlap, suspicious
from boneage.types import Correction, CorrectionStatus, HandBox, Sex

ROWS, COLUMNS = 120, 80
MODEL_MONTHS = 100.0


@pytest.fixture
def models():
    """Make models that see the drawn hand and give it 100 months; the file of odd width shows no hand."""

    def find_hand(radiograph, *_):
        if radiograph.pixels.shape[1] != COLUMNS:
            raise NoHandFound("No hand.")
        return a_hand(ROWS, COLUMNS)

    return SimpleNamespace(
        detector=SimpleNamespace(find_hand=find_hand),
        segmenter=SimpleNamespace(outline=lambda *_: a_hand_mask(ROWS, COLUMNS)),
        regressor=SimpleNamespace(estimate=lambda r, h, m, sexes: [a_bone_age(MODEL_MONTHS, 8.0) for _ in sexes]),
    )


@pytest.fixture
def studies(tmp_path):
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.uint8(a_radiograph(ROWS, COLUMNS).pixels * 255))
    cv2.imwrite(str(tmp_path / "no-hand.png"), np.zeros((ROWS, COLUMNS + 9), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    return tmp_path


@pytest.fixture
def store(studies):
    return CorrectionStore.in_folder(studies)


def an_age(image_id, months, **more):
    return Correction(image_id, "R1", bone_age_months=months, sex=Sex.MALE, **more)


def test_an_age_and_an_outline_are_seen_beside_the_models(store, studies, models):
    mask = a_hand_mask(ROWS, COLUMNS)
    store.add(an_age("a", 130.0))
    store.add(Correction("b", "R1", hand_mask=mask, hand_box=a_hand(ROWS, COLUMNS).box))
    one, other = look(store, lambda i: studies / f"{i}.png", models)
    assert (one.months, one.sd_months, one.dice) == (MODEL_MONTHS, 8.0, None)
    assert (other.months, other.dice, other.box_overlap) == (None, 1.0, 1.0)
    assert other.inside == pytest.approx(1.0, abs=0.02) and 0.2 < other.filled < 1


def test_what_is_not_learnt_from_is_not_looked_at(store, studies, models):
    store.add(an_age("a", 100.0, status=CorrectionStatus.DRAFT))
    store.add(an_age("b", 100.0))
    store.add(Correction("b", "R1", rejected_because="Moved."))
    withdrawn = store.add(an_age("c", 100.0))
    store.withdraw(withdrawn.id, "R1")
    assert look(store, lambda i: studies / f"{i}.png", models) == []


def test_a_file_without_a_hand_or_that_cannot_be_read_stops_no_other(store, studies, models):
    for image_id in ("broken", "no-hand", "a"):
        store.add(an_age(image_id, 20.0))
    [one] = suspicious(store, lambda i: studies / f"{i}.png", models)
    assert one.image_id == "a" and "Age 20 months, the model says 100" in one.why


def test_a_mask_of_a_few_pixels_and_one_shifted_to_the_side_are_suspicious(store, studies, models):
    few, shifted = np.zeros((ROWS, COLUMNS), bool), np.roll(a_hand_mask(ROWS, COLUMNS), COLUMNS // 4, axis=1)
    few[60, 40] = True
    for image_id, mask in (("a", few), ("b", shifted), ("c", a_hand_mask(ROWS, COLUMNS))):
        store.add(Correction(image_id, "R1", hand_mask=mask))
    found = suspicious(store, lambda i: studies / f"{i}.png", models, model="hand_segmenter")
    assert [one.image_id for one in found] == ["a", "b"]


def test_dice_and_overlap_are_those_of_the_books():
    mask = a_hand_mask()
    assert dice(mask, mask) == 1.0 and dice(mask, ~mask) == 0.0 and dice(~mask & mask, ~mask & mask) == 1.0
    box = HandBox(0, 0, 10, 10)
    assert overlap(box, box) == 1.0 and overlap(box, HandBox(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap(box, HandBox(20, 20, 30, 30)) == 0.0


def test_the_command_lists_them_for_the_ids_of_the_server(store, studies, models, monkeypatch, capsys):
    monkeypatch.setattr(assessment, "load_models", lambda *_, **__: models)
    image_id = image_id_of((studies / "a.png").relative_to(studies))
    kept = store.add(an_age(image_id, 20.0))
    assert main(["corrections", "suspicious", "--store", str(studies), "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)
    assert (told["correction"], told["image_id"], told["reader"]) == (kept.id, image_id, "R1")
    assert main(["corrections", "suspicious", "--store", str(studies), "--for", "hand_segmenter"]) == 0
    assert "0 corrections look wrong" in capsys.readouterr().err


def test_a_database_needs_the_folder_of_the_radiographs(studies, store, capsys):
    assert main(["corrections", "suspicious", "--store", f"sqlite:///{studies}/boneage.sqlite"]) == 2
    assert "--studies" in capsys.readouterr().err
