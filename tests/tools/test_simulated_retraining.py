"""What the simulation hands in, measures and draws; trainings are faked, and tried by running the tool with --tiny."""

import csv
import json

import numpy as np
import pytest
import simulated_rounds
from drawn_hands import HEIGHT, WIDTH, make_rsna
from measure_suspicion import measure
from simulated_clinic import ages, dark_and_turned, drawn_masks, hand_in, shifted, write_base, write_studies
from simulated_first import Sizes, people
from simulated_report import draw, read_rows, table
from simulated_rounds import Course, learn

from boneage.corrections import CorrectionStore
from boneage.datasets import read_annotations, read_rsna
from boneage.radiograph import read_radiograph
from boneage.suspicion import Looked
from boneage.training.status import write_status
from boneage.types import Correction, Sex


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_rsna(tmp_path_factory.mktemp("rsna") / "rsna")


def test_a_study_has_the_shape_of_the_original_again(data, tmp_path):
    [example, *_] = read_rsna(data)
    write_studies([example], tmp_path)
    rows, columns = read_radiograph(tmp_path / f"{example.id}.png").pixels.shape
    assert rows / columns == pytest.approx(HEIGHT / WIDTH, abs=0.02)


def test_dark_and_turned_studies_and_their_drawn_masks_lie_over_each_other(data, tmp_path):
    annotations = read_annotations(data)
    drawn = [one for one in read_rsna(data) if one.id in annotations and annotations[one.id].outline][:3]
    assert drawn
    write_studies(drawn, tmp_path, dark_and_turned)
    for example, mask in drawn_masks(data, drawn):
        pixels = read_radiograph(tmp_path / f"{example.id}.png").pixels
        assert mask.shape == pixels.shape
        assert pixels[mask].mean() > 3 * pixels[~mask].mean()


def test_a_share_of_the_ages_is_that_of_other_patients_and_says_so_in_its_comment(data):
    examples = read_rsna(data)
    given = ages(examples, "reader", wrong=0.5)
    mixed = [one for one in given if one.comment]
    assert len(mixed) == round(0.5 * len(examples))
    right = {one.id: one.bone_age_months for one in examples}
    assert all(one.bone_age_months == right[one.image_id] for one in given if not one.comment)
    assert sorted(one.bone_age_months for one in given) == sorted(right.values())


def test_girls_of_the_first_data_are_older_and_boys_are_not(data, tmp_path):
    splits = {one.id: "train" for one in read_rsna(data)}
    base = read_rsna(write_base(data, splits, tmp_path / "base", girls_older_months=18.0))
    real = {one.id: one for one in read_rsna(data)}
    assert {one.split for one in base} == {"train"}
    for one in base:
        older = 18.0 if one.sex is Sex.FEMALE else 0.0
        assert one.bone_age_months == min(real[one.id].bone_age_months + older, 228.0)


def test_no_radiograph_plays_two_parts_but_boys_are_replayed(data):
    sizes = Sizes(first=2, held_out=1, validation=0, rounds=1, corrections=1, bad=1, tested=1)
    roles = people(data, sizes)
    parts = [set(roles.first), {one.id for one in roles.corrected}, {one.id for one in roles.bad}]
    parts.append({one.id for one in roles.tested})
    assert len(set.union(*parts)) == sum(map(len, parts))
    sexes = {one.id: one.sex for one in read_rsna(data)}
    assert {sexes[id] for id in roles.base} == {Sex.MALE}
    assert {id for id, split in roles.base.items() if split == "train"} <= set(roles.first)


def test_corrections_that_are_handed_in_twice_are_kept_once(tmp_path):
    store = CorrectionStore.in_folder(tmp_path)
    for _ in range(2):
        hand_in(store, [Correction("a", "reader", bone_age_months=100.0)])
    assert len(store.standing()) == 1


