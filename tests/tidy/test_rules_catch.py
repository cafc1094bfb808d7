"""Each house rule sees the violation it is for, and lets the right way pass."""

from pathlib import PurePath

import pytest

from tests.tidy import code, data_law, papers

SCHEMAS = {"orders", "inventory", "plumbing"}
STORE, JOURNEY, INSIGHT = (
    PurePath("orders/store.py"),
    PurePath("journey/order.py"),
    PurePath("insight/lists.py"),
)


def test_a_module_or_class_without_docstring():
    assert code.missing_docstrings("x = 1\n") == ["the module has no docstring"]
    assert code.missing_docstrings('"""It."""\nclass A:\n    pass\n') == ["line 2: class A has no docstring"]
    assert code.missing_docstrings('"""It."""\nclass _A:\n    pass\n') == []


def test_a_file_or_function_that_is_too_long():
    assert code.over_budget("x = 1\n" * 501)
    assert code.over_budget("def f():\n" + "    x = 1\n" * 70)
    assert code.over_budget("def f():\n" + "    x = 1\n" * 69) == []


@pytest.mark.parametrize("name", ["orders/service.py", "stock_utils.py", "common/money.py", "base.py"])
def test_a_name_that_says_nothing(name):
    assert code.banned_names(PurePath(name), "")


def test_a_class_whose_name_says_nothing():
    assert code.banned_names(PurePath("orders/holds.py"), "class HoldManager: ...")
    assert code.banned_names(PurePath("orders/holds.py"), "class BaseHold: ...")
    assert code.banned_names(PurePath("shipping/select.py"), "class CarrierService: ...") == []


@pytest.mark.parametrize(
    "call", ["datetime.now(UTC)", "time.time()", "date.today()", "loop.time()", "time.monotonic()"]
)
def test_a_clock_below_the_doors(call):
    assert code.clocks("orders", f"x = {call}\n")
    assert code.clocks("api", f"x = {call}\n") == []


def test_a_clock_that_was_handed_in_or_is_none():
    assert code.clocks("simulate", "x = clock.now()\ny = moment.time()\n") == []


@pytest.mark.parametrize(
    "sql",
    [
        'f"SELECT {column} FROM t"',
        '"SELECT a FROM " + table',
        '"DELETE FROM %s" % table',
        '"UPDATE {} SET a = 1".format(table)',
    ],
)
def test_sql_put_together_from_values(sql):
    assert code.composed_sql(f"x = {sql}\n")


def test_sql_put_together_from_constants():
    assert (
        code.composed_sql('x = f"SELECT {COLUMNS} FROM t WHERE a = $1"\ny = "SELECT a " + store.FROM_LINES\n')
        == []
    )


def test_a_schema_named_outside_its_store():
    assert data_law.foreign_schemas(STORE, 'x = "SELECT a FROM inventory.stock"', SCHEMAS)
    assert data_law.foreign_schemas(JOURNEY, 'x = "SELECT a FROM orders.lines"', SCHEMAS)
    assert data_law.foreign_schemas(PurePath("orders/holds.sql"), "SELECT a FROM inventory.stock", SCHEMAS)
    assert data_law.foreign_schemas(STORE, 'x = f"SELECT {A} FROM inventory.stock"', SCHEMAS)


def test_a_schema_named_where_it_may_be():
    assert (
        data_law.foreign_schemas(
            STORE, '"""SELECT a FROM inventory.stock is prose."""\nx = "SELECT a FROM orders.lines"', SCHEMAS
        )
        == []
    )
    assert (
        data_law.foreign_schemas(
            PurePath("orders/store/lines.py"), 'x = "SELECT a FROM orders.lines"', SCHEMAS
        )
        == []
    )
    assert (
        data_law.foreign_schemas(
            PurePath("plumbing/events.py"), 'x = "SELECT a FROM plumbing.events"', SCHEMAS
        )
        == []
    )
    assert (
        data_law.foreign_schemas(
            INSIGHT, 'x = "SELECT a FROM orders.lines JOIN inventory.stock USING (sku)"', SCHEMAS
        )
        == []
    )


def test_insight_that_writes():
    assert data_law.foreign_schemas(INSIGHT, 'x = "UPDATE orders.lines SET a = 1"', SCHEMAS)
    assert data_law.foreign_schemas(INSIGHT, 'x = "DELETE FROM orders.lines"', SCHEMAS)


def test_insight_that_only_speaks_of_writing():
    assert (
        data_law.foreign_schemas(
            INSIGHT, """x = "SELECT a FROM orders.lines WHERE b = 'TRUNCATE'\"""", SCHEMAS
        )
        == []
    )


def test_the_schemas_are_read_from_the_migrations():
    assert data_law.schemas_of("CREATE SCHEMA orders;\nCREATE TABLE orders.a ();\nCREATE SCHEMA sync;\n") == {
        "orders",
        "sync",
    }


@pytest.mark.parametrize(
    "line", ['"resol' + 'ved": "https://x"', "--index" + "-url x", "regis" + "try = https://x"]
)
def test_a_file_that_names_a_registry(line):
    assert papers.registries(PurePath("setup.cfg"), f"a\n{line}\n")


def test_a_lock_file_with_an_address():
    assert papers.registries(PurePath("requirements/dev.txt"), "a @ https://example.org/a.whl")
    assert papers.registries(PurePath("README.md"), "see https://example.org") == []


@pytest.mark.parametrize(
    "path", ["/ho" + "me/ann/x", "open('/ro" + "ot/x')", "/wo" + "rk/main/x", "/Us" + "ers/Ann/x"]
)
def test_a_path_of_one_machine(path):
    assert papers.machine_paths(path)


def test_a_path_of_every_machine():
    assert papers.machine_paths("/usr/bin/env /v1/work/x ~/work/x $HOME/work/ /home") == []


@pytest.mark.parametrize(
    "path", ["src/a/vendor/x.js", "docs/x.min.js", "x.css.map", "a.woff2", "states-topo.json"]
)
def test_a_file_that_belongs_to_others(path):
    assert papers.vendored(PurePath(path), "")


def test_a_script_that_bears_somebodys_licence():
    assert papers.vendored(PurePath("a.js"), "/* Copyright (c) Somebody */")
    assert papers.vendored(PurePath("a.js"), "// ours") == []


@pytest.mark.parametrize(
    "text",
    [
        "# Changes\n",
        "# Changelog\n\n## [0.1.0] - 2026-01-01\n",
        "# Changelog\n\n## [Unreleased]\n\n## 0.1\n",
        "# Changelog\n\n## [Unreleased]\n### News\n",
        "# Changelog\n\n## [Unreleased]\n### Added\n### Migrations\n",
    ],
)
def test_a_changelog_of_another_form(text):
    assert papers.changelog(text)


def test_a_changelog_as_it_should_be():
    assert (
        papers.changelog(
            "# Changelog\n\n## [Unreleased]\n\n### Migrations\n- a\n\n### Added\n- b\n\n## [0.1.0] - 2026-01-01\n"
        )
        == []
    )
