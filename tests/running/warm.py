"""Commands that need not import their libraries: forks of a process that has imported them.

More than half of a command's start is the import of Django and other libraries, and tests start hundreds of
commands. One process for each run of pytest imports the libraries, and of Keyhouse some modules that read
neither settings nor the environment. It forks for each command, and the fork runs a manage.py with the
arguments, the environment, the folder and the standard streams of the caller. Tests of the start itself, in
tests/commands/start, run Python anew.

    python warm.py SOCKET                 fork for each caller.py that connects to SOCKET, until stdin ends
"""

import atexit
import gc
import importlib
import marshal
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LIBRARIES = (
    "authlib.oidc.core",
    "cryptography.fernet",
    "django.contrib.admin.views.main",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.loader",
    "django.test",
    "django_stubs_ext",
    "dns.resolver",
    "environ",
    "fido2.server",
    "gunicorn.app.base",
    "gunicorn.glogging",
    "gunicorn.workers.gasgi",
    "joserfc.jwt",
    "jsonschema",
    "jwcrypto.jwk",
    "jwt",
    "msgspec",
    "oauth2_provider.validators",
    "oauthlib.oauth2",
    "redis",
    "rest_framework.serializers",
    "segno",
    "smtplib",
    "tomllib",
    "whitenoise.base",
)
# They import most of what reads no settings. An import that reads settings fails here: there are none.
OF_KEYHOUSE = (
    "access.credentials",
    "access.key_limits",
    "accounts.mail.messages",
    "accounts.passkeys.ceremonies",
    "accounts.passkeys.challenges",
    "accounts.passwords.hashing",
    "accounts.second_factor.totp",
    "accounts.throttling.valkey",
    "apikeys.at_rest.foreign",
    "apikeys.attributes",
    "apikeys.quotas.periods",
    "audit.actors",
    "audit.events",
    "config.commands.base",
    "config.outgoing.client",
    "config.server.processes",
    "config.telemetry.access_log",
    "config.wire.preconditions",
    "gateway.routes",
    "oauth.protocol.hints",
    "oauth.protocol.parameters",
    "webhooks.event_names",
)
PACKAGES = {name.partition(".")[0] for name in OF_KEYHOUSE}
CALLER = str(Path(__file__).with_name("caller.py"))


def manage_py(project: Path = PROJECT) -> list[str]:
    """What stands for `python manage.py`, in a folder like the project's, in a command line."""
    # the caller needs the standard library alone
    return [sys.executable, "-IS", CALLER, str(_started()), str(project / "manage.py")]


@cache
def _started() -> Path:
    """Start the process, and return the address of its socket."""
    address = Path(tempfile.mkdtemp(prefix="keyhouse-warm-")) / "socket"
    process = subprocess.Popen(
        [sys.executable, __file__, str(address)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
        start_new_session=True,
    )
    atexit.register(shutil.rmtree, address.parent)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return address


def serve(address: str) -> None:
    """Fork for those who connect; return in each fork that is to be a command."""
    gc.disable()
    sys.path[0] = str(PROJECT)
    for name in LIBRARIES + OF_KEYHOUSE:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for a command
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return become_command(connection)
            connection.close()
    sys.exit()


def become_command(connection: socket.socket) -> None:
    """Fork once more, return in the fork as what is asked for, and answer how the fork has ended."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    sys.argv[:], environment, folder = marshal.load(connection.makefile("rb"))
    child = os.fork()
    if child:
        for stream in streams:
            os.close(stream)
        answer_for(child, connection)
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def answer_for(child: int, connection: socket.socket) -> None:
    """Pass on signals to the command, kill it once nobody waits for it, and answer its exit code."""
    end = os.pidfd_open(child)
    while end not in select.select([connection.fileno(), end], [], [])[0]:
        order = connection.recv(1)
        os.kill(child, order[0] if order else signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(str(code).encode())
    os._exit(0)


def forget_keyhouse() -> None:
    """Let a copy of the project import its own modules."""
    for name in [name for name in sys.modules if name.partition(".")[0] in PACKAGES]:
        del sys.modules[name]


def run() -> None:
    """Run manage.py and end as Python does, but for freeing its memory: each page would be copied first."""
    sys.path[0] = str(Path(sys.argv[0]).parent)
    if sys.path[0] != str(PROJECT):
        forget_keyhouse()
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        code: object = 0
    except SystemExit as end:
        code = end.code or 0
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv.pop(1))
    run()
