"""Drafts of one set with the same natural key: the first is placed, the others have its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orderloom.orders.model import OrderDraft, Placed, Refused


def first_of_each_key(drafts: Sequence[OrderDraft], indexes: Sequence[int]) -> list[int]:
    """Of drafts with the same natural key the first."""
    first: dict[tuple[str, str], int] = {}
    for i in indexes:
        first.setdefault((drafts[i].channel, drafts[i].external_id), i)
    return sorted(first.values())


def with_twins(
    drafts: Sequence[OrderDraft], outcomes: Sequence[Placed | Refused | None]
) -> list[Placed | Refused]:
    """A draft whose key came earlier in the same set gets that one's outcome, as a duplicate."""
    by_key: dict[tuple[str, str], Placed | Refused] = {}
    answers: list[Placed | Refused] = []
    for draft, outcome in zip(drafts, outcomes, strict=True):
        key = (draft.channel, draft.external_id)
        answer = outcome or by_key[key]
        if outcome is None and isinstance(answer, Placed):
            answer = replace(answer, duplicate=True)
        by_key.setdefault(key, answer)
        answers.append(answer)
    return answers
