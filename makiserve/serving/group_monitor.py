"""The group monitor: finds partitions that no member owns, topics that changed, and the lag of the whole group.

It queries the brokers periodically, on a separate thread. It ignores owners during a rebalance, because they are about
to change. A partition counts as unowned if it has had no owner for longer than a session timeout. Decision 0096.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from concurrent.futures import Future
from typing import NamedTuple

from makiserve.errors import ConfigurationError, MakiserveError, TopicsChanged
from makiserve.kafka import GroupInspector, GroupView, TopicState
from makiserve.monitoring.snapshot import GroupPartition
from makiserve.serving.background import Background
from makiserve.serving.retry import Retries

logger = logging.getLogger(__name__)

MAX_QUERY_INTERVAL_S = 15.0
QUERIES_PER_SESSION = 3

MAX_MISSED = 2
"""A topic counts as deleted after this many queries in a row without it, because one broker may not know of it yet."""

MAX_REJOIN_S = 600.0
"""The maximum pause between two attempts to rejoin the group."""


class QueryResult(NamedTuple):
    """The result of one query.

    Attributes:
        at_s: time of the query, on the monotonic clock.
        topics: the topics that exist.
        group: None if the principal may not describe it.
    """

    at_s: float
    topics: dict[str, TopicState]
    group: GroupView | None


class GroupMonitor:
    """Watches the group and the topics of one service.

    Args:
        inspector: queries the brokers.
        source: the input topic.
        topics: all topics that the service needs, including the input.
        session_s: session timeout of the group, in seconds.

    Attributes:
        view: the group at the last query; None before the first one, and if the principal may not describe it.
    """

    def __init__(self, inspector: GroupInspector, source: str, topics: Collection[str], session_s: float) -> None:
        self.view: GroupView | None = None
        self._inspector, self._source, self._names = inspector, source, tuple(topics)
        self._session_s = session_s
        self._every_s = min(MAX_QUERY_INTERVAL_S, session_s / QUERIES_PER_SESSION)
        self._thread = Background("group monitor")
        self._answer: Future[QueryResult] | None = None
        self._due_s = time.monotonic()
        self._known: dict[str, TopicState] = {}
        self._missed: dict[str, int] = {}
        self._unowned_since_s: dict[int, float] = {}
        self._mismatch_since_s: float | None = None
        self._is_denied = False
        self._failures, self._rejoins = Retries(), Retries(MAX_REJOIN_S)
        self._rejoin_due_s = 0.0

    def restart(self) -> None:
        """Take the topics as the next query finds them as the new baseline."""
        self._known.clear()
        self._missed.clear()

    def poll(self) -> bool:
        """Start a query if one is due and process one that is done; return whether there is a new view of the group.

        Raises:
            TopicsChanged: the input has grown, or a topic was deleted or created again.
        """
        if self._answer is None:
            if time.monotonic() >= self._due_s:
                self._answer = self._thread.submit(self._query)
            return False
        if not self._answer.done():
            return False
        answer, self._answer = self._answer, None
        self._due_s = time.monotonic() + self._every_s
        try:
            result = answer.result()
        except MakiserveError as error:
            self._due_s += self._failures.failed()
            if self._failures.should_log:
                logger.warning("cannot describe the group: %s; retrying", error)
            return False
        self._compare(result.topics)
        self.view = result.group
        if result.group is not None:
            self._note_owners(result.group, result.at_s)
        return result.group is not None

    def partitions(self) -> tuple[GroupPartition, ...]:
        """Return all partitions of the input at the last query."""
        if (view := self.view) is None:
            return ()
        unowned = self.unowned()
        return tuple(
            GroupPartition(self._source, number, view.lag(number), unowned.get(number, 0.0))
            for number in sorted(view.ends)
        )

    def unowned(self) -> dict[int, float]:
        """Return the partitions without an owner for longer than a session timeout, and for how many seconds."""
        now = time.monotonic()
        ages = {number: now - since for number, since in sorted(self._unowned_since_s.items())}
        return {number: age for number, age in ages.items() if age > self._session_s}

    def rejoin_reason(self) -> str:
        """Return the reason for rejoining, for the log."""
        unowned = [f"{self._source}[{number}] for {age:.0f} s" for number, age in self.unowned().items()]
        return ", ".join(unowned) or "this member does not own the partitions that the group has assigned to it"

    def should_rejoin(self, member: str, assigned: Collection[int]) -> bool:
        """Return whether this member should leave the group and rejoin, given the latest view.

        The member with the fewest partitions rejoins first, because it loses least. If it does not, the next member
        does after another query. A member whose partitions differ from those in the group's view rejoins by its own
        decision.

        Args:
            member: the member id that the group has assigned.
            assigned: the partitions that the member considers its own.
        """
        view, now = self.view, time.monotonic()
        if view is None or not view.is_stable:
            return False
        this_member = next((peer for peer in view.members if peer.id == member), None)
        is_mismatch = this_member is None or this_member.partitions != frozenset(assigned)
        if not is_mismatch:
            self._mismatch_since_s = None
        elif self._mismatch_since_s is None:
            self._mismatch_since_s = now
        waited_s = max(self.unowned().values(), default=0.0) - self._session_s
        by_size = sorted(view.members, key=lambda peer: (len(peer.partitions), peer.id))
        rank = by_size.index(this_member) if this_member else 0
        is_next = waited_s > rank * self._every_s
        is_lost = self._mismatch_since_s is not None and now > self._mismatch_since_s + self._session_s
        if not (is_next or is_lost) or now < self._rejoin_due_s:
            return False
        self._rejoins.failed()
        self._rejoin_due_s = now + min(MAX_REJOIN_S, self._session_s * 2.0 ** min(self._rejoins.count, 20))
        self._mismatch_since_s = None
        return True

    def _query(self) -> QueryResult:
        topics = self._inspector.topics(self._names)
        source = topics.get(self._source)
        group = None
        if source is not None and not self._is_denied:
            try:
                group = self._inspector.group(source.partitions)
            except ConfigurationError as error:
                self._is_denied = True
                logger.warning(
                    "partitions without an owner and the lag of the whole group are not monitored: %s", error
                )
        return QueryResult(time.monotonic(), topics, group)

    def _compare(self, topics: dict[str, TopicState]) -> None:
        for name in self._names:
            before, now = self._known.get(name), topics.get(name)
            if now is None:
                self._missed[name] = self._missed.get(name, 0) + 1
                if before is not None and self._missed[name] >= MAX_MISSED:
                    raise TopicsChanged(f"topic {name} was deleted, or the principal may no longer see it")
                continue
            self._missed.pop(name, None)
            self._known[name] = now
            if before is None:
                continue
            if before.id != now.id:
                raise TopicsChanged(f"topic {name} was deleted and created again")
            if name == self._source and before.partitions != now.partitions:
                raise TopicsChanged(f"{name} had {before.partitions} partitions and now has {now.partitions}")

    def _note_owners(self, view: GroupView, at_s: float) -> None:
        if not view.is_stable:
            return
        for number in view.unowned:
            self._unowned_since_s.setdefault(number, at_s)
        for number in self._unowned_since_s.keys() - view.unowned:
            del self._unowned_since_s[number]
