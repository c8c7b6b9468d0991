"""The strategies of POST /activelearning/NAME: which radiograph a reader gets next."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from monailabel.interfaces.tasks.strategy import Strategy

from boneage.selection import Leases
from monailabel_app.studies import FolderStudies

LONGEST_HOLDER = 255


def strategies(studies: FolderStudies) -> dict[str, Strategy]:
    """Return the strategies by name; they share the leases."""
    leases = Leases(studies.store.engine)
    return {
        "first": LeasedStrategy("The first radiograph without a final correction", leases, sorted),
        "random": LeasedStrategy("Any radiograph without a final correction", leases, _shuffled),
    }


class LeasedStrategy(Strategy):
    """Offers what has no final correction yet, in some order, and to one reader at a time."""

    def __init__(self, description: str, leases: Leases, order: Callable[[list[str]], list[str]]) -> None:
        super().__init__(description)
        self._leases = leases
        self._order = order

    def __call__(self, request: dict[str, Any], datastore: FolderStudies) -> dict[str, Any] | None:
        """Return {"id": ...}; None if everything is done or with other readers."""
        holder = str(request.get("reader") or request.get("client_id") or "nobody")[:LONGEST_HOLDER]
        image_id = self._leases.take(self._order(datastore.get_unlabeled_images()), holder)
        return None if image_id is None else {"id": image_id}


def _shuffled(image_ids: list[str]) -> list[str]:
    return random.sample(image_ids, len(image_ids))
