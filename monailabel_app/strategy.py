"""The strategies of POST /activelearning/NAME: which radiograph a reader gets next."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from monailabel.interfaces.tasks.strategy import Strategy

from boneage.selection import Leases, by_coverage, by_uncertainty
from monailabel_app.studies import Studies

LONGEST_HOLDER = 255

Order = Callable[[list[str]], Sequence[str]]


def strategies(studies: Studies, leases: Leases, models: Callable[[], str]) -> dict[str, Strategy]:
    """Return the strategies by name; they share the leases.

    Args:
        studies: With the corrections and the scores.
        leases: Of the readers.
        models: Says whose scores count, as `boneage.scores.stamp_of` writes them.
    """

    def uncertain(image_ids: list[str]) -> Sequence[str]:
        return by_uncertainty(image_ids, studies.scores.all(models()))

    def diverse(image_ids: list[str]) -> Sequence[str]:
        covered = {*studies.get_labeled_images(), *leases.held()}
        return by_coverage(image_ids, covered, *studies.scores.embeddings(models()))

    return {
        "uncertain": LeasedStrategy("Where the models are least sure of age and outline", leases, uncertain),
        "diverse": LeasedStrategy("Least like what is corrected already", leases, diverse),
        "first": LeasedStrategy("The first radiograph without a final correction", leases, sorted),
        "random": LeasedStrategy("Any radiograph without a final correction", leases, _shuffled),
        "reopen": ReopenStrategy("The radiograph named as `image`, finished or not", leases),
    }


class LeasedStrategy(Strategy):
    """Offers what has no final correction yet, in some order, and to one reader at a time."""

    def __init__(self, description: str, leases: Leases, order: Order) -> None:
        super().__init__(description)
        self._leases = leases
        self._order = order

    def __call__(self, request: dict[str, Any], datastore: Studies) -> dict[str, Any] | None:
        """Return {"id": ...}; None if everything is done or with other readers."""
        image_id = self._leases.take(self._order(datastore.get_unlabeled_images()), _holder(request))
        return None if image_id is None else {"id": image_id}


class ReopenStrategy(Strategy):
    """Gives a reader the radiograph that is asked for, also a finished one, unless another reader has it."""

    def __init__(self, description: str, leases: Leases) -> None:
        super().__init__(description)
        self._leases = leases

    def __call__(self, request: dict[str, Any], datastore: Studies) -> dict[str, Any] | None:
        """Return {"id": ..., "readings": [...]}; None if it is with another reader.

        Raises:
            UnknownImage: If no radiograph has this id.
        """
        image_id = str(request.get("image", ""))
        datastore.path_of(image_id)
        if self._leases.take([image_id], _holder(request)) is None:
            return None
        return {"id": image_id, "readings": datastore.readings(image_id).get(image_id, [])}


def _holder(request: dict[str, Any]) -> str:
    return str(request.get("reader") or request.get("client_id") or "nobody")[:LONGEST_HOLDER]


def _shuffled(image_ids: list[str]) -> list[str]:
    return random.sample(image_ids, len(image_ids))
