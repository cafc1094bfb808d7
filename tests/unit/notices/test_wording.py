"""Every notice has words in every language, and no value can be more than a value in them."""

from datetime import UTC, datetime
from importlib.resources import files

import pytest
from jinja2 import StrictUndefined
from jinja2.exceptions import SecurityError

from orderloom.notices import wording
from orderloom.notices.model import Facts
from orderloom.notices.rules import ALERT, LOCALES, RULES
from orderloom.notices.wording import day, money, render

VALUES = {
    "shop": "Corner & Sons",
    "zone": "America/Sao_Paulo",
    "number": "100001",
    "name": "Ada <script>alert(1)</script>",
    "city": "Reno",
    "currency": "USD",
    "total": 123456,
    "promise_at": datetime(2026, 3, 9, 2, 59, 59, tzinfo=UTC),
    "lines": [{"name": "Mug <b>", "quantity": 2, "total": 1998}],
    "carrier": "swift",
    "tracking_numbers": ["SW1", "SW2"],
    "amount": 1998,
    "return_number": "R900001",
    "delivered_at": None,
}


@pytest.fixture
def strict(monkeypatch):
    for escape in (False, True):
        monkeypatch.setattr(wording._environment(escape=escape), "undefined", StrictUndefined)


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", sorted(rule.template for rule in RULES.values()))
def test_each_event_has_its_words_and_uses_only_facts_there_are(template, locale):
    told = render(template=template, locale=locale, facts=Facts(values=VALUES))
    # A return's subject names the return; all others name the order.
    assert ("R900001" if template == "return_approved" else "100001") in told.subject
    assert "Ada <script>" in told.text
    assert "<script>" not in told.html
    assert "Ada &lt;script&gt;" in told.html
    assert "Corner &amp; Sons" in told.html
    assert "&amp;" not in told.text
    assert "{" not in told.text + told.html
    assert f'lang="{locale}"' in told.html


def test_no_template_is_without_a_rule_or_a_translation():
    names = {rule.template for rule in RULES.values()} | {ALERT}
    for locale in LOCALES:
        folder = files("orderloom.notices") / "templates" / locale
        assert {entry.name.removesuffix(".j2") for entry in folder.iterdir()} == names


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("locale", LOCALES)
def test_people_of_the_house_are_told_in_a_rules_words(locale):
    told = render(
        template=ALERT, locale=locale, facts=Facts(values=VALUES | {"says": "look <now>", "by": "us"})
    )
    assert told.subject.endswith("100001: look <now>")
    assert "look &lt;now&gt;" in told.html
    assert "us." in told.text


def test_an_order_in_words():
    told = render(template="order_confirmed", locale="en", facts=Facts(values=VALUES))
    assert "2 x Mug <b>, USD 19.98" in told.text
    assert "by 2026-03-08." in told.text
    assert "<li>2 × Mug &lt;b&gt;, USD 19.98</li>" in told.html
    told = render(template="shipped", locale="pt", facts=Facts(values=VALUES))
    assert "Rastreamento: swift SW1\nRastreamento: swift SW2" in told.text


def test_a_subject_is_one_line_whatever_is_in_it():
    told = render(template="shipped", locale="en", facts=Facts(values=VALUES | {"number": "1\r\nBcc: x@y.z"}))
    assert "\n" not in told.subject
    assert "\r" not in told.subject


def test_templates_are_sandboxed():
    environment = wording._environment(escape=True)
    with pytest.raises(SecurityError):
        environment.from_string("{{ ''.__class__.__mro__[1].__subclasses__() }}").render()


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (1999, "USD", "USD 19.99"),
        (-5, "EUR", "EUR -0.05"),
        (1234567, "JPY", "JPY 1,234,567"),
        (1500, "KWD", "KWD 1.500"),
    ],
)
def test_money_is_written_with_its_currencys_digits(amount, currency, words):
    assert money(amount, currency) == words


def test_a_day_is_the_local_one():
    assert day(VALUES["promise_at"], "UTC") == "2026-03-09"
    assert day(None) == ""
