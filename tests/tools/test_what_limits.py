"""Small trainings side by side: each is measured on the held-out hands, and those that are done are not done again."""

import csv

import numpy as np
import pytest
import what_limits
from click.testing import CliRunner
from drawn_hands import make_rsna
from small_net import ASmallNet

from boneage.frames import OUTLINE_FRAME
from boneage.training import hand_views
from boneage.training.hands import marked_hands
from boneage.training.upright import FoundHand


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the tool on drawn hands and returns its rows."""
    data = make_rsna(tmp_path / "rsna", train=8)
    marked = {
        hand.example.id: hand for split in ("train", "validation", "held-out") for hand in marked_hands(data, split)
    }
    mask = np.full((OUTLINE_FRAME.rows, OUTLINE_FRAME.columns // 8), 255, np.uint8)

    def find_hands(examples, kept, models_dir=None):
        kept.touch()
        return [FoundHand(one, marked[one.id].annotation.key_points, mask) for one in examples]

    monkeypatch.setattr(what_limits, "find_hands", find_hands)
    monkeypatch.setattr(hand_views, "find_hands", find_hands)
    monkeypatch.setattr(hand_views, "BATCH", 2)
    monkeypatch.setattr(what_limits, "network_of", lambda family, start: ASmallNet())
    monkeypatch.setattr(what_limits, "PARTS", (0.5, 1.0))
    monkeypatch.setattr(what_limits, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()

    def made():
        arguments = ["--data", str(data), "--out", str(tmp_path / "out"), "--passes", "1", "--view", "40", "32"]
        result = CliRunner().invoke(what_limits.main, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        with (tmp_path / "out" / "limits.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    return made


def test_parts_of_the_radiographs_are_seen_as_often_in_all_as_the_whole(run, tmp_path):
    rows = run()
    assert [(row["family"], row["radiographs"], row["passes"]) for row in rows] == [
        ("ResNet50", "4", "2"),
        ("ResNet50", "8", "1"),
        ("tf_efficientnet_lite0", "8", "1"),
    ]
    assert all(0 < float(row["mae_months"]) < 228 for row in rows)
    assert (tmp_path / "docs" / "limits.png").stat().st_size > 5_000


def test_a_training_that_is_done_is_not_done_again(run, monkeypatch):
    first = run()
    monkeypatch.setattr(what_limits, "fit", lambda *_: pytest.fail("trained again"))
    assert run() == first
