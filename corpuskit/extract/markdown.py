"""The kept blocks of a page as Markdown: headings, lists, tables, quotations and code fences; links by their text."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpuskit.extract.blocks import BLANK, LINE, TAB, Blocks
from corpuskit.extract.parse import Tree
from corpuskit.extract.tags import FLAGS, ID, LIST, NAMES

_CELLS = (ID["td"], ID["th"])


def markdown(page: Blocks, keep: npt.NDArray[np.bool_]) -> str:
    """The kept blocks (bool[blocks]) in CommonMark with GitHub's tables."""
    tree = page.tree
    parts: list[tuple[int, str]] = []  # what sets the part apart, the part
    row: list[str] = []
    row_of: int | None = None
    header: int | None = None
    items: dict[int, bool] = {}
    apart = 0

    def end_row() -> None:
        nonlocal row_of, header
        if row_of is not None:
            table = _ancestor(tree, row_of, ("table",))
            parts.append((LINE if header == table else BLANK, "| " + " | ".join(row) + " |"))
            if header != table:
                parts.append((LINE, "|" + " --- |" * len(row)))
                header = table
        row.clear()
        row_of = None

    for place in range(len(page.begin)):
        apart = max(apart, int(page.apart[place]))
        if not keep[place]:
            continue
        owner = int(page.owner[place])
        text = page.block(place)
        cell = _ancestor(tree, owner, ("td", "th"))
        this_row = _ancestor(tree, cell, ("tr",)) if cell >= 0 else -1
        if this_row >= 0 and _is_data(page, this_row):
            if this_row != row_of:
                end_row()
                row_of = this_row
            said = " ".join(text.split()).replace("|", "\\|")
            if row and apart != TAB:
                row[-1] += f" {said}"
            else:
                row.append(said)
            apart = 0
            continue
        if row_of is not None:
            end_row()
            apart = BLANK
        prefix, text = _shaped(page, owner, text, items)
        if (owner >= 0 and NAMES[tree.tag[owner]] in ("h1", "h2", "h3", "h4", "h5", "h6")) or prefix.startswith("```"):
            apart = BLANK
        parts.append((apart or LINE, prefix + text))
        apart = 0
    end_row()
    out = ""
    for separation, text in parts:
        out += ("\n\n" if separation == BLANK else "\n") * bool(out) + text
    return out


def _shaped(page: Blocks, owner: int, text: str, items: dict[int, bool]) -> tuple[str, str]:
    """(prefix, text) of a block that is no cell of a table."""
    tree = page.tree
    if owner < 0:
        return "", text
    name = NAMES[tree.tag[owner]]
    if page.pre[owner]:
        fence = "```"
        while fence in text:
            fence += "`"
        return "", f"{fence}\n{text}\n{fence}"
    if len(name) == 2 and name[0] == "h" and name[1].isdigit():
        return "#" * int(name[1]) + " ", " ".join(text.split())
    quotes = _count(tree, owner, ("blockquote",))
    item = _ancestor(tree, owner, ("li",))
    if item >= 0:
        depth = max(0, _depth_of_lists(tree, item) - 1)
        first = item not in items
        items[item] = True
        mark = "- "
        listing = int(tree.parent[item])
        if listing >= 0 and NAMES[tree.tag[listing]] == "ol":
            earlier = sum(1 for other in items if tree.parent[other] == listing)
            mark = f"{earlier}. "
        lead = "> " * quotes + "  " * depth
        return lead + (mark if first else "  "), text.replace("\n", "\n" + lead + "  ")
    lead = "> " * quotes
    return lead, text.replace("\n", "\n" + lead) if quotes else text.replace("\n", "  \n")


def _is_data(page: Blocks, row: int) -> bool:
    """Whether a row is of a table of data: no other table around or inside its cells."""
    tree = page.tree
    table = _ancestor(tree, row, ("table",))
    if table < 0 or _ancestor(tree, int(tree.parent[table]), ("table",)) >= 0:
        return False
    inside = np.flatnonzero(tree.tag[table + 1 :] == ID["table"]) + table + 1
    if len(inside) and tree.start[inside[0]] < tree.end[table]:
        return False
    cells = (tree.tag == _CELLS[0]) | (tree.tag == _CELLS[1])
    return int((cells & (tree.start > tree.start[row]) & (tree.start < tree.end[row])).sum()) > 1


def _ancestor(tree: Tree, element: int, names: tuple[str, ...]) -> int:
    while element >= 0 and NAMES[tree.tag[element]] not in names:
        element = int(tree.parent[element])
    return element


def _count(tree: Tree, element: int, names: tuple[str, ...]) -> int:
    found = 0
    while element >= 0:
        found += NAMES[tree.tag[element]] in names
        element = int(tree.parent[element])
    return found


def _depth_of_lists(tree: Tree, element: int) -> int:
    found = 0
    while element >= 0:
        found += bool(FLAGS[tree.tag[element]] & LIST)
        element = int(tree.parent[element])
    return found
