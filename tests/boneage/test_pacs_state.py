"""What a watcher notes of each radiograph; only the clock is faked."""

import sqlite3

import pytest
from pacs_clock import Clock

from boneage import database
from boneage.errors import StoreFailed
from boneage.pacs_state import MOST_TRIES, Item, Origin, PacsState, State


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(tmp_path, clock):
    return PacsState(tmp_path / "pacs.sqlite", clock)


def an_item(number=1, origin=Origin.STORE):
    return Item(f"1.2.{number}", f"1.3.{number}", f"1.4.{number}", origin)


def counts(state):
    return {one.value: count for one, count in state.counts().items() if count}


def test_a_radiograph_that_comes_again_stays_as_it_is(state):
    state.add([an_item()])
    state.assessed(an_item(), ["1.5.1", "1.5.2"])
    state.add([an_item(), an_item(2)])
    assert counts(state) == {"received": 1, "assessed": 1}
    assert state.results_of(an_item()) == {"1.5.1": False, "1.5.2": False}


def test_what_is_known_is_known_after_a_restart(state, tmp_path):
    state.add([an_item(), an_item(2, Origin.ARCHIVE)])
    state.finish(an_item(), State.LEFT_ALONE, "It is a chest.")
    state.close()
    first, second = PacsState(tmp_path / "pacs.sqlite").items()
    assert (first.state, first.reason, second.origin) == (State.LEFT_ALONE, "It is a chest.", Origin.ARCHIVE)


def test_what_waits_longest_is_next_and_what_is_put_off_lets_others_pass(state, clock):
    state.add([an_item(1)])
    clock.now += 1
    state.add([an_item(2)])
    first = state.next_due(State.RECEIVED)
    assert first.sop_instance_uid == "1.2.1"
    state.put_off(first, "The disk is full.")
    assert state.next_due(State.RECEIVED).sop_instance_uid == "1.2.2"


def test_a_step_is_tried_so_often_and_then_has_failed_with_its_reason(state, clock):
    state.add([an_item()])
    for _ in range(MOST_TRIES):
        item = state.next_due(State.RECEIVED)
        state.begin(item)
        state.put_off(item, "The disk is full.")
        clock.now += 10_000
    assert counts(state) == {"failed": 1} and state.items()[0].reason == "The disk is full."
    assert state.retry() == 1
    item = state.next_due(State.RECEIVED)
    assert item.tries == MOST_TRIES - 1  # one more


def test_one_that_ended_the_program_lets_others_pass(state, clock):
    state.add([an_item(1)])
    clock.now += 1
    state.add([an_item(2)])
    state.begin(state.next_due(State.RECEIVED))  # and the program is killed
    assert state.next_due(State.RECEIVED).sop_instance_uid == "1.2.2"


def test_waiting_for_a_pacs_that_is_away_counts_no_try(state, clock):
    state.add([an_item()])
    for _ in range(3 * MOST_TRIES):
        item = state.next_due(State.RECEIVED)
        state.begin(item)
        state.wait(item, "The archive cannot be reached.", 30)
        assert state.next_due(State.RECEIVED) is None
        clock.now += 30
    assert counts(state) == {"received": 1}


def test_what_failed_on_the_way_to_the_pacs_is_not_assessed_again(state):
    state.add([an_item()])
    state.assessed(an_item(), ["1.5.1"])
    state.finish(an_item(), State.FAILED, "Not taken.")
    state.reopen(an_item())
    assert counts(state) == {"assessed": 1}


def test_what_needs_a_human_is_tried_again_only_where_it_can_be_fetched_anew(state):
    state.add([an_item(1), an_item(2, Origin.ARCHIVE)])
    for item in state.items():
        state.finish(item, State.NEEDS_HUMAN, "The sex is not known.")
    assert state.retry() == 1
    assert [item.origin for item in state.items(State.NEEDS_HUMAN)] == [Origin.STORE]


def test_results_are_known_as_ours_and_as_sent(state):
    state.add([an_item()])
    state.assessed(an_item(), ["1.5.1", "1.5.2"])
    state.result_sent("1.5.1")
    assert state.is_result("1.5.2") and not state.is_result("1.2.1")
    assert state.unsent_results() == {"1.5.2"}


def test_a_locked_database_is_an_error_of_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    state = PacsState(tmp_path / "pacs.sqlite")
    other = sqlite3.connect(tmp_path / "pacs.sqlite")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreFailed, match=r"state of the PACS watcher failed: database is locked"):
        state.add([an_item()])
    other.rollback()
    state.add([an_item()])
    assert counts(state) == {"received": 1}
