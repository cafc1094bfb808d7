"""The order-edit matrix, and what an edit makes of an order's lines and units."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orderloom.orders.editing import (
    MATRIX,
    STAGES,
    Added,
    Change,
    Edit,
    LineEdit,
    Standing,
    Verdict,
    barred,
    matrix,
    plan,
    verdict,
)
from orderloom.orders.model import Line
from orderloom.terms import Rank, new_id

A, P, Q, N = Verdict.ALLOW, Verdict.REPLAN, Verdict.REQUEST, Verdict.REFUSE


def line(
    quantity: int = 3, *, price: int = 1000, discount: int = 0, tax: int = 0, kit: Line | None = None, **more
) -> Line:
    return Line(
        id=new_id(),
        order_id=UUID(int=1),
        position=1,
        kit_line_id=kit.id if kit else None,
        is_kit=more.get("is_kit", False),
        external_id=None,
        sku="MUG",
        name="Mug",
        quantity=quantity,
        unit_price=price,
        discount=discount,
        tax=tax,
        total=quantity * price - discount + tax,
        fixed_node_id=None,
        min_rank=200,
        max_rank=200,
    )


def at(*lines: Line, highest: Rank = Rank.RESERVED, begun: bool = False, cancelled: int = 0) -> Standing:
    live = {x.id: x.quantity - cancelled for x in lines if not x.is_kit}
    return Standing(lines=lines, live=live, open_=live, highest=highest, begun=begun)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (Change.MORE, (A, A, A, A, N)),
        (Change.FEWER, (A, A, Q, Q, N)),
        (Change.WHITHER, (P, P, Q, Q, N)),
        (Change.MONEY, (A, A, A, A, N)),
    ],
)
def test_the_matrix_says_by_change_and_rank_what_may_be(change: Change, row: tuple[Verdict, ...]) -> None:
    assert tuple(verdict(change, highest=last, begun=True) for last in STAGES) == row == MATRIX[change]
    for rank in Rank:
        if rank is not Rank.CANCELLED:
            column = next(i for i, last in enumerate(STAGES) if rank <= last)
            assert verdict(change, highest=rank, begun=True) is row[column]


def test_the_page_on_editing_has_the_matrix_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs/howto/edit-an-order.md").read_text()
    for change, row in MATRIX.items():
        assert f"| {change} | {' | '.join(row)} |" in page


def test_a_channels_rules_bar_a_change_from_a_stage_on_for_some_roles_or_for_all() -> None:
    rules = [
        {"change": "price", "from": "released", "roles": ["customer_service"]},
        {"change": "lower", "from": "allocated"},
    ]
    mug = line(3)
    ask = Edit(lines=(LineEdit(line_id=mug.id, quantity=2, unit_price=900),))
    for role, rank, paths in (
        ("customer_service", Rank.RESERVED, []),
        ("customer_service", Rank.ALLOCATED, ["/lines/0/quantity"]),
        ("customer_service", Rank.RELEASED, ["/lines/0/quantity", "/lines/0"]),
        ("owner", Rank.RELEASED, ["/lines/0/quantity"]),
    ):
        found = plan(ask, replace(at(mug, highest=rank), barred=barred(rules, role=role)))
        assert [(f.path, f.code) for f in found.refused] == [(path, "by_rule") for path in paths]
        assert bool(found.fewer) is not bool(paths)
    left = matrix(barred(rules, role="customer_service"))
    assert left[Change.MONEY] == (A, A, N, N, N)
    assert left[Change.FEWER] == (A, N, N, N, N)
    assert left[Change.NODE] == MATRIX[Change.NODE]


def test_what_no_node_has_answered_for_is_changed_at_once() -> None:
    assert verdict(Change.FEWER, highest=Rank.RELEASED, begun=False) is A
    assert verdict(Change.WHITHER, highest=Rank.RELEASED, begun=False) is P


def test_a_raised_line_grows_with_its_tax_and_keeps_its_discount() -> None:
    mug = line(3, discount=300, tax=100)
    found = plan(Edit(lines=(LineEdit(line_id=mug.id, quantity=5),)), at(mug))
    assert [(m.path, m.units) for m in found.more] == [("/lines/0", 2)]
    values = found.values[mug.id]
    assert (values.quantity, values.discount, values.tax, values.total) == (5, 300, 167, 4867)


def test_a_lowered_line_is_smaller_until_a_node_has_begun_and_then_keeps_cancelled_units() -> None:
    mug = line(3)
    lower = Edit(lines=(LineEdit(line_id=mug.id, quantity=1),))
    early = plan(lower, at(mug))
    assert (early.fewer, early.shed, early.values[mug.id].quantity) == ({mug.id: 2}, {mug.id: 2}, 1)
    late = plan(lower, at(mug, highest=Rank.PICKING, begun=True))
    assert (late.fewer, late.shed, late.values) == ({mug.id: 2}, {}, {})


def test_a_removed_line_stays_and_costs_nothing() -> None:
    mug, cup = line(3, tax=50), line(1)
    found = plan(Edit(lines=(LineEdit(line_id=mug.id, quantity=0),)), at(mug, cup))
    assert (found.fewer, found.shed) == ({mug.id: 3}, {})
    assert (found.values[mug.id].quantity, found.values[mug.id].total) == (3, 0)
    assert [f.code for f in plan(Edit(lines=(LineEdit(line_id=mug.id, quantity=0),)), at(mug)).refused] == [
        "nothing_left"
    ]


def test_cancelled_units_do_not_count_as_the_lines_quantity() -> None:
    mug = line(5)
    same = plan(Edit(lines=(LineEdit(line_id=mug.id, quantity=3),)), at(mug, cancelled=2))
    assert (same.fewer, same.more) == ({}, [])
    more = plan(Edit(lines=(LineEdit(line_id=mug.id, quantity=4),)), at(mug, cancelled=2))
    assert (more.more[0].units, more.values[mug.id].quantity) == (1, 6)


def test_a_kit_goes_and_comes_a_kit_at_a_time() -> None:
    kit = line(2, is_kit=True)
    two, one = line(4, kit=kit), line(2, kit=kit)
    more = plan(Edit(lines=(LineEdit(line_id=kit.id, quantity=3),)), at(kit, two, one))
    assert {m.line.id: m.units for m in more.more} == {two.id: 2, one.id: 1}
    fewer = plan(Edit(lines=(LineEdit(line_id=kit.id, quantity=1),)), at(kit, two, one))
    assert fewer.fewer == fewer.shed == {two.id: 2, one.id: 1}
    part = plan(Edit(lines=(LineEdit(line_id=two.id, quantity=3),)), at(kit, two, one))
    assert [f.code for f in part.wrong] == ["part_of_kit"]


@given(
    quantity=st.integers(1, 20),
    cancelled=st.integers(0, 19),
    wanted=st.integers(0, 40),
    highest=st.sampled_from([rank for rank in Rank if rank is not Rank.CANCELLED]),
    begun=st.booleans(),
)
def test_what_is_left_and_what_comes_is_what_was_asked(
    quantity: int, cancelled: int, wanted: int, highest: Rank, begun: bool
) -> None:
    mug, other = line(quantity), line(1)
    standing = at(mug, other, highest=highest, begun=begun)
    live = max(quantity - cancelled, 0)
    standing = Standing(
        lines=standing.lines,
        live={mug.id: live, other.id: 1},
        open_={mug.id: live, other.id: 1},
        highest=highest,
        begun=begun,
    )
    found = plan(
        Edit(lines=(LineEdit(line_id=mug.id, quantity=wanted),), add=(Added(sku="X", quantity=1),)), standing
    )
    assert not found.wrong
    assert all(f.message and f.path for f in found.refused)
    came = sum(m.units for m in found.more)
    gone = sum(found.fewer.values())
    assert live + came - gone == (live if found.refused and wanted > live else wanted)
    assert found.shed.get(mug.id, 0) in (0, gone)
    if mug.id in found.values and wanted and not found.refused:
        assert found.values[mug.id].quantity == quantity + came - found.shed.get(mug.id, 0)
