"""The curve of `bench/journeys.py --curve --json` as a picture: CPU an order against the orders stored before it.

python bench/journeys.py --curve --json > curve.json
python bench/journeys_curve.py < curve.json > docs/images/journeys-curve.svg
"""

from __future__ import annotations

import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 300, 60, 50, 30
LINES = (("cpu_ms", "#1f5fa8", "workers and PostgreSQL"), ("postgres_ms", "#b5562b", "PostgreSQL alone"))


def picture(found):
    """An SVG: x by the logarithm of the orders stored, y from nought."""
    stored = [one["stored"] for one in found]
    most = max(one["cpu_ms"] for one in found) * 1.2
    low, high = math.log10(stored[0]), math.log10(stored[-1])

    def at(orders, value):
        x = LEFT + (math.log10(orders) - low) / (high - low) * (WIDTH - LEFT - 120)
        return round(x, 1), round(HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP), 1)

    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
    yield f'<text x="{LEFT}" y="18">ms of CPU an order, captured to released</text>'
    for orders in stored:
        x, y = at(orders, 0)
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{x}" y="{y + 18}" text-anchor="middle">{orders:,}</text>'
    yield f'<text x="{LEFT}" y="{HEIGHT - 10}">orders stored before</text>'
    for name, colour, words in LINES:
        points = [at(one["stored"], one[name]) for one in found]
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x},{y}" for x, y in points)}"/>'
        for (x, y), one in zip(points, found, strict=True):
            yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/><text x="{x}" y="{y - 8}" text-anchor="middle">{one[name]:.2f}</text>'
        yield f'<text x="{points[-1][0] + 10}" y="{points[-1][1] + 4}" fill="{colour}">{words}</text>'
    yield "</svg>"


if __name__ == "__main__":
    print("\n".join(picture(json.load(sys.stdin))))
