"""Trainings begin when they are due, never twice at once, and a failure does not end the looking."""

import time

import pytest
import schedule

from boneage.errors import StoreFailed
from monailabel_app.periodic import Periodic


class World:
    def __init__(self):
        self.started, self.running, self.corrections = 0, False, 0

    def start(self):
        self.started += 1
        self.running = True

    def count(self):
        if isinstance(self.corrections, Exception):
            raise self.corrections
        return self.corrections

    def periodic(self, **settings):
        return Periodic(self.start, lambda: self.running, self.count, **settings)


@pytest.fixture
def world():
    return World()


def test_by_default_nothing_ever_begins(world):
    world.corrections = 10_000
    world.periodic().look()
    assert world.started == 0


def test_a_training_begins_with_the_nth_new_correction_and_not_again_while_it_runs(world):
    periodic = world.periodic(after=3)
    world.corrections = 2
    periodic.look()
    assert world.started == 0
    world.corrections = 3
    periodic.look()
    periodic.look()
    assert world.started == 1


def test_at_its_time_of_day_it_begins_if_there_is_anything_new(world, monkeypatch):
    periodic = world.periodic(at="02:00")
    [job] = periodic._daily.jobs
    monkeypatch.setattr(schedule.Job, "should_run", property(lambda self: True))
    periodic.look()
    assert world.started == 0
    world.corrections = 1
    periodic.look()
    assert world.started == 1
    assert job.next_run.hour == 2


def test_a_time_that_is_none_is_refused(world):
    with pytest.raises(schedule.ScheduleValueError):
        world.periodic(at="two o'clock")


def test_a_store_that_fails_is_asked_again_at_the_next_look(world):
    world.corrections = StoreFailed("The database is locked.")
    periodic = world.periodic(after=1, look_every=0.02)
    periodic.run_in_background()
    time.sleep(0.1)
    assert world.started == 0
    world.corrections = 5
    for _ in range(100):
        if world.started:
            break
        time.sleep(0.02)
    periodic.stop()
    assert world.started == 1
