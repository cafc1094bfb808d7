"""The data law: a schema is named by its owner's store alone; insight reads all and writes nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath

VERB = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|COPY|LOCK|TRUNCATE|CREATE|ALTER|DROP)\b"
)
WRITING = re.compile(
    r"\b(INSERT INTO|UPDATE (?!OF|SKIP|NOWAIT)\w+\.|DELETE FROM|MERGE INTO|TRUNCATE|CREATE|ALTER|DROP)\b"
)


def schemas_of(migration: str) -> set[str]:
    """Which schemas the migrations make."""
    return set(re.findall(r"^CREATE SCHEMA (\w+);", migration, re.MULTILINE))


def foreign_schemas(path: PurePath, source: str, schemas: set[str]) -> list[str]:
    """``path`` is relative to the package, such as ``orders/store.py``."""
    allowed = _may_name(path, schemas)
    faults = []
    for line, sql in statements(path, source):
        named = {name for name in re.findall(r"\b([a-z_]+)\.[a-z_\"]", sql) if name in schemas}
        # An alias may bear a schema's name only if it is one: FROM x.y AS orders would hide what the rule looks for.
        faults += [
            f"line {line}: SQL names the schema {name!r}, which is not its own"
            for name in sorted(named - allowed)
        ]
        if path.parts[0] == "insight" and WRITING.search(re.sub(r"'[^']*'", "''", sql)):
            faults.append(f"line {line}: insight reads and never writes")
    return faults


def statements(path: PurePath, source: str) -> Iterator[tuple[int, str]]:
    """Every string that holds SQL, docstrings left out; an .sql file is one."""
    if path.suffix == ".sql":
        yield 1, re.sub(r"--.*", "", source)
        return
    tree = ast.parse(source)
    passed_over = {id(text) for node in ast.walk(tree) if (text := _docstring(node)) is not None}
    for node in ast.walk(tree):  # a formatted string comes before its parts
        if isinstance(node, ast.JoinedStr):
            passed_over |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else " " for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over:
            text = node.value
        else:
            continue
        if VERB.search(text):
            yield node.lineno, re.sub(r"--.*", "", text)


def _may_name(path: PurePath, schemas: set[str]) -> set[str]:
    package, *rest = path.parts
    if package == "insight":
        return schemas
    is_store = bool(rest) and (rest[0] == "store" or rest == ["store.py"])
    return {package} if package == "plumbing" or is_store else set()


def _docstring(node: ast.AST) -> ast.Constant | None:
    body = getattr(node, "body", None)
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
        first = body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return first.value
    return None
