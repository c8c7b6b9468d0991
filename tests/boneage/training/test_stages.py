"""The schedule of the regressor's training."""

import pytest

from boneage.frames import AGE_FRAME
from boneage.training import stages
from boneage.training.stages import Stage, Stages


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(stages, "STAGES", (Stage(40, 32, 1, 0.8), Stage(48, 40, 1, 0.1)))


def test_stages_keep_their_proportions_in_any_number_of_epochs():
    assert Stages.of(None).sizes == ((40, 32), (48, 40))
    assert Stages.of(5).sizes == ((40, 32),) * 3 + ((48, 40),) * 2
    assert (Stages.of(1).epochs, Stages.of(2).frame(9).rows) == (1, 48)


def test_augmentation_grows_weaker_from_stage_to_stage_and_again_going_on(monkeypatch):
    assert [Stages.of(4).strength(epoch) for epoch in range(4)] == [0.8, 0.8, 0.1, 0.1]
    monkeypatch.undo()
    strengths = [stage.strength for stage in stages.STAGES]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > Stages.of(None, going_on=True).strength(0) > strengths[-1]
    assert Stages.of(None, going_on=True).strengths[-1] == strengths[-1] < 0.2


def test_a_cycle_of_the_rate_begins_where_the_recipe_says_and_goes_on_elsewhere(monkeypatch):
    monkeypatch.undo()
    assert Stages.of(None).cycles() == ((10, 1.5e-3), (2, 5e-4), (3, 5e-4), (2, 5e-4))
    assert Stages.of(None, going_on=True).cycles() == ((2, 5e-4),)
    assert Stages.of(34).cycles()[0] == (20, 1.5e-3)
    assert Stages.of(1).cycles(0.1) == ((1, 0.1),)
    assert Stages.of(None).cycles(3e-3)[1] == (2, pytest.approx(1e-3))


def test_the_recipe_ends_with_the_view_that_is_deployed(monkeypatch):
    monkeypatch.undo()
    assert stages.STAGES[-1][:2] == (AGE_FRAME.rows, AGE_FRAME.columns)


def test_larger_views_keep_the_stages_proportions():
    assert Stages.of(None).up_to(96).sizes == ((80, 64), (96, 80))
    assert Stages.of(3).up_to(None) == Stages.of(3)
