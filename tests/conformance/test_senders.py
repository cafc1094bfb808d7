"""Every sender against a real provider: taken, refused, away, and repeated after a lost answer."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from uuid import uuid4

import pytest

from orderloom.notices import senders
from orderloom.notices.model import Rejected, Sending, Sent
from orderloom.notices.senders.app import App
from orderloom.notices.senders.sms import TEXT_MOST, Sms
from orderloom.notices.senders.smtp import Smtp, mail, message_id
from orderloom.plumbing.adapters import NoSuchAdapter
from orderloom.plumbing.database import CalledOutInTransaction
from orderloom.plumbing.http import Unavailable
from tests.conformance.providers import Mailbox, free_port, sms_gateway
from tests.store.ordered import an_order

FROM = "Corner & Söhne <orders@corner.example>"


def a_call(way: str) -> Sending:
    return Sending(
        subject=uuid4(),
        provider=way,
        key=f"ntc-{uuid4().hex}",
        recipient="+15550100" if way == "sms" else "ada@example.com",
        title="Pedido 1 está a caminho",
        text="Olá Ada,\n\nseu pacote saiu.\n",
        html="<p>Olá <b>Ada</b></p>",
    )


class MailCase:
    """Mail, against the simulated mailbox in its own process."""

    way = "email"

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.sender = Smtp(host="127.0.0.1", port=mailbox.smtp_port, sender=FROM, timeout_s=5)
        self.nobody_there = Smtp(host="127.0.0.1", port=free_port(), sender=FROM, timeout_s=1)

    def behave(self, how: str | None) -> None:
        wanted = {"not_now": 0, "refusal": 0, "lost_answer": 0} | ({how: 1} if how else {})
        self.mailbox.ask("/control", wanted)

    def kept(self, call: Sending) -> int:
        there = self.mailbox.ask("/messages?limit=1000")["messages"]
        return sum(message["id"] == message_id(call.key, sender=FROM) for message in there)


class SmsCase:
    """Text messages, against an HTTP gateway on loopback."""

    way = "sms"

    def __init__(self, gateway) -> None:
        self.gateway = gateway
        self.sender = Sms(url=gateway.url, token="t0ken", sender="Corner", timeout_s=5)
        self.nobody_there = Sms(
            url=f"http://127.0.0.1:{free_port()}/", token=None, sender="Corner", timeout_s=1
        )

    def behave(self, how: str | None) -> None:
        self.gateway.answer = {"not_now": 503, "refusal": 422}.get(how or "")
        self.gateway.lose = how == "lost_answer"

    def kept(self, call: Sending) -> int:
        return int(call.key in self.gateway.taken)


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory):
    box = Mailbox(tmp_path_factory.mktemp("mailbox"))
    box.start()
    yield box
    box.kill()


@pytest.fixture(scope="module")
def gateway():
    with sms_gateway() as running:
        yield running


@pytest.fixture(params=["email", "sms"])
def case(request):
    made = (
        MailCase(request.getfixturevalue("mailbox"))
        if request.param == "email"
        else SmsCase(request.getfixturevalue("gateway"))
    )
    made.behave(None)
    return made


async def test_what_is_sent_arrives_once_though_it_is_sent_twice(case):
    call = a_call(case.way)
    for _ in range(2):
        answer = await case.sender.send(call)
        assert isinstance(answer, Sent)
        assert answer.reference
    assert case.kept(call) == 1


async def test_a_refusal_for_good_is_an_answer(case):
    case.behave("refusal")
    answer = await case.sender.send(a_call(case.way))
    assert isinstance(answer, Rejected)
    assert answer.message


async def test_not_now_leaves_it_open(case):
    case.behave("not_now")
    with pytest.raises(Unavailable):
        await case.sender.send(a_call(case.way))


async def test_nobody_there_leaves_it_open(case):
    with pytest.raises(Unavailable):
        await case.nobody_there.send(a_call(case.way))


async def test_a_lost_answer_leaves_it_open_and_the_repeat_is_recognised(case):
    call = a_call(case.way)
    case.behave("lost_answer")
    with pytest.raises(Unavailable):
        await case.sender.send(call)
    assert case.kept(call) == 1
    case.behave(None)
    assert isinstance(await case.sender.send(call), Sent)
    assert case.kept(call) == 1


async def test_the_inbox_takes_all():
    assert isinstance(await App().send(a_call("app")), Sent)


def test_every_way_has_its_sender_and_no_other(monkeypatch):
    assert set(senders.SENDERS) == {"email", "sms", "app"}
    for way, kind in (("email", Smtp), ("sms", Sms), ("app", App)):
        assert isinstance(senders.sender_for(way), kind)
    with pytest.raises(NoSuchAdapter, match="email"):
        senders.sender_for("pigeon")


async def test_no_sender_is_called_inside_a_transaction(database):
    from orderloom import notices

    async with database.transaction():
        with pytest.raises(CalledOutInTransaction):
            await notices.send(a_call("app"))


async def test_a_sender_killed_before_its_answer_was_written_sends_the_same_mail_again(
    database, mailbox, monkeypatch
):
    from orderloom import notices
    from orderloom.notices import sending
    from orderloom.plumbing import clock, events

    case = MailCase(mailbox)
    case.behave(None)
    monkeypatch.setattr(sending, "sender_for", lambda _: case.sender)
    async with database.transaction() as db:
        put = await an_order(db)
        confirmed = events.News("order.confirmed", "order", put.order, order_id=put.order)
        await events.append(db, [confirmed])
        ids = await notices.telling(db, events=await events.of_order(db, put.order))
    before = mailbox.ask("/stats")
    for _ in range(2):  # the first time, nobody lives to record the answer
        async with database.transaction() as db:
            [call] = await notices.prepare_sending(db, notice_ids=ids)
        answer = await notices.send(call)
    async with database.transaction() as db:
        await notices.record_sending(db, answers=[(call, answer)], now=clock.now())
    after = mailbox.ask("/stats")
    assert (after["messages"] - before["messages"], after["repeats"] - before["repeats"]) == (1, 1)


# --- mail -----------------------------------------------------------------------------------------------------


async def test_a_mail_arrives_with_both_its_bodies(mailbox):
    case = MailCase(mailbox)
    case.behave(None)
    call = a_call("email")
    await case.sender.send(call)
    [newest] = mailbox.ask("/messages?limit=1&to=ada@example.com")["messages"]
    assert newest["subject"] == call.title
    assert newest["text"].replace("\r\n", "\n") == call.text
    assert newest["html"].strip() == call.html
    assert newest["from"] == "orders@corner.example"


async def test_the_mailbox_forgets_nothing_when_killed(tmp_path):
    box = Mailbox(tmp_path)
    box.start()
    try:
        case = MailCase(box)
        call = a_call("email")
        await case.sender.send(call)
        await case.sender.send(call)
        box.kill()
        with (tmp_path / "mailbox.jsonl").open("ab") as torn:
            torn.write(b'{"id": "<half')
        box.start()
        assert box.ask("/stats") == {"messages": 1, "repeats": 1, "recipients": 1}
        await case.sender.send(a_call("email"))
        assert box.ask("/stats")["messages"] == 2
    finally:
        box.kill()


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b\r\nBcc: x@y.z", "a@b, c@d", "<a@b>", "a b@c.d", "a@@b", "@b", "a@"]
)
async def test_an_address_that_is_none_is_refused_before_it_leaves(address):
    sender = Smtp(host="127.0.0.1", port=free_port(), sender=FROM)
    answer = await sender.send(replace(a_call("email"), recipient=address))
    assert answer.code == "bad_address"


def test_a_title_cannot_begin_another_header():
    sent = message_from_bytes(mail(replace(a_call("email"), title="x\r\nBcc: a@b.c"), sender=FROM).as_bytes())
    assert sent["Bcc"] is None
    assert str(make_header(decode_header(sent["Subject"]))) == "x Bcc: a@b.c"


def test_the_same_call_makes_the_same_message_id():
    call = a_call("email")
    first, second = mail(call, sender=FROM), mail(call, sender=FROM)
    assert first["Message-ID"] == second["Message-ID"] == f"<{call.key}@corner.example>"


# --- text messages --------------------------------------------------------------------------------------------


async def test_a_text_message_carries_number_text_key_and_credentials(gateway):
    case = SmsCase(gateway)
    case.behave(None)
    call = a_call("sms")
    await case.sender.send(replace(call, text="a " * 2000))
    taken = gateway.taken[call.key]
    assert (taken["to"], taken["from"]) == ("+15550100", "Corner")
    assert len(taken["text"]) == TEXT_MOST
    assert gateway.authorization[-1] == "Bearer t0ken"


async def test_wrong_credentials_are_ours_to_mend_and_the_message_keeps(gateway):
    case = SmsCase(gateway)
    gateway.answer = 401
    with pytest.raises(Unavailable):
        await case.sender.send(a_call("sms"))


async def test_without_a_gateway_a_person_is_told():
    answer = await Sms(url=None, token=None, sender="x", timeout_s=1).send(a_call("sms"))
    assert answer.code == "no_gateway"
