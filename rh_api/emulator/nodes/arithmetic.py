"""Evaluates the Math Expression node's formulas: names, numbers, operators, a few functions."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

_SIGNS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: lambda one, two: one + two,
    ast.Sub: lambda one, two: one - two,
    ast.Mult: lambda one, two: one * two,
    ast.Div: lambda one, two: one / two,
    ast.FloorDiv: lambda one, two: one // two,
    ast.Mod: lambda one, two: one % two,
    ast.Eq: lambda one, two: one == two,
    ast.NotEq: lambda one, two: one != two,
    ast.Lt: lambda one, two: one < two,
    ast.LtE: lambda one, two: one <= two,
    ast.Gt: lambda one, two: one > two,
    ast.GtE: lambda one, two: one >= two,
}

_PREFIXES: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.USub: lambda one: -one,
    ast.UAdd: lambda one: +one,
    ast.Not: lambda one: not one,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "floor": math.floor,
    "int": int,
    "float": float,
}


def evaluated(expression: str, names: Mapping[str, Any]) -> float:
    """The number that ``expression`` is; raises ValueError for what is no formula."""
    try:
        found = _value(ast.parse(expression.strip(), mode="eval").body, names)
    except SyntaxError:
        raise ValueError(f"Math Expression {expression!r} is no formula") from None
    if not isinstance(found, (int, float)) or not math.isfinite(found):
        raise ValueError(f"Math Expression {expression!r} gives {found!r}, no number")
    return found


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            found = number
        case ast.Name(id=name) if name in names:
            found = names[name]
        case ast.IfExp(test=test, body=body, orelse=other):
            found = _value(body if _value(test, names) else other, names)
        case _:
            function, operands = _call(node)
            found = function(*(_value(one, names) for one in operands))
    return found


def _call(node: ast.expr) -> tuple[Callable[..., Any], list[ast.expr]]:
    match node:
        case ast.UnaryOp(op=sign, operand=one) if type(sign) in _PREFIXES:
            return _PREFIXES[type(sign)], [one]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)], [left, right]
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)], [left, right]
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name], given
        case _:
            raise ValueError(f"Math Expression: {ast.unparse(node)!r} is not understood")
