import multiprocessing
import os
import random
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sqlalchemy
from postgresql import a_postgresql

from boneage import database
from boneage.corrections import FILE_NAME, CorrectionStore
from boneage.corrections_checked import validated
from boneage.errors import InvalidInput, StoreFailed
from boneage.types import Correction, CorrectionStatus, HandBox, Sex

KILLS = 200


def an_age(months=100.0, reader="reader 1", image_id="a-1", **more):
    return Correction(image_id, reader, bone_age_months=months, sex=Sex.FEMALE, **more)


def a_mask(rows=40, columns=30):
    mask = np.zeros((rows, columns), bool)
    mask[5:30, 7:20] = True
    return mask


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    with a_postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        store = CorrectionStore.in_folder(tmp_path)
    else:
        url = request.getfixturevalue("postgresql")
        name = f"t{random.getrandbits(40):x}"
        server = sqlalchemy.create_engine(
            url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
        )
        with server.connect() as connection:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
        store = CorrectionStore(url.replace("/postgres", f"/{name}"))
    yield store
    store.close()


def test_the_store_keeps_nothing_impossible_with_an_id_or_without(store):
    for bad in ({"hand_mask": np.zeros((20, 20), bool)}, {"bone_age_months": 999.0}, {}):
        for id in ("", "a" * 32):
            with pytest.raises(InvalidInput, match="Expected"):
                store.add(Correction("a-1", "reader 1", id=id, **bad))
    assert store.history() == []


def test_a_correction_comes_back_as_it_went_in(store):
    sent = an_age(hand_box=HandBox(1, 2, 30.5, 40), hand_mask=a_mask(), comment="by the atlas\n", based_on={"m": "1"})
    kept = store.add(sent)
    found = store.get(kept.id)
    assert found.made_at == kept.made_at and found.made_at.tzinfo
    for name in ("image_id", "reader", "status", "hand_box", "bone_age_months", "sex", "comment", "based_on"):
        assert getattr(found, name) == getattr(sent, name)
    assert np.array_equal(store.mask(kept.id), a_mask())


def test_readers_stand_side_by_side_and_training_takes_the_latest_final_of_each_kind(store):
    store.add(an_age(100, "reader 1"))
    drawn = store.add(Correction("a-1", "reader 2", hand_mask=a_mask()))
    store.add(Correction("a-1", "reader 2", hand_box=HandBox(0, 0, 9, 9)))
    store.add(an_age(110, "reader 2"))
    store.add(an_age(150, "reader 3", status=CorrectionStatus.DRAFT))
    assert [row.reader for row in store.standing("a-1")] == ["reader 1", "reader 2", "reader 2", "reader 2", "reader 3"]
    label = store.finals()["a-1"]
    assert (label.bone_age_months, label.mask_id, label.hand_box) == (110, drawn.id, HandBox(0, 0, 9, 9))
    assert store.consensus("a-1").median_months == 105 and store.consensus("a-1").readers == 2
    assert store.consensus("b-2") is None


def test_withdrawing_is_a_new_row_and_brings_the_earlier_one_back(store):
    store.add(an_age(100))
    wrong = store.add(an_age(200))
    store.withdraw(wrong.id, "reader 1", "typed wrongly")
    assert store.finals()["a-1"].bone_age_months == 100
    assert [row.bone_age_months for row in store.history()] == [100, 200, None]
    with pytest.raises(InvalidInput, match="withdrawn already"):
        store.withdraw(wrong.id, "reader 1")
    with pytest.raises(InvalidInput, match="no correction 'nothing'"):
        store.withdraw("nothing", "reader 1")


def test_a_rejected_radiograph_is_not_learnt_from_until_a_later_reading_says_otherwise(store):
    store.add(an_age(100, "reader 1"))
    store.add(Correction("a-1", "reader 2", rejected_because="the hand is turned"))
    assert store.finals() == {} and store.consensus("a-1").readers == 1
    store.add(Correction("a-1", "reader 1", rejected_because="indeed"))
    assert store.consensus("a-1") is None
    store.add(an_age(104, "reader 3"))
    assert store.finals()["a-1"].bone_age_months == 104


def test_a_correction_that_its_client_sends_twice_is_kept_once(store):
    sent = an_age(id="0123456789abcdef" * 2)
    assert store.add(sent).id == store.add(sent).id == sent.id
    assert len(store.history()) == 1
    with pytest.raises(InvalidInput, match="taken by another"):
        store.add(an_age(reader="reader 2", id=sent.id))


