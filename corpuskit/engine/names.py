"""Names that become folders of a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def _folder_name(name: str) -> str:
    if name.startswith(".") or any(sign in "/\\" or ord(sign) < 32 for sign in name):
        raise ValueError(f"'{name}' cannot be a folder's name: it has a / or \\, or begins with a dot; choose another")
    if not name.strip() or len(name.encode("utf-8", "replace")) > 200:
        raise ValueError("a folder's name is not empty and at most 200 bytes long; choose another")
    return name


FolderName = Annotated[str, AfterValidator(_folder_name)]
"""A name that is a single folder: no way out of the folder that it lies in."""
