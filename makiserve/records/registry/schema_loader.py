"""What is made of a schema, loaded once for each id: at once, or in the background while records wait for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from makiserve.errors import ConfigurationError, DecodeError, SchemaNotFound, SchemaRegistryUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Load = Callable[[bytes], T]
"""Loads the value for an encoded schema ID. Raises `DecodeError` if none can exist."""

FIRST_PAUSE_S = 0.1
MAX_PAUSE_S = 5.0

MISSING_S = 5.0
"""How long a schema must be missing before its records are dead letters: a replica of the registry may be behind."""

MISSING_AGAIN_S = 60.0
"""How long to wait before requesting a missing schema again."""

REQUESTS = 4
"""Maximum number of concurrent requests."""

SUMMARY_S = 60.0
"""How often a persistent failure is logged again."""


class Loader(Protocol[T_co]):
    """Loads what belongs to a schema id, once."""

    def get(self, key: bytes) -> T_co | DecodeError | None:
        """Return what belongs to an encoded schema id, the error for its records, or None while it is not known.

        Raises:
            SchemaRegistryUnavailable: the registry does not answer.
            ConfigurationError: the registry refuses the credentials.
        """


class DirectLoader(Generic[T]):
    """Loads at once, for programs that have nothing else to do.

    Args:
        load: loads what belongs to a schema id.
        timeout: how long to wait for a registry that does not answer.
    """

    def __init__(self, load: Load[T], timeout: timedelta) -> None:
        self._load = load
        self._timeout = timeout
        self._loaded: dict[bytes, T | DecodeError] = {}

    def get(self, key: bytes) -> T | DecodeError:
        if key not in self._loaded:
            self._loaded[key] = self._retried(key)
        return self._loaded[key]

    def _retried(self, key: bytes) -> T | DecodeError:
        try:
            return retry(lambda: self._load(key), self._timeout)
        except DecodeError as error:
            return error


def retry(call: Callable[[], T], timeout: timedelta) -> T:
    """Call until the registry answers, for at most `timeout`, and return the result.

    Raises:
        SchemaRegistryUnavailable: it has not answered by then.
    """
    deadline, pause_s = time.monotonic() + timeout.total_seconds(), FIRST_PAUSE_S
    while True:
        try:
            return call()
        except SchemaRegistryUnavailable as error:
            pause_s = error.retry_after_s or pause_s
            if time.monotonic() + pause_s > deadline:
                raise
            time.sleep(pause_s)
            pause_s = min(MAX_PAUSE_S, 2 * pause_s)


class _Attempts:
    """The attempts to load one schema."""

    def __init__(self) -> None:
        self.future: Future[object] | None = None
        self.pause_s = FIRST_PAUSE_S
        self.due_s = 0.0
        self.missing_since_s: float | None = None


class BackgroundLoader(Generic[T]):
    """Loads on threads, so that a loop never waits for the registry. It keeps trying for as long as it is asked.

    Args:
        load: loads what belongs to a schema id; it is called from several threads.
    """

    def __init__(self, load: Load[T]) -> None:
        self._load = load
        self._loaded: dict[bytes, T | DecodeError] = {}
        self._missing_until_s: dict[bytes, float] = {}
        self._attempts: dict[bytes, _Attempts] = {}
        self._threads = ThreadPoolExecutor(REQUESTS, "schemas")
        self._log_due_s = 0.0

    def get(self, key: bytes) -> T | DecodeError | None:
        if key in self._missing_until_s and time.monotonic() > self._missing_until_s[key]:
            del self._missing_until_s[key], self._loaded[key]
        if (loaded := self._loaded.get(key)) is not None:
            return loaded
        attempts = self._attempts.setdefault(key, _Attempts())
        if attempts.future is None:
            if time.monotonic() >= attempts.due_s:
                attempts.future = self._threads.submit(self._load, key)
            return None
        if attempts.future.done():
            self._take(key, attempts, attempts.future)
        return self._loaded.get(key)

    def close(self) -> None:
        """Start no more requests. One that is under way ends by its timeout."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _take(self, key: bytes, attempts: _Attempts, future: Future[object]) -> None:
        attempts.future = None
        try:
            self._loaded[key] = future.result()  # type: ignore[assignment]  # what `load` returns
            del self._attempts[key]
        except SchemaNotFound as error:
            now = time.monotonic()
            attempts.missing_since_s = attempts.missing_since_s or now
            if now < attempts.missing_since_s + MISSING_S:
                self._retry(attempts, error, None)
                return
            self._loaded[key] = error
            self._missing_until_s[key] = now + MISSING_AGAIN_S
            del self._attempts[key]
        except DecodeError as error:
            self._loaded[key] = error
            del self._attempts[key]
        except (SchemaRegistryUnavailable, ConfigurationError) as error:
            self._retry(attempts, error, getattr(error, "retry_after_s", None))

    def _retry(self, attempts: _Attempts, error: Exception, retry_after_s: float | None) -> None:
        now = time.monotonic()
        attempts.due_s = now + (retry_after_s or attempts.pause_s)
        attempts.pause_s = min(MAX_PAUSE_S, 2 * attempts.pause_s)
        if now >= self._log_due_s:
            self._log_due_s = now + SUMMARY_S
            if isinstance(error, ConfigurationError):
                logger.error(
                    "%s; records of this schema wait until this is corrected, other partitions continue", error
                )
            else:
                logger.warning("%s; records of this schema wait for it, other partitions continue", error)
