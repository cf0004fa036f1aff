"""Mutation testing: small faults are planted one at a time in the code that matters most, and its tests must fail.

    python tools/mutants.py                 every target: `make mutants`
    python tools/mutants.py robots --list   the mutants of one target, without running them

A mutant is one change to one expression: `<` for `<=`, `-` for `+`, a limit plus one, a setting replaced by zero, a
condition negated, a statement left out. Docstrings, messages of errors and annotations are left alone. Each mutant runs
the tests of its target in a process of its own, forked from one that has loaded the libraries, so most take about a
second. Functions compiled with numba run uncompiled in the module under test: a cached machine code would not see the
change.

`EQUIVALENT` names the mutants that no test can tell from the original, each with its reason. The command fails where
less than `FLOOR` of the others are killed. Linux and macOS (it forks).
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "build" / "mutants"
"""Verdicts (JSON lines) and the output of the last tests of each worker."""
FLOOR = 0.9
LONGEST = 60.0
"""Seconds that the tests of a mutant may take; a mutant that never ends is killed."""
LIBRARIES = (
    "numpy",
    "numba",
    "pyarrow.parquet",
    "pyarrow.compute",
    "pydantic",
    "hypothesis",
    "pytest",
    "_pytest.python",
)


@dataclass(frozen=True)
class Target:
    """Code to change and the tests that must notice."""

    code: dict[str, tuple[str, ...]]
    """Module -> names of its functions and classes ('Class.method' too); empty for the whole module."""
    tests: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    """Heavy modules that are imported once, before the mutants are forked."""


TARGETS = {
    "ppo": Target(
        {
            "corpuskit.training.instruct.surrogate": (),
            "corpuskit.training.instruct.ppo": ("experienced", "learn", "_scores", "_limit", "reinforce.step"),
        },
        ("tests/training/instruct/test_surrogate.py", "tests/training/instruct/test_ppo_step.py"),
        ("torch", "transformers", "peft", "tokenizers"),
    ),
    "statistics": Target(
        {
            "corpuskit.statistics": (),
            "corpuskit.memorization.measures.statistics": (),
            "corpuskit.memorization.measures.epsilon": (),
        },
        (
            "tests/test_statistics_definitions.py",
            "tests/memorization/test_statistics.py",
            "tests/memorization/test_epsilon.py",
        ),
        ("scipy.stats",),
    ),
    "exposure": Target(
        {"corpuskit.memorization.measures.exposure": (), "corpuskit.memorization.measures.ranking": ()},
        ("tests/memorization/test_exposure.py",),
        ("scipy.stats", "torch", "transformers", "tokenizers"),
    ),
    "robots": Target(
        {"corpuskit.sources.crawl.robots": (), "corpuskit.sources.crawl.politeness": ()},
        ("tests/sources/test_robots.py", "tests/sources/test_politeness.py"),
        ("protego", "scrapy"),
    ),
    "check-digits": Target({"corpuskit.privacy.detect.checks": ()}, ("tests/privacy/test_check_digits.py",)),
    "keep-first": Target({"corpuskit.duplicates.keep_first": ()}, ("tests/duplicates/test_keep_first.py",)),
    "what-if": Target({"corpuskit.engine.what_if": ()}, ("tests/engine/test_what_if.py",)),
    "receipts": Target(
        {"corpuskit.engine.parts": (), "corpuskit.engine.files": ()},
        ("tests/engine/test_receipts.py",),
    ),
}

EQUIVALENT: dict[str, str] = {
    "corpuskit.privacy.detect.checks:business: total + ninth // 10 + ninth → total + ninth // 10 - ninth": (
        "the ninth digit times five is a multiple of five, whose sign does not matter modulo ten"
    ),
    "corpuskit.sources.crawl.politeness:Host.end: adapted > self.adaptive → adapted >= self.adaptive": (
        "where both are equal, the assignment changes nothing"
    ),
    "corpuskit.engine.files:file_digest: 1 → 2": "the size of the blocks that are read",
    "corpuskit.engine.files:file_digest: 20 → 21": "the size of the blocks that are read",
    "corpuskit.training.instruct.ppo:reinforce.step: 1000003 → 1000004": "another seed, as good as the first",
    "corpuskit.training.instruct.ppo:reinforce.step: config.seed + 1000003 * number → config.seed - 1000003 * number": (
        "another seed of the draws, as good as the first"
    ),
    "corpuskit.engine.parts:TableWriter._flush: 1 → 2": "a table that is flushed has at least one row",
}
"""'module:function: change' -> why no test can tell it from the original."""

COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
CALLS = {"max": "min", "min": "max", "any": "all", "all": "any"}
METHODS = {"max": "min", "min": "max", "any": "all", "all": "any", "argmax": "argmin", "argmin": "argmax"}


@dataclass(frozen=True)
class Mutant:
    target: str
    module: str
    number: int
    """Position among the mutants of its module."""
    place: str
    """Function (dotted) or 'module'."""
    line: int
    change: str

    @property
    def name(self) -> str:
        return f"{self.module}:{self.place}: {self.change}"


def source_file(module: str) -> Path:
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.is_file():
        path = ROOT / module.replace(".", "/") / "__init__.py"
    if not path.is_file():
        sys.exit(f"mutants: there is no module {module}; name its new place in TARGETS")
    return path


# Making mutants. `variants` walks a tree and yields it changed in one place at a time; the numbering depends on the
# source alone, so a worker makes mutant n by walking to it.


class _Walker:
    def __init__(self, tree: ast.Module, wanted: Sequence[str]):
        self.tree, self.wanted = tree, wanted
        self.missing = set(wanted)

    def variants(self) -> Iterator[tuple[str, int, str]]:
        """(place, line, change) while `tree` holds that change; the tree is as it was when the walk goes on."""
        yield from self._body(self.tree.body, [])
        if self.missing:
            sys.exit(f"mutants: nothing is called {', '.join(sorted(self.missing))}; name the new place in TARGETS")

    def _body(self, body: list[ast.stmt], path: list[str]) -> Iterator[tuple[str, int, str]]:
        for position, statement in enumerate(body):
            if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                inner = [*path, statement.name]
                self.missing.discard(".".join(inner))
                if isinstance(statement, ast.FunctionDef) and self._covers(inner):
                    yield from self._defaults(statement, inner)
                yield from self._body(statement.body, inner)
            elif self._covers(path):
                yield from self._statement(body, position, path)
            else:
                for nested in _bodies(statement):
                    yield from self._body(nested, path)

    def _covers(self, path: list[str]) -> bool:
        if not self.wanted:
            return True
        return any(".".join(path[: end + 1]) in self.wanted for end in range(len(path)))

    def _defaults(self, function: ast.FunctionDef, path: list[str]) -> Iterator[tuple[str, int, str]]:
        place = ".".join(path)
        for defaults in (function.args.defaults, function.args.kw_defaults):
            for position, default in enumerate(defaults):
                if default is not None:
                    yield from self._expression(defaults, position, place)

    def _statement(self, body: list[ast.stmt], position: int, path: list[str]) -> Iterator[tuple[str, int, str]]:
        statement, place = body[position], ".".join(path) or "module"
        if isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass, ast.Raise, ast.Assert, ast.Global)):
            return
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return  # a docstring
        if path and isinstance(statement, (ast.Expr, ast.AugAssign)) and not _is_log(statement):
            yield from self._swap(body, position, ast.Pass(), place, f"left out: {_text(statement)}")
        if isinstance(statement, (ast.Continue, ast.Break)):
            other = ast.Break() if isinstance(statement, ast.Continue) else ast.Continue()
            yield from self._swap(body, position, other, place, f"{_text(statement)} → {_text(other)}")
        if _is_log(statement):
            return
        for name, value in ast.iter_fields(statement):
            if name in ("targets", "target", "annotation", "decorator_list", "type_ignores"):
                continue
            if name == "test" and isinstance(value, ast.expr):
                negated = ast.UnaryOp(ast.Not(), value)
                yield from self._set(statement, name, negated, place, f"negated: {_text(value)}")
            if isinstance(value, ast.expr):
                yield from self._expression(statement, name, place)
            elif isinstance(value, list):
                if value and isinstance(value[0], ast.stmt):
                    yield from self._body(value, path)
                elif value and isinstance(value[0], (ast.excepthandler, ast.match_case)):
                    for handler in value:
                        yield from self._body(handler.body, path)
                elif value and isinstance(value[0], ast.withitem):
                    for item in value:
                        yield from self._expression(item, "context_expr", place)

    def _expression(self, owner: Any, key: Any, place: str) -> Iterator[tuple[str, int, str]]:
        node = owner[key] if isinstance(owner, list) else getattr(owner, key)
        if isinstance(node, ast.JoinedStr):
            return
        for other, change in _replacements(node):
            yield from self._set(owner, key, other, place, change)
        if isinstance(node, ast.Compare):
            for position, operator in enumerate(node.ops):
                changed = copy.copy(node)
                changed.ops = [*node.ops]
                changed.ops[position] = COMPARISONS[type(operator)]()
                yield from self._set(owner, key, changed, place, f"{_text(node)} → {_text(changed)}")
        if isinstance(node, ast.Call):
            for position, argument in enumerate(node.args):
                if _text(argument).startswith(("config.", "self.", "settings.")):
                    change = f"{_text(argument)} → 0 in {_text(node)}"
                    yield from self._set(node.args, position, ast.Constant(0), place, change)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "ctx", "func") and not isinstance(value, ast.Attribute):
                continue
            if isinstance(value, ast.expr):
                yield from self._expression(node, name, place)
            elif isinstance(value, list):
                for position, item in enumerate(value):
                    if isinstance(item, ast.expr):
                        yield from self._expression(value, position, place)
                    elif isinstance(item, ast.keyword):
                        yield from self._expression(item, "value", place)
                    elif isinstance(item, ast.comprehension):
                        yield from self._expression(item, "iter", place)
                        for number, condition in enumerate(item.ifs):
                            negated = ast.UnaryOp(ast.Not(), condition)
                            yield from self._set(item.ifs, number, negated, place, f"negated: {_text(condition)}")
                            yield from self._expression(item.ifs, number, place)

    def _set(self, owner: Any, key: Any, other: ast.expr, place: str, change: str) -> Iterator[tuple[str, int, str]]:
        before = owner[key] if isinstance(owner, list) else getattr(owner, key)
        ast.copy_location(other, before)
        ast.fix_missing_locations(other)
        _put(owner, key, other)
        yield place, before.lineno, change
        _put(owner, key, before)

    def _swap(
        self, body: list[ast.stmt], position: int, other: ast.stmt, place: str, change: str
    ) -> Iterator[tuple[str, int, str]]:
        before = body[position]
        body[position] = ast.copy_location(other, before)
        yield place, before.lineno, change
        body[position] = before


def _put(owner: Any, key: Any, value: Any) -> None:
    if isinstance(owner, list):
        owner[key] = value
    else:
        setattr(owner, key, value)


def _replacements(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    other: ast.expr
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield ast.Constant(not value), f"{value} → {not value}"
        elif isinstance(value, int):
            yield ast.Constant(value + 1), f"{value} → {value + 1}"
        elif isinstance(value, float):
            changed = value * 1.25 if value else 1.0
            yield ast.Constant(changed), f"{value} → {changed}"
        elif value is None:
            return
    elif isinstance(node, ast.BinOp):
        if isinstance(node.left, (ast.JoinedStr, ast.Constant)) and isinstance(getattr(node.left, "value", ""), str):
            return
        if isinstance(node.op, ast.BitOr) and any(isinstance(part, ast.Subscript) for part in (node.left, node.right)):
            return  # a type, `Sequence[int] | None`
        operator = OPERATORS.get(type(node.op))
        if operator is not None:
            other = ast.BinOp(node.left, operator(), node.right)
            yield other, f"{_text(node)} → {_text(other)}"
    elif isinstance(node, ast.BoolOp):
        other = ast.BoolOp(ast.And() if isinstance(node.op, ast.Or) else ast.Or(), node.values)
        yield other, f"{_text(node)} → {_text(other)}"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        yield node.operand, f"{_text(node)} → {_text(node.operand)}"
    elif isinstance(node, ast.IfExp):
        other = ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
        yield other, f"negated: {_text(node.test)}"
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in CALLS:
            other = ast.Call(ast.Name(CALLS[node.func.id], ast.Load()), node.args, node.keywords)
            if "default" not in {word.arg for word in node.keywords} or node.func.id in ("max", "min"):
                yield other, f"{_text(node)} → {_text(other)}"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            other = ast.Call(
                ast.Attribute(node.func.value, METHODS[node.func.attr], ast.Load()), node.args, node.keywords
            )
            yield other, f"{_text(node)} → {_text(other)}"


def _bodies(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        nested = getattr(statement, name, None)
        if isinstance(nested, list) and nested and isinstance(nested[0], ast.stmt):
            yield nested


def _is_log(statement: ast.stmt) -> bool:
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    function = statement.value.func
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "log"


def _text(node: ast.AST, longest: int = 70) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def parsed(module: str) -> ast.Module:
    """The tree of a module, with functions compiled by numba as plain Python."""
    tree = ast.parse(source_file(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [one for one in node.decorator_list if "njit" not in ast.unparse(one)]
    return tree


def mutants_of(name: str) -> list[Mutant]:
    target, listed = TARGETS[name], []
    for module, wanted in target.code.items():
        walker = _Walker(parsed(module), wanted)
        for number, (place, line, change) in enumerate(walker.variants()):
            listed.append(Mutant(name, module, number, place, line, change))
    return listed


# Running them


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves a changed tree instead of a module's source."""

    def __init__(self, trees: dict[str, ast.Module]):
        self.trees = trees

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self.trees:
            return None
        return importlib.util.spec_from_file_location(name, source_file(name), loader=self)

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(compile(self.trees[module.__name__], str(source_file(module.__name__)), "exec"), module.__dict__)


