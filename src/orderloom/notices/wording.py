"""Notices in words: one template an event and language, holding subject, text and HTML; a sandbox renders them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import PackageLoader, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orderloom.notices.model import Facts, Rendered

# Digits after the point, for currencies that do not have two (ISO 4217).
_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "CLP": 0,
    "VND": 0,
    "ISK": 0,
    "UGX": 0,
    "BHD": 3,
    "JOD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}
_SUBJECT_MOST = 200


def render(*, template: str, locale: str, facts: Facts) -> Rendered:
    """The three forms of a notice. HTML escapes every value; subject and text carry none to escape."""
    plain = _template(f"{locale}/{template}.j2", escape=False)
    marked = _template(f"{locale}/{template}.j2", escape=True)
    values = dict(facts.values)
    subject = " ".join(_block(plain, "subject", values).split())[:_SUBJECT_MOST]
    page = _template("page.j2", escape=True)
    body = _block(marked, "html", values)
    return Rendered(
        subject=subject,
        text=_block(plain, "text", values).strip() + "\n",
        html=page.render(title=subject, locale=locale, body=body, shop=values.get("shop", "")),
    )


def _block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values))))


@cache
def _template(name: str, *, escape: bool) -> Template:
    return _environment(escape=escape).get_template(name)


@cache
def _environment(*, escape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("orderloom.notices"), autoescape=escape, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"money": money, "day": day}
    return environment


def money(amount: int, currency: str) -> str:
    """Minor units as a person writes them: 1999 USD is "USD 19.99"."""
    digits = _DIGITS.get(currency, 2)
    sign, units = ("-", -amount) if amount < 0 else ("", amount)
    whole, part = divmod(units, 10**digits)
    return f"{currency} {sign}{whole:,}" + (f".{part:0{digits}}" if digits else "")


def day(moment: datetime | None, zone: str = "UTC") -> str:
    """The local day of a moment, unmistakable in every country."""
    return moment.astimezone(ZoneInfo(zone)).date().isoformat() if moment else ""
