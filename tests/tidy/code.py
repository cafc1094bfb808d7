"""House rules that one Python file can be judged by: each a pure function from a file to its faults."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath

FILE_LINES = 500
FUNCTION_LINES = 70
BANNED = {
    "service",
    "services",
    "manager",
    "managers",
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "base",
}
BANNED |= {"repository", "repositories"}
# "Service" is missing on purpose: a carrier's service is a merchant's word.
BANNED_CLASS = re.compile(r"(Manager|Utils?|Helpers?|Repository|^Base\w+|\wBase)$")
# Whoever opens a door or lays pipes may ask what time it is; everybody else is told.
CLOCKED = {"api", "console", "worker", "cli", "plumbing"}
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}
STATEMENT = re.compile(
    r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|COPY|LOCK TABLE|TRUNCATE|CREATE|ALTER|DROP|SET|NOTIFY|LISTEN)\s"
)
Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def missing_docstrings(source: str) -> list[str]:
    """Modules and public classes say what they are."""
    tree = ast.parse(source)
    faults = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    classes = (
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    return faults + [
        f"line {node.lineno}: class {node.name} has no docstring"
        for node in classes
        if not ast.get_docstring(node)
    ]


def over_budget(source: str) -> list[str]:
    """Files and functions stay short enough to be read at one sitting."""
    lines = source.count("\n")
    faults = [f"{lines} lines, the budget is {FILE_LINES}"] if lines > FILE_LINES else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                faults.append(
                    f"line {node.lineno}: {node.name} has {length} lines, the budget is {FUNCTION_LINES}"
                )
    return faults


def banned_names(path: PurePath, source: str) -> list[str]:
    """Names that attract everything are not given to anything."""
    faults = [
        f"the name {part!r} says nothing: name the decision or the step"
        for part in (*path.parts[:-1], path.stem)
        if BANNED & set(part.lower().split("_"))
    ]
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return faults + [
        f"line {node.lineno}: the name {node.name} says nothing"
        for node in classes
        if BANNED_CLASS.search(node.name)
    ]


def clocks(package: str, source: str) -> list[str]:
    """Below the doors nobody asks what time it is, so that every decision replays."""
    if package in CLOCKED:
        return []
    return [
        f"line {node.lineno}: .{node.func.attr}() asks the clock: take the moment as an argument"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _asks_the_clock(node.func)
    ]


def _asks_the_clock(function: ast.Attribute) -> bool:
    if function.attr == "time":  # a datetime has a .time() too, which asks nobody
        return isinstance(function.value, ast.Name) and function.value.id in {"time", "loop"}
    # A clock handed in is the remedy, not the fault.
    return function.attr in CLOCKS and not (
        isinstance(function.value, ast.Name) and function.value.id == "clock"
    )


def composed_sql(source: str) -> list[str]:
    """Statements are written, not put together: values are parameters. A constant in CAPITALS may be a part of one."""
    return [
        f"line {node.lineno}: SQL is put together from values"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call) and any(_variable_parts(node))
    ]


def _variable_parts(node: ast.JoinedStr | ast.BinOp | ast.Call) -> Iterator[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        if node.values and _is_statement(node.values[0]):
            yield from (
                part.value
                for part in node.values
                if isinstance(part, ast.FormattedValue) and not _is_constant(part.value)
            )
    elif isinstance(node, ast.BinOp):
        if (
            isinstance(node.op, ast.Add | ast.Mod)
            and _is_statement(node.left)
            and not _is_constant(node.right)
        ):
            yield node.right
    elif (
        isinstance(node.func, ast.Attribute) and node.func.attr == "format" and _is_statement(node.func.value)
    ):
        yield from (part for part in node.args if not _is_constant(part))
        yield from (word.value for word in node.keywords if not _is_constant(word.value))


def _is_statement(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(STATEMENT.match(node.value))
    )


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None
    return isinstance(node, ast.Constant) or (name is not None and name.isupper())