def _tree_with(mutant: Mutant) -> ast.Module:
    tree = parsed(mutant.module)
    walker = _Walker(tree, TARGETS[mutant.target].code[mutant.module])
    for number, _ in enumerate(walker.variants()):
        if number == mutant.number:
            return copy.deepcopy(tree)
    raise LookupError(mutant.name)


def _tests_pass(target: Target, mutant: Mutant | None, limit: float, output: Path) -> str:
    """'passed', 'failed' or 'endless': what becomes of the tests with this mutant planted, in a forked process."""
    child = os.fork()
    if child == 0:
        os.setsid()
        log = os.open(output, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = 1
        try:
            trees = {module: parsed(module) for module in target.code}
            if mutant is not None:
                trees[mutant.module] = _tree_with(mutant)
            sys.meta_path.insert(0, _Planted(trees))
            sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), "utf-8", write_through=True)
            sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0), "utf-8", write_through=True)
            import pytest
            from hypothesis import Phase, settings

            # a failing example kills the mutant; making it smaller would only take time
            settings.register_profile(
                "mutants", phases=(Phase.explicit, Phase.generate), database=None, max_examples=30
            )
            settings.load_profile("mutants")
            options = [
                "-x",
                "-q",
                "--no-header",
                "--tb=short",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:xdist",
                "-m",
                "not slow",
            ]
            code = int(pytest.main([*options, "--hypothesis-seed=1", *target.tests]))
        except BaseException as error:
            print(repr(error), flush=True)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if mutant is None and code in (4, 5):
                sys.exit(f"mutants: pytest ran no tests (exit {code}); see {output}")
            return "passed" if code == 0 else "failed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "endless"


