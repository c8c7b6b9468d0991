import csv
import json

import numpy as np
import pytest
from PIL import Image

from boneage.cli import main
from boneage.corrections import CorrectionStore
from boneage.corrections_agreement import agreement
from boneage.types import Correction, HandBox


def an_age(image_id, reader, months, **more):
    return Correction(image_id, reader, bone_age_months=months, **more)


@pytest.fixture
def studies(tmp_path):
    """Make a folder whose store has two readers on two radiographs and a mask."""
    store = CorrectionStore.in_folder(tmp_path)
    for image_id, reader, months in (("a", "R1", 100), ("a", "R2", 106), ("b", "R1", 50), ("b", "R2", 52)):
        store.add(an_age(image_id, reader, months))
    mask = np.zeros((20, 10), bool)
    mask[4:9, 2:5] = True
    store.add(Correction("b", "R2", hand_mask=mask, hand_box=HandBox(1, 2, 9, 19), comment="=1+1"))
    store.close()
    return tmp_path


def test_the_list_shows_what_stands_and_all_shows_the_history(studies, capsys):
    main(["corrections", "list", "--store", str(studies), "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert [(row["image_id"], row["reader"], row["bone_age_months"]) for row in rows][:2] == [
        ("a", "R1", 100.0),
        ("a", "R2", 106.0),
    ]
    assert main(["corrections", "withdraw", rows[0]["id"], "--store", str(studies), "--reader", "R1"]) == 0
    capsys.readouterr()
    main(["corrections", "list", "--store", str(studies), "--image", "a"])
    assert "R1" not in capsys.readouterr().out
    main(["corrections", "list", "--store", str(studies), "--image", "a", "--all"])
    assert capsys.readouterr().out.count("R1") == 2


def test_the_export_has_every_row_what_training_takes_and_the_masks(studies, tmp_path):
    assert main(["corrections", "export", str(tmp_path / "out"), "--store", str(studies)]) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "corrections.csv").open()))
    finals = {row["image_id"]: row for row in csv.DictReader((tmp_path / "out" / "finals.csv").open())}
    assert len(rows) == 5 and rows[-1]["comment"] == "'=1+1"
    assert finals["a"]["bone_age_months"] == "106.0" and finals["b"]["left"] == "1.0"
    assert np.array(Image.open(tmp_path / "out" / finals["b"]["mask"])).sum() == 15


def test_a_folder_without_a_store_is_refused_and_gets_none(tmp_path, capsys):
    assert main(["corrections", "list", "--store", str(tmp_path)]) == 2
    assert "there is none" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_agreement_is_bland_and_altmans_and_the_intraclass_correlation_of_a_worked_example(studies, capsys):
    main(["corrections", "agreement", "--store", str(studies)])
    assert "+4.0" in capsys.readouterr().out
    # Shrout and Fleiss 1979, table 2: six targets, four judges, ICC(1,1) = .17
    scores = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    found = agreement(
        an_age(f"t{target}", f"j{judge}", float(score))
        for target, row in enumerate(scores)
        for judge, score in enumerate(row)
    )
    assert found.icc == pytest.approx(0.17, abs=0.005) and found.radiographs == 6
    first = found.pairs[0]
    differences = np.array([b - a for a, b, *_ in scores])
    assert first.readers == ("j0", "j1") and first.mean_difference_months == pytest.approx(differences.mean())
    assert first.upper_limit_months == pytest.approx(differences.mean() + 1.96 * differences.std(ddof=1))


def test_one_reader_alone_has_nobody_to_agree_with():
    found = agreement([an_age("a", "R1", 100.0)])
    assert found.pairs == () and found.icc is None
