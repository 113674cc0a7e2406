"""The alias of a model is watched, on a thread of its own: what it names is loaded there, checked, and offered."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future
from datetime import timedelta

from makiserve.errors import AnotherPipeline, ConfigurationError, ModelRefused
from makiserve.scoring import Registry, Served
from makiserve.serving.background import Background
from makiserve.serving.swapping.scorers import release_of
from makiserve.settings.serve import OnStateLoss

logger = logging.getLogger(__name__)


class Watch:
    """Looks every so often whether another version is to be served.

    Args:
        registry: where versions are.
        every: how often it is asked.
        policy: what to do where a new pipeline leaves the state behind.
        model: what is served.

    Attributes:
        successor: a version that only a fresh process can serve, checked there; None while there is none.
    """

    def __init__(self, registry: Registry, every: timedelta, policy: OnStateLoss, model: Served) -> None:
        self.successor: str | None = None
        self._registry, self._every_s, self._policy = registry, every.total_seconds(), policy
        self._served = release_of(model)
        self._refused: set[str] = set()
        self._is_away = False
        self._thread = Background("watch")
        self._answer: Future[Served | None] | None = None
        self._due = time.monotonic()

    def candidate(self) -> Served | None:
        """Another version, ready to be served, if there is one by now; the same until it is served or refused."""
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

    def served(self, release: str) -> None:
        """A version is served now."""
        self._served = release
        self._next()

    def refuse(self, release: str) -> None:
        """A version is not to be offered again."""
        self._refused.add(release)

    def _next(self) -> None:
        self._answer, self._due = None, time.monotonic() + self._every_s

    def _look(self) -> Served | None:
        """What is to be served from now on; None for what is served. It runs on the thread."""
        try:
            release = self._registry.newest()
            found = self._load(release) if release not in (self._served, *self._refused) else None
        except ConfigurationError as error:
            if not self._is_away:
                logger.warning("%s goes on, whatever there is that is newer: %s", self._served, error)
            self._is_away = True
            return None
        if self._is_away:
            logger.info("the registry answers again: it names %s", release)
        self._is_away = False
        return found

    def _load(self, release: str) -> Served | None:
        logger.info("%s is to be served in the place of %s: loading it", release, self._served)
        try:
            return self._registry.load(release)
        except AnotherPipeline as error:
            self._prepare(release, error)
        except ModelRefused as error:
            self._keep(release, error)
        return None

    def _prepare(self, release: str, error: AnotherPipeline) -> None:
        """A version that has another pipeline: a fresh process must serve it, if it may lose the state."""
        if self._policy == "refuse":
            way = "its state would be another, so choose --on-state-loss rebuild or start-empty to have it"
            self._keep(release, f"{error}; {way}")
            return
        try:
            self._registry.try_out(release)
        except ModelRefused as refused:
            self._keep(release, refused)
        else:
            self.successor = release

    def _keep(self, release: str, reason: object) -> None:
        logger.error("%s goes on, as %s must not be served: %s", self._served, release, reason)
        self._refused.add(release)
