"""Visits of users to places: pipelines whose windows end by event time, and models of them in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
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
    chance, found = random.Random(seed), []
    for user in ("ann", "bob", "cyd"):
        for burst in range(12):
            at = START + timedelta(minutes=15 * burst, milliseconds=chance.randrange(300_000))
            for _ in range(chance.randint(1, 4)):
                found.append((at, user))
                at += timedelta(milliseconds=chance.randrange(250_000))
    found.sort(key=lambda visit: visit[0] + timedelta(seconds=chance.randrange(90)))
    return [Visit(number, place, user, at, chance.randrange(40) / 4) for number, (at, user) in enumerate(found)]


def expected_sessions(lane: Iterable[Visit]) -> list[Summary]:
    """Return the sessions that complete: the visits of a user in the order of time, cut at each gap."""
    of_users: dict[str, list[Visit]] = defaultdict(list)
    for visit in sorted(lane, key=lambda visit: visit.at):
        of_users[visit.user].append(visit)
    found = []
    for own in of_users.values():
        cuts = [index for index in range(1, len(own)) if own[index].at - own[index - 1].at >= GAP]
        for start, end in zip([0, *cuts], [*cuts, len(own)], strict=True):
            if own[-1].at - own[end - 1].at >= GAP + LATENESS:
                found.append(summarized(own[start:end]))
    return found


def expected_idle_groups(lane: Iterable[Visit]) -> list[Summary]:
    """Return the groups that complete: at each visit those whose last one is too long ago."""
    groups: dict[str, list[Visit]] = {}
    now, found = START, []
    for visit in lane:
        now = max(now, visit.at)
        for user in [user for user, own in groups.items() if now - max(each.at for each in own) > GAP]:
            found.append(summarized(groups.pop(user)))
        groups.setdefault(visit.user, []).append(visit)
    return found


def summarized(own: list[Visit]) -> Summary:
    return Summary(own[0].user, len(own), sum(visit.value for visit in own))


MODELS: dict[str, Callable[[Iterable[Visit]], list[Summary]]] = {
    "sessions": expected_sessions,
    "idle_groups": expected_idle_groups,
}
"""The models, by the names of the pipelines."""
