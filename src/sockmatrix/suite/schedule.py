"""A scheduler for pytest-xdist that hands out whole batches: cells measured together cost little each.

It does what xdist.scheduler.Scheduling says. A worker runs a test when it knows the one behind it, so
each gets more before it has run out.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NoReturn, final

from xdist.workermanage import parse_tx_spec_config  # type: ignore[import-untyped]

from sockmatrix.suite.batches import deal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest
    from xdist.workermanage import WorkerController as Node

_FEW = 2  # tests left: time for more


@final
class BatchScheduling:
    """Batches that wait, and the tests that each worker still has."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        """Begin with no worker."""
        self.numnodes = len(parse_tx_spec_config(config))
        self.collection: list[str] | None = None
        self._collections: dict[Node, list[str]] = {}
        self._pending: dict[Node, dict[int, None]] = {}
        self._waiting: deque[Sequence[int]] = deque()
        self._log = log or (lambda *_: None)

    @property
    def nodes(self) -> list[Node]:
        """The workers."""
        return list(self._pending)

    @property
    def collection_is_completed(self) -> bool:
        """Whether all workers have said which tests there are."""
        return len(self._collections) >= self.numnodes

    @property
    def tests_finished(self) -> bool:
        """Whether nobody needs more tests."""
        if not self.collection_is_completed or self._waiting:
            return False
        return all(len(pending) < _FEW for pending in self._pending.values())

    @property
    def has_pending(self) -> bool:
        """Whether there are tests that were not run."""
        return bool(self._waiting) or any(self._pending.values())

    def add_node(self, node: Node) -> None:
        """Take a worker that has started."""
        self._pending[node] = {}

    def add_node_collection(self, node: Node, collection: Sequence[str]) -> None:
        """Take the tests of a worker."""
        if self.collection is not None and list(collection) != self.collection:
            self._log(f"{node.gateway.id} has collected other tests, and gets none")
            return
        self._collections[node] = list(collection)

    def schedule(self) -> None:
        """Hand out the first batches, or more to a worker that came later."""
        if self.collection is None:
            first, *others = self._collections.values()
            if any(one != first for one in others):
                self._log("the workers have collected different tests")
                return
            self.collection = first
            self._waiting.extend(deal(len(first), self.numnodes))
        for node in self.nodes:
            self._more(node)

    def _more(self, node: Node) -> None:
        """Give a worker batches until it has enough, or tell it that this was all."""
        if node.shutting_down or node not in self._collections:
            return
        pending = self._pending[node]
        while self._waiting and len(pending) <= _FEW:
            batch = self._waiting.popleft()
            pending.update(dict.fromkeys(batch))
            node.send_runtest_some(list(batch))
        if not self._waiting and len(pending) <= _FEW:
            node.shutdown()

    def mark_test_complete(self, node: Node, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        """Take note of a test that was run."""
        pending = self._pending[node]
        pending.pop(item_index, None)
        if len(pending) <= _FEW:
            self._more(node)

    def mark_test_pending(self, item: str) -> NoReturn:
        """Refuse: nothing here runs a test again."""
        raise NotImplementedError(item)

    def remove_pending_tests_from_node(self, node: Node, indices: Sequence[int]) -> NoReturn:
        """Refuse: nothing here takes a test away again."""
        raise NotImplementedError(node, indices)

    def remove_node(self, node: Node) -> str | None:
        """Forget a worker, and return the test at which it died; others get what it still had."""
        pending = list(self._pending.pop(node))
        if not pending or self.collection is None:
            return None
        died, *left = pending
        if left:
            self._waiting.appendleft(left)
        for other in self.nodes:
            self._more(other)
        return self.collection[died]
