"""A writer of ZPL II, the text that label printers print. Positions are in dots; text is UTF-8."""

from __future__ import annotations


class Zpl:
    """One label. Fields are escaped, so that no address can speak to the printer."""

    def __init__(self, *, width: int, height: int) -> None:
        # ^CI28: UTF-8. ^LH0,0: no printer's own offset shifts the label.
        self._parts = ["^XA", "^CI28", f"^PW{width}", f"^LL{height}", "^LH0,0"]

    def text(self, x: int, y: int, size: int, words: str, *, white: bool = False) -> None:
        """One line. `white` prints it out of a black box beneath."""
        reverse = "^FR" if white else ""
        self._parts.append(f"^FO{x},{y}{reverse}^A0N,{size},{size}{_data(words)}")

    def box(self, x: int, y: int, width: int, height: int, *, thickness: int = 3) -> None:
        """A frame; as thick as high it is a black bar."""
        self._parts.append(f"^FO{x},{y}^GB{width},{height},{thickness}^FS")

    def code128(self, x: int, y: int, height: int, data: str, *, module: int) -> None:
        """A Code 128 barcode, its subsets chosen by the printer, without text of its own."""
        self._parts.append(f"^FO{x},{y}^BY{module},3,{height}^BCN,{height},N,N,N,A{_data(data)}")

    def render(self) -> str:
        """The whole label."""
        return "\n".join([*self._parts, "^XZ", ""])


def _data(words: str) -> str:
    """Field data with its command signs as hex and without what cannot be printed."""
    printable = "".join(sign for sign in words if sign.isprintable())
    escaped = printable.replace("_", "_5F").replace("^", "_5E").replace("~", "_7E")
    return f"^FH_^FD{escaped}^FS"
