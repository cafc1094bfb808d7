"""The words of the wire: typed ids, money, measures, texts, pages. Inputs refuse unknown fields, numbers are integers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from orderloom import terms
from orderloom.api.problems import wrong

AMOUNT_MOST = 10**13
COUNT_MOST = 1_000_000
PAGE_MOST = 200


class In(BaseModel):
    """What a client sends: every field is known, or the request is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """What a client gets. Lists of values are open: accept values you do not know."""

    model_config = ConfigDict(frozen=True)


class Versioned(Out):
    """An object with a version, which is also its ETag."""

    version: int = Field(description="Grows by exactly 1 per change; the ETag of the object")


def some(found: Any, model: type[BaseModel]) -> dict[str, Any]:
    """What a row or a value has of what the model tells."""
    if hasattr(found, "keys"):
        return {name: found[name] for name in model.model_fields if name in found.keys()}  # noqa: SIM118 - a Record
    return {name: getattr(found, name) for name in model.model_fields if hasattr(found, name)}


# --- ids ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WireId:
    """A UUID that travels with its typed prefix; another prefix is refused with the one expected."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._write, return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        prefix = terms.ID_PREFIXES[self.kind]
        return {
            "type": "string",
            "pattern": f"^{prefix}_[0-9a-f]{{32}}$",
            "examples": [f"{prefix}_0193b2f0a1c27d3e8f4a5b6c7d8e9f00"],
        }

    def _read(self, value: Any) -> UUID:
        if isinstance(value, UUID):
            return value
        try:
            return terms.unwire(self.kind, value if isinstance(value, str) else "")
        except terms.WrongId as fault:
            raise PydanticCustomError("wrong_id", "{why}", {"why": str(fault)}) from None

    def _write(self, value: UUID) -> str:
        return terms.wire(self.kind, value)


OrderId = Annotated[UUID, WireId("order")]
LineId = Annotated[UUID, WireId("line")]
SliceId = Annotated[UUID, WireId("slice")]
FulfillmentId = Annotated[UUID, WireId("fulfillment")]
ShipmentId = Annotated[UUID, WireId("shipment")]
LabelId = Annotated[UUID, WireId("label")]
PackageId = Annotated[UUID, WireId("package")]
CountId = Annotated[UUID, WireId("count")]
PaymentId = Annotated[UUID, WireId("payment")]
TransactionId = Annotated[UUID, WireId("transaction")]
RefundId = Annotated[UUID, WireId("refund")]
ReturnId = Annotated[UUID, WireId("return")]
ReturnLineId = Annotated[UUID, WireId("return_line")]
HoldId = Annotated[UUID, WireId("hold")]
ExceptionId = Annotated[UUID, WireId("exception")]
SupplyId = Annotated[UUID, WireId("supply")]
NodeId = Annotated[UUID, WireId("node")]
ChannelId = Annotated[UUID, WireId("channel")]
ItemId = Annotated[UUID, WireId("item")]
DecisionId = Annotated[UUID, WireId("decision")]
SourcingProfileId = Annotated[UUID, WireId("sourcing_profile")]
TrialId = Annotated[UUID, WireId("trial")]
BatchId = Annotated[UUID, WireId("batch")]
ManifestId = Annotated[UUID, WireId("manifest")]
WaveId = Annotated[UUID, WireId("wave")]
EventId = Annotated[UUID, WireId("event")]
WebhookId = Annotated[UUID, WireId("webhook")]
DeliveryId = Annotated[UUID, WireId("delivery")]
ReservationId = Annotated[UUID, WireId("reservation")]
SafetyRuleId = Annotated[UUID, WireId("safety_rule")]
PackRulesId = Annotated[UUID, WireId("pack_rules")]
KeyId = Annotated[UUID, WireId("key")]
JobId = Annotated[UUID, WireId("job")]


@dataclass(frozen=True, slots=True)
class RawOf:
    """Documented as that model but taken as it comes, to be judged one by one."""

    model: type[BaseModel]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(self.model.__pydantic_core_schema__)


# --- texts and numbers ----------------------------------------------------------------------------------------

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DIGITS = re.compile(r"(?:\d[ -]?){12,18}\d")
_CARD_LEAST = 13


def printable(text: str) -> str:
    """A text without control characters and lone surrogates."""
    # Nearly every text is printable to Python too, which tells so in a tenth of the time.
    if not text.isprintable() and _CONTROL.search(text):
        raise PydanticCustomError("control_character", "contains a control character or a broken one")
    return text


def clean(text: str) -> str:
    """Free text: printable, and without a card's number, for we never take card data."""
    printable(text)
    if len(text) >= _CARD_LEAST and any(_luhn(found) for found in _DIGITS.findall(text)):
        raise PydanticCustomError("card_number", "looks like a card number: send the gateway's token instead")
    return text


