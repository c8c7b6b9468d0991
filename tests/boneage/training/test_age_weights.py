from pathlib import Path

import numpy as np
import pytest

from boneage.datasets import Example
from boneage.training.hand_views import MOST_WEIGHT, age_weights
from boneage.types import Sex


def hands(sex, *ages):
    return [Example(str(age), Path("1.png"), sex, age) for age in ages]


def test_an_age_that_is_rare_for_the_sex_counts_more():
    grown_girl, grown_boys = hands(Sex.FEMALE, 200), hands(Sex.MALE, *[200] * 100)
    weights = age_weights(grown_girl + grown_boys + hands(Sex.FEMALE, *[120] * 99))
    assert weights[0] == pytest.approx(MOST_WEIGHT * weights[1], rel=0.01)
    assert weights.mean() == pytest.approx(1.0)


def test_ages_as_frequent_as_each_other_count_the_same():
    assert np.ptp(age_weights(hands(Sex.MALE, 60, 120, 180) * 10)) == pytest.approx(0.0, abs=1e-3)


def test_a_rare_age_counts_by_the_root_of_how_rare_it_is():
    weights = age_weights(hands(Sex.MALE, *[60] * 25, *[150] * 100))
    assert weights[0] / weights[-1] == pytest.approx(2.0, abs=1e-3)
