"""Records of web archives as the tests write them."""

from __future__ import annotations


def http(body: bytes, *headers: str, status: str = "200 OK", kind: str | None = "text/html") -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def warc_record(
    url: str,
    block: bytes,
    record_type: str = "response",
    *,
    kind: str = "application/http; msgtype=response",
    headers: list[str] | None = None,
) -> bytes:
    lines = ["WARC/1.1", f"WARC-Type: {record_type}", f"WARC-Target-URI: {url}", "WARC-Date: 2026-03-01T00:00:00Z"]
    lines += [f"Content-Type: {kind}", *(headers or []), f"Content-Length: {len(block)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def arc_record(url: str, block: bytes, kind: str = "text/html", *, wrong: int = 0) -> bytes:
    return f"{url} 1.2.3.4 20060102030405 {kind} {len(block) + wrong}\n".encode() + block + b"\n"
