"""What is said and asked of supply: the inputs and answers of `supplies`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from orderloom.api.lots import LotIn
from orderloom.api.wire import (
    Code,
    Count,
    ExternalId,
    In,
    Moment,
    Out,
    Reason,
    SupplyId,
    Version,
    Versioned,
    Whole,
)
from orderloom.plumbing.database import Row

LINES_MOST = 500


class OfIn(In):
    """The purchase order's line whose open units a notice takes over."""

    purchase_order: ExternalId
    line: Annotated[int, Field(strict=True, ge=1, le=LINES_MOST)]


class ExpectedLineIn(In):
    """Units of an item that are to come."""

    sku: Code
    quantity: Count
    due_at: Moment | None = Field(default=None, description="When it differs from the whole")
    of: OfIn | None = Field(default=None, description="Ship notices: which order's units these are")


class SupplyIn(In):
    """A purchase order, or a supplier's notice of what it has shipped."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "purchase_order",
                    "reference": "PO-4711",
                    "node": "EAST",
                    "due_at": "2026-12-01T12:00:00Z",
                    "lines": [{"sku": "MUG-BLUE", "quantity": 200}],
                },
                {
                    "kind": "ship_notice",
                    "reference": "ASN-88",
                    "node": "EAST",
                    "due_at": "2026-11-28T12:00:00Z",
                    "lines": [
                        {"sku": "MUG-BLUE", "quantity": 120, "of": {"purchase_order": "PO-4711", "line": 1}}
                    ],
                },
            ]
        }
    )
    kind: Literal["purchase_order", "ship_notice"]
    reference: ExternalId
    node: Code
    due_at: Moment
    lines: Annotated[list[ExpectedLineIn], Field(min_length=1, max_length=LINES_MOST)]


class ShippedLineIn(In):
    """Units of an item that leave."""

    sku: Code
    quantity: Count


class ShipmentIn(In):
    """A transfer that leaves its node now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "from_node": "EAST",
                    "to_node": "WEST",
                    "due_at": "2026-11-26T12:00:00Z",
                    "lines": [{"sku": "MUG-BLUE", "quantity": 20}],
                    "reason": "rebalance",
                }
            ]
        }
    )
    reference: ExternalId | None = None
    from_node: Code
    to_node: Code
    due_at: Moment
    lines: Annotated[list[ShippedLineIn], Field(min_length=1, max_length=LINES_MOST)]
    reason: Reason


class ChangedLineIn(In):
    """Another quantity or date of a line."""

    line: Annotated[int, Field(strict=True, ge=1, le=LINES_MOST)]
    quantity: Count | None = None
    due_at: Moment | None = None


class SupplyChangeIn(In):
    """What is different now. A date for the whole is one for every line not named."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"due_at": "2026-12-08T12:00:00Z", "reason": "vessel delayed"}]}
    )
    due_at: Moment | None = None
    lines: Annotated[list[ChangedLineIn], Field(max_length=LINES_MOST)] = Field(default_factory=list)
    reason: Reason
    expected_version: Version | None = None


class ArrivedLineIn(In):
    """What has come of a line. Damaged ones and those for quality control are part of `received`."""

    line: Annotated[int, Field(strict=True, ge=1, le=LINES_MOST)] | None = None
    sku: Code | None = Field(default=None, description="Instead of the line, where only one has it")
    received: Whole = 0
    damaged: Whole = 0
    quality_control: Whole = 0
    lost: Whole = Field(default=0, description="Known never to come")
    lots: Annotated[list[LotIn], Field(max_length=LINES_MOST)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.line is None) == (self.sku is None):
            raise ValueError("name the line, or its SKU")
        return self


class ReceiptIn(In):
    """What has arrived, at once or in parts. More than was ordered is taken, and said."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"lines": [{"line": 1, "received": 118, "damaged": 3}], "complete": True}]
        }
    )
    lines: Annotated[list[ArrivedLineIn], Field(min_length=1, max_length=LINES_MOST)]
    complete: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Nothing more of it will come: what is open is given up"
    )
    reason: Reason | None = None


class SupplyEndIn(In):
    """Why nothing more of it comes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the supplier cannot deliver"}]})
    reason: Reason


class SupplyLineOut(Out):
    """A line of supply."""

    line: int
    sku: str
    expected: int
    received: int
    lost: int
    open: int = Field(description="Still to come, what ship notices bring left out")
    announced: int = Field(description="Still to come with ship notices that took units over")
    over: int = Field(description="Came beyond what was expected, notices included")
    due_at: AwareDatetime
    purchase_order: str | None
    purchase_order_line: int | None


class SupplyOut(Versioned):
    """A purchase order, a ship notice or a transfer."""

    id: SupplyId
    kind: str = Field(description="Open list: accept kinds you do not know")
    reference: str
    node: str
    from_node: str | None
    state: str = Field(description="Open list: open, closed, cancelled")
    due_at: AwareDatetime
    lines: list[SupplyLineOut]
    created_at: AwareDatetime
    updated_at: AwareDatetime

    @classmethod
    def of(cls, row: Row) -> Self:
        plain: dict[str, Any] = dict(row)
        lines = [SupplyLineOut(**{"line": line.pop("position"), **line}) for line in plain.pop("lines")]
        return cls(**{**plain, "from_node": plain["from_code"], "lines": lines})


class PromisableOut(Out):
    """From this moment on so many units in all may be promised."""

    at: AwareDatetime
    units: int


class ComingOut(Out):
    """Units on their way that nobody has a claim on yet."""

    at: AwareDatetime
    units: int
    node: str
    kind: str
    reference: str


class OutlookOut(Out):
    """What of an item may be promised by when. A unit promised for one date is not counted for another."""

    sku: str
    available: int = Field(description="Free now at the nodes looked at, safety stock left alone")
    waiting: int = Field(description="Units of orders that wait for stock")
    promisable: list[PromisableOut]
    coming: list[ComingOut]


class OutlooksOut(Out):
    """The outlook of each item asked for."""

    items: list[OutlookOut]
    unknown: list[str] = Field(description="What was asked for and is no item")
