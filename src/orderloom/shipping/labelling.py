"""Labels bought once: intents written, carriers called, answers recorded.

`prepare_labels` and `record_labels` run in two transactions; `perform` runs between them with none open. A label's
reference is derived from its package (or return) and attempt, so every repetition asks for the same label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal
from uuid import UUID

from orderloom.plumbing import events
from orderloom.plumbing.database import Db
from orderloom.plumbing.events import News
from orderloom.shipping.carriers import LabelOrder
from orderloom.shipping.contracts import ContractBook, contract_book
from orderloom.shipping.model import (
    Bought,
    CarrierAnswer,
    CarrierCall,
    Labelled,
    LabelOutcome,
    LabelRequest,
    PackageToShip,
    Parcel,
    Place,
    Quote,
    Refused,
    Selection,
    Voided,
)
from orderloom.shipping.quota import Quota, looks_back
from orderloom.shipping.select import quote, quote_all, select
from orderloom.shipping.store import contracts as contract_store
from orderloom.shipping.store import labels as store
from orderloom.shipping.store.labels import LabelRow
from orderloom.shipping.tariff import Tariff
from orderloom.terms import new_id

_LIVE = frozenset(store.LIVE)


async def prepare_labels(db: Db, *, requests: Sequence[LabelRequest]) -> list[CarrierCall]:
    """Write the intents; returns one call for each package without a bought label.

    Packages that already bear one are passed over. A call whose label was asked for before is `unsure`. Packages
    that no service carries yield one call with a `problem`, which `perform` answers with Refused.
    """
    ids = [package.package_id for request in requests for package in request.packages if package.package_id]
    returns = [request.return_id for request in requests if request.return_id]
    latest = await store.latest_labels(db, packages=ids, returns=returns)
    book = await contract_book(db)
    adapters = {code: row.adapter for code, row in (await contract_store.carriers(db)).items()}
    calls: list[CarrierCall] = []
    chosen: list[tuple[LabelRequest, Quote, Selection]] = []
    quotas: dict[date, Quota | None] = {}
    for request in requests:
        present = [
            label for label in (latest.get(_key(request, p)) for p in request.packages) if label is not None
        ]
        live = [label for label in present if label.status in _LIVE]
        calls += [
            _call(label, adapters[label.carrier], "buy", unsure=True)
            for label in live
            if label.status in ("requested", "unknown")
        ]
        if len(live) == len(request.packages):
            continue
        quota = await _quota(db, request, book, quotas)
        selection = _choose(request, book, bound=live, quota=quota)
        if selection.chosen is not None and quota is not None:
            quota.take(selection.chosen.carrier, selection.chosen.service)
        if selection.chosen is None:
            calls.append(_nothing(request.subject, _why_none(selection)))
        else:
            chosen.append((request, selection.chosen, selection))
    await store.mark_unknown(db, [call.label_id for call in calls if call.label_id])
    calls += await _open(db, chosen, latest, adapters)
    return calls


def _key(request: LabelRequest, package: PackageToShip) -> UUID:
    return package.package_id or request.subject


async def _quota(
    db: Db, request: LabelRequest, book: ContractBook, quotas: dict[date, Quota | None]
) -> Quota | None:
    """What the carriers may still take on the request's day, read once a day."""
    day = request.ship_on
    if day not in quotas:
        quotas[day] = await quota_on(db, contracts=book.at(request.as_of), day=day)
    return quotas[day]


async def quota_on(db: Db, *, contracts: Sequence[Tariff], day: date) -> Quota | None:
    """What carriers may still take on a day; nothing is read where no contract limits or commits anything."""
    if not looks_back(contracts):
        return None
    return Quota(contracts, day=day, made=await made_since(db, contracts=contracts, day=day))


async def made_since(db: Db, *, contracts: Sequence[Tariff], day: date) -> Counter[tuple[str, str, date]]:
    """Shipments with a label, by carrier, service and day, of all the days that limits and commitments look back on."""
    since = day - timedelta(days=looks_back(contracts) - 1)
    return Counter(await store.made_by_day(db, carriers=[one.carrier for one in contracts], since=since))


