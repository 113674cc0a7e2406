"""Watch registry aliases on a separate thread: load the versions that they name, check them, and offer them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import NamedTuple

from makiserve.errors import (
    ConfigurationError,
    MakiserveError,
    ModelRefused,
    PipelineChanged,
    SchemaRegistryUnavailable,
)
from makiserve.scoring import ROLES, Registry, Role, Served
from makiserve.serving.background import Background
from makiserve.serving.retry import Retries
from makiserve.serving.rollout.scorers import model_version_in
from makiserve.settings.sections import OnStateLoss

logger = logging.getLogger(__name__)

LONGEST_PAUSE_S = 60.0
"""Maximum pause between two attempts to load a version whose files cannot be fetched."""

Newest = dict[Role, str | None]
"""The version that each role should have; None if nothing should change."""


class Candidate(NamedTuple):
    """A model version that is ready to be served.

    Attributes:
        place: the role in which it differs from what is served.
        release: the version for this role.
        model: the complete model to serve, with all roles.
    """

    place: Role
    release: str
    model: Served


def accept(model: Served) -> None:
    """Accept any version; plain JSON needs no preparation."""


class AliasWatcher:
    """Checks periodically for new versions to serve, and offers them one at a time.

    Args:
        registry: registry of model versions.
        every: polling interval.
        policy: what to do if a new pipeline cannot use the state.
        model: the model that is served.
        prepare: makes a version ready to serve here; it raises the errors of `OutputFormats.prepare`. It is pickled for
            a version that a new process must serve.

    Attributes:
        restart_required_for: a checked version that only a new process can serve; None if there is none.
    """

    def __init__(
        self,
        registry: Registry,
        every: timedelta,
        policy: OnStateLoss,
        model: Served,
        prepare: Callable[[Served], None] = accept,
    ) -> None:
        self.restart_required_for: str | None = None
        self._registry, self._every_s, self._policy = registry, every.total_seconds(), policy
        self._served, self._make_ready = model, prepare
        self._refused: set[tuple[str | None, ...]] = set()
        self._away: set[str] = set()
        self._thread = Background("watch")
        self._answer: Future[Candidate | None] | None = None
        self._due = time.monotonic()
        self._retries: dict[str, Retries] = {}
        self._load_due_s: dict[str, float] = {}

    def candidate(self) -> Candidate | None:
        """Return the version that is ready, the same until it is served or refused; None if there is none."""
        if self._answer is None:
            if time.monotonic() >= self._due:
                self._answer = self._thread.submit(self._look)
            return None
        if not self._answer.done():
            return None
        found = self._answer.result()
        if found is None:
            self._next()
        return found

    def served(self, model: Served) -> None:
        """Record the model that is served now."""
        self._served = model
        self._next()

    def refuse(self, candidate: Candidate) -> None:
        """Exclude a version from being offered again for this role."""
        self._refused.add((candidate.place, candidate.release))

    def _next(self) -> None:
        self._answer, self._due = None, time.monotonic() + self._every_s

    def _look(self) -> Candidate | None:
        """Return the next version to serve; None if nothing changes. Runs on the thread."""
        newest: Newest = {place: self._ask(place) for place in ROLES}
        for place, release in newest.items():
            if not release or time.monotonic() < self._load_due_s.get(release, 0.0):
                continue
            if self._is_new(place, release, newest) and (found := self._load(place, release, newest)):
                return found
        return None

    def _ask(self, place: Role) -> str | None:
        try:
            release = self._registry.newest(place)
        except ConfigurationError as error:
            self._wait(place, place, error)
            return None
        if place in self._away:
            logger.info("the registry answers again; newest version: %s", release)
            self._away.remove(place)
        return release

    def _is_new(self, place: Role, release: str, newest: Newest) -> bool:
        is_refused = not self._refused.isdisjoint({(place, release), (place, *newest.values())})
        return release != model_version_in(place, self._served) and not is_refused

    def _load(self, place: Role, release: str, newest: Newest) -> Candidate | None:
        before = model_version_in(place, self._served)
        if release not in self._away:
            logger.info("loading %s to replace %s", release, before)
        try:
            model = self._registry.load(release, place, self._served)
            self._make_ready(model)
            return Candidate(place, release, model)
        except PipelineChanged as error:
            if place == "champion" and self._policy != "refuse":
                self._prepare(release, newest)
            else:
                self._keep(place, release, f"{error}{_way(place)}", (place, release))
        except ModelRefused as error:
            self._keep(place, release, error, (place, release))
        except (ConfigurationError, SchemaRegistryUnavailable) as error:
            self._wait(place, release, error)
            retries = self._retries.setdefault(release, Retries(LONGEST_PAUSE_S))
            self._load_due_s[release] = time.monotonic() + retries.failed()
        return None

    def _prepare(self, release: str, newest: Newest) -> None:
        """Check a champion with another pipeline, which a new process must serve, together with the other roles."""
        try:
            self._registry.try_out(release, self._make_ready)
        except ModelRefused as error:  # the version of another alias may be the cause
            self._keep("champion", release, error, ("champion", *newest.values()))
        else:
            self.restart_required_for = release

    def _keep(self, place: Role, release: str, reason: object, refused: tuple[str | None, ...]) -> None:
        logger.error(
            "still serving %s, because %s must not serve: %s", model_version_in(place, self._served), release, reason
        )
        self._refused.add(refused)

    def _wait(self, place: Role, what: str, error: MakiserveError) -> None:
        if what not in self._away:
            logger.warning(
                "still serving %s, because newer versions cannot be checked or loaded: %s",
                model_version_in(place, self._served),
                error,
            )
        self._away.add(what)


def _way(place: Role) -> str:
    """Return advice for a version with another pipeline."""
    if place == "champion":
        return "; its state would differ, so it needs --on-state-loss rebuild or start-empty"
    return "; it needs the champion's pipeline, so move the champion's alias first"
