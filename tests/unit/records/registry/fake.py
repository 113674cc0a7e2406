"""A schema registry of canned answers, to have it refuse, stall and answer nonsense."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeRegistry:
    """A registry whose answers are scripted.

    Attributes:
        url: its address.
        answers: of a path, a status and a body: bytes as they are, anything else as JSON.
        headers: of every answer.
        requests: the paths that were asked for, with the header Authorization.
        stalled_s: the pause after each byte of an answer.
    """

    url: str
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    stalled_s: float = 0.0

    def answer(self, path: str) -> tuple[int, bytes]:
        status, body = self.answers.get(path, (404, {"error_code": 40403, "message": "Schema not found"}))
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


@contextmanager
def fake_registry() -> Iterator[FakeRegistry]:
    """A registry on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.requests.append((self.path, self.headers["Authorization"]))
            status, body = fake.answer(self.path)
            self.send_response(status)
            for name, value in fake.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                size = 1 if fake.stalled_s else max(1, len(body))
                for start in range(0, len(body), size):
                    self.wfile.write(body[start : start + size])
                    self.wfile.flush()
                    time.sleep(fake.stalled_s)
            except OSError:
                self.close_connection = True  # the client has given up

        do_POST = do_GET

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake = FakeRegistry(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
