"""Logs are JSON when asked for, hold the facts, and never a secret."""

import io
import json
import logging

import pytest
import structlog

from orderloom.plumbing.logging import set_up_logging


@pytest.fixture
def written():
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    set_up_logging(level="info", form="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


def test_a_line_holds_what_happened_and_the_facts(written):
    structlog.get_logger("orderloom.orders").info("order captured", order_id="ord_1")
    (line,) = written()
    assert (line["event"], line["order_id"], line["level"], line["logger"]) == (
        "order captured",
        "ord_1",
        "info",
        "orderloom.orders",
    )


def test_the_standard_librarys_loggers_join_in(written):
    logging.getLogger("some.library").warning("it is %s", "late")
    assert written()[0]["event"] == "it is late"


def test_a_secret_is_masked(written):
    structlog.get_logger("x").warning("login", password="hunter2", api_key="k")
    assert "hunter2" not in json.dumps(written())


def test_what_is_below_the_level_is_not_written(written):
    structlog.get_logger("x").debug("detail")
    logging.getLogger("httpx2").info("GET /")
    assert written() == []
