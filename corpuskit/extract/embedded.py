"""Text and facts that a page carries in its scripts: schema.org in JSON-LD, and the state that a framework hydrates.

Only a page's own content is taken, as candidates beside the text that is shown: `articleBody`, forum posts, questions
and answers, products and recipes of JSON-LD; and of hydration data the strings of one place that read as prose.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from corpuskit.extract.blocks import blocks
from corpuskit.extract.parse import Tree, parse
from corpuskit.extract.tags import ID

_SCRIPT = ID["script"]
_LD = re.compile(rb"application/ld\+json", re.I)
_STATE = re.compile(
    rb"application/json|__NEXT_DATA__|__NUXT_DATA__|__APOLLO_STATE__|__INITIAL_STATE__|__remixContext", re.I
)
_WRAPPED = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>)\s*;?\s*$"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HTML = re.compile(r"</?[a-zA-Z][^<>]{0,300}>")
_MOST_NODES, _MOST_BYTES = 5000, 4 << 20
_LEAST = 80
_LOOKED_AT, _WORDS = 4000, 7

Node = dict[str, Any]


def json_ld(tree: Tree) -> list[Node]:
    """The schema.org objects of a page, outer ones first, `@id` references replaced by the object that they name.

    What is no JSON is passed over; comments around it and control characters inside are forgiven.
    """
    nodes: list[Node] = []
    for source in ld_sources(tree):
        value = _json(source.decode("utf-8", "replace"))
        if value is not None:
            nodes.extend(_objects(value, _MOST_NODES - len(nodes)))
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    return [{key: _resolved(value, by_id) for key, value in node.items()} for node in nodes]


def types(node: Node) -> set[str]:
    """The names of an object's types without their vocabulary: {'NewsArticle'}."""
    told = node.get("@type")
    names = told if isinstance(told, list) else [told]
    return {str(name).rsplit("/", 1)[-1].rsplit(":", 1)[-1] for name in names if name}


def stated_text(nodes: list[Node]) -> str:
    """The main text that JSON-LD objects state, '' where they state none."""
    best = ""
    for node in nodes:
        kinds = types(node)
        parts: list[str] = []
        if kinds & {"DiscussionForumPosting", "SocialMediaPosting"}:
            parts = [_string(node.get("headline")), *_said(node, 0)]
        elif kinds & {"QAPage", "FAQPage"}:
            questions = node.get("mainEntity")
            for question in questions if isinstance(questions, list) else [questions]:
                if isinstance(question, dict):
                    parts += [_string(question.get("name")), *_said(question, 0)]
        elif kinds & {"Product", "ProductGroup"}:
            parts = [_string(node.get("name")), _string(node.get("description"))]
        elif "Recipe" in kinds:
            parts = [_string(node.get("description"))]
            parts += [_string(line) for line in _list(node.get("recipeIngredient"))]
            for step in _list(node.get("recipeInstructions")):
                parts += (
                    [_string(inner) for inner in _list(step.get("itemListElement"))] if isinstance(step, dict) else []
                )
                parts.append(_string(step))
        elif "articleBody" in node:
            parts = [_string(node["articleBody"])]
        text = "\n\n".join(part for part in parts if part)
        if len(text) > len(best):
            best = text
    return best


def hydration_text(tree: Tree) -> str:
    """The prose of a page's hydration data: the strings of the place (keys without list numbers) that has the most."""
    places: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for source in _scripts(tree, _STATE):
        if len(source) > _MOST_BYTES:
            continue
        text = source.decode("utf-8", "replace")
        start = min((place for place in (text.find("{"), text.find("[")) if place >= 0), default=-1)
        value = _json(text[start:]) if start >= 0 else None
        if value is not None:
            for place, string in _strings(value):
                if string not in places[place]:
                    places[place].append(string)
    best = max(places.values(), key=lambda strings: sum(map(len, strings)), default=[])
    return "\n\n".join(shown for string in best if (shown := _plain(string)))


def ld_sources(tree: Tree) -> list[bytes]:
    """The JSON-LD of a page as written."""
    return list(_scripts(tree, _LD))


def _scripts(tree: Tree, wanted: re.Pattern[bytes]) -> Iterator[bytes]:
    data = tree.data
    for element in (tree.tag == _SCRIPT).nonzero()[0]:
        start, stop, end = int(tree.start[element]), int(tree.stop[element]), int(tree.end[element])
        if wanted.search(data[start:stop].tobytes()):
            yield data[stop:end].tobytes()


def _json(text: str) -> Any:
    for _ in range(2):
        text = _WRAPPED.sub("", text)
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text.strip())
    except (ValueError, RecursionError):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(_CONTROL.sub(" ", text).strip())
        except (ValueError, RecursionError):
            return None
    return value


def _objects(value: Any, most: int) -> Iterator[Node]:
    """Objects with a type or an id, breadth first."""
    waiting = [value]
    seen = 0
    while waiting and seen < most:
        following = []
        for node in waiting:
            seen += 1
            if seen > most:
                return
            if isinstance(node, list):
                following.extend(node)
            elif isinstance(node, dict):
                if "@type" in node or "@id" in node or "datePublished" in node:
                    yield node
                following.extend(inner for inner in node.values() if isinstance(inner, dict | list))
        waiting = following


def _resolved(value: Any, by_id: dict[str, Node]) -> Any:
    if isinstance(value, dict) and len(value) <= 2 and isinstance(value.get("@id"), str):
        return by_id.get(value["@id"], value)
    if isinstance(value, list):
        return [_resolved(item, by_id) for item in value[:500]]
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _said(node: Node, depth: int) -> list[str]:
    """A post's own text, then its comments or answers, in order."""
    texts = [_string(node.get("text") or node.get("articleBody"))]
    if depth < 20:
        for key in ("acceptedAnswer", "suggestedAnswer", "comment"):
            for inner in _list(node.get(key)):
                if isinstance(inner, dict):
                    texts += _said(inner, depth + 1)
    return texts


def _string(value: Any) -> str:
    """A text of JSON-LD as it would be shown: markup and references read."""
    if isinstance(value, dict):
        value = value.get("text") or value.get("name")
    return _plain(value) if isinstance(value, str) else ""


def _plain(string: str) -> str:
    if "&lt;" in string and not _HTML.search(string):
        string = string.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    if not _HTML.search(string) and "&" not in string:
        return string.strip()
    if not _HTML.search(string):
        string = f"<pre>{string.replace('<', '&lt;')}</pre>"
    return blocks(parse(string.encode("utf-8", "replace"))).text()


def _strings(value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """(keys on the way without list numbers, string) of each string that reads as prose."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    seen = 0
    while waiting and seen < 50_000:
        place, node = waiting.pop()
        seen += 1
        if isinstance(node, dict):
            waiting.extend(((*place[-6:], key), inner) for key, inner in reversed(node.items()))
        elif isinstance(node, list):
            waiting.extend((place, inner) for inner in reversed(node))
        elif isinstance(node, str) and len(node) >= _LEAST and _is_prose(node):
            yield place, node


def _is_prose(string: str) -> bool:
    """Whether a string has words enough to be read, outside markup; code and encoded data have not."""
    words = _HTML.sub(" ", string[:_LOOKED_AT]).split(None, _WORDS)
    return len(words) > _WORDS and not {"{", "}", "=>", "function"} & set(words[:_WORDS])
