"""Flights: who boards, who is sent away, who suffers for whom, and who goes first."""

import asyncio

import pytest

from orderloom.api.flights import ABREAST, AWAY_EVERY_S, AWAY_MOST, QUIET_S, WAIT_MOST_S, Flights, rest_s
from orderloom.api.problems import Problem


class Runway:
    """Flights whose passengers are words; "break" breaks its flight, and each waits for the gate."""

    def __init__(self, while_flying=lambda: None, **limits) -> None:
        self.flown: list[list[str]] = []
        self.while_flying = while_flying
        self.gate = asyncio.Event()
        self.gate.set()
        self.flights = Flights(self.fly, **limits)

    async def fly(self, words):
        self.flown.append(list(words))
        self.while_flying()
        await self.gate.wait()
        if "away" in words:
            raise ConnectionError
        if "break" in words:
            raise RuntimeError("broken")
        return [word.upper() for word in words]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_whoever_comes_meanwhile_shares_the_next_flight():
    runway = Runway()
    runway.gate.clear()
    waiting = [asyncio.create_task(runway.flights.board("a"))]
    await settle()
    waiting += [asyncio.create_task(runway.flights.board(word)) for word in "bcd"]
    await settle()
    runway.gate.set()
    assert await asyncio.gather(*waiting) == ["A", "B", "C", "D"]
    assert runway.flown == [["a"], ["b", "c", "d"]]


class TestAFlightThatCarriedSeveral:
    """It took a minute, by a clock that only flying moves, and as long the next one waits for as many."""

    @pytest.fixture
    async def runway(self):
        self.now = 1_000.0
        found = Runway(clock=lambda: self.now, gather_most_s=60, while_flying=self._pass)
        await asyncio.gather(*(found.flights.board(word) for word in "abc"))
        assert found.flown.pop() == ["a", "b", "c"]
        return found

    def _pass(self):
        self.now += 60

    async def test_is_followed_by_one_with_as_many(self, runway):
        waiting = [asyncio.create_task(runway.flights.board(word)) for word in "de"]
        await settle()
        assert runway.flown == []
        waiting += [asyncio.create_task(runway.flights.board("f"))]
        assert await asyncio.gather(*waiting) == ["D", "E", "F"]
        assert runway.flown == [["d", "e", "f"]]

    async def test_keeps_nobody_waiting_for_longer_than_it_took(self, runway):
        self.now += 60
        assert await runway.flights.board("d") == "D"

    async def test_is_no_reason_to_wait_once_one_flew_alone(self, runway):
        self.now += 60
        await runway.flights.board("d")
        assert await runway.flights.board("e") == "E"


async def test_a_fault_is_its_own_passengers_alone():
    runway = Runway()
    runway.gate.clear()
    waiting = [asyncio.create_task(runway.flights.board("first"))]
    await settle()
    waiting += [asyncio.create_task(runway.flights.board(word)) for word in ("a", "break", "b", "c")]
    await settle()
    runway.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [one if isinstance(one, str) else type(one) for one in found] == [
        "FIRST",
        "A",
        RuntimeError,
        "B",
        "C",
    ]


async def test_a_flight_is_not_parted_for_what_is_nobodys_fault():
    runway = Runway(of_all=(ConnectionError,))
    runway.gate.clear()
    waiting = [asyncio.create_task(runway.flights.board("first"))]
    await settle()
    waiting += [asyncio.create_task(runway.flights.board(word)) for word in ("a", "away", "b")]
    await settle()
    runway.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in found] == [str, ConnectionError, ConnectionError, ConnectionError]
    assert len(runway.flown) == 2


async def test_one_too_many_is_sent_away_at_once():
    runway = Runway(waiting_most=2)
    runway.gate.clear()
    waiting = [asyncio.create_task(runway.flights.board("a"))]
    await settle()
    waiting += [asyncio.create_task(runway.flights.board(word)) for word in "bc"]
    await settle()
    with pytest.raises(Problem) as refused:
        await runway.flights.board("d")
    assert (refused.value.status, refused.value.code) == (503, "overloaded")
    assert int(refused.value.headers["Retry-After"]) >= 1
    runway.gate.set()
    assert await asyncio.gather(*waiting) == ["A", "B", "C"]
    assert await runway.flights.board("e") == "E"


