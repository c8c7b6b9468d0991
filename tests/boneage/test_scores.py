import numpy as np
import pytest

from boneage.database import open_engine
from boneage.scores import Score, Scores, stamp_of

MODELS = stamp_of({"b": "2", "a": "1"})


@pytest.fixture
def scores(tmp_path):
    return Scores(open_engine(f"sqlite:///{tmp_path / 'boneage.sqlite'}"))


def test_the_stamp_of_models_does_not_depend_on_their_order():
    assert MODELS == "a=1 b=2" == stamp_of({"a": "1", "b": "2"})


def test_a_score_comes_back_and_a_new_one_takes_its_place(scores):
    scores.put(Score("x-1", MODELS, 9.0, 0.02, np.arange(4, dtype=np.float32)))
    scores.put(Score("x-1", MODELS, 7.0, 0.01, np.ones(4, np.float32)))
    [score] = scores.all(MODELS).values()
    assert (score.age_sd_months, score.outline_disagreement, score.error) == (7.0, 0.01, "")
    ids, embeddings = scores.embeddings(MODELS)
    assert ids == ["x-1"] and embeddings.tolist() == [[1, 1, 1, 1]] and embeddings.dtype == np.float32


def test_what_other_models_scored_is_missing_again(scores):
    scores.put(Score("x-1", MODELS, 9.0, 0.02, np.ones(4)))
    scores.put(Score("x-2", MODELS, error="no_hand"))
    assert scores.missing(["x-1", "x-2", "x-3"], MODELS) == ["x-3"]
    assert scores.missing(["x-1", "x-2", "x-3"], "a=2") == ["x-1", "x-2", "x-3"]
    assert scores.all("a=2") == {} and len(scores.embeddings("a=2")[0]) == 0


def test_a_failed_score_has_no_embedding(scores):
    scores.put(Score("x-2", MODELS, error="no_hand"))
    assert scores.all(MODELS)["x-2"].error == "no_hand" and scores.embeddings(MODELS)[1].size == 0


def test_what_was_assessed_is_remembered_once(scores):
    scores.note_assessed("x-1")
    scores.note_assessed("x-1")
    assert scores.assessed() == {"x-1"}
