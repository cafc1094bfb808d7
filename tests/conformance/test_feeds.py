"""Every availability feed against a real other side: taken, refused, away, repeated, late, and read back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.database import CalledOutInTransaction
from orderloom.plumbing.http import Unavailable
from orderloom.sync import feeds
from orderloom.sync.feeds.csv_file import CsvFile
from orderloom.sync.feeds.feed import Accepted, Batch, Inquiry, Item, Listed, Refused
from orderloom.sync.feeds.over_http import OverHttp
from tests.conformance.providers import free_port

ROOT = "a secret of the deployment that nobody else has"


class CsvCase:
    """A file in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.feed = CsvFile(folder=folder)
        self.settings = {"file": "shop.csv"}
        self.bad = [
            {"file": name} for name in ("../x.csv", "/etc/x.csv", "x.txt", ".csv", "", None, 3, "a/b.csv")
        ]
        self.bad += [{}, {"file": "x.csv", "folder": "elsewhere"}]

    def away(self, tmp_path):
        blocked = tmp_path / "blocked"
        blocked.write_text("a file where the folder should be")
        return CsvFile(folder=blocked)

    def clear(self):
        (self.folder / "shop.csv").unlink(missing_ok=True)


class HttpCase:
    """The simulated marketplace, a process of its own."""

    def __init__(self, port):
        self.port = port
        self.feed = OverHttp(private=True, root=ROOT)
        self.settings = {"url": f"http://127.0.0.1:{port}/availability"}
        self.bad = [{}, {"url": "ftp://x.example"}, {"url": "https://user@x.example/"}, {"url": 3}]
        self.bad += [{"url": "https://x.example", "key": 0}, {"url": "https://x.example", "extra": 1}]

    def ask(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def away(self, tmp_path):
        return OverHttp(private=True, root=ROOT)

    def clear(self):
        names = ("refusal", "server_error", "lost", "forgotten", "repeated", "delay")
        there = [row["sku"] for row in self.ask("/ledger")["taken"]]
        self.ask("/control", {**dict.fromkeys(names, 0), "drop": there})


@pytest.fixture(scope="module")
def marketplace():
    port = free_port()
    secret = OverHttp(private=True, root=ROOT).secret("shop")
    command = [
        sys.executable,
        "-m",
        "orderloom.simulate.marketplace",
        "--port",
        str(port),
        "--secret",
        secret,
    ]
    process = subprocess.Popen(command)
    case = HttpCase(port)
    for _ in range(1200):
        try:
            case.ask("/health")
        except OSError:
            time.sleep(0.05)
        else:
            break
    yield case
    process.kill()
    process.wait()


@pytest.fixture(params=sorted(feeds.FEEDS))
def case(request, tmp_path):
    found = CsvCase(tmp_path) if request.param == "csv" else request.getfixturevalue("marketplace")
    found.clear()
    return found


def batch(case, *items, channel="shop", settings=None):
    return Batch(
        subject=uuid4(),
        provider="lane",
        channel=channel,
        settings=settings or case.settings,
        items=tuple(Item(sku=sku, quantity=quantity, version=version) for sku, quantity, version in items),
        sent_at=datetime.now(UTC),
    )


async def shown(case):
    return await case.feed.read(Inquiry(channel="shop", settings=case.settings, asked_at=datetime.now(UTC)))


async def test_what_was_pushed_is_shown(case):
    assert await case.feed.push(batch(case, ("A", 3, 1), ('B "quoted", with comma', 0, 7))) == Accepted()
    assert await shown(case) == {"A": Listed(3, 1), 'B "quoted", with comma': Listed(0, 7)}


async def test_a_batch_changes_only_what_it_names(case):
    await case.feed.push(batch(case, ("A", 3, 1), ("B", 4, 1)))
    await case.feed.push(batch(case, ("A", 2, 2)))
    assert await shown(case) == {"A": Listed(2, 2), "B": Listed(4, 1)}


async def test_an_older_version_never_replaces_a_newer_one(case):
    await case.feed.push(batch(case, ("A", 1, 5)))
    assert await case.feed.push(batch(case, ("A", 9, 4), ("A", 8, 5))) == Accepted()
    assert await shown(case) == {"A": Listed(1, 5)}


async def test_a_listing_longer_than_a_page_is_read_whole(case):
    many = [(f"SKU-{n:05}", n, 1) for n in range(2500)]
    for start in range(0, len(many), 500):
        await case.feed.push(batch(case, *many[start : start + 500]))
    found = await shown(case)
    assert len(found) == 2500
    assert found["SKU-02499"] == Listed(2499, 1)


async def test_wrong_settings_are_named(case):
    assert case.feed.faults(case.settings) == []
    for bad in case.bad:
        assert case.feed.faults(bad), bad


async def test_nobody_there_is_not_now(case, tmp_path):
    away = case.away(tmp_path)
    settings = {"url": f"http://127.0.0.1:{free_port()}/"} if isinstance(case, HttpCase) else case.settings
    with pytest.raises(Unavailable):
        await away.push(batch(case, ("A", 1, 1), settings=settings))


async def test_no_feed_is_pushed_inside_a_transaction(case, database):
    async with database.transaction():
        with pytest.raises(CalledOutInTransaction):
            await case.feed.push(batch(case, ("A", 1, 1)))


# --- over HTTP alone ------------------------------------------------------------------------------------------


async def test_not_now_and_never_are_told_apart(marketplace):
    marketplace.clear()
    marketplace.ask("/control", {"server_error": 1})
    with pytest.raises(Unavailable):
        await marketplace.feed.push(batch(marketplace, ("A", 1, 1)))
    marketplace.ask("/control", {"server_error": 0, "refusal": 1})
    assert isinstance(await marketplace.feed.push(batch(marketplace, ("A", 1, 1))), Refused)


async def test_a_lost_answer_is_harmless_when_it_goes_again(marketplace):
    marketplace.clear()
    marketplace.ask("/control", {"lost": 1})
    with pytest.raises(Unavailable):
        await marketplace.feed.push(batch(marketplace, ("L", 6, 1)))
    marketplace.ask("/control", {"lost": 0})
    before = marketplace.ask("/ledger")["old"]
    assert await marketplace.feed.push(batch(marketplace, ("L", 6, 1))) == Accepted()
    assert marketplace.ask("/ledger")["old"] == before + 1


async def test_another_channels_secret_opens_nothing(marketplace):
    marketplace.clear()
    said = await marketplace.feed.push(batch(marketplace, ("A", 1, 1), channel="somebody else"))
    assert isinstance(said, Refused)
    asked = Inquiry(channel="else", settings=marketplace.settings, asked_at=datetime.now(UTC))
    with pytest.raises(Unavailable):
        await marketplace.feed.read(asked)


async def test_a_new_secret_overlaps_with_the_one_before(marketplace):
    marketplace.clear()
    rotated = {**marketplace.settings, "key": 2}
    assert await marketplace.feed.push(batch(marketplace, ("A", 1, 1), settings=rotated)) == Accepted()
    later = {**marketplace.settings, "key": 3}
    assert isinstance(await marketplace.feed.push(batch(marketplace, ("A", 2, 2), settings=later)), Refused)


async def test_a_private_address_is_not_gone_to(marketplace):
    careful = OverHttp(private=False, root=ROOT)
    assert isinstance(await careful.push(batch(marketplace, ("A", 1, 1))), Refused)
    with pytest.raises(Unavailable):
        await careful.read(Inquiry(channel="shop", settings=marketplace.settings, asked_at=datetime.now(UTC)))


# --- the file alone -------------------------------------------------------------------------------------------


async def test_a_file_that_somebody_else_wrote_is_left_alone(tmp_path):
    case = CsvCase(tmp_path)
    (tmp_path / "shop.csv").write_text("name;stock\nmug;3\n")
    with pytest.raises(Unavailable):
        await case.feed.push(batch(case, ("A", 1, 1)))
    assert (tmp_path / "shop.csv").read_text().startswith("name;stock")


async def test_no_half_file_and_no_litter_is_left(tmp_path):
    case = CsvCase(tmp_path)
    for version in range(1, 6):
        await case.feed.push(batch(case, ("A", version, version)))
    assert [path.name for path in tmp_path.iterdir()] == ["shop.csv"]
    assert oct((tmp_path / "shop.csv").stat().st_mode & 0o777) == "0o644"


def test_an_unknown_feed_says_which_there_are():
    with pytest.raises(NoSuchAdapter, match="csv, http"):
        feeds.feed_named("pigeon")