def test_a_store_of_an_earlier_version_is_taken_on_as_it_is(tmp_path):
    CorrectionStore.in_folder(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("ALTER TABLE corrections DROP COLUMN rejected_because")
        connection.execute("INSERT INTO corrections (id, image_id, reader, status, made_at, comment, based_on) VALUES "
                           "('x', 'a-1', 'R', 'final', '2026-01-01T00:00:00+00:00', '', '{}')")  # fmt: skip
    store = CorrectionStore.in_folder(tmp_path)
    store.add(Correction("a-1", "R", rejected_because="blurred"))
    assert [row.rejected_because for row in store.history()] == ["", "blurred"]


@pytest.mark.parametrize("change", ["UPDATE corrections SET reader = 'x'", "DELETE FROM corrections"])
def test_the_database_refuses_to_change_or_remove_a_row(store, change):
    store.add(an_age())
    with pytest.raises(sqlalchemy.exc.DBAPIError, match="append-only"), store.engine.begin() as connection:
        connection.execute(sqlalchemy.text(change))
    assert len(store.history()) == 1


def test_two_submissions_at_the_same_instant_are_both_kept(store):
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda number: store.add(an_age(number, f"reader {number}")).id, range(40)))
    assert sorted(row.id for row in store.history()) == sorted(kept)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (an_age(-1), "0 to 228 months, got -1"),
        (an_age(400), "0 to 228 months, got 400"),
        (an_age(float("nan")), "0 to 228 months, got nan"),
        (an_age(reader="  "), "the reader"),
        (an_age(reader="two\nlines"), "the reader"),
        (an_age(image_id=""), "an image id"),
        (an_age(comment="x" * 5000), "a comment"),
        (Correction("a", "r"), "none of them"),
        (an_age(rejected_because="blurred"), "or a reason to reject, got both"),
        (an_age(id="not a UUID"), "32 hexadecimal digits"),
        (Correction("a", "r", hand_box=HandBox(9, 0, 3, 8)), "left < right"),
        (Correction("a", "r", hand_box=HandBox(0, 0, 31, 8)), "within 30 x 40 pixels"),
        (Correction("a", "r", hand_mask=np.zeros((40, 30), bool)), "0 pixels marked"),
        (Correction("a", "r", hand_mask=a_mask(41, 30)), "mask of 40 x 30 pixels"),
    ],
)
def test_an_impossible_correction_is_refused_with_what_was_expected(wrong, expected):
    with pytest.raises(InvalidInput, match=expected):
        validated(wrong, (40, 30))


def test_a_locked_database_is_a_clear_error_and_nothing_is_half_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    store = CorrectionStore.in_folder(tmp_path)
    other = sqlite3.connect(tmp_path / FILE_NAME)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed, match="Another program holds it"):
        store.add(an_age())
    other.rollback()
    store.add(an_age())
    assert len(store.history()) == 1


def test_a_full_disk_is_a_clear_error_and_the_earlier_corrections_stay(tmp_path):
    store = CorrectionStore.in_folder(tmp_path)
    store.add(an_age())
    noise = np.random.default_rng(0).random((900, 900)) > 0.5
    with store.engine.connect() as connection:
        connection.execute(sqlalchemy.text("PRAGMA max_page_count = 20"))  # of this pooled connection
    with pytest.raises(StoreFailed, match="Make room on the disk"):
        store.add(Correction("a-1", "reader 1", hand_mask=noise))
    assert len(store.history()) == 1


def test_a_database_that_cannot_be_reached_is_named_neither_by_user_nor_by_password():
    with pytest.raises(StoreFailed) as failure:
        CorrectionStore("postgresql://someone:secret@127.0.0.1:1/boneage")
    assert "secret" not in str(failure.value) and "someone" not in str(failure.value)
    with pytest.raises(InvalidInput, match="SQLite or PostgreSQL"):
        CorrectionStore("mysql://x@y/z")


def _add_for_ever(folder, acknowledged):
    store = CorrectionStore.in_folder(folder)
    while True:
        kept = store.add(an_age(random.randint(0, 228), hand_mask=a_mask()))
        os.write(acknowledged, kept.id.encode())


@pytest.mark.slow
def test_killed_at_any_instant_no_acknowledged_correction_is_lost(tmp_path):
    CorrectionStore.in_folder(tmp_path).close()
    acknowledged = set()
    for _ in range(KILLS):
        reading, writing = os.pipe()
        child = multiprocessing.get_context("fork").Process(target=_add_for_ever, args=(tmp_path, writing))
        child.start()
        os.close(writing)
        heard = os.read(reading, 32)
        time.sleep(random.uniform(0, 0.01))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        while piece := os.read(reading, 1 << 16):
            heard += piece
        os.close(reading)
        acknowledged |= {heard[i : i + 32].decode() for i in range(0, len(heard) - len(heard) % 32, 32)}
    store = CorrectionStore.in_folder(tmp_path)
    assert len(acknowledged) >= KILLS
    assert acknowledged <= {row.id for row in store.history()}
    assert all(np.array_equal(store.mask(one), a_mask()) for one in list(acknowledged)[:50])
    assert sqlite3.connect(tmp_path / FILE_NAME).execute("PRAGMA integrity_check").fetchone() == ("ok",)
