"""The counts of docs/architecture.md: `python tools/counts.py`."""

from __future__ import annotations

import subprocess

FIRST = ("document.py", "engine/", "recipe/", "cli/", "drawing/", "sources/")
NOT_FIRST = ("sources/crawl/", "sources/warc", "sources/archive", "sources/huggingface")
SMALL = ("__init__.py", "__main__.py", "feature.py")


def main() -> None:
    listed = subprocess.run(["git", "ls-files", "corpuskit/*.py"], capture_output=True, text=True, check=True).stdout
    lines: dict[str, int] = {}
    for path in listed.split():
        with open(path, encoding="utf-8") as file:
            lines[path.removeprefix("corpuskit/")] = sum(1 for _ in file)
    first = sum(count for path, count in lines.items() if path.startswith(FIRST) and not path.startswith(NOT_FIRST))
    print(f"files: {len(lines)}")
    print(f"lines: {sum(lines.values())}")
    print(f"to read first: {first} lines")
    print(f"files over 400 lines: {sum(count > 400 for count in lines.values())}")
    small = [path for path, count in lines.items() if count < 40 and not path.endswith(SMALL)]
    print(f"files under 40 lines: {len(small)}")


if __name__ == "__main__":
    main()
