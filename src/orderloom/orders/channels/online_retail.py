"""UCI Online Retail II: one table of invoice lines, both years' column names, credits included.

- An invoice is an order, at its earliest time; postage and carriage are its shipping.
- Credits (`C…`) bind to the latest earlier sale of the code to the customer that has units left; what finds none was
  bought before the window and comes back without an order.
- Kept out and listed: exact duplicates, bad debt (`A…`), write-offs (negative without `C`), prices of nought or less,
  codes that are no product. Prices of three decimals are rounded and the difference kept as a flagged adjustment.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from orderloom.catalog.model import Item
from orderloom.network.model import Channel, Node
from orderloom.orders.channels.channel import Credit, Fate, Remark, Row, Translation
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.terms import Address

TABLE = "online_retail"
CHANNEL = "online-retail"
NODE = "OR-UK"
CURRENCY = "GBP"
SOURCE_TIME = ZoneInfo("Europe/London")
# The same column in the first and the second year's edition.
COLUMNS = {
    "invoice": ("Invoice", "InvoiceNo"),
    "code": ("StockCode",),
    "name": ("Description",),
    "quantity": ("Quantity",),
    "at": ("InvoiceDate",),
    "price": ("Price", "UnitPrice"),
    "customer": ("Customer ID", "CustomerID"),
    "country": ("Country",),
}
PRODUCT = re.compile(r"\d{5}[A-Za-z]{0,2}")
CARRIAGE = {"POST", "DOT", "C2", "C3"}
COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Bermuda": "BM", "Brazil": "BR",
    "Canada": "CA", "Channel Islands": "JE", "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE",
    "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS",
    "Israel": "IL", "Italy": "IT", "Japan": "JP", "Korea": "KR", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT",
    "Netherlands": "NL", "Nigeria": "NG", "Norway": "NO", "Poland": "PL", "Portugal": "PT", "RSA": "ZA",
    "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES", "Sweden": "SE", "Switzerland": "CH", "Thailand": "TH",
    "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip
# The source tells no more of a place than its country; domestic parcels go to its middle.
MIDDLE = (52.5, -1.5)
DEFAULT_G, DEFAULT_MM = 200, (80, 60, 40)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the source, read."""

    row: int
    invoice: str
    code: str
    name: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str

    @property
    def sku(self) -> str:
        return self.code.upper()


