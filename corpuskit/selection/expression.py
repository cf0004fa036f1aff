"""Expressions over the columns of documents, computed by Arrow: `quality.gopher.words >= 100 and language in ['en']`.

The grammar is a small part of Python's, read by its parser and never executed: columns by their dotted names, numbers,
strings, lists, comparisons (`==`, `<`, `in`, `is None`), `and`, `or`, `not`, `+ - * /`, and the functions in FUNCTIONS.
A comparison with a null value is null, and a document is chosen only where the whole is true.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpuskit.document import column
from corpuskit.errors import InputError, UsageError, nearest

__all__ = ["FUNCTIONS", "Expression", "select"]

Values = Any
"""An Arrow array, or a scalar that holds for all rows."""

_COMPARE: Mapping[type[ast.cmpop], Callable[[Values, Values], Values]] = {
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}
_CALCULATE: Mapping[type[ast.operator], Callable[[Values, Values], Values]] = {
    ast.Add: pc.add,
    ast.Sub: pc.subtract,
    ast.Mult: pc.multiply,
    ast.Div: lambda left, right: pc.divide(pc.cast(left, pa.float64()), pc.cast(right, pa.float64())),
}
FUNCTIONS: Mapping[str, tuple[int, Callable[..., Values]]] = {
    "length": (1, pc.utf8_length),
    "lower": (1, pc.utf8_lower),
    "contains": (2, lambda values, text: pc.match_substring(values, text)),
    "startswith": (2, lambda values, text: pc.starts_with(values, text)),
    "endswith": (2, lambda values, text: pc.ends_with(values, text)),
    "matches": (2, lambda values, pattern: pc.match_substring_regex(values, pattern)),
    "abs": (1, pc.abs),
    "year": (1, lambda values: pc.cast(pc.utf8_slice_codeunits(values, 0, 4), pa.int64())),
}
"""Function -> (arguments, what computes it). The second argument of a function of two is a string; `matches` takes an
RE2 pattern; `year` reads it from an ISO 8601 date."""


@dataclass(frozen=True)
class Expression:
    """A condition on documents."""

    text: str

    def __post_init__(self) -> None:
        self._check(self._tree())

    def _tree(self) -> ast.expr:
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InputError(f"'{self.text}' is not an expression: {error}") from error

    def columns(self) -> list[str]:
        """The columns that it reads, by dotted names, each once."""
        names: dict[str, None] = {}
        self._check(self._tree(), names)
        return list(names)

    def chosen(self, batch: pa.RecordBatch | pa.Table) -> pa.BooleanArray:
        """Whether it is true of each document.

        Raises UsageError where a column is absent, or a value is not of a type that can be compared.
        """
        try:
            result = self._value(self._tree(), batch)
            if isinstance(result, pa.Scalar):
                result = pa.repeat(result, batch.num_rows)
            known = pc.fill_null(pc.cast(result, pa.bool_()), False)
        except KeyError as error:
            raise UsageError(
                f"filter: '{self.text}' reads the column {error}, which no document has here"
                f"{nearest(str(error.args[0]), batch.schema.names)}"
            ) from error
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            raise UsageError(f"filter: '{self.text}' cannot be computed: {error}") from error
        return known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known

    def _refuse(self, node: ast.AST, why: str) -> InputError:
        return InputError(f"'{ast.unparse(node)}' in '{self.text}' {why}")

    def _check(self, node: ast.AST, names: dict[str, None] | None = None) -> None:
        """Raises InputError for what the grammar has not; notes the names of columns."""
        match node:
            case ast.Name() | ast.Attribute():
                path = _path(node)
                if path is None:
                    raise self._refuse(node, "is not a column")
                if names is not None:
                    names[path] = None
            case ast.Constant(value=value):
                if not (value is None or isinstance(value, (str, int, float))):
                    raise self._refuse(node, "is not a number or string")
            case ast.List(elts=elements) | ast.Tuple(elts=elements):
                for element in elements:
                    if not isinstance(element, ast.Constant):
                        raise self._refuse(node, "is not a list of numbers or strings")
                    self._check(element)
            case ast.BoolOp(values=conditions):
                for condition in conditions:
                    self._check(condition, names)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                self._check(operand, names)
            case ast.BinOp(left=left, op=operator, right=right):
                if type(operator) not in _CALCULATE:
                    raise self._refuse(node, "uses an operator that is not one of + - * /")
                self._check(left, names)
                self._check(right, names)
            case ast.Compare(left=left, ops=comparisons, comparators=others):
                for comparison, other in zip(comparisons, others, strict=True):
                    if isinstance(comparison, (ast.In, ast.NotIn)) and not isinstance(other, (ast.List, ast.Tuple)):
                        raise self._refuse(node, "needs a list after 'in': language in ['en', 'ko']")
                    if isinstance(comparison, (ast.Is, ast.IsNot)) and not _is_none(other):
                        raise self._refuse(node, "uses 'is' with something else than None")
                for each in (left, *others):
                    self._check(each, names)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                if name not in FUNCTIONS:
                    raise self._refuse(node, f"calls an unknown function{nearest(name, FUNCTIONS)}")
                if len(arguments) != FUNCTIONS[name][0]:
                    raise self._refuse(
                        node, f"gives {len(arguments)} arguments, and '{name}' takes {FUNCTIONS[name][0]}"
                    )
                self._check(arguments[0], names)
                for argument in arguments[1:]:
                    if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                        raise self._refuse(argument, "must be a string")
            case _:
                raise self._refuse(node, "is not part of an expression")

    def _value(self, node: ast.AST, batch: pa.RecordBatch | pa.Table) -> Values:
        match node:
            case ast.Name() | ast.Attribute():
                return column(batch, _path(node) or "")
            case ast.Constant(value=value):
                return pa.scalar(value)
            case ast.BoolOp(op=junction, values=conditions):
                join = pc.and_kleene if isinstance(junction, ast.And) else pc.or_kleene
                result = self._value(conditions[0], batch)
                for condition in conditions[1:]:
                    result = join(result, self._value(condition, batch))
                return result
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return pc.invert(self._value(operand, batch))
            case ast.UnaryOp(operand=operand):
                return pc.negate(self._value(operand, batch))
            case ast.BinOp(left=left, op=operator, right=right):
                return _CALCULATE[type(operator)](self._value(left, batch), self._value(right, batch))
            case ast.Compare(left=left, ops=comparisons, comparators=others):
                values, result = self._value(left, batch), None
                for comparison, other in zip(comparisons, others, strict=True):
                    compared = self._compare(comparison, values, other, batch)
                    result = compared if result is None else pc.and_kleene(result, compared)
                    if not isinstance(other, (ast.List, ast.Tuple)) and not _is_none(other):
                        values = self._value(other, batch)
                return result
            case ast.Call(func=ast.Name(id=name), args=arguments):
                strings = [argument.value for argument in arguments[1:] if isinstance(argument, ast.Constant)]
                return FUNCTIONS[name][1](self._value(arguments[0], batch), *strings)
        raise self._refuse(node, "is not part of an expression")

    def _compare(
        self, operator: ast.cmpop, values: Values, other: ast.expr, batch: pa.RecordBatch | pa.Table
    ) -> Values:
        if isinstance(operator, (ast.In, ast.NotIn)):
            assert isinstance(other, (ast.List, ast.Tuple))
            wanted = pa.array([element.value for element in other.elts if isinstance(element, ast.Constant)])
            inside = pc.is_in(values, wanted.cast(values.type))
            inside = pc.if_else(pc.is_valid(values), inside, pa.scalar(None, pa.bool_()))
            return pc.invert(inside) if isinstance(operator, ast.NotIn) else inside
        if _is_none(other):
            null = pc.is_null(values)
            return pc.invert(null) if isinstance(operator, (ast.IsNot, ast.NotEq)) else null
        return _COMPARE[type(operator)](values, self._value(other, batch))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _path(node: ast.AST) -> str | None:
    """The dotted name of a column, None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _path(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def select(documents: pa.Table, where: str) -> pa.Table:
    """The documents of a table of which an expression is true.

    Raises InputError for what is not an expression, UsageError for an absent column.
    """
    return documents.filter(Expression(where).chosen(documents))
