"""Evaluates the Math Expression node's formulas: names, numbers, operators, a few functions."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

_SIGNS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: lambda left, right: left % right,
    ast.Eq: lambda left, right: left == right,
    ast.NotEq: lambda left, right: left != right,
    ast.Lt: lambda left, right: left < right,
    ast.LtE: lambda left, right: left <= right,
    ast.Gt: lambda left, right: left > right,
    ast.GtE: lambda left, right: left >= right,
}

_PREFIXES: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.USub: lambda operand: -operand,
    ast.UAdd: lambda operand: +operand,
    ast.Not: lambda operand: not operand,
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
    """Return the value of ``expression``; ValueError for anything but a finite number."""
    try:
        result = _value(ast.parse(expression.strip(), mode="eval").body, names)
    except SyntaxError:
        raise ValueError(f"Math Expression {expression!r} is no formula") from None
    if not isinstance(result, (int, float)) or not math.isfinite(result):
        raise ValueError(f"Math Expression {expression!r} gives {result!r}, no number")
    return result


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as number):
            result = number
        case ast.Name(id=name) if name in names:
            result = names[name]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            result = _value(body if _value(test, names) else orelse, names)
        case _:
            function, operands = _call(node)
            result = function(*(_value(operand, names) for operand in operands))
    return result


def _call(node: ast.expr) -> tuple[Callable[..., Any], list[ast.expr]]:
    match node:
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _PREFIXES:
            return _PREFIXES[type(sign)], [operand]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)], [left, right]
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)], [left, right]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name], arguments
        case _:
            raise ValueError(f"Math Expression: {ast.unparse(node)!r} is not understood")
