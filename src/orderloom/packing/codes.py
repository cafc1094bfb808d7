"""What a scanned code is: a SKU, a GTIN in any length, a GS1 element string, or something that says what it looks like."""

from __future__ import annotations

from dataclasses import dataclass

import biip

# Application identifiers of GS1: GTIN, content GTIN, batch, best before, serial, count of units.
_GTINS = ("01", "02")
_BATCH, _SERIAL, _COUNT = "10", "21", "37"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code taken apart. `gtins` are the lengths in which the catalogue may hold the same number."""

    text: str
    gtins: tuple[str, ...] = ()
    serial: str | None = None
    lot: str | None = None
    count: int | None = None
    looks_like: str = "a SKU"


def read(text: str) -> Code:
    """Take a code apart. Never fails: what cannot be read is at least described."""
    cleaned = text.strip()
    if not cleaned:
        return Code(text=cleaned, looks_like="nothing: the scanner sent an empty line")
    try:
        found = biip.parse(cleaned)
    except (biip.ParseError, ValueError, IndexError):
        # A symbology identifier that is cut short or that no standard knows is the one thing the parser stumbles over.
        return Code(text=cleaned, looks_like="a barcode of an unknown kind, or one that was cut short")
    if found.sscc is not None and found.sscc_error is None and found.gtin is None:
        return Code(text=cleaned, looks_like="an SSCC, the number of a pallet or parcel and not of an item")
    elements = (
        {element.ai.ai: element.value for element in found.gs1_message.element_strings}
        if found.gs1_message
        else {}
    )
    gtin = next((elements[ai] for ai in _GTINS if ai in elements), None)
    if found.gtin is not None:
        gtin = found.gtin.as_gtin_14()
    if gtin is None:
        return Code(text=cleaned, looks_like=_looks_like(cleaned, found.gtin_error))
    # A bare number is a GTIN and nothing else, though its first digits may read as an application identifier.
    told = {} if cleaned.isdigit() and len(cleaned) <= 14 else elements
    count = told.get(_COUNT)
    return Code(
        text=cleaned,
        gtins=_lengths(gtin),
        serial=told.get(_SERIAL),
        lot=told.get(_BATCH),
        count=int(count) if count and int(count) > 0 else None,
        looks_like=f"GTIN {gtin.lstrip('0')}",
    )


def named(code: Code) -> str | None:
    """The very unit or lot that it names, where it names one."""
    return code.serial or code.lot


def _lengths(gtin: str) -> tuple[str, ...]:
    """The same number as 14, 13, 12 and 8 digits, as far as its leading zeros go."""
    return tuple(gtin[14 - length :] for length in (14, 13, 12, 8) if not gtin[: 14 - length].strip("0"))


def _looks_like(text: str, gtin_error: str | None) -> str:
    if text.isdigit() and len(text) in {8, 12, 13, 14}:
        return f"a GTIN with a wrong check digit ({gtin_error})" if gtin_error else "a GTIN"
    if text.isdigit() and len(text) in {18, 20}:
        return "an SSCC with a wrong check digit"
    if text.startswith("]"):
        return f"a barcode of the kind {text[:3]} whose content is no GS1 element string"
    if text.upper().startswith(("FO-", "W-")):
        return "one of our own numbers, of a fulfillment order or wave, and not of an item"
    if text.startswith("1Z") and len(text) == 18:
        return "a UPS tracking number"
    return "a SKU"
