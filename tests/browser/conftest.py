"""A real browser before a real server. Whatever a page does against the policy fails its test."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.browser.chromium import find_chromium
from tests.installation import ADMIN, Installation, Server, copy_of

NAME, PASSWORD = ADMIN["KEYHOUSE_ADMIN_USERNAME"], ADMIN["KEYHOUSE_ADMIN_PASSWORD"]
OAUTH2 = "/api/v1/auth/oauth2"
# V8's compilers of hot code work longer than they spare: the scripts of each page, and axe's, begin cold.
FLAGS = ["--js-flags=--no-maglev,--no-opt"]
LIMITS = "login.address=10000,login.account=10000,login.here=10000"


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The machine's Chromium, for all tests of this folder."""
    path = find_chromium()
    if path is None:  # no package of Python's brings one; the end of ./run test says that it was missing
        pytest.skip("there is no Chromium in PATH")
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread, where Django would otherwise refuse to go to the database.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            yield browser
            browser.close()


@pytest.fixture(scope="package")
def demo(after_first_start: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with something to see."""
    with copy_of(after_first_start, tmp_path_factory.mktemp("demo")) as installation:
        fill(installation)
        with installation.serve(KEYHOUSE_LIMITS=LIMITS, KEYHOUSE_ADMIN_SECOND_FACTOR="false") as server:
            yield server


def fill(installation: Installation, module: str = "tests.browser.demo") -> None:
    """Put into an installation what the module makes."""
    code = f"from {module} import main; main()"
    done = installation.manage("shell", "--no-imports", "-c", code, KEYHOUSE_LEASE_MS="0")
    assert done.returncode == 0, done.stderr


@dataclass
class Visit:
    """Somebody with a browser of their own at a server, which may lead them to `friends`."""

    server: Server
    context: Any
    friends: tuple[str, ...] = ()
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._watch)

    def _listen(self, message: Any) -> None:
        if "Content Security Policy" in message.text or message.type == "error":
            self.complaints.append(message.text)

    def _watch(self, request: Any) -> None:
        if not request.url.startswith((self.origin, "data:", *self.friends)):
            self.complaints.append(f"a foreign host: {request.url}")

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def go(self, path: str) -> None:
        response = self.page.goto(self.origin + path)
        assert response.status == 200, f"{path}: {response.status}"

    def log_in(self, name: str = NAME, password: str = PASSWORD) -> None:
        self.go("/admin/login/?next=/admin/")
        self.page.get_by_label("user name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")

    def log_in_to_allow(self) -> None:
        """Fill in the login page of OAuth2."""
        self.page.get_by_label("User name").fill(NAME)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.press("Log in")

    def press(self, name: str) -> None:
        """Press a button that leads to another page."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def text(self) -> str:
        words: str = self.page.inner_text("body")
        return words


@contextmanager
def visiting(chromium: Any, server: Server, friends: tuple[str, ...] = (), **options: Any) -> Iterator[Visit]:
    """Open a browser of its own; at the end nothing may have gone against the policy."""
    with ExitStack() as stack:
        context = chromium.new_context(**options)
        stack.callback(context.close)
        visit = Visit(server, context, friends)
        yield visit
        assert visit.complaints == []


@pytest.fixture
def visit(chromium: Any, demo: Server) -> Iterator[Visit]:
    """The administrator, logged in."""
    with visiting(chromium, demo) as visit:
        visit.log_in()
        yield visit
