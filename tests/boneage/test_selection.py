import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from postgresql import a_postgresql

from boneage.database import open_engine
from boneage.scores import Score
from boneage.selection import Leases, by_coverage, by_uncertainty

IMAGES = [f"image-{number}" for number in range(40)]


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    with a_postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'boneage.sqlite'}"
    return request.getfixturevalue("postgresql")


class Clock:
    now = 1e9

    def __call__(self):
        return self.now


def test_a_lease_ends_by_itself_and_until_then_is_one_readers(tmp_path):
    clock = Clock()
    leases = Leases(open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}"), minutes=30, clock=clock)
    assert leases.take(["a", "b"], "R1") == "a"
    assert leases.take(["a", "b"], "R2") == "b"
    assert leases.take(["a", "b"], "R3") is None
    assert leases.take(["a", "b"], "R1") == "a"  # nothing else is left: the reader's own again
    clock.now += 31 * 60
    assert leases.take(["a", "b"], "R3") == "a"
    assert leases.take([], "R3") is None


def test_a_reader_who_asks_again_gets_another_radiograph(tmp_path):
    leases = Leases(open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}"))
    assert [leases.take(IMAGES, "R1") for _ in range(3)] == IMAGES[:3]


def test_many_readers_who_ask_at_once_never_get_the_same_radiograph(url):
    leases = Leases(open_engine(url))
    images = [f"{url[:6]}-{image}" for image in IMAGES]
    with ThreadPoolExecutor(12) as threads:
        taken = list(threads.map(lambda reader: leases.take(images, f"R{reader}"), range(40)))
    assert sorted(taken) == sorted(images)


def _take(url, images, answers, readers):
    leases = Leases(open_engine(url))
    answers.put([leases.take(images, reader) for reader in readers])


def test_nor_do_those_of_several_servers(url):
    Leases(open_engine(url))
    images = [f"{url[:6]}-server-{image}" for image in IMAGES]
    answers = multiprocessing.Queue()
    servers = [
        multiprocessing.Process(target=_take, args=(url, images, answers, [f"S{server}-{n}" for n in range(10)]))
        for server in range(4)
    ]
    for server in servers:
        server.start()
    taken = [image for _ in servers for image in answers.get(timeout=60)]
    for server in servers:
        server.join()
    assert sorted(taken) == sorted(images)


def test_a_lease_can_be_ended_before_its_time(tmp_path):
    leases = Leases(open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}"))
    leases.take(["a"], "R1")
    assert leases.held() == {"a": "R1"}
    leases.end("a")
    assert leases.held() == {} and leases.take(["a"], "R2") == "a"


def a_score(image_id, spread=5.0, outline=0.01, error=""):
    return Score(image_id, "m=1", None if error else spread, None if error else outline, error=error)


def in_order(*scores):
    return {score.image_id: score for score in scores}


def test_the_least_sure_comes_first_then_what_is_not_scored_then_what_failed():
    scores = in_order(a_score("sure"), a_score("unsure", 20), a_score("middle", 9), a_score("chest", error="no_hand"))
    assert by_uncertainty(["chest", "new", "sure", "middle", "unsure"], scores) == [
        "unsure",
        "middle",
        "sure",
        "new",
        "chest",
    ]


def test_an_outline_that_disagrees_counts_as_much_as_a_wide_age():
    scores = in_order(
        a_score("plain"), a_score("age", 10), a_score("outline", outline=0.03), a_score("b"), a_score("c")
    )
    assert by_uncertainty(list(scores), scores)[:2] == ["outline", "age"]


def test_nothing_scored_leaves_the_order_of_the_ids():
    assert by_uncertainty(["b", "a"], {}) == ["a", "b"]


def on_a_circle(*degrees):
    turns = np.deg2rad(degrees)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def test_the_next_one_stands_for_many_that_nothing_covered_is_like():
    points = on_a_circle(0, 2, 90, 92, 94, 180)
    ids = ["done", "near", "edge", "middle", "other edge", "odd"]
    assert by_coverage(ids[1:], ["done"], ids, points)[:2] == ["middle", "odd"]


def test_what_is_covered_decides_not_how_bright_an_embedding_is():
    points = on_a_circle(0, 90, 45) * np.array([[1], [1], [100]], np.float32)
    assert by_coverage(["b", "c"], ["a"], ["a", "b", "c"], points) == ["b", "c"]


def test_with_nothing_covered_the_most_ordinary_one_comes_first_and_unknown_ones_last():
    order = by_coverage(["x", "a", "b", "c"], [], ["a", "b", "c"], on_a_circle(0, 30, 70))
    assert (order[0], order[-1]) == ("b", "x")


def test_where_nothing_is_scored_the_candidates_stay_in_order():
    assert by_coverage(["b", "a"], [], [], np.zeros((0, 0), np.float32)) == ["b", "a"]


def test_every_candidate_is_in_the_order_once_even_when_there_are_many():
    rng = np.random.default_rng(1)
    ids = [f"i{number}" for number in range(900)]
    order = by_coverage(ids, ids[:10], ids, rng.normal(size=(900, 8)).astype(np.float32))
    assert sorted(order) == sorted(ids)
