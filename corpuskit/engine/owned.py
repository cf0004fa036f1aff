"""Which files of a run's folder are the run's own: the records of receipts, and deletion by them alone.

A run deletes and replaces the files that its receipts name and no others. It follows no symbolic link to do so, and it
does not begin in a folder that holds somebody else's files in the places where it would write.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from corpuskit.engine.files import file_digest
from corpuskit.errors import UsageError

Record = tuple[int, str, int]
"""What a receipt says of a file: its bytes, its digest, and its time of change in nanoseconds."""

Condition = Literal["intact", "missing", "short", "changed"]


def record(path: Path) -> Record:
    status = path.stat()
    return status.st_size, file_digest(path), status.st_mtime_ns


def records(value: Mapping[str, Sequence[int | str]]) -> dict[str, Record]:
    """Records as JSON gives them back."""
    return {name: (int(size), str(digest), int(changed)) for name, (size, digest, changed) in value.items()}


def condition(path: Path, known: Record, *, thorough: bool = False) -> Condition:
    """How a file compares with its record.

    The size and the time of change are compared, and the digest where the time differs (a copied folder) or `thorough`
    asks for it.
    """
    size, digest, changed = known
    if not path.is_file():
        return "missing"
    status = path.stat()
    if status.st_size < size:
        return "short"
    if status.st_size > size:
        return "changed"
    if status.st_mtime_ns == changed and not thorough:
        return "intact"
    return "intact" if file_digest(path) == digest else "changed"


def files_below(folder: Path) -> list[str]:
    """Paths of all files below a folder, relative to it, without looking behind symbolic links to folders."""
    found = []
    for where, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(where) / name).is_symlink()]
        found += [(Path(where) / name).relative_to(folder).as_posix() for name in [*names, *links]]
    return sorted(found)


def leaves_folder(name: str) -> bool:
    """Whether a relative path leads out of the folder that it is relative to."""
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts or "\0" in name


def behind_link(folder: Path, name: str) -> bool:
    """Whether a symbolic link stands between a folder and the file below it."""
    parents = PurePosixPath(name).parents
    return any((folder / parent).is_symlink() for parent in parents if parent != PurePosixPath("."))


def remove(folder: Path, names: Iterable[str]) -> None:
    """Delete files below a folder, and the folders that are empty then. A link is removed, never what it leads to."""
    emptied: set[Path] = set()
    for name in names:
        if leaves_folder(name) or behind_link(folder, name):
            continue
        with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
            (folder / name).unlink()
        emptied |= {folder / parent for parent in PurePosixPath(name).parents if parent != PurePosixPath(".")}
    remove_empty(emptied)


def remove_empty(folders: Iterable[Path]) -> None:
    """Delete the folders among these in which nothing is left, the deepest first."""
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        with suppress(OSError):
            folder.rmdir()


def set_aside(folder: Path, names: Iterable[str], reason: str) -> Path | None:
    """Move files of a folder into a new one beside it, `FOLDER.REASON`, so that nothing is lost; where they are then.

    None where there was nothing to move.
    """
    target, number = folder.with_name(f"{folder.name}.{reason}"), 1
    while target.exists():
        number += 1
        target = folder.with_name(f"{folder.name}.{reason}-{number}")
    moved: set[Path] = set()
    for name in names:
        if leaves_folder(name) or behind_link(folder, name) or not os.path.lexists(folder / name):
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(target / name)
        moved |= {folder / parent for parent in PurePosixPath(name).parents if parent != PurePosixPath(".")}
        moved.add(folder)
    remove_empty(moved)
    return target if target.exists() else None


def check_no_links(folder: Path, places: Iterable[str]) -> None:
    """Raises UsageError where a place that a run writes to is a symbolic link, or lies behind one."""
    for place in places:
        if behind_link(folder, f"{place}/file"):
            raise UsageError(
                f"{folder / place} is a symbolic link, and a run writes in its own folder alone; "
                "put the whole run there with --output"
            )


def check_free(folder: Path, places: Iterable[str], known: Iterable[str] = ()) -> None:
    """Raises UsageError where a folder holds files, other than `known`, in places that a run would write to."""
    ours = set(known)
    others: list[str] = []
    for place in places:
        path = folder / place
        names = [f"{place}/{name}" for name in files_below(path)] if path.is_dir() else [place] * os.path.lexists(path)
        others += [name for name in names if name not in ours]
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        raise UsageError(
            f"{folder} holds files that no run of corpuskit wrote, where this run would write: "
            f"{', '.join(others[:3])}{more}; choose another folder with --output, or move them"
        )