def test_a_shifted_outline_lies_beside_the_hand():
    mask = np.zeros((20, 40), bool)
    mask[5:15, 10:16] = True
    [one] = shifted([Correction("a", "reader", hand_mask=mask)], 1.0)
    assert one.comment and not (one.hand_mask & mask).any() and one.hand_mask.sum() == mask.sum()


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Make a course whose training writes weights and a verdict, and whose measure is the size of the weights."""
    verdicts = iter(["live", "refused"])

    def retrain(plan, write, suspicious):
        plan.run.mkdir(parents=True)
        (plan.run / "model.safetensors").write_bytes(b"x" * 7)
        verdict = next(verdicts)
        write_status(plan.run, state=verdict, reason="As it is.")

    before = tmp_path / "before.safetensors"
    before.write_bytes(b"x" * 3)
    monkeypatch.setattr(simulated_rounds, "retrain", retrain)
    monkeypatch.setattr(simulated_rounds, "check_model", lambda *_: type("Model", (), {"weights": before}))
    monkeypatch.setattr(simulated_rounds, "load_models", lambda *_, **__: None)
    monkeypatch.setattr(simulated_rounds, "suspicious", lambda *_, **__: [])
    return Course(
        "bone_age_regressor", tmp_path, tmp_path, tmp_path, None, 1, 1e-3, lambda w: {"size": w.stat().st_size}
    )


def test_a_refused_candidate_is_measured_and_the_live_version_stays(course, tmp_path):
    store = CorrectionStore.in_folder(tmp_path)
    hand_in(store, [Correction("a", "reader", bone_age_months=100.0, comment="mixed up")])
    first = learn(course, "round-1", store, tmp_path)
    second = learn(course, "round-2", store, tmp_path)
    assert (first["verdict"], first["live"], first["candidate"]) == ("live", {"size": 7}, {"size": 7})
    assert (second["verdict"], second["live"], second["candidate"]) == ("refused", {"size": 3}, {"size": 7})
    assert (second["corrections"], second["planted"], second["found"]) == (1, 1, 0)
    assert learn(course, "round-2", store, tmp_path) == second


def test_the_report_has_a_line_for_each_run_and_a_picture(tmp_path):
    figures = {"all": 12.0, "girls": 14.0, "boys": 10.0, "bias": 3.0}
    for run in ("first", "round-1", "round-2", "wrong-20%", "wrong-100%"):
        row = {"run": run, "corrections": 3, "verdict": "refused", "live": figures, "candidate": figures}
        if run == "first":
            row.pop("candidate")
        (tmp_path / "regressor" / run).mkdir(parents=True)
        (tmp_path / "regressor" / run / "row.json").write_text(json.dumps(row))
    rows = read_rows(tmp_path / "regressor")
    assert [row["run"] for row in rows] == ["first", "round-1", "round-2", "wrong-20%", "wrong-100%"]
    assert "| round-2 | 3 | 14.0 | refused |" in table(rows, ["girls"])
    draw({"regressor": rows}, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


def test_the_measure_of_suspicion_counts_what_was_planted():
    rng = np.random.default_rng(0)
    months = rng.uniform(20, 210, 100)
    looked = [
        Looked(Correction(str(i), "reader", bone_age_months=m, sex=Sex.MALE, id=str(i)), m + rng.normal(0, 6), 8.0)
        for i, m in enumerate(months)
    ]
    count, _, precision, recall, recall_far, _ = measure(looked, 0.2, 1)
    assert 18 <= count <= 20 and precision > 0.9 and 0.6 < recall <= recall_far


def test_the_tables_of_a_base_keep_only_its_radiographs(data, tmp_path):
    ids = [one.id for one in read_rsna(data)][:3]
    base = write_base(data, dict.fromkeys(ids, "validation"), tmp_path / "base")
    with (base / "original_sizes.csv").open(newline="") as file:
        assert {row["id"] for row in csv.DictReader(file)} <= set(ids)
