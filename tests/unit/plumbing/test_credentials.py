from datetime import timedelta
from uuid import uuid4

import pytest

from orderloom.plumbing import credentials, idempotency
from orderloom.plumbing.idempotency import Fresh, InProgress, Keyed, Replay, Reused
from orderloom.plumbing.throttle import Throttle

PASSWORD = "correct horse battery"


def test_every_role_has_known_scopes_and_the_auditor_only_reads():
    for scopes in credentials.ROLES.values():
        assert scopes <= set(credentials.SCOPES)
    assert all(scope.endswith(":read") for scope in credentials.ROLES["auditor"])
    assert "payments:refund" not in credentials.ROLES["customer_service"]


class TestAnApiKey:
    async def test_lets_in_with_its_scopes_and_limits(self, db):
        node = uuid4()
        key, text = await credentials.create_key(db, name="erp", scopes=["orders:read"], nodes=[node])
        found = await credentials.key_credential(db, text)
        assert found.may("orders:read")
        assert not found.may("orders:write")
        assert found.sees(node=node)
        assert not found.sees(node=uuid4())
        assert found.sees(channel=uuid4())
        assert found.actor == f"key:{key.prefix}"

    async def test_is_kept_as_a_hash_alone(self, db):
        _, text = await credentials.create_key(db, name="erp", scopes=["orders:read"])
        row = await db.fetchrow("SELECT * FROM plumbing.api_keys WHERE name = 'erp'")
        secret = text.split("_", 3)[3]
        assert all(secret not in str(value) for value in row.values())

    async def test_of_another_secret_is_refused(self, db):
        _, text = await credentials.create_key(db, name="erp", scopes=["orders:read"])
        assert await credentials.key_credential(db, text[:-1] + ("A" if text[-1] != "A" else "B")) is None
        assert await credentials.key_credential(db, "ol_test_") is None

    async def test_ends_at_once_when_revoked(self, db):
        key, text = await credentials.create_key(db, name="erp", scopes=["orders:read"])
        assert await credentials.revoke_key(db, key.id)
        assert await credentials.key_credential(db, text) is None
        assert not await credentials.revoke_key(db, uuid4())

    async def test_overlaps_with_its_successor(self, db):
        key, text = await credentials.create_key(db, name="erp", scopes=["orders:read"])
        await credentials.revoke_key(db, key.id, after=timedelta(hours=1))
        assert await credentials.key_credential(db, text) is not None
        assert (await credentials.list_keys(db))[-1].expires_at is not None

    async def test_notes_when_it_was_last_used(self, db):
        _, text = await credentials.create_key(db, name="erp", scopes=["orders:read"])
        await credentials.key_credential(db, text)
        assert (await credentials.list_keys(db))[-1].last_used_at is not None

    async def test_of_a_scope_that_does_not_exist_is_not_made(self, db):
        with pytest.raises(credentials.UnknownScope, match="orders:fly"):
            await credentials.create_key(db, name="erp", scopes=["orders:fly"])


class TestALogin:
    async def test_gives_a_session_with_the_scopes_of_the_role(self, db):
        await credentials.create_user(db, email="Ada@Example.com", password=PASSWORD, role="auditor")
        session, token = await credentials.login(db, " ada@example.com", PASSWORD)
        again = await credentials.session(db, token)
        assert again.user.email == "ada@example.com"
        assert again.csrf == session.csrf
        assert again.credential().may("orders:read")
        assert not again.credential().may("orders:write")

    @pytest.mark.parametrize("email", ["ada@example.com", "nobody@example.com"])
    async def test_fails_alike_for_a_wrong_password_and_an_unknown_user(self, db, email):
        await credentials.create_user(db, email="ada@example.com", password=PASSWORD, role="auditor")
        assert await credentials.login(db, email, "wrong") is None

    async def test_ends_with_logout_and_with_a_new_password(self, db):
        await credentials.create_user(db, email="ada@example.com", password=PASSWORD, role="auditor")
        _, first = await credentials.login(db, "ada@example.com", PASSWORD)
        _, second = await credentials.login(db, "ada@example.com", PASSWORD)
        assert first != second
        await credentials.logout(db, first)
        assert await credentials.session(db, first) is None
        assert await credentials.session(db, second) is not None
        await credentials.set_password(db, email="ada@example.com", password="another long one")
        assert await credentials.session(db, second) is None
        assert await credentials.login(db, "ada@example.com", PASSWORD) is None

    async def test_ends_when_unused_or_too_old_or_the_user_is_out(self, db):
        await credentials.create_user(db, email="ada@example.com", password=PASSWORD, role="auditor")
        _, token = await credentials.login(db, "ada@example.com", PASSWORD)
        assert await credentials.session(db, token, idle=timedelta(0)) is None
        _, old = await credentials.login(db, "ada@example.com", PASSWORD, longest=timedelta(seconds=-1))
        assert await credentials.session(db, old) is None
        await credentials.set_active(db, email="ada@example.com", active=False)
        assert await credentials.session(db, token) is None
        assert await credentials.login(db, "ada@example.com", PASSWORD) is None

    async def test_needs_an_unused_email_a_role_and_a_long_password(self, db):
        await credentials.create_user(db, email="ada@example.com", password=PASSWORD, role="auditor")
        with pytest.raises(credentials.EmailTaken):
            await credentials.create_user(db, email="ADA@example.com", password=PASSWORD, role="auditor")
        with pytest.raises(credentials.WeakPassword):
            await credentials.create_user(db, email="b@example.com", password="short", role="auditor")
        with pytest.raises(credentials.UnknownScope):
            await credentials.create_user(db, email="b@example.com", password=PASSWORD, role="emperor")
        assert not await credentials.set_password(db, email="nobody@example.com", password=PASSWORD)


class TestAnIdempotencyKey:
    async def test_is_fresh_once_and_then_replayed(self, db):
        asked = Keyed("c", "POST /x", "k", b"hash")
        assert await idempotency.claim(db, [asked]) == [Fresh()]
        await idempotency.keep(db, [(asked, 201, b"{}")])
        other = Keyed("c", "POST /x", "k", b"other")
        elsewhere = Keyed("d", "POST /x", "k", b"hash")
        assert await idempotency.claim(db, [asked, other, elsewhere]) == [
            Replay(201, b"{}"),
            Reused(),
            Fresh(),
        ]

    async def test_at_work_in_another_transaction_is_told_so(self, database):
        asked = Keyed("c", "POST /x", "k", b"hash")
        async with database.transaction() as first, database.transaction() as second:
            assert await idempotency.claim(first, [asked]) == [Fresh()]
            assert await idempotency.claim(second, [asked]) == [InProgress()]

    async def test_is_forgotten_in_the_end(self, db):
        asked = Keyed("c", "POST /x", "k", b"hash")
        await idempotency.keep(db, [(asked, 201, b"{}")])
        assert await idempotency.forget(db) == 0
        assert await idempotency.forget(db, older_than=timedelta(0)) == 1


def test_a_throttle_counts_by_lane_and_caller():
    throttle = Throttle({"logins": "2/minute", "other": "9/minute"})
    assert throttle.take("logins", "a").remaining == 1
    assert throttle.take("logins", "a").allowed
    assert not throttle.look("logins", "a").allowed
    refused = throttle.take("logins", "a")
    assert not refused.allowed
    assert 1 <= refused.reset_s <= 120
    assert throttle.take("logins", "b").allowed
    assert throttle.take("other", "a").allowed
