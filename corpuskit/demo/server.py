"""A small server for the demo web: right content types, ETag and Last-Modified, redirects, honest 404s."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from corpuskit.demo.site import Answer, answers
from corpuskit.errors import UsageError

_MISSING = Answer(b"<!DOCTYPE html><title>Not found</title><p>There is no such page.</p>\n", "text/html; charset=utf-8")


@contextmanager
def serve(port: int = 0) -> Iterator[str]:
    """Serve the demo web on 127.0.0.1 while the context is open; gives the base URL, without a slash at its end.

    Port 0 takes a free one. Raises UsageError where the port is taken.
    """
    try:
        server = _Server(("127.0.0.1", port), _Handler)
    except OSError as error:
        raise UsageError(f"port {port} on 127.0.0.1: {error.strerror}; port 0 takes a free one") from error
    base = f"http://127.0.0.1:{server.server_port}"
    server.answers = answers(base)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: Mapping[str, Answer]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "corpuskit-demo"
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the crawler keeps its own log."""

    def _answer(self, with_body: bool) -> None:
        answer = self.server.answers.get(unquote(urlsplit(self.path).path))
        status = HTTPStatus.OK
        if answer is None:
            answer, status = _MISSING, HTTPStatus.NOT_FOUND
        elif answer.location:
            status = HTTPStatus.MOVED_PERMANENTLY
        elif self._unchanged(answer):
            status = HTTPStatus.NOT_MODIFIED
        body = b"" if status == HTTPStatus.NOT_MODIFIED else answer.body
        self.send_response(status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(body)))
        if answer.location:
            self.send_header("Location", answer.location)
        elif status != HTTPStatus.NOT_FOUND:
            self.send_header("ETag", answer.etag)
            self.send_header("Last-Modified", format_datetime(answer.modified.astimezone(UTC), usegmt=True))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _unchanged(self, answer: Answer) -> bool:
        """Whether the client's copy is still good (RFC 9110, section 13.2.2: If-None-Match goes first)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tags.strip() == "*" or answer.etag in [tag.strip() for tag in tags.split(",")]
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            return answer.modified <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False
