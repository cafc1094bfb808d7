"""Olist, a Brazilian marketplace's public orders: seven tables into items, sellers, orders and their fates.

- A seller is a drop-ship node, and each line is bound to its seller: an order of two sellers ships in two parts.
- An item row is one unit. Rows of one order alike in product, seller and price are one line.
- Money agrees with the source to the cent: what payments differ from price and freight is the order's adjustment,
  flagged. An order without item rows keeps its payments on one line of an unlisted item.
- Times are Brazilian local time without a zone; the estimate is a date and ends with that day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from statistics import median
from zoneinfo import ZoneInfo

from orderloom.catalog.model import Item
from orderloom.network.model import Channel, Node
from orderloom.orders.channels.channel import Fate, Remark, Row, Translation
from orderloom.orders.model import LineDraft, OrderDraft, TenderDraft
from orderloom.terms import Address

ORDERS = "olist_orders_dataset"
ITEMS = "olist_order_items_dataset"
CUSTOMERS = "olist_customers_dataset"
PAYMENTS = "olist_order_payments_dataset"
PRODUCTS = "olist_products_dataset"
SELLERS = "olist_sellers_dataset"
CENTROIDS = "olist_zip_prefix_centroids"

CHANNEL = "olist"
CURRENCY = "BRL"
UNLISTED = "OLIST-UNLISTED"
UNLISTED_NODE = "OLIST-UNKNOWN-SELLER"
SOURCE_TIME = ZoneInfo("America/Sao_Paulo")
# States that do not keep the time of Brasília.
ZONES = {
    "AC": "America/Rio_Branco",
    "AM": "America/Manaus",
    "MS": "America/Campo_Grande",
    "MT": "America/Cuiaba",
    "RO": "America/Porto_Velho",
    "RR": "America/Boa_Vista",
}
CANCELLED = {"canceled", "unavailable"}
DEFAULT_G, DEFAULT_MM = 500, 100


@dataclass(slots=True)
class _Notes:
    remarks: list[Remark] = field(default_factory=list)

    def out(self, file: str, row: int, reason: str) -> None:
        self.remarks.append(Remark(file, row, reason))

    def mended(self, file: str, row: int, reason: str) -> None:
        self.remarks.append(Remark(file, row, reason, kept=True))


@dataclass(frozen=True, slots=True)
class _Unit:
    row: int
    product: str
    seller: str
    price: int
    freight: int


class Olist:
    """The format; its tables are files of these names, `.csv` or `.csv.gz`."""

    tables: Sequence[str] = (ORDERS, ITEMS, CUSTOMERS, PAYMENTS, PRODUCTS, SELLERS, CENTROIDS)

    def translate(self, tables: Mapping[str, Iterable[Row]]) -> Translation:
        """Everything at once, drafts in order of purchase."""
        notes = _Notes()
        places = _Places.of(tables[CENTROIDS])
        products = _products(tables[PRODUCTS], notes)
        sellers = _sellers(tables[SELLERS], places, notes)
        units = _units(tables[ITEMS], products, sellers, notes)
        payments = _payments(tables[PAYMENTS], notes)
        buyers = _buyers(tables[CUSTOMERS], places, notes)
        drafts: dict[str, OrderDraft] = {}
        fates: dict[str, Fate] = {}
        for number, row in tables[ORDERS]:
            order_id = row["order_id"]
            if order_id in drafts:
                notes.out(ORDERS, number, "the order is there before")
            elif row["customer_id"] not in buyers:
                notes.out(ORDERS, number, f"no customer {row['customer_id']}")
            elif (placed_at := _moment(row["order_purchase_timestamp"])) is None:
                notes.out(ORDERS, number, "no purchase time")
            else:
                buyer, ship_to = buyers[row["customer_id"]]
                priced = _Priced.of(units.get(order_id, []), payments.get(order_id, []))
                drafts[order_id] = _draft(order_id, row, placed_at, buyer, ship_to, priced)
                fates[order_id] = _fate(number, row, placed_at, notes)
        ordered = sorted(drafts.values(), key=lambda draft: (draft.placed_at, draft.external_id))
        return Translation(
            channels=[_channel()],
            nodes=[*sellers.values(), _unknown_seller()],
            items=[*products.values(), _unlisted()],
            stock=_needed(ordered),
            drafts=ordered,
            fates=fates,
            remarks=notes.remarks,
            totals=_totals(ordered, units, payments),
        )


# --- things and places ----------------------------------------------------------------------------------------


def _channel() -> Channel:
    return Channel(
        code=CHANNEL,
        name="Olist",
        type="marketplace",
        currency=CURRENCY,
        time_zone=SOURCE_TIME.key,
        on_shortage="accept",
        # A marketplace's order goes to as many sellers as it names.
        split_policy={"max_shipments": 50},
    )


def _unlisted() -> Item:
    return Item(
        sku=UNLISTED, name="Not listed by the source", weight_g=1, length_mm=10, width_mm=10, height_mm=10
    )


def _unknown_seller() -> Node:
    address = Address(name="Unknown seller", city="São Paulo", region="SP", country="BR")
    return _node(UNLISTED_NODE, address.name, address, (-23.55, -46.63), "SP")


def _node(code: str, name: str, address: Address, position: tuple[float, float] | None, state: str) -> Node:
    return Node(
        code=code,
        name=name,
        type="drop_ship",
        address=address,
        latitude=position[0] if position else None,
        longitude=position[1] if position else None,
        time_zone=ZONES.get(state, SOURCE_TIME.key),
        working_days=(1, 2, 3, 4, 5, 6, 7),
        cutoffs={"*": "23:59"},
        processing_hours=0,
        channels=(CHANNEL,),
        groups=("olist",),
    )


@dataclass(frozen=True, slots=True)
class _Places:
    """Positions by postcode prefix, and the middle of each state for prefixes without one."""

    prefixes: Mapping[str, tuple[float, float]]
    states: Mapping[str, tuple[float, float]]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> _Places:
        prefixes: dict[str, tuple[float, float]] = {}
        by_state: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for _, row in rows:
            position = (float(row["lat"]), float(row["lng"]))
            prefixes[row["geolocation_zip_code_prefix"].zfill(5)] = position
            by_state[row["state"]].append(position)
        middles = {
            state: (median(p[0] for p in at), median(p[1] for p in at)) for state, at in by_state.items()
        }
        return cls(prefixes, middles)

    def find(self, prefix: str, state: str) -> tuple[tuple[float, float] | None, bool]:
        """The position, and whether it is the prefix's own."""
        return self.prefixes.get(prefix, self.states.get(state)), prefix in self.prefixes


