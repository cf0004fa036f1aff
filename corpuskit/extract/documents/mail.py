"""E-mail to text: the body that people read, with sender, subject and day; attachments are left out."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage

from corpuskit.extract.blocks import blocks
from corpuskit.extract.errors import Unreadable
from corpuskit.extract.evidence.charset import decode
from corpuskit.extract.evidence.dates import parse_date
from corpuskit.extract.parse import parse
from corpuskit.extract.result import Extracted

_FROM = re.compile(rb"(?:^|(?<=\n\n)|(?<=\n))From [^\r\n]*\d{4}[^\r\n]*\r?\n")
_ADDRESS = re.compile(r"\s*<[^>]*>|[\w.+-]+@[\w.-]+")


def read_eml(data: bytes) -> Extracted:
    """One message."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    if not message.keys():
        raise Unreadable("a message without header fields")
    return _extracted([_body(message)], message, "eml")


def read_mbox(data: bytes) -> Extracted:
    """The messages of a mailbox in order, one below the other; subject and day are those of the first."""
    messages = []
    for part in _FROM.split(data):
        if part.strip():
            message = email.message_from_bytes(part.replace(b"\n>From ", b"\nFrom "), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            messages.append(message)
    if not messages:
        raise Unreadable("a mailbox without messages")
    bodies = [f"{_header(message, 'subject') or ''}\n\n{_body(message)}".strip() for message in messages]
    return _extracted(bodies, messages[0], "mbox")


def _body(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    payload = part.get_payload(decode=True)
    text, _ = decode(payload if isinstance(payload, bytes) else b"", str(part.get("content-type", "")))
    if part.get_content_type() == "text/html":
        return blocks(parse(text.encode("utf-8", "replace"))).text()
    return text.replace("\r\n", "\n").strip()


def _header(message: EmailMessage, name: str) -> str | None:
    try:
        value = message.get(name)
    except (ValueError, LookupError, AttributeError, IndexError):  # header fields that the library cannot parse
        return None
    return " ".join(str(value).split()) or None if value else None


def _extracted(bodies: list[str], message: EmailMessage, name: str) -> Extracted:
    from corpuskit.extract.page import composed

    author = _ADDRESS.sub("", _header(message, "from") or "").strip(' "') or None
    when = parse_date(_header(message, "date"))
    text = composed("\n\n".join(body for body in bodies if body))
    return Extracted(text, _header(message, "subject"), author, when, None, None, name, name, len(bodies))
