"""The papers of shipping: the 4 × 6 inch label as ZPL and PDF, and the manifest as PDF. Pure: values in, bytes out."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reportlab.graphics.barcode import code128
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from orderloom.shipping.model import NG, Manifest
from orderloom.shipping.zpl import Zpl
from orderloom.terms import Address

DOTS = 203
_WIDTH, _HEIGHT = 4 * DOTS, 6 * DOTS
_EAST_ASIAN = "STSong-Light"
VOID = "VOID - TEST LABEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFace:
    """All that stands on a label. test: it must never travel, and says so."""

    carrier: str
    service: str
    tracking_number: str
    sender: Address
    recipient: Address
    weight_g: int
    sequence: int
    of: int
    order_number: str
    ship_on: date
    purpose: str = "outbound"
    test: bool = False

    @classmethod
    def of_request(
        cls, request: Mapping[str, Any], *, carrier: str, service: str, tracking_number: str, test: bool
    ) -> LabelFace:
        """From a label's stored request and the names and number it was bought under."""
        return cls(
            carrier=carrier,
            service=service,
            tracking_number=tracking_number,
            sender=Address.of(request["sender"]),
            recipient=Address.of(request["recipient"]),
            weight_g=request["weight_g"],
            sequence=request["sequence"],
            of=request["of"],
            order_number=request["order_number"],
            ship_on=date.fromisoformat(request["ship_on"]),
            purpose=request["purpose"],
            test=test,
        )

    @property
    def weight(self) -> str:
        """As printed: pounds where the sender is in the US, else kilograms; rounded up to tenths."""
        if self.sender.country == "US":
            return f"{-(-self.weight_g * 10 * NG['g'] // NG['lb']) / 10:g} LB"
        return f"{-(-self.weight_g // 100) / 10:g} KG"


def address_lines(address: Address) -> list[str]:
    """An address as it is written on a parcel, empty lines left out."""
    town = " ".join(part for part in (address.city, address.region, address.postcode) if part)
    lines = [
        address.name,
        address.line1,
        address.line2,
        town,
        address.country if address.country != "US" else "",
    ]
    return [line for line in lines if line]


def _kind(face: LabelFace) -> str:
    return "RETURN" if face.purpose == "return" else "SHIP"


def label_zpl(face: LabelFace) -> str:
    """The label for a 203 dpi printer."""
    page = Zpl(width=_WIDTH, height=_HEIGHT)
    page.text(30, 30, 24, f"{_kind(face)} FROM")
    for i, line in enumerate(address_lines(face.sender)[:5]):
        page.text(30, 60 + 28 * i, 26, line[:34])
    page.text(560, 30, 28, face.ship_on.isoformat())
    page.text(560, 66, 34, face.weight)
    page.text(560, 106, 34, f"{face.sequence} of {face.of}")
    page.box(20, 215, _WIDTH - 40, 4)
    page.text(30, 240, 26, f"{_kind(face)} TO")
    for i, line in enumerate(address_lines(face.recipient)[:6]):
        page.text(70, 275 + 46 * i, 42, line[:34])
    page.box(20, 570, _WIDTH - 40, 100, thickness=100)
    page.text(40, 595, 54, f"{face.carrier} {face.service}".upper()[:26], white=True)
    module = barcode_module(face.tracking_number)
    page.code128(60, 720, 220, face.tracking_number, module=module)
    page.text(60, 955, 40, grouped(face.tracking_number))
    page.box(20, 1020, _WIDTH - 40, 4)
    page.text(30, 1050, 32, f"ORDER {face.order_number}"[:44])
    if face.test:
        page.text(120, 1120, 64, VOID)
    return page.render()


def barcode_module(number: str) -> int:
    """The widest bar, in dots, with which the number fits the label and its quiet zones."""
    # Two digits share a symbol; each change of subset costs one.
    digits = sum(sign.isdigit() for sign in number)
    symbols = digits // 2 + digits % 2 + (len(number) - digits) + 4
    modules = 11 * symbols + 13
    return 3 if modules * 3 <= _WIDTH - 120 else 2


def grouped(number: str) -> str:
    """A tracking number in groups of four, as people read it out."""
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))