def _choose(
    request: LabelRequest, book: ContractBook, *, bound: Sequence[LabelRow], quota: Quota | None
) -> Selection:
    """Keep what was routed, or what the shipment's other labels bear, unless it does not carry these packages."""
    tariffs = book.at(request.as_of)
    parcels = [_parcel(package) for package in request.packages]
    origin, destination = Place.of(request.sender), Place.of(request.recipient)
    carrier, service = request.carrier, request.service
    if bound:
        carrier, service = bound[0].carrier, bound[0].service
    kept = next((one for one in tariffs if one.carrier == carrier), None)
    refusals = []
    if kept is not None and service is not None:
        answer = quote(
            contract=kept,
            service=service,
            parcels=parcels,
            origin=origin,
            destination=destination,
            ship_on=request.ship_on,
        )
        if isinstance(answer, Quote):
            late = request.promise_at is not None and answer.arrives_on > request.promise_at.date()
            return Selection(answer, None, (), late)
        refusals.append(answer)
    others = [
        answer
        for answer in quote_all(
            contracts=tariffs,
            parcels=parcels,
            origin=origin,
            destination=destination,
            ship_on=request.ship_on,
        )
        if (answer.carrier, answer.service) != (carrier, service)
    ]
    return select(quotes=[*refusals, *others], promise_at=request.promise_at, quota=quota)


def _parcel(package: PackageToShip) -> Parcel:
    if package.given is not None:
        length, width, height, weight = package.given
        return Parcel.given(length=length, width=width, height=height, weight=weight, hazmat=package.hazmat)
    return Parcel.of(dimensions=package.dimensions, weight_g=package.weight_g, hazmat=package.hazmat)


def _why_none(selection: Selection) -> str:
    if not selection.rejected:
        return "no carrier's contract is in force"
    told = [f"{one.carrier} {one.service}: {', '.join(one.reasons)}" for one in selection.rejected]
    return "no service carries it: " + "; ".join(told[:6])


async def _open(
    db: Db,
    chosen: Sequence[tuple[LabelRequest, Quote, Selection]],
    latest: Mapping[UUID, LabelRow],
    adapters: Mapping[str, str],
) -> list[CarrierCall]:
    """Open the shipments and write the labels wanted."""
    shipments = await store.upsert_shipments(
        db,
        [
            {
                "order_id": request.order_id,
                "fulfillment_id": request.fulfillment_id,
                "node_id": request.node_id,
                "carrier": picked.carrier,
                "service": picked.service,
                "selection": selection.json(),
                "currency": picked.currency,
                "promise_at": request.promise_at,
            }
            for request, picked, selection in chosen
            if request.return_id is None
        ],
    )
    rows = [row for request, picked, _ in chosen for row in _intents(request, picked, latest, shipments)]
    await store.insert_labels(db, rows)
    return [
        CarrierCall(
            subject=row["subject"],
            provider=row["carrier"],
            verb="buy",
            label_id=row["id"],
            reference=row["reference"],
            adapter=adapters[row["carrier"]],
            unsure=False,
            request=row["request"],
        )
        for row in rows
    ]


def _intents(
    request: LabelRequest, picked: Quote, latest: Mapping[UUID, LabelRow], shipments: Mapping[UUID, UUID]
) -> Iterable[dict[str, Any]]:
    """The rows of one subject's labels that are still wanted."""
    purpose: Literal["outbound", "return"] = "return" if request.return_id else "outbound"
    for package, rated in zip(request.packages, picked.rates, strict=True):
        key = _key(request, package)
        before = latest.get(key)
        if before is not None and before.status in _LIVE:
            continue
        attempt = before.attempt + 1 if before else 1
        order = LabelOrder(
            reference=f"{key.hex}-{attempt}",
            carrier=picked.carrier,
            service=picked.service,
            sender=request.sender,
            recipient=request.recipient,
            length_mm=package.dimensions.length,
            width_mm=package.dimensions.width,
            height_mm=package.dimensions.height,
            # The least a scale shows: an item entered without a weight still makes a parcel.
            weight_g=max(1, package.weight_g),
            sequence=package.sequence,
            of=len(request.packages),
            order_number=request.order_number,
            ship_on=request.ship_on,
            cost=rated.total,
            currency=rated.currency,
            purpose=purpose,
            hazmat=package.hazmat,
            given=package.given,
        )
        yield {
            "id": new_id(),
            "subject": request.subject,
            "purpose": purpose,
            "order_id": request.order_id,
            "shipment_id": shipments[request.fulfillment_id]
            if request.fulfillment_id and not request.return_id
            else None,
            "package_id": package.package_id if purpose == "outbound" else None,
            "return_id": request.return_id,
            "attempt": attempt,
            "reference": order.reference,
            "carrier": picked.carrier,
            "service": picked.service,
            "request": order.json(),
        }


