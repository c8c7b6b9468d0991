import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest
from postgresql import a_postgresql

from boneage.database import open_engine
from boneage.selection import Leases

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