@dataclass(slots=True)
class _Read:
    """The source sorted into what it means."""

    sales: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    credits: list[_Entry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    duplicates: int = 0
    sale_lines: int = 0
    sale_value: Decimal = Decimal(0)
    sale_invoices: set[str] = field(default_factory=set)

    def out(self, row: int, reason: str) -> None:
        self.remarks.append(Remark(TABLE, row, reason))

    def mended(self, row: int, reason: str) -> None:
        self.remarks.append(Remark(TABLE, row, reason, kept=True))


class OnlineRetail:
    """The format; its one table is the file named on the command line."""

    tables: Sequence[str] = (TABLE,)

    def translate(self, tables: Mapping[str, Iterable[Row]]) -> Translation:
        """Everything at once, drafts in order of their time."""
        read = _Read()
        for entry in _entries(tables[TABLE], read):
            _sort(entry, read)
        drafts = [draft for entries in read.sales.values() if (draft := _draft(entries, read))]
        drafts.sort(key=lambda draft: (draft.placed_at, draft.external_id))
        taken = {draft.external_id for draft in drafts}
        stock: dict[tuple[str, str], int] = defaultdict(int)
        for draft in drafts:
            for line in draft.lines:
                stock[NODE, line.sku] += line.quantity
        return Translation(
            channels=[_channel()],
            nodes=[_node()],
            items=_items(read),
            stock=stock,
            drafts=drafts,
            # The source tells of no parcel: a day to the carrier's hands, two more to the buyer's.
            fates={
                draft.external_id: Fate(
                    shipped_at=draft.placed_at + timedelta(days=1),
                    delivered_at=draft.placed_at + timedelta(days=3),
                )
                for draft in drafts
            },
            credits=list(_credits(read, taken)),
            remarks=read.remarks,
            totals={
                "orders": len(drafts),
                "money": sum(draft.computed_total for draft in drafts),
                "duplicates": read.duplicates,
                # Of all sales in the source, what is no product included; the value in thousandths.
                "sale_lines": read.sale_lines,
                "sale_invoices": len(read.sale_invoices),
                "sale_value": int(read.sale_value * 1000),
            },
        )


def _channel() -> Channel:
    return Channel(
        code=CHANNEL,
        name="Online Retail",
        type="site",
        currency=CURRENCY,
        time_zone=SOURCE_TIME.key,
        on_shortage="accept",
        promise_days={"standard": 10},
    )


def _node() -> Node:
    address = Address(
        name="Warehouse",
        line1="1 Dock Road",
        city="London",
        postcode="E16 1AA",
        country="GB",
        residential=False,
    )
    return Node(
        code=NODE,
        name="Warehouse",
        type="fulfillment_center",
        address=address,
        latitude=51.508,
        longitude=0.02,
        time_zone=SOURCE_TIME.key,
        channels=(CHANNEL,),
    )


# --- reading --------------------------------------------------------------------------------------------------


def _entries(rows: Iterable[Row], read: _Read) -> Iterator[_Entry]:
    """The rows that can be read, each once."""
    seen: set[tuple[str, ...]] = set()
    names: dict[str, str] = {}
    for number, row in rows:
        names = names or {word: next(c for c in columns if c in row) for word, columns in COLUMNS.items()}
        cells = tuple(row[names[word]] for word in COLUMNS)
        if cells in seen:
            read.duplicates += 1
            read.out(number, "exact duplicate")
            continue
        seen.add(cells)
        try:
            yield _Entry(
                row=number,
                invoice=cells[0].strip(),
                code=cells[1].strip(),
                name=cells[2].strip(),
                quantity=int(Decimal(cells[3])),
                at=datetime.fromisoformat(cells[4]).replace(tzinfo=SOURCE_TIME),
                price=Decimal(cells[5]),
                customer=cells[6].partition(".")[0].strip(),
                country=cells[7].strip(),
            )
        except (ValueError, InvalidOperation):
            read.out(number, "quantity, date or price cannot be read")


def _sort(entry: _Entry, read: _Read) -> None:
    is_product = PRODUCT.fullmatch(entry.code) is not None
    if entry.invoice.startswith("A"):
        read.out(entry.row, "adjusts bad debt: not an order")
    elif entry.invoice.startswith("C") and entry.quantity >= 0:
        read.out(entry.row, "a credit of a positive quantity")
    elif entry.invoice.startswith("C") and not is_product:
        read.out(entry.row, f"a credit of {entry.code}, which is no product")
    elif entry.invoice.startswith("C"):
        read.credits.append(entry)
    elif entry.quantity <= 0:
        read.out(entry.row, f"a negative quantity without a credit: {entry.name or 'no reason'}")
    elif entry.price <= 0:
        read.out(entry.row, "a price of nought")
    else:
        read.sale_lines += 1
        read.sale_value += entry.price * entry.quantity
        read.sale_invoices.add(entry.invoice)
        if not is_product and entry.code not in CARRIAGE:
            read.out(entry.row, f"{entry.code} is no product")
            return
        if entry.code != entry.sku:
            read.mended(entry.row, f"code {entry.code} is read as {entry.sku}")
        read.sales[entry.invoice].append(entry)


def _items(read: _Read) -> list[Item]:
    names: dict[str, str] = {}
    for entry in (*(e for entries in read.sales.values() for e in entries), *read.credits):
        if entry.code not in CARRIAGE:
            names[entry.sku] = names.get(entry.sku) or entry.name
    length, width, height = DEFAULT_MM
    read.mended(
        1, f"the source has no weights or sizes: {DEFAULT_G} g and {length} x {width} x {height} mm are taken"
    )
    return [
        Item(
            sku=sku,
            name=name or sku,
            weight_g=DEFAULT_G,
            length_mm=length,
            width_mm=width,
            height_mm=height,
            currency=CURRENCY,
        )
        for sku, name in sorted(names.items())
    ]


# --- orders ---------------------------------------------------------------------------------------------------


def _draft(entries: Sequence[_Entry], read: _Read) -> OrderDraft | None:
    first = min(entries, key=lambda entry: (entry.at, entry.row))
    goods = [entry for entry in entries if entry.code not in CARRIAGE]
    if not goods:
        for entry in entries:
            read.out(entry.row, f"{entry.code} on an invoice without goods")
        return None
    lines = tuple(
        LineDraft(
            sku=entry.sku,
            quantity=entry.quantity,
            unit_price=pence(entry.price),
            external_id=str(position),
            node_code=NODE,
            name=entry.name or None,
        )
        for position, entry in enumerate(goods, 1)
    )
    shipping = sum(pence(entry.price) * entry.quantity for entry in entries if entry.code in CARRIAGE)
    exact = pence(sum((entry.price * entry.quantity for entry in entries), Decimal(0)))
    adjustment = exact - sum(line.total for line in lines) - shipping
    flags: list[Mapping[str, object]] = []
    if any(entry.price != entry.price.quantize(Decimal("0.01")) for entry in entries):
        flags.append({"code": "price_rounded", "difference": adjustment})
        read.mended(first.row, f"invoice {first.invoice} has a price of three decimals: rounded")
    buyer, ship_to = _buyer(first, read)
    return OrderDraft(
        channel=CHANNEL,
        external_id=first.invoice,
        placed_at=first.at,
        decide_as_of=first.at,
        currency=CURRENCY,
        buyer=buyer,
        ship_to=ship_to,
        lines=lines,
        tenders=(TenderDraft(method="invoice", token="tok_ok", amount=exact),) if exact > 0 else (),  # noqa: S106
        shipping=shipping,
        adjustment=adjustment,
        flags=tuple(flags),
        tags=("online-retail",),
    )


def _buyer(first: _Entry, read: _Read) -> tuple[dict[str, object], Address]:
    person = f"customer-{first.customer}" if first.customer else f"guest-{first.invoice}"
    country = COUNTRIES.get(first.country)
    if country is None:
        read.mended(first.row, f"country {first.country!r} is not one: taken as the United Kingdom")
    buyer: dict[str, object] = {
        "name": person,
        "email": f"{person}@example.com",
        "notify": ["email"],
        "locale": "en",
    }
    latitude, longitude = MIDDLE if country in {None, "GB"} else (None, None)
    address = Address(
        name=person,
        line1=f"Address of {person}",
        city=first.country,
        # Carriers ask for one; this one is nobody's.
        postcode="00000",
        country=country or "GB",
        latitude=latitude,
        longitude=longitude,
    )
    return buyer, address


def pence(amount: Decimal) -> int:
    """Whole minor units, halves away from nought."""
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


# --- credits --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sale:
    invoice: str
    at: datetime
    left: int


def _credits(read: _Read, taken: set[str]) -> Iterator[Credit]:
    """Each credit bound to sales with units left, latest first; the rest of it to none."""
    bought: dict[tuple[str, str], list[_Sale]] = defaultdict(list)
    for entries in read.sales.values():
        for entry in entries:
            if entry.customer and entry.invoice in taken and entry.code not in CARRIAGE:
                bought[entry.customer, entry.sku].append(_Sale(entry.invoice, entry.at, entry.quantity))
    for sales in bought.values():
        sales.sort(key=lambda sale: sale.at, reverse=True)
    for credit in sorted(read.credits, key=lambda entry: (entry.at, entry.row)):
        wanted = -credit.quantity
        for sale in bought.get((credit.customer, credit.sku), []):
            units = min(wanted, sale.left)
            if sale.at <= credit.at and units:
                sale.left -= units
                wanted -= units
                yield _credit(credit, units, sale.invoice)
        if wanted:
            yield _credit(credit, wanted, None)


def _credit(entry: _Entry, units: int, order: str | None) -> Credit:
    return Credit(
        external_id=f"{entry.invoice}-{entry.row}",
        sku=entry.sku,
        quantity=units,
        unit_price=pence(entry.price),
        currency=CURRENCY,
        node=NODE,
        at=entry.at,
        order=order,
    )