def _call(label: LabelRow, adapter: str, verb: Literal["buy", "void"], *, unsure: bool) -> CarrierCall:
    return CarrierCall(
        subject=label.subject,
        provider=label.carrier,
        verb=verb,
        label_id=label.id,
        reference=label.reference,
        adapter=adapter,
        unsure=unsure,
        request=label.request,
    )


def _nothing(subject: UUID, problem: str) -> CarrierCall:
    return CarrierCall(
        subject=subject,
        provider="",
        verb="none",
        label_id=None,
        reference="",
        adapter="",
        unsure=False,
        problem=problem,
    )


async def record_labels(
    db: Db, *, subjects: Sequence[UUID], answers: Sequence[tuple[CarrierCall, CarrierAnswer]]
) -> dict[UUID, LabelOutcome]:
    """Keep what the carriers answered. Every subject that is settled has an outcome: all its packages labelled, or
    a refusal of one of them; one with a call whose answer is still unknown has none.
    """
    bought = [(call, answer) for call, answer in answers if isinstance(answer, Bought) and call.label_id]
    fresh = await store.mark_purchased(
        db,
        [
            (call.label_id, one.tracking_number, one.provider_ref, one.cost, one.currency)
            for call, one in bought
            if call.label_id
        ],
    )
    outcomes: dict[UUID, LabelOutcome] = {}
    failed: list[tuple[UUID, str]] = []
    voided: list[UUID] = []
    for call, answer in answers:
        match answer:
            case Refused():
                outcomes.setdefault(call.subject, answer)
                if call.label_id:
                    failed.append((call.label_id, answer.problem))
            case Voided():
                outcomes.setdefault(
                    call.subject, Refused("the label was voided at the carrier", code="voided")
                )
                if call.label_id:
                    voided.append(call.label_id)
            case Bought():
                pass
    await store.mark_failed(db, failed)
    await _tell_purchased(db, fresh)
    await tell_voided(db, voided)
    await store.sum_costs(db, [label.shipment_id for label in fresh if label.shipment_id])
    open_ = [subject for subject in subjects if subject not in outcomes]
    return outcomes | _labelled(await store.live_labels(db, subjects=open_))


def _in_order(label: LabelRow) -> tuple[UUID, int]:
    """Packages in the order they were packed in, as "1 of 2" says."""
    return label.subject, label.request["sequence"]


def _labelled(labels: Iterable[LabelRow]) -> dict[UUID, LabelOutcome]:
    by_subject: dict[UUID, list[LabelRow]] = {}
    for label in sorted(labels, key=_in_order):
        by_subject.setdefault(label.subject, []).append(label)
    return {
        subject: Labelled(
            carrier=of[0].carrier,
            service=of[0].service,
            tracking_numbers=tuple(label.tracking_number or "" for label in of),
            cost=sum(label.cost or 0 for label in of),
            currency=of[0].currency or "",
        )
        for subject, of in by_subject.items()
        if all(label.status in ("purchased", "used") for label in of)
    }


async def _tell_purchased(db: Db, labels: Sequence[LabelRow]) -> None:
    await events.append(db, [_news("label.purchased", label) for label in sorted(labels, key=_in_order)])


async def tell_voided(db: Db, label_ids: Sequence[UUID]) -> None:
    """Void our rows of these labels and say so."""
    gone = await store.mark_voided(db, label_ids)
    await events.append(db, [_news("label.voided", label) for label in gone])
    await store.sum_costs(db, [label.shipment_id for label in gone if label.shipment_id])


def _news(type_: str, label: LabelRow) -> News:
    return News(
        type=type_,
        entity="label",
        entity_id=label.id,
        order_id=label.order_id,
        node_id=label.node_id,
        version=label.version,
        data={
            "purpose": label.purpose,
            "subject": label.subject.hex,
            "carrier": label.carrier,
            "service": label.service,
            "tracking_number": label.tracking_number,
            "reference": label.reference,
            "package": label.package_id.hex if label.package_id else None,
            "cost": label.cost,
            "currency": label.currency,
        },
    )
