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
from makiserve.settings.service_sections import OnStateLoss

logger = logging.getLogger(__name__)

MAX_PAUSE_S = 60.0
"""Maximum pause between two attempts to load a version whose files cannot be fetched."""

Newest = dict[Role, str | None]
"""The version that each role should have; None if nothing should change."""


class Candidate(NamedTuple):
    """A model version that is ready to be served.

    Attributes:
        role: the role in which it differs from what is served.
        model_version: the version for this role.
        model: the complete model to serve, with all roles.
    """

    role: Role
    model_version: str
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
                self._answer = self._thread.submit(self._next_candidate)
            return None
        if not self._answer.done():
            return None
        candidate = self._answer.result()
        if candidate is None:
            self._next()
        return candidate

    def served(self, model: Served) -> None:
        """Record the model that is served now."""
        self._served = model
        self._next()

    def refuse(self, candidate: Candidate) -> None:
        """Exclude a version from being offered again for this role."""
        self._refused.add((candidate.role, candidate.model_version))

    def _next(self) -> None:
        self._answer, self._due = None, time.monotonic() + self._every_s

    def _next_candidate(self) -> Candidate | None:
        """Return the next version to serve; None if nothing changes. Runs on the thread."""
        newest: Newest = {role: self._ask(role) for role in ROLES}
        for role, model_version in newest.items():
            if not model_version or time.monotonic() < self._load_due_s.get(model_version, 0.0):
                continue
            if self._is_new(role, model_version, newest) and (candidate := self._load(role, model_version, newest)):
                return candidate
        return None

    def _ask(self, role: Role) -> str | None:
        try:
            model_version = self._registry.newest(role)
        except ConfigurationError as error:
            self._wait(role, role, error)
            return None
        if role in self._away:
            logger.info("the registry answers again; newest version: %s", model_version)
            self._away.remove(role)
        return model_version

    def _is_new(self, role: Role, model_version: str, newest: Newest) -> bool:
        is_refused = not self._refused.isdisjoint({(role, model_version), (role, *newest.values())})
        return model_version != model_version_in(role, self._served) and not is_refused

    def _load(self, role: Role, model_version: str, newest: Newest) -> Candidate | None:
        before = model_version_in(role, self._served)
        if model_version not in self._away:
            logger.info("loading %s to replace %s", model_version, before)
        try:
            model = self._registry.load(model_version, role, self._served)
            self._make_ready(model)
            return Candidate(role, model_version, model)
        except PipelineChanged as error:
            if role == "champion" and self._policy != "refuse":
                self._prepare(model_version, newest)
            else:
                self._refuse(role, model_version, f"{error}{_advice(role)}", (role, model_version))
        except ModelRefused as error:
            self._refuse(role, model_version, error, (role, model_version))
        except (ConfigurationError, SchemaRegistryUnavailable) as error:
            self._wait(role, model_version, error)
            retries = self._retries.setdefault(model_version, Retries(MAX_PAUSE_S))
            self._load_due_s[model_version] = time.monotonic() + retries.failed()
        return None

    def _prepare(self, model_version: str, newest: Newest) -> None:
        """Check a champion with another pipeline, which a new process must serve, together with the other roles."""
        try:
            self._registry.try_out(model_version, self._make_ready)
        except ModelRefused as error:  # the version of another alias may be the cause
            self._refuse("champion", model_version, error, ("champion", *newest.values()))
        else:
            self.restart_required_for = model_version

    def _refuse(self, role: Role, model_version: str, reason: object, refused: tuple[str | None, ...]) -> None:
        logger.error(
            "still serving %s, because %s must not serve: %s",
            model_version_in(role, self._served),
            model_version,
            reason,
        )
        self._refused.add(refused)

    def _wait(self, role: Role, what: str, error: MakiserveError) -> None:
        if what not in self._away:
            logger.warning(
                "still serving %s, because newer versions cannot be checked or loaded: %s",
                model_version_in(role, self._served),
                error,
            )
        self._away.add(what)


def _advice(role: Role) -> str:
    """Return advice for a version with another pipeline."""
    if role == "champion":
        return "; its state would differ, so it needs --on-state-loss rebuild or start-empty"
    return "; it needs the champion's pipeline, so move the champion's alias first"
