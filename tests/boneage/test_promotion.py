"""The gate: better ones pass, equal and worse ones don't, and luck is not mistaken for either."""

import numpy as np
import pytest

from boneage.errors import InvalidData
from boneage.promotion import FEWEST, Counted, Paired, compare, rule

RANDOM = np.random.default_rng(3)
LIVE = np.abs(RANDOM.normal(0, 11, 400))


def paired(change, what="error of the age, months", live=LIVE):
    noise = np.random.default_rng(5).normal(0, 2, len(live))
    return Paired(what, live, live + change + noise - noise.mean())


def test_a_candidate_that_is_better_on_most_radiographs_goes_live():
    ruling = rule(paired(-1.0), [paired(0.0, "girls")])
    assert ruling.goes_live
    assert ruling.better.difference == pytest.approx(-1.0)
    assert "Significantly better" in ruling.reasons[0]


@pytest.mark.parametrize("change", [0.0, 0.5, -0.05])
def test_one_that_is_equal_worse_or_better_by_chance_only_does_not(change):
    ruling = rule(paired(change))
    assert not ruling.goes_live
    assert ruling.reasons[0].startswith("Not significantly better. error of the age, months")


def test_one_that_is_better_on_the_whole_and_worse_for_a_group_does_not():
    ruling = rule(paired(-1.0), [paired(-2.0, "boys 4-8 years"), paired(3.0, "girls 0-4 years", LIVE[:40])])
    assert not ruling.goes_live
    [reason] = ruling.reasons
    assert "Significantly worse. girls 0-4 years" in reason and "on 40 radiographs" in reason


def test_a_group_of_a_few_radiographs_decides_nothing():
    few = paired(9.0, "boys 0-4 years", LIVE[: FEWEST - 1])
    ruling = rule(paired(-1.0), [few])
    assert ruling.goes_live and ruling.others == ()


def test_one_more_image_without_a_hand_that_gets_an_age_is_too_many():
    ruling = rule(paired(-1.0), counts=[Counted("images without a hand that got an age", 0, 1)])
    assert not ruling.goes_live
    assert "images without a hand that got an age: 1 against 0" in ruling.reasons[0]
    assert rule(paired(-1.0), counts=[Counted("refused hands", 3, 3)]).goes_live


def test_looking_at_many_groups_refuses_a_candidate_that_is_nowhere_worse_only_seldom():
    refused = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        groups = [Paired(str(i), np.zeros(60), random.normal(0, 5, 60)) for i in range(14)]
        refused += not rule(paired(-1.0), groups).goes_live
    assert refused <= 6  # 5 % of 40 are 2; without sharing the chance among the groups it would be about 12


def test_the_interval_holds_the_true_difference_as_often_as_it_says():
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        found = compare(Paired("x", np.zeros(80), random.normal(0.7, 3, 80)), 0.95)
        inside += found.lower <= 0.7 <= found.upper
    assert 180 <= inside <= 198


def test_two_versions_that_say_the_same_are_not_better():
    same = Paired("x", LIVE, LIVE.copy())
    ruling = rule(same)
    assert not ruling.goes_live
    assert (ruling.better.lower, ruling.better.upper) == (0.0, 0.0)


def test_too_few_radiographs_are_an_error_and_not_a_ruling():
    with pytest.raises(InvalidData, match=r"at least 8 held-out radiographs.*got 3"):
        rule(Paired("x", LIVE[:3], LIVE[:3] - 5))


def test_a_ruling_can_be_written_down():
    plain = rule(paired(-1.0), [paired(0.0, "girls")], [Counted("refused hands", 0, 0)]).plain()
    assert plain["better"]["what"] == "error of the age, months"
    assert plain["counts"] == ({"what": "refused hands", "live": 0, "candidate": 0},)
