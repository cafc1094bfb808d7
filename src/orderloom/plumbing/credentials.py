"""Who may come in: API keys, users with a role, sessions. Primitives only; the doors decide what a scope opens.

Secrets are shown once and kept as hashes: SHA-256 for keys and session tokens, which are random and long, Argon2id for
passwords, which are neither. The database's clock decides what has expired.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from orderloom.plumbing.database import Db, Row, UniqueViolation

# What a scope opens, in the words the documentation uses.
SCOPES: Mapping[str, str] = {
    "orders:read": "see orders, their timeline and decisions",
    "orders:write": "create, edit and cancel orders, raise and clear holds, move journeys",
    "inventory:read": "see stock and its ledger",
    "inventory:write": "set, adjust and transfer stock",
    "fulfillment:read": "see node work, packages and shipments",
    "fulfillment:write": "accept, pick, pack and ship node work",
    "tracking:write": "report carriers' tracking events",
    "payments:read": "see money taken and given back",
    "payments:refund": "give money back",
    "returns:read": "see returns",
    "returns:write": "request, approve, receive and inspect returns",
    "config:read": "see items, nodes, channels, cartons, contracts, webhooks",
    "config:write": "change items, nodes, channels, cartons, contracts, webhooks",
    "events:read": "read the log of all changes",
    "audit:read": "run the audit",
    "users:write": "manage users and API keys",
}
READING = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_SHOP_FLOOR = frozenset(
    {"inventory:read", "fulfillment:read", "fulfillment:write", "returns:read", "returns:write"}
)
ROLES: Mapping[str, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "admin": frozenset(SCOPES),
    "operations_manager": frozenset(SCOPES) - {"users:write", "payments:refund"},
    "customer_service": READING | {"orders:write", "returns:write"},
    "store_associate": _SHOP_FLOOR,
    "warehouse": _SHOP_FLOOR | {"inventory:write"},
    "finance": READING | {"payments:refund"},
    "integrator": frozenset(SCOPES) - {"users:write", "audit:read"},
    "auditor": READING,
    "support": READING | {"orders:write"},
}

SESSION_IDLE = timedelta(minutes=30)
SESSION_LONGEST = timedelta(hours=12)
PASSWORD_LENGTH = 12
_LAST_USE_EVERY = timedelta(minutes=1)
_hasher = PasswordHasher()
# Verified against when nobody has that e-mail, so that the answer takes as long as for somebody's wrong password.
_NOBODY = _hasher.hash("nobody")


@dataclass(frozen=True, slots=True)
class Credential:
    """Whoever is at the door. `nodes` and `channels` limit what is seen; None is all of them."""

    id: UUID
    actor: str
    scopes: frozenset[str]
    nodes: frozenset[UUID] | None = None
    channels: frozenset[UUID] | None = None
    mode: Literal["live", "test"] = "live"

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    def sees(self, *, node: UUID | None = None, channel: UUID | None = None) -> bool:
        """Whether something at that node, of that channel is within the limits; what is not given is not judged."""
        return (node is None or self.nodes is None or node in self.nodes) and (
            channel is None or self.channels is None or channel in self.channels
        )

    def covers(self, *, node: UUID | None, channel: UUID | None) -> bool:
        """Whether all of something is within the limits; what is not given means all there are."""
        return (self.nodes is None or (node is not None and node in self.nodes)) and (
            self.channels is None or (channel is not None and channel in self.channels)
        )

    @property
    def limited(self) -> bool:
        return self.nodes is not None or self.channels is not None


# --- API keys -------------------------------------------------------------------------------------------------


class UnknownScope(ValueError):
    """A scope, role or mode that does not exist; the message lists those that do."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown: without its secret."""

    id: UUID
    name: str
    mode: str
    prefix: str
    scopes: tuple[str, ...]
    nodes: tuple[UUID, ...] | None
    channels: tuple[UUID, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


_KEY_COLUMNS = (
    "id, name, mode, prefix, scopes, nodes, channels, created_at, expires_at, revoked_at, last_used_at"
)


async def create_key(
    db: Db,
    *,
    name: str,
    scopes: Iterable[str],
    mode: Literal["live", "test"] = "test",
    nodes: Sequence[UUID] | None = None,
    channels: Sequence[UUID] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is never to be had again. Raises UnknownScope."""
    wanted = sorted(set(scopes))
    _refuse_unknown("scope", wanted, SCOPES)
    prefix = f"ol_{mode}_{secrets.token_hex(6)}"
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    row = await db.fetchrow(
        f"INSERT INTO plumbing.api_keys (name, mode, prefix, secret_hash, scopes, nodes, channels, expires_at) "
        f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {_KEY_COLUMNS}",
        name,
        mode,
        prefix,
        fingerprint(text),
        wanted,
        list(nodes) if nodes is not None else None,
        list(channels) if channels is not None else None,
        expires_at,
    )
    return _api_key(row), text


async def key_credential(db: Db, text: str) -> Credential | None:
    """Whom a key lets in: None for one that is unknown, expired or revoked. Notes its use once a minute."""
    row = await db.fetchrow(
        "SELECT id, prefix, mode, scopes, nodes, channels, "
        "last_used_at IS NULL OR last_used_at < clock_timestamp() - $2::interval AS note_use "
        "FROM plumbing.api_keys WHERE secret_hash = $1 AND prefix = $3 AND revoked_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > clock_timestamp())",
        fingerprint(text),
        _LAST_USE_EVERY,
        "_".join(text.split("_")[:3]),
    )
    if row is None:
        return None
    if row["note_use"]:
        await db.execute(
            "UPDATE plumbing.api_keys SET last_used_at = clock_timestamp() WHERE id = $1", row["id"]
        )
    return Credential(
        id=row["id"],
        actor=f"key:{row['prefix']}",
        scopes=frozenset(row["scopes"]),
        nodes=_limit(row["nodes"]),
        channels=_limit(row["channels"]),
        mode=row["mode"],
    )


async def list_keys(db: Db) -> list[ApiKey]:
    rows = await db.fetch("SELECT " + _KEY_COLUMNS + " FROM plumbing.api_keys ORDER BY id")
    return [_api_key(row) for row in rows]


async def revoke_key(db: Db, key_id: UUID, *, after: timedelta = timedelta(0)) -> bool:
    """End a key, at once or `after` an overlap in which its successor is rolled out. False when there is none."""
    done = await db.fetchval(
        "UPDATE plumbing.api_keys SET "
        "revoked_at = CASE WHEN $2 = interval '0' THEN coalesce(revoked_at, clock_timestamp()) ELSE revoked_at END, "
        "expires_at = least(expires_at, clock_timestamp() + $2) WHERE id = $1 RETURNING true",
        key_id,
        after,
    )
    return bool(done)


def fingerprint(text: str) -> bytes:
    """What is kept of a long random secret."""
    return hashlib.sha256(text.encode()).digest()


def _api_key(row: Row | None) -> ApiKey:
    assert row is not None  # noqa: S101 - RETURNING of an insert
    found: dict[str, Any] = dict(row)
    for name in ("scopes", "nodes", "channels"):
        found[name] = tuple(found[name]) if found[name] is not None else None
    return ApiKey(**found)


# --- users and sessions ---------------------------------------------------------------------------------------


class WeakPassword(ValueError):
    """The password is shorter than 12 characters."""


class EmailTaken(ValueError):
    """A user with that e-mail exists."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who logs in to the console."""

    id: UUID
    email: str
    name: str
    role: str
    nodes: frozenset[UUID] | None
    channels: frozenset[UUID] | None
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A login that still holds. `csrf` is what each unsafe form must carry."""

    user: User
    csrf: str
    created_at: datetime
    expires_at: datetime

    def credential(self) -> Credential:
        """What the user's role lets them do."""
        return Credential(
            id=self.user.id,
            actor=f"user:{self.user.email}",
            scopes=ROLES.get(self.user.role, frozenset()),
            nodes=self.user.nodes,
            channels=self.user.channels,
        )


_USER_COLUMNS = "u.id, u.email, u.name, u.role, u.nodes, u.channels, u.active, u.created_at"


async def create_user(
    db: Db,
    *,
    email: str,
    password: str,
    role: str,
    name: str = "",
    nodes: Sequence[UUID] | None = None,
    channels: Sequence[UUID] | None = None,
) -> User:
    """A new user. Raises EmailTaken, WeakPassword, UnknownScope."""
    _refuse_unknown("role", [role], ROLES)
    hashed = await _hashed(password)
    try:
        async with db.transaction():
            row = await db.fetchrow(
                "INSERT INTO plumbing.users AS u (email, name, password_hash, role, nodes, channels) "
                f"VALUES ($1, $2, $3, $4, $5, $6) RETURNING {_USER_COLUMNS}",
                _email(email),
                name,
                hashed,
                role,
                list(nodes) if nodes is not None else None,
                list(channels) if channels is not None else None,
            )
    except UniqueViolation:
        raise EmailTaken(email) from None
    assert row is not None  # noqa: S101 - RETURNING of an insert
    return _user(row)


async def list_users(db: Db) -> list[User]:
    rows = await db.fetch("SELECT " + _USER_COLUMNS + " FROM plumbing.users AS u ORDER BY u.email")
    return [_user(row) for row in rows]


async def set_password(db: Db, *, email: str, password: str) -> bool:
    """Change it and end every session of the user. False when there is no such user."""
    hashed = await _hashed(password)
    user_id = await db.fetchval(
        "UPDATE plumbing.users SET password_hash = $2 WHERE email = $1 RETURNING id", _email(email), hashed
    )
    if user_id is not None:
        await revoke_sessions(db, user_id)
    return user_id is not None


async def set_active(db: Db, *, email: str, active: bool) -> bool:
    """Let a user in again, or out for good with all sessions. False when there is no such user."""
    user_id = await db.fetchval(
        "UPDATE plumbing.users SET active = $2 WHERE email = $1 RETURNING id", _email(email), active
    )
    if user_id is not None and not active:
        await revoke_sessions(db, user_id)
    return user_id is not None


async def login(
    db: Db, email: str, password: str, *, longest: timedelta = SESSION_LONGEST
) -> tuple[Session, str] | None:
    """A new session and its token for the cookie; None for a wrong password and an unknown user alike.

    The caller throttles by account and address.
    """
    row = await db.fetchrow(
        f"SELECT {_USER_COLUMNS}, u.password_hash FROM plumbing.users AS u WHERE u.email = $1 AND u.active",
        _email(email),
    )
    right = await asyncio.to_thread(_verify, row["password_hash"] if row else _NOBODY, password)
    if row is None or not right:
        return None
    if _hasher.check_needs_rehash(row["password_hash"]):
        await db.execute(
            "UPDATE plumbing.users SET password_hash = $2 WHERE id = $1", row["id"], await _hashed(password)
        )
    token = secrets.token_urlsafe(32)
    made = await db.fetchrow(
        "INSERT INTO plumbing.sessions (token_hash, user_id, csrf, expires_at) "
        "VALUES ($1, $2, $3, clock_timestamp() + $4) RETURNING csrf, created_at, expires_at",
        fingerprint(token),
        row["id"],
        secrets.token_urlsafe(24),
        longest,
    )
    assert made is not None  # noqa: S101 - RETURNING of an insert
    return Session(_user(row), made["csrf"], made["created_at"], made["expires_at"]), token


async def session(db: Db, token: str, *, idle: timedelta = SESSION_IDLE) -> Session | None:
    """The session behind a cookie; None when it is unknown, ended, too old or was too long unused. Marks the use."""
    row = await db.fetchrow(
        "UPDATE plumbing.sessions AS s SET last_seen_at = clock_timestamp() FROM plumbing.users AS u "
        "WHERE s.token_hash = $1 AND u.id = s.user_id AND u.active AND s.revoked_at IS NULL "
        "AND s.expires_at > clock_timestamp() AND s.last_seen_at > clock_timestamp() - $2::interval "
        f"RETURNING {_USER_COLUMNS}, s.csrf, s.created_at AS began_at, s.expires_at",
        fingerprint(token),
        idle,
    )
    return Session(_user(row), row["csrf"], row["began_at"], row["expires_at"]) if row else None


async def logout(db: Db, token: str) -> None:
    """End the session behind a cookie."""
    await db.execute(
        "UPDATE plumbing.sessions SET revoked_at = clock_timestamp() WHERE token_hash = $1 AND revoked_at IS NULL",
        fingerprint(token),
    )


async def revoke_sessions(db: Db, user_id: UUID) -> None:
    """Log a user out everywhere."""
    await db.execute(
        "UPDATE plumbing.sessions SET revoked_at = clock_timestamp() WHERE user_id = $1 AND revoked_at IS NULL",
        user_id,
    )


async def _hashed(password: str) -> str:
    if len(password) < PASSWORD_LENGTH:
        raise WeakPassword(f"a password has at least {PASSWORD_LENGTH} characters")
    return await asyncio.to_thread(_hasher.hash, password)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _email(text: str) -> str:
    return text.strip().lower()


def _user(row: Row) -> User:
    return User(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        role=row["role"],
        nodes=_limit(row["nodes"]),
        channels=_limit(row["channels"]),
        active=row["active"],
        created_at=row["created_at"],
    )


def _limit(ids: Sequence[UUID] | None) -> frozenset[UUID] | None:
    return None if ids is None else frozenset(ids)


def _refuse_unknown(kind: str, wanted: Sequence[str], known: Iterable[str]) -> None:
    if strange := sorted(set(wanted) - set(known)):
        raise UnknownScope(f"no {kind} is called {', '.join(strange)}: choose from {', '.join(known)}")