def _luhn(found: str) -> bool:
    digits = [int(c) for c in found if c.isdigit()]
    doubled = [d * 2 - 9 * (d > 4) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def plain(value: Any) -> Any:
    """Somebody else's JSON, if a database can keep it: printable texts, finite numbers."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        raise PydanticCustomError("finite_number", "numbers are finite")
    return value


PlainJson = Annotated[dict[str, Any], AfterValidator(plain)]
Text = Annotated[str, StringConstraints(strict=True, max_length=500), AfterValidator(clean)]
Reason = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=500), AfterValidator(clean)]
# Codes and other people's ids are no free text: a marketplace's order number may well pass for a card's.
Code = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100), AfterValidator(printable)]
ExternalId = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=200), AfterValidator(printable)
]
Currency = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{3}$"), Field(examples=["USD"])]
Amount = Annotated[int, Field(strict=True, ge=0, le=AMOUNT_MOST, description="Integer minor units")]
Signed = Annotated[
    int, Field(strict=True, ge=-AMOUNT_MOST, le=AMOUNT_MOST, description="Integer minor units")
]
Count = Annotated[int, Field(strict=True, ge=1, le=COUNT_MOST)]
Whole = Annotated[int, Field(strict=True, ge=0, le=COUNT_MOST)]
Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


def _in_range(moment: datetime) -> datetime:
    # What PostgreSQL, time zones and a year's arithmetic can hold.
    if not 1970 <= moment.year <= 9000:
        raise PydanticCustomError("out_of_range", "must lie between the years 1970 and 9000")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]


class Money(In):
    """An amount of one currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": 1999, "currency": "USD"}]})
    amount: Signed
    currency: Currency

    @staticmethod
    def of(amount: int, currency: str) -> Money:
        return Money.model_construct(amount=amount, currency=currency)


class Price(Money):
    """An amount of nought or more."""

    amount: Amount


class _Measure(In):
    value: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Weight(_Measure):
    """A weight as it was given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"value": 12.5, "unit": "oz"}]})
    unit: Literal["g", "kg", "oz", "lb"]

    def grams(self) -> int:
        return terms.Measure(self.value, self.unit).grams()


class Length(_Measure):
    """A length as it was given."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"value": 12, "unit": "in"}]})
    unit: Literal["mm", "cm", "in"]

    def millimetres(self) -> int:
        return terms.Measure(self.value, self.unit).millimetres()

    def room(self) -> int:
        return terms.Measure(self.value, self.unit).room()


class Size(In):
    """Three edges; height is the one that points up."""

    length: Length
    width: Length
    height: Length

    def millimetres(self) -> tuple[int, int, int]:
        return self.length.millimetres(), self.width.millimetres(), self.height.millimetres()

    def room(self) -> tuple[int, int, int]:
        return self.length.room(), self.width.room(), self.height.room()


ADDRESS_EXAMPLE: dict[str, Any] = {
    "name": "Ada Buyer",
    "line1": "500 Main St",
    "city": "Columbus",
    "region": "OH",
    "postcode": "43215",
    "country": "US",
}


class AddressIn(In):
    """A postal address."""

    model_config = ConfigDict(json_schema_extra={"examples": [ADDRESS_EXAMPLE]})
    name: Text = ""
    line1: Text
    line2: Text = ""
    city: Text
    region: Text = ""
    postcode: Annotated[str, StringConstraints(strict=True, max_length=20), AfterValidator(clean)] = ""
    country: Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}$")] = "US"
    phone: Annotated[str, StringConstraints(strict=True, max_length=40)] = ""
    residential: Annotated[bool, Field(strict=True)] = True
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None

    def address(self) -> terms.Address:
        return terms.Address(**vars(self))


class AddressOut(Out):
    """A postal address."""

    name: str = ""
    line1: str = ""
    line2: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    phone: str = ""
    residential: bool = True
    latitude: float | None = None
    longitude: float | None = None

    @classmethod
    def of(cls, address: terms.Address) -> Self:
        return cls(**address.json())


# --- pages ----------------------------------------------------------------------------------------------------

T = TypeVar("T")


class Page(Out, Generic[T]):
    """A part of a list. `after` leads to the next part; null is the end."""

    data: list[T]
    after: str | None = Field(description="Give it as `after` to read on; null at the end")


Limit = Annotated[int, Query(ge=1, le=PAGE_MOST, description="How many at most")]


def page_of(found: Sequence[T], limit: int, key: Callable[[T], str]) -> Page[T]:
    """A page of what was read with one more than `limit`, which tells whether there is a next."""
    data = list(found[:limit])
    return Page(data=data, after=key(data[-1]) if len(found) > limit else None)


def cursor(*keys: Any) -> str:
    """An opaque place in a list: the sort keys of its last row."""
    text = json.dumps(keys, default=_plain, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(after: str | None, *kinds: type) -> Sequence[Any] | None:
    """The sort keys in a cursor, each of its kind. Raises Problem for one that is none of ours."""
    if after is None:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        return [_back(kind, value) for kind, value in zip(kinds, found, strict=True)]
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise wrong(
            "/after", "wrong_cursor", "use the `after` of the page before as it stands", place="query"
        ) from None


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _back(kind: type, value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if kind is UUID:
        return UUID(value)
    if kind is int and type(value) is int and -(2**63) <= value < 2**63:
        return value
    if kind is str and type(value) is str and not _CONTROL.search(value):
        return value
    raise ValueError(value)