def label_pdf(face: LabelFace) -> bytes:
    """The label as a 4 × 6 inch page."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(4 * inch, 6 * inch), invariant=1)
    canvas.setTitle(f"Label {face.tracking_number}")
    _text(canvas, 12, 415, 8, f"{_kind(face)} FROM")
    for i, line in enumerate(address_lines(face.sender)[:5]):
        _text(canvas, 12, 403 - 11 * i, 9, line[:40])
    for y, size, line in (
        (412, 10, face.ship_on.isoformat()),
        (396, 12, face.weight),
        (380, 12, f"{face.sequence} of {face.of}"),
    ):
        _text(canvas, 205, y, size, line)
    canvas.line(8, 348, 280, 348)
    _text(canvas, 12, 335, 8, f"{_kind(face)} TO")
    for i, line in enumerate(address_lines(face.recipient)[:6]):
        _text(canvas, 26, 316 - 17 * i, 14, line[:34])
    canvas.rect(8, 192, 272, 36, fill=1)
    canvas.setFillGray(1)
    _text(canvas, 16, 203, 18, f"{face.carrier} {face.service}".upper()[:24])
    canvas.setFillGray(0)
    # Wide bars scan best; how many there are decides how wide they may be.
    modules = code128.Code128(face.tracking_number, barWidth=1, quiet=0).width
    barcode = code128.Code128(face.tracking_number, barWidth=min(1.4, 250 / modules), barHeight=72)
    barcode.drawOn(canvas, (4 * inch - barcode.width) / 2, 102)
    _text(canvas, 20, 86, 13, grouped(face.tracking_number))
    canvas.line(8, 72, 280, 72)
    _text(canvas, 12, 54, 11, f"ORDER {face.order_number}"[:44])
    if face.test:
        canvas.setFillGray(0.6)
        canvas.translate(2 * inch, 282)
        canvas.rotate(30)
        canvas.setFont("Helvetica-Bold", 26)
        canvas.drawCentredString(0, 0, VOID)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def manifest_pdf(manifest: Manifest, *, sender: Address, carrier_name: str) -> bytes:
    """The manifest on letter pages, with its number as a barcode and a line for the driver's hand."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=LETTER, invariant=1)
    canvas.setTitle(f"Manifest {manifest.number}")
    rows = list(manifest.labels)
    pages = [rows[i : i + 40] for i in range(0, len(rows), 40)] or [[]]
    for n, page in enumerate(pages, 1):
        _manifest_head(canvas, manifest, sender, carrier_name, f"page {n} of {len(pages)}")
        _table(canvas, 620, ["Tracking number", "Service", "Order", "Grams", "To"], bold=True)
        for i, row in enumerate(page):
            cells = [row.tracking_number, row.service, row.order_number, str(row.weight_g)]
            _table(canvas, 604 - 13 * i, [*cells, f"{row.country} {row.postcode}"])
        if n == len(pages):
            weight = sum(row.weight_g for row in rows)
            _text(canvas, 50, 62, 10, f"{len(rows)} parcels, {weight / 1000:.3f} kg")
            _text(canvas, 50, 40, 10, "Received by ______________________   Date and time ______________")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _manifest_head(canvas: Canvas, manifest: Manifest, sender: Address, carrier_name: str, page: str) -> None:
    _text(canvas, 50, 745, 18, f"Manifest {manifest.number}")
    _text(canvas, 50, 725, 11, f"{carrier_name}, {manifest.ship_date.isoformat()}, {page}")
    for i, line in enumerate(address_lines(sender)[:5]):
        _text(canvas, 50, 705 - 12 * i, 9, line)
    code128.Code128(manifest.number, barWidth=1.1, barHeight=40).drawOn(canvas, 360, 705)


def _table(canvas: Canvas, y: int, cells: Sequence[str], *, bold: bool = False) -> None:
    for x, cell in zip((50, 210, 300, 400, 460), cells, strict=True):
        _text(canvas, x, y, 9, cell, bold=bold)


def _text(canvas: Canvas, x: float, y: float, size: float, words: str, *, bold: bool = False) -> None:
    """In Helvetica as far as it has the signs, which is Western Europe; else in a font every reader has for more."""
    plain = _western(words)
    if plain is None:
        if _EAST_ASIAN not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(UnicodeCIDFont(_EAST_ASIAN))
        canvas.setFont(_EAST_ASIAN, size)
    else:
        canvas.setFont("Helvetica-Bold" if bold else "Helvetica", size)
    canvas.drawString(x, y, words if plain is None else plain)


def _western(words: str) -> str | None:
    """The words in signs Helvetica has, marks dropped where a letter has none with it; None when that is not enough."""
    signs = []
    for sign in words:
        for candidate in (sign, unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()):
            if candidate and _in_cp1252(candidate):
                signs.append(candidate)
                break
        else:
            if not unicodedata.combining(sign) and sign.isprintable():
                return None
    return "".join(signs)


def _in_cp1252(sign: str) -> bool:
    try:
        sign.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return sign.isprintable()
