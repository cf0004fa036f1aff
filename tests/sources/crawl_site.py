"""A web site on localhost for the crawler's tests: pages by path, and a record of who asked for what and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = "text/html; charset=utf-8"


@dataclass
class Answer:
    body: bytes = b""
    content_type: str = HTML
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def page(*links: str, head: str = "", text: str = "A page of text.") -> Answer:
    anchors = "".join(f'<a href="{link}">link</a> ' for link in links)
    return Answer(f"<html><head><title>t</title>{head}</head><body><p>{text}</p>{anchors}</body></html>".encode())


class Site:
    """Serves `pages` (path with query → Answer, or a function that gives one) on a loopback address until `close`."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.pages: dict[str, Answer | Callable[[str], Answer]] = {}
        self.otherwise: Callable[[str], Answer] = lambda path: Answer(b"not here", status=404)
        self.conditional: Callable[[str, dict[str, str]], Answer | None] = lambda path, headers: None
        """Asked first, with the request's headers."""
        self.asked: list[tuple[float, str]] = []
        self.agents: set[str] = set()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((time.monotonic(), self.path))
                site.agents.add(self.headers["User-Agent"])
                answer = site.conditional(self.path, dict(self.headers.items()))
                if answer is None:
                    content = site.pages.get(self.path, site.otherwise)
                    answer = content(self.path) if callable(content) else content
                time.sleep(answer.seconds)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                headers = {"Content-Length": str(len(answer.body)), **answer.headers}
                for name, value in headers.items():
                    if value:
                        self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(answer.body)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server((address, 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._server.server_address)

    def paths(self) -> list[str]:
        return [path for _, path in self.asked]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