def work(name: str, part: int, parts: int) -> None:
    """Run every `parts`-th mutant of a target and print a line of JSON for each."""
    target = TARGETS[name]
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for library in (*LIBRARIES, *target.libraries):
        importlib.import_module(library)
    LOGS.mkdir(parents=True, exist_ok=True)
    output = LOGS / f"{name}-{part}.log"
    began = time.monotonic()
    if _tests_pass(target, None, 10 * LONGEST, output) != "passed":
        sys.exit(f"mutants: the tests of '{name}' fail without any mutant; see {output}")
    limit = min(LONGEST, 5 + 5 * (time.monotonic() - began))
    for mutant in mutants_of(name)[part::parts]:
        verdict = _tests_pass(target, mutant, limit, output)
        print(json.dumps({"name": mutant.name, "line": mutant.line, "killed": verdict != "passed"}), flush=True)


@dataclass
class Score:
    killed: int = 0
    equivalent: int = 0
    survivors: list[str] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)
    """Listed as equivalent, and killed all the same."""

    @property
    def judged(self) -> int:
        return self.killed + len(self.survivors)


def score_of(name: str, jobs: int) -> Score:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment.pop("PYTEST_XDIST_WORKER", None)

    def worker(part: int) -> list[dict[str, Any]]:
        command = [sys.executable, __file__, name, "--part", f"{part}/{jobs}"]
        verdicts = LOGS / f"{name}-{part}.jsonl"  # grows while the worker runs
        with verdicts.open("w", encoding="utf-8") as file:
            if subprocess.run(command, env=environment, stdout=file, check=False).returncode:
                sys.exit(f"mutants: the worker for '{name}' failed")
        return [json.loads(line) for line in verdicts.read_text(encoding="utf-8").splitlines()]

    LOGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        outcomes = [outcome for part in pool.map(worker, range(jobs)) for outcome in part]
    score = Score()
    for outcome in sorted(outcomes, key=lambda one: (one["name"].partition(":")[0], one["line"])):
        if outcome["killed"]:
            score.killed += 1
            if outcome["name"] in EQUIVALENT:
                score.unneeded.append(outcome["name"])
        elif outcome["name"] in EQUIVALENT:
            score.equivalent += 1
        else:
            score.survivors.append(f"line {outcome['line']}: {outcome['name']}")
    return score


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="all without any")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--part", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    chosen = asked.targets or list(TARGETS)
    if asked.list:
        for name in chosen:
            for mutant in mutants_of(name):
                print(f"{mutant.line:5} {mutant.name}")
        return 0
    if asked.part:
        part, _, parts = asked.part.partition("/")
        work(chosen[0], int(part), int(parts))
        return 0
    total = Score()
    for name in chosen:
        began = time.monotonic()
        score = score_of(name, asked.jobs)
        share = score.killed / score.judged if score.judged else 1.0
        print(
            f"{name:14} killed {score.killed:4} of {score.judged:4} ({share:.1%}), equivalent {score.equivalent}, "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
        for line in score.survivors:
            print(f"    survived  {line}")
        for line in score.unneeded:
            print(f"    listed as equivalent, but killed  {line}")
        total.killed += score.killed
        total.equivalent += score.equivalent
        total.survivors += score.survivors
    share = total.killed / total.judged if total.judged else 1.0
    print(f"all: killed {total.killed} of {total.judged} ({share:.1%}), equivalent {total.equivalent}")
    return int(share < FLOOR)


if __name__ == "__main__":
    sys.exit(main())
