"""What schemathesis loads into its process: credentials of one kind of callers, and a list of what it finds.

It runs in .venv-schemathesis, without Keyhouse. CREDENTIALS has sets of headers, as JSON. FOUND is the path
of a file that gets a line of JSON for each failure, and one at the end.
"""

import atexit
import ipaddress
import itertools
import json
import os
from shlex import quote
from typing import Any

import schemathesis
from schemathesis import AuthContext, Case, HookContext, Response

found = open(os.environ["FOUND"], "w")  # noqa: SIM115  until the process ends
unused: list[dict[str, str]] = json.loads(os.environ["CREDENTIALS"])
present = unused.pop()
was_accepted = False  # the present credential, by an operation that needs one
was_let_in = False  # the same, of any credential
cases = itertools.count(1)
sent = 0

if present:

    @schemathesis.auth(refresh_interval=None)
    class Present:
        """Gives each request the caller's present credential."""

        def get(self, case: Case, context: AuthContext) -> dict[str, str]:
            return present

        def set(self, case: Case, data: dict[str, str], context: AuthContext) -> None:
            case.headers.update(data)


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Let each request come from an address of its own, so that the limits of one address hide nothing."""
    global sent
    sent = next(cases)
    case.headers["X-Forwarded-For"] = str(ipaddress.IPv4Address("10.0.0.0") + sent)


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """Go on with another credential once a request has ended the present one."""
    global present, was_accepted, was_let_in
    if not (_is_needed(case) and _is_sent(response)):
        return
    if response.status_code < 300:
        was_accepted = was_let_in = True
    elif response.status_code == 401 and was_accepted and unused:
        present, was_accepted = unused.pop(), False


def _is_needed(case: Case) -> bool:
    """Whether the document says that this request needs a credential: OPTIONS, for one, needs none."""
    security = case.operation.definition.raw["security"]
    return case.method.upper() == case.operation.method.upper() and security != [] and {} not in security


def _is_sent(response: Response) -> bool:
    """Whether the request had the present credential."""
    headers = response.request.headers
    return bool(present) and all(headers.get(name) == value for name, value in present.items())


@schemathesis.hook
def filter_failure(context: HookContext, failure: Any, case: Case, response: Response) -> bool:
    """Write a failure down, and let the run go on as if there had been none."""
    line = {
        "kind": type(failure).__name__,
        "operation": case.operation.definition.raw["operationId"],
        "message": failure.message,
        "request": _as_command(response),
        "status": response.status_code,
        "answer": _text(response.content),
    }
    print(json.dumps(line), file=found, flush=True)
    return False


def _as_command(response: Response) -> str:
    """Return the request for curl, without the caller's credential."""
    request = response.request
    headers = [f"-H {quote(f'{n}: {v}')}" for n, v in request.headers.items() if n not in present]
    body = [] if request.body is None else [f"-d {quote(_text(request.body))}"]
    return " ".join([f"curl -X {request.method} {quote(request.url or '')}", *headers, *body])


def _text(content: str | bytes) -> str:
    return content.decode(errors="backslashreplace") if isinstance(content, bytes) else content


@atexit.register
def finish() -> None:
    """Say how many requests were sent, how many credentials were not needed, and whether any was."""
    last = {"cases": sent, "credentials_left": len(unused), "was_let_in": was_let_in}
    print(json.dumps(last), file=found)
    found.close()
