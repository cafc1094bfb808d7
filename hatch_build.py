"""Build hook: copy the few files of others that the console serves out of ``node_modules/`` into the package.

They are never committed. A git checkout gets them by ``npm ci --ignore-scripts``; an sdist carries the copies, so building a wheel
from it needs no Node. Two files are made rather than copied: the sprite of icons, and the map of the United States, which is
decoded from TopoJSON to SVG paths here so that no browser has to.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import accumulate
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COPIED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "hx-sse.min.js": "htmx.org/dist/ext/hx-sse.min.js",
    "hx-preload.min.js": "htmx.org/dist/ext/hx-preload.min.js",
    "hx-csp.min.js": "htmx.org/dist/ext/hx-csp.min.js",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
}
"""File in the package → its source in node_modules."""

ICONS = (
    "activity", "arrow-right", "ban", "bell", "box", "boxes", "calendar", "check", "chevron-down", "chevron-left",
    "chevron-right", "circle-alert", "circle-check", "circle-dot", "circle-x", "clipboard-list", "clock", "copy",
    "credit-card", "dollar-sign", "external-link", "eye", "file-text", "funnel", "gauge", "hand", "history", "house",
    "info", "key", "layers", "list", "log-out", "mail", "map", "map-pin", "moon", "package", "package-check",
    "package-open", "pause", "play", "plug", "printer", "refresh-cw", "rotate-ccw", "route", "scale", "scan-barcode",
    "search", "settings", "shield-check", "shopping-cart", "skip-forward", "split", "store", "sun", "tag",
    "triangle-alert", "truck", "undo-2", "user", "users", "warehouse", "webhook", "x", "zap",
)  # fmt: skip

PACKAGES = ("htmx.org", "uplot", "us-atlas", "lucide-static")
MAP = "us-states.svg"
SPRITE = "icons.svg"
NOTICE = "THIRD_PARTY.md"
VENDOR = Path("src/orderloom/console/static/vendor")

POSTAL = {
    "01": "AL", "02": "AK", "04": "AZ", "05": "AR", "06": "CA", "08": "CO", "09": "CT", "10": "DE", "11": "DC",
    "12": "FL", "13": "GA", "15": "HI", "16": "ID", "17": "IL", "18": "IN", "19": "IA", "20": "KS", "21": "KY",
    "22": "LA", "23": "ME", "24": "MD", "25": "MA", "26": "MI", "27": "MN", "28": "MS", "29": "MO", "30": "MT",
    "31": "NE", "32": "NV", "33": "NH", "34": "NJ", "35": "NM", "36": "NY", "37": "NC", "38": "ND", "39": "OH",
    "40": "OK", "41": "OR", "42": "PA", "44": "RI", "45": "SC", "46": "SD", "47": "TN", "48": "TX", "49": "UT",
    "50": "VT", "51": "VA", "53": "WA", "54": "WV", "55": "WI", "56": "WY",
}  # fmt: skip
"""The atlas names states by FIPS number; we say them as addresses do."""


class VendoredAssets(BuildHookInterface[Any]):
    """Runs for sdist, wheel and editable installs alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        root = Path(self.root)
        modules, target = root / "node_modules", root / VENDOR
        if all((modules / package).is_dir() for package in PACKAGES):
            write_assets(modules, target)
        elif not all((target / name).is_file() for name in (*COPIED, MAP, SPRITE, NOTICE)):
            message = (
                "The console's assets are missing: run `npm ci --ignore-scripts` first (see package.json)."
            )
            raise FileNotFoundError(message)


def write_assets(modules: Path, target: Path) -> None:
    """Fill the vendor folder from ``node_modules``; the same input gives the same bytes."""
    target.mkdir(parents=True, exist_ok=True)
    for name, source in COPIED.items():
        # A source map is not shipped, so the pointer to it would only make a browser ask in vain.
        text = re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", (modules / source).read_text())
        (target / name).write_text(text)
    icons = modules / "lucide-static/icons"
    (target / SPRITE).write_text(sprite({name: (icons / f"{name}.svg").read_text() for name in ICONS}))
    atlas = json.loads((modules / "us-atlas/states-albers-10m.json").read_text())
    (target / MAP).write_text(state_map(atlas))
    (target / NOTICE).write_text(notice(modules, target))


def sprite(icons: dict[str, str]) -> str:
    """One sheet of symbols: ``<svg><use href="…/icons.svg#truck"/></svg>``."""
    symbols = []
    for name, svg in icons.items():
        body = re.sub(r"\s*\n\s*", "", svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")])
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
            f'stroke-linecap="round" stroke-linejoin="round">{body}</symbol>'
        )
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def state_map(atlas: dict[str, Any]) -> str:
    """The states as one symbol, ``#us-states``, 975 by 610 in an Albers projection; each path is also ``#us-CA`` and so on."""
    arcs = decoded_arcs(atlas)
    paths = []
    for state in sorted(atlas["objects"]["states"]["geometries"], key=lambda state: str(state["id"])):
        if (code := POSTAL.get(state["id"])) is None:
            continue
        polygons = state["arcs"] if state["type"] == "MultiPolygon" else [state["arcs"]]
        outline = "".join(ring_path(ring, arcs) for polygon in polygons for ring in polygon)
        paths.append(
            f'<path id="us-{code}" d="{outline}"><title>{state["properties"]["name"]}</title></path>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg">\n<symbol id="us-states" viewBox="0 0 975 610">\n'
        + "\n".join(paths)
        + "\n</symbol>\n</svg>\n"
    )


def decoded_arcs(atlas: dict[str, Any]) -> list[list[tuple[float, float]]]:
    """TopoJSON's arcs are delta-encoded on a grid: sum, scale and shift."""
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    return [
        [
            (x * sx + tx, y * sy + ty)
            for x, y in zip(accumulate(p[0] for p in arc), accumulate(p[1] for p in arc), strict=True)
        ]
        for arc in atlas["arcs"]
    ]


def ring_path(ring: list[int], arcs: list[list[tuple[float, float]]]) -> str:
    """A ring is a chain of arcs; a negative number means the arc of its complement, backwards."""
    points: list[tuple[float, float]] = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc if not points else arc[1:]
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points[:-1]) + "Z"


def notice(modules: Path, target: Path) -> str:
    """Whose work is in the package, under which licence, and the exact bytes."""
    lines = ["# Third-party assets in the console", ""]
    for package in PACKAGES:
        facts = json.loads((modules / package / "package.json").read_text())
        licence = next(
            (path for path in sorted((modules / package).iterdir()) if path.stem.upper() == "LICENSE"), None
        )
        lines += [f"## {package} {facts['version']}", "", f"Licence: {facts['license']}", ""]
        if licence is not None:
            lines += ["```", licence.read_text().strip(), "```", ""]
    lines += ["## Files", "", "| file | SHA-256 |", "|---|---|"]
    for name in sorted((*COPIED, MAP, SPRITE)):
        lines.append(f"| {name} | {hashlib.sha256((target / name).read_bytes()).hexdigest()} |")
    return "\n".join(lines) + "\n"
