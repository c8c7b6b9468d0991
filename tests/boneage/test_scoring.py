"""Scores of the two real radiographs by the trained models."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boneage.assessment import load_models
from boneage.radiograph import read_radiograph
from boneage.scoring import score, score_file
from boneage.types import Sex

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def models():
    return load_models()


@pytest.fixture(scope="module")
def boy():
    return read_radiograph(DATA / "5627.jpg")


def test_a_radiograph_has_spread_disagreement_and_an_embedding(models, boy):
    found = score("boy", boy, models)
    assert 3 < found.age_sd_months < 30 and 0 <= found.outline_disagreement < 0.1
    assert found.embedding.shape == (512,) and found.embedding.any() and not found.error


def test_the_spread_is_that_for_the_childs_sex(models, boy):
    of_both = score("boy", boy, models).age_sd_months
    by_sex = [score("boy", boy.with_sex(sex, "test"), models).age_sd_months for sex in Sex]
    assert of_both == pytest.approx(np.mean(by_sex))


def test_the_models_are_less_sure_of_a_blurred_radiograph(models, boy):
    import cv2

    blurred = replace(boy, pixels=cv2.GaussianBlur(boy.pixels, None, 8))
    clear, unclear = (score("x", radiograph, models) for radiograph in (boy, blurred))
    assert unclear.age_sd_months > clear.age_sd_months
    assert np.linalg.norm(clear.embedding - unclear.embedding) > 0


def test_a_file_that_cannot_be_assessed_is_scored_with_the_kind_of_its_error(models, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    assert score_file("x", tmp_path / "x.png", models).error == "unreadable"
