"""Linear quantile regression (pure): a quantile as a weighted sum of features, found by reweighted least squares.

In plain Python and by columns, which is quick enough for some ten thousand rows and a dozen features, and gives the
same figures on every machine. Features are standardised, so that one ridge suits all; the constant is not held back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from operator import mul

ROUNDS = 25
# Nearer than this a residual weighs no more: without it one row would fix the whole line.
_NEAREST = 0.5
Columns = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted quantile: what each feature adds, as given (not standardised), and the constant."""

    constant: float
    slopes: tuple[float, ...]

    def __call__(self, features: Sequence[float]) -> float:
        """The quantile at these features."""
        return self.constant + fsum(map(mul, self.slopes, features))


def fit(
    columns: Columns, actual: Sequence[float], weights: Sequence[float], *, level: float, ridge: float
) -> Line:
    """The line that leaves `level` of the weight below it, as far as a line can. Needs at least one row."""
    total = sum(weights)
    means = [sum(map(mul, column, weights)) / total for column in columns]
    spreads = [_spread(column, weights, mean, total) for column, mean in zip(columns, means, strict=True)]
    scaled: list[list[float]] = [[1.0] * len(actual)]
    for column, mean, spread in zip(columns, means, spreads, strict=True):
        scaled.append([(value - mean) / spread for value in column])
    found = [sum(map(mul, actual, weights)) / total] + [0.0] * len(columns)
    for _ in range(ROUNDS):
        residuals = [a - e for a, e in zip(actual, _estimates(scaled, found), strict=True)]
        pulls = [
            weight * (level if r >= 0 else 1.0 - level) / max(abs(r), _NEAREST)
            for weight, r in zip(weights, residuals, strict=True)
        ]
        found = _least_squares(scaled, actual, pulls, ridge)
    slopes = [b / spread for b, spread in zip(found[1:], spreads, strict=True)]
    return Line(found[0] - sum(map(mul, slopes, means)), tuple(slopes))


def _spread(column: Sequence[float], weights: Sequence[float], mean: float, total: float) -> float:
    """The standard deviation; one for a feature that never varies, which then adds nothing."""
    variance = (
        sum(weight * (value - mean) ** 2 for value, weight in zip(column, weights, strict=True)) / total
    )
    return sqrt(variance) if variance > 1e-12 else 1.0


def _estimates(columns: Columns, slopes: Sequence[float]) -> list[float]:
    rows = [0.0] * len(columns[0])
    for column, slope in zip(columns, slopes, strict=True):
        rows = [row + slope * value for row, value in zip(rows, column, strict=True)]
    return rows


def _least_squares(
    columns: Columns, actual: Sequence[float], weights: Sequence[float], ridge: float
) -> list[float]:
    size = len(columns)
    matrix = [[0.0] * size for _ in range(size)]
    right = [0.0] * size
    for i, column in enumerate(columns):
        weighted = list(map(mul, column, weights))
        right[i] = sum(map(mul, weighted, actual))
        for j in range(i, size):
            matrix[i][j] = matrix[j][i] = sum(map(mul, weighted, columns[j]))
        if i:
            matrix[i][i] += ridge
    return _solved(matrix, right)


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss's elimination with the largest pivot; the ridge keeps the matrix regular."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, size):
            factor = rows[r][i] / rows[i][i]
            if factor:
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][size] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found
