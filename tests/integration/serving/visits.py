"""Visits of users to places: pipelines whose windows end by event time, and models of them in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import NamedTuple

import rx

import makiserve
import makiserve.stream as rs

GAP, LATENESS = timedelta(minutes=5), timedelta(minutes=2)
START = datetime(2026, 11, 1, tzinfo=timezone.utc)


class Visit(makiserve.Record):
    number: int
    place: str
    user: str
    at: datetime
    value: float


class Summary(NamedTuple):
    user: str
    visits: int
    total: float


def summary() -> makiserve.Transform:
    return rs.ops.tee_map(
        rs.ops.first(), rs.ops.count(reduce=True), rs.math.sum(lambda visit: visit.value, reduce=True)
    )


def sessions() -> makiserve.Transform:
    """The sessions of each user. Visits may arrive late."""
    return rs.ops.group_by(
        lambda visit: visit.user,
        rx.pipe(
            rs.data.roll_session(GAP, lambda visit: visit.at, summary(), lateness=LATENESS),
            rs.ops.map(lambda row: Summary(row[0].user, row[1], row[2])),
        ),
    )


def idle_groups() -> makiserve.Transform:
    """A group for each user, which ends when the user is idle, at a visit of any user."""
    return rs.ops.group_by(
        lambda visit: visit.user,
        rx.pipe(summary(), rs.ops.map(lambda row: Summary(row[0].user, row[1], row[2]))),
        ttl=GAP,
        time_mapper=lambda visit: visit.at,
        idle="complete",
    )


def visits(place: str, seed: int) -> list[Visit]:
    """Return visits in the order of arrival, which is up to 90 seconds from that of their times."""
    rng, arrivals = random.Random(seed), []
    for user in ("ann", "bob", "cyd"):
        for burst in range(12):
            at = START + timedelta(minutes=15 * burst, milliseconds=rng.randrange(300_000))
            for _ in range(rng.randint(1, 4)):
                arrivals.append((at, user))
                at += timedelta(milliseconds=rng.randrange(250_000))
    arrivals.sort(key=lambda visit: visit[0] + timedelta(seconds=rng.randrange(90)))
    return [Visit(number, place, user, at, rng.randrange(40) / 4) for number, (at, user) in enumerate(arrivals)]


def expected_sessions(lane: Iterable[Visit]) -> list[Summary]:
    """Return the sessions that complete: the visits of a user in the order of time, cut at each gap."""
    of_users: dict[str, list[Visit]] = defaultdict(list)
    for visit in sorted(lane, key=lambda visit: visit.at):
        of_users[visit.user].append(visit)
    summaries = []
    for user_visits in of_users.values():
        steps = enumerate(pairwise(user_visits), start=1)
        cuts = [index for index, (before, after) in steps if after.at - before.at >= GAP]
        for start, end in zip([0, *cuts], [*cuts, len(user_visits)], strict=True):
            if user_visits[-1].at - user_visits[end - 1].at >= GAP + LATENESS:
                summaries.append(summarized(user_visits[start:end]))
    return summaries


def expected_idle_groups(lane: Iterable[Visit]) -> list[Summary]:
    """Return the groups that complete: at each visit those whose last one is too long ago."""
    groups: dict[str, list[Visit]] = {}
    now, summaries = START, []
    for visit in lane:
        now = max(now, visit.at)
        latest = {user: max(earlier.at for earlier in user_visits) for user, user_visits in groups.items()}
        for user in [user for user, at in latest.items() if now - at > GAP]:
            summaries.append(summarized(groups.pop(user)))
        groups.setdefault(visit.user, []).append(visit)
    return summaries


def summarized(group: list[Visit]) -> Summary:
    return Summary(group[0].user, len(group), sum(visit.value for visit in group))


MODELS: dict[str, Callable[[Iterable[Visit]], list[Summary]]] = {
    "sessions": expected_sessions,
    "idle_groups": expected_idle_groups,
}
"""The models, by the names of the pipelines."""
