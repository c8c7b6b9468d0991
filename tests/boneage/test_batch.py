"""Many radiographs at once."""

import gc
import logging
import threading
import time
import weakref
from contextlib import closing

import pytest

from boneage.batch import assess_many
from boneage.errors import NoHandFound


class Pixels:
    """Something big whose life can be watched."""


def test_outcomes_come_in_the_order_of_the_items_even_if_the_first_is_the_slowest():
    def assess_one(item):
        time.sleep(0.05 if item == 0 else 0)
        return item * 10

    outcomes = list(assess_many(range(20), assess_one, workers=4))
    assert [outcome.item for outcome in outcomes] == list(range(20))
    assert [outcome.answer for outcome in outcomes] == [item * 10 for item in range(20)]


def test_all_workers_are_busy_at_the_same_time():
    both_here = threading.Barrier(2, timeout=5)
    outcomes = list(assess_many(range(2), lambda item: both_here.wait() >= 0, workers=2))
    assert [outcome.answer for outcome in outcomes] == [True, True]


def test_memory_holds_no_more_answers_than_the_window_however_many_items():
    alive: list[weakref.ref] = []
    most = 0

    def assess_one(item):
        pixels = Pixels()
        alive.append(weakref.ref(pixels))
        return pixels

    for outcome in assess_many(range(300), assess_one, workers=2, window=4):
        assert isinstance(outcome.answer, Pixels)
        most = max(most, sum(ref() is not None for ref in alive))
        del outcome
    gc.collect()
    assert most <= 4 + 1
    assert not any(ref() for ref in alive)


def test_items_are_taken_from_their_source_only_as_fast_as_answers_are_used():
    taken = []
    source = (taken.append(item) or item for item in range(1000))
    with closing(assess_many(source, str, workers=2, window=4)) as outcomes:
        for _ in range(3):
            next(outcomes)
        assert len(taken) <= 3 + 4


def test_an_expected_error_becomes_that_items_outcome_and_keeps_no_pixels_alive():
    alive = []

    def assess_one(item):
        pixels = Pixels()
        alive.append(weakref.ref(pixels))
        try:
            raise KeyError("inner")
        except KeyError:
            raise NoHandFound("No hand.", "Draw it.") from None

    outcomes = list(assess_many([1, 2], assess_one, workers=1))
    gc.collect()
    assert [outcome.error.kind for outcome in outcomes] == ["no_hand", "no_hand"]
    assert not any(ref() for ref in alive)


def test_a_fault_of_the_program_stops_only_its_own_item_and_repeats_nothing_from_the_file(caplog):
    def assess_one(item):
        if item == "Doe^Jane":
            raise ValueError(f"bad value {item}")
        return item

    with caplog.at_level(logging.INFO, logger="boneage"):
        good, bad, last = assess_many([0, "Doe^Jane", 2], assess_one, workers=2)
    assert (good.answer, last.answer) == (0, 2)
    assert bad.error.kind == "internal"
    assert "ValueError" in bad.error.message
    assert "in assess_one" in caplog.text
    assert "Doe" not in caplog.text + str(bad.error)


def test_closing_early_begins_no_further_item():
    begun = []
    outcomes = assess_many(range(1000), lambda item: begun.append(item) or time.sleep(0.01), workers=2, window=500)
    next(outcomes)
    outcomes.close()
    assert len(begun) < 100


def test_no_items_give_no_outcomes():
    assert list(assess_many([], str)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same_answers(workers):
    assert [outcome.answer for outcome in assess_many("abc", str.upper, workers)] == ["A", "B", "C"]