def _products(rows: Iterable[Row], notes: _Notes) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for number, row in rows:
        weight = _whole(row["product_weight_g"])
        sides = [_whole(row[f"product_{side}_cm"]) for side in ("length", "width", "height")]
        if not weight:
            notes.mended(PRODUCTS, number, f"no weight: taken as {DEFAULT_G} g")
        if not all(sides):
            notes.mended(PRODUCTS, number, f"no dimensions: taken as {DEFAULT_MM} mm each way")
            sides = [DEFAULT_MM // 10] * 3
        length, width, height = (side * 10 for side in sides)
        found[row["product_id"]] = Item(
            sku=row["product_id"],
            name=f"{row['product_category_name'] or 'uncategorised'} {row['product_id'][:8]}".replace(
                "_", " "
            ),
            weight_g=weight or DEFAULT_G,
            length_mm=length,
            width_mm=width,
            height_mm=height,
            currency=CURRENCY,
        )
    return found


def _sellers(rows: Iterable[Row], places: _Places, notes: _Notes) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for number, row in rows:
        given = row["seller_zip_code_prefix"]
        prefix = given.zfill(5)
        if prefix != given:
            notes.mended(SELLERS, number, f"postcode prefix {given} lost its leading zero: read as {prefix}")
        position, known = places.find(prefix, row["seller_state"])
        if not known:
            notes.mended(SELLERS, number, f"postcode prefix {prefix} has no position: the state's is taken")
        address = _address(f"Seller {row['seller_id'][:8]}", prefix, row["seller_city"], row["seller_state"])
        found[row["seller_id"]] = _node(
            row["seller_id"], address.name, address, position, row["seller_state"]
        )
    return found


def _address(
    name: str, prefix: str, city: str, state: str, position: tuple[float, float] | None = None
) -> Address:
    # The source is anonymised: a prefix of the postcode is the finest it tells.
    return Address(
        name=name,
        line1=f"CEP {prefix}-000",
        city=city.title(),
        region=state,
        postcode=f"{prefix}-000",
        country="BR",
        latitude=position[0] if position else None,
        longitude=position[1] if position else None,
    )


def _buyers(
    rows: Iterable[Row], places: _Places, notes: _Notes
) -> dict[str, tuple[dict[str, object], Address]]:
    found: dict[str, tuple[dict[str, object], Address]] = {}
    for number, row in rows:
        prefix = row["customer_zip_code_prefix"].zfill(5)
        position, known = places.find(prefix, row["customer_state"])
        if not known:
            notes.mended(CUSTOMERS, number, f"postcode prefix {prefix} has no position: the state's is taken")
        person = row["customer_unique_id"]
        name = f"Customer {person[:8]}"
        buyer: dict[str, object] = {
            "name": name,
            "email": f"{_unlike_a_card(person)}@example.com",
            "notify": ["email"],
            "locale": "pt-BR",
        }
        found[row["customer_id"]] = (
            buyer,
            _address(name, prefix, row["customer_city"], row["customer_state"], position),
        )
    return found


def _unlike_a_card(hexadecimal: str) -> str:
    """Broken by letters: of so many hexadecimal ids some hold a run of digits that passes for a card's number."""
    return "x".join(hexadecimal[i : i + 8] for i in range(0, len(hexadecimal), 8))


# --- lines and money ------------------------------------------------------------------------------------------


def _units(
    rows: Iterable[Row], products: Mapping[str, Item], sellers: Mapping[str, Node], notes: _Notes
) -> dict[str, list[_Unit]]:
    found: dict[str, list[_Unit]] = defaultdict(list)
    for number, row in rows:
        price, freight = _cents(row["price"]), _cents(row["freight_value"])
        if row["product_id"] not in products:
            notes.out(ITEMS, number, f"no product {row['product_id']}")
        elif row["seller_id"] not in sellers:
            notes.out(ITEMS, number, f"no seller {row['seller_id']}")
        elif price is None or freight is None or price < 0 or freight < 0:
            notes.out(ITEMS, number, "price or freight is no amount")
        else:
            found[row["order_id"]].append(_Unit(number, row["product_id"], row["seller_id"], price, freight))
    return found


def _payments(rows: Iterable[Row], notes: _Notes) -> dict[str, list[TenderDraft]]:
    found: dict[str, list[tuple[int, TenderDraft]]] = defaultdict(list)
    for number, row in rows:
        amount = _cents(row["payment_value"])
        if amount is None or amount < 0:
            notes.out(PAYMENTS, number, "payment is no amount")
        elif amount == 0:
            notes.out(PAYMENTS, number, "payment of nothing")
        else:
            tender = TenderDraft(method=row["payment_type"], token="tok_ok", amount=amount)  # noqa: S106 - a sandbox's
            found[row["order_id"]].append((int(row["payment_sequential"]), tender))
    return {
        order: [tender for _, tender in sorted(tenders, key=lambda pair: pair[0])]
        for order, tenders in found.items()
    }


@dataclass(frozen=True, slots=True)
class _Priced:
    lines: tuple[LineDraft, ...]
    tenders: tuple[TenderDraft, ...]
    shipping: int
    adjustment: int
    flags: tuple[Mapping[str, object], ...]

    @classmethod
    def of(cls, units: Sequence[_Unit], tenders: Sequence[TenderDraft]) -> _Priced:
        paid = sum(tender.amount for tender in tenders)
        flags: list[Mapping[str, object]] = [] if tenders else [{"code": "no_payment"}]
        if not units:
            flags.append({"code": "no_items"})
            line = LineDraft(
                sku=UNLISTED, quantity=1, unit_price=paid, external_id="1", node_code=UNLISTED_NODE
            )
            return cls((line,), tuple(tenders), 0, 0, tuple(flags))
        shipping = sum(unit.freight for unit in units)
        difference = paid - sum(unit.price for unit in units) - shipping if tenders else 0
        # The source rounds instalments: a cent is no mismatch, but it is money all the same.
        if abs(difference) > 1:
            flags.append({"code": "payment_mismatch", "difference": difference})
        return cls(_lines(units), tuple(tenders), shipping, difference, tuple(flags))


def _lines(units: Sequence[_Unit]) -> tuple[LineDraft, ...]:
    alike: dict[tuple[str, str, int], int] = defaultdict(int)
    for unit in units:
        alike[unit.product, unit.seller, unit.price] += 1
    return tuple(
        LineDraft(sku=product, quantity=count, unit_price=price, external_id=str(position), node_code=seller)
        for position, ((product, seller, price), count) in enumerate(alike.items(), 1)
    )


def _draft(
    order_id: str,
    row: Mapping[str, str],
    placed_at: datetime,
    buyer: Mapping[str, object],
    ship_to: Address,
    priced: _Priced,
) -> OrderDraft:
    estimate = _moment(row["order_estimated_delivery_date"])
    return OrderDraft(
        channel=CHANNEL,
        external_id=order_id,
        placed_at=placed_at,
        decide_as_of=placed_at,
        currency=CURRENCY,
        buyer=buyer,
        ship_to=ship_to,
        lines=priced.lines,
        tenders=priced.tenders,
        shipping=priced.shipping,
        adjustment=priced.adjustment,
        flags=priced.flags,
        promise_at=_end_of_day(estimate) if estimate else None,
        tags=("olist",),
    )


def _needed(drafts: Sequence[OrderDraft]) -> dict[tuple[str, str], int]:
    needed: dict[tuple[str, str], int] = defaultdict(int)
    for draft in drafts:
        for line in draft.lines:
            needed[line.node_code or UNLISTED_NODE, line.sku] += line.quantity
    return needed


def _totals(
    drafts: Sequence[OrderDraft],
    units: Mapping[str, Sequence[_Unit]],
    payments: Mapping[str, Sequence[TenderDraft]],
) -> dict[str, int]:
    """The source's sums over the orders taken in, to hold ours against."""
    taken = {draft.external_id for draft in drafts}
    return {
        "orders": len(drafts),
        "price": sum(unit.price for order in taken & units.keys() for unit in units[order]),
        "freight": sum(unit.freight for order in taken & units.keys() for unit in units[order]),
        "payments": sum(tender.amount for order in taken & payments.keys() for tender in payments[order]),
        "mismatches": sum(flag["code"] == "payment_mismatch" for draft in drafts for flag in draft.flags),
    }


# --- fates ----------------------------------------------------------------------------------------------------


def _fate(number: int, row: Mapping[str, str], placed_at: datetime, notes: _Notes) -> Fate:
    if row["order_status"] in CANCELLED:
        if row["order_delivered_customer_date"]:
            notes.mended(ORDERS, number, f"{row['order_status']} yet delivered: taken as cancelled")
        return Fate(cancelled=row["order_status"])
    shipped = _moment(row["order_delivered_carrier_date"])
    delivered = _moment(row["order_delivered_customer_date"])
    if row["order_status"] == "delivered" and not (shipped and delivered):
        notes.mended(ORDERS, number, "delivered without a time: a plausible one is taken")
    shipped = shipped or (
        min(delivered, placed_at + timedelta(days=2)) if delivered else placed_at + timedelta(days=2)
    )
    if delivered and delivered < shipped:
        notes.mended(ORDERS, number, "delivered before the carrier had it: the handover is moved before")
        shipped = delivered - timedelta(hours=1)
    estimate = _moment(row["order_estimated_delivery_date"])
    in_time = (
        min(shipped + timedelta(days=5), _end_of_day(estimate)) if estimate else shipped + timedelta(days=5)
    )
    return Fate(shipped_at=shipped, delivered_at=delivered or max(in_time, shipped + timedelta(hours=1)))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SOURCE_TIME) if text else None
    except ValueError:
        return None


def _end_of_day(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(23, 59, 59), SOURCE_TIME)


def _cents(text: str) -> int | None:
    try:
        amount = Decimal(text) * 100
    except InvalidOperation:
        return None
    return int(amount) if amount == amount.to_integral_value() else None


def _whole(text: str) -> int:
    try:
        return int(Decimal(text or "0"))
    except InvalidOperation:
        return 0