class TestALongWait:
    """By a clock that the test moves: nobody is let in to it, and nobody is kept in it."""

    @pytest.fixture
    async def runway(self):
        self.now = 1_000.0
        found = Runway(most=2, clock=lambda: self.now)
        found.gate.clear()
        yield found
        found.gate.set()
        await settle()

    async def _board(self, runway, words):
        found = [asyncio.create_task(runway.flights.board(word)) for word in words]
        await settle()
        return found

    async def test_is_foreseen_from_the_flight_under_way(self, runway):
        await self._board(runway, "abc")
        runway.flights.check_room()
        self.now += WAIT_MOST_S / 2
        # The first flight alone has taken half of what may be waited, and two more are full.
        await self._board(runway, "defgh")
        with pytest.raises(Problem, match="more is coming in"):
            runway.flights.check_room()

    async def test_is_foreseen_from_how_long_the_last_flight_took(self, runway):
        [first] = await self._board(runway, "a")
        self.now += WAIT_MOST_S - 1
        runway.gate.set()
        assert await first == "A"
        runway.gate.clear()
        await self._board(runway, "bcde")
        assert runway.flights.wait_s == pytest.approx((WAIT_MOST_S - 1) * 2)
        with pytest.raises(Problem, match="more is coming in"):
            runway.flights.check_room()

    async def test_is_nobodys_whom_it_was_not_foreseen_for(self, runway):
        [first] = await self._board(runway, "a")
        waiting = await self._board(runway, "bc")
        self.now += WAIT_MOST_S + 1
        with pytest.raises(Problem, match="more is coming in"):
            runway.flights.check_room()
        runway.gate.set()
        assert await first == "A"
        for late in await asyncio.gather(*waiting, return_exceptions=True):
            assert (late.status, late.code, int(late.headers["Retry-After"]) >= 1) == (
                503,
                "overloaded",
                True,
            )
        assert runway.flown == [["a"]]
        [next_one] = await self._board(runway, "d")
        assert await next_one == "D"

    async def test_is_refused_so_many_at_a_time(self, runway):
        await self._board(runway, "a")
        await self._board(runway, "b")
        self.now += WAIT_MOST_S + 1
        knocking = [asyncio.create_task(runway.flights.admit()) for _ in range(AWAY_MOST + 1)]
        await settle()
        assert [task.done() for task in knocking] == [*[True] * AWAY_MOST, False]
        found = await asyncio.gather(*knocking, return_exceptions=True)
        assert {problem.code for problem in found} == {"overloaded"}


def test_the_longer_refusals_take_the_longer_they_rest():
    assert rest_s(0) == AWAY_EVERY_S
    assert rest_s(3 * AWAY_EVERY_S) == 3 * AWAY_EVERY_S


async def test_a_turn_waits_for_those_who_wait_to_board_and_holds_no_flight():
    runway = Runway()
    runway.gate.clear()
    first = asyncio.create_task(runway.flights.board("a"))
    await settle()
    second = asyncio.create_task(runway.flights.board("b"))
    order = []

    async def bulk():
        async with runway.flights.turn():
            order.append(("turn", len(runway.flown)))
            assert await runway.flights.board("c") == "C"

    taking = asyncio.create_task(bulk())
    await settle()
    assert order == []
    runway.gate.set()
    await taking
    assert order == [("turn", 2)]
    assert await asyncio.gather(first, second) == ["A", "B"]


@pytest.mark.parametrize(("silent_s", "together"), [(0, 1), (QUIET_S, 1), (10 * QUIET_S, ABREAST)])
async def test_turns_are_taken_together_while_it_is_quiet(silent_s, together):
    moment = [0.0]
    runway = Runway(clock=lambda: moment[0])
    await runway.flights.board("a")
    moment[0] += silent_s
    gate = asyncio.Event()
    begun = []

    async def bulk(name):
        async with runway.flights.turn():
            begun.append(name)
            await gate.wait()

    taking = [asyncio.create_task(bulk(name)) for name in range(ABREAST + 1)]
    await settle()
    assert begun == list(range(together))
    gate.set()
    await asyncio.gather(*taking)
    assert begun == list(range(ABREAST + 1))


async def test_a_turn_given_up_holds_nobody():
    runway = Runway()
    runway.gate.clear()
    first = asyncio.create_task(runway.flights.board("a"))
    await settle()

    async def bulk():
        async with runway.flights.turn():
            raise AssertionError

    taking = asyncio.create_task(bulk())
    await settle()
    taking.cancel()
    runway.gate.set()
    assert await first == "A"
    assert await runway.flights.board("b") == "B"
