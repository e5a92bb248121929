"""Somebody at a browser of a real server: forms with their hidden fields, cookies, redirects."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import requests

HIDDEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
ACTION = re.compile(r'<form method="post" action="([^"]*)"')


def allow(address: str, *, identifier: str, password: str, totp_code: str = "") -> str:
    """Log in, allow what is asked, and return where the browser is sent then."""
    browser = requests.Session()
    page = browser.get(address, headers={"Accept": "text/html"})
    assert "/login?" in page.url, page.url
    values = {"identifier": identifier, "password": password, "totp_code": totp_code}
    page = submit(browser, page, values)
    assert "/authorize?" in page.url, page.text
    answer = submit(browser, page, {"answer": "allow"}, follow=False)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def allow_device(keyhouse: str, code: str, *, identifier: str, password: str) -> None:
    """Log in at /device of a Keyhouse, and allow what the device with this code asks for."""
    browser = requests.Session()
    page = browser.get(f"{keyhouse}/device", params={"user_code": code}, headers={"Accept": "text/html"})
    page = submit(browser, page, {"identifier": identifier, "password": password})
    hidden = HIDDEN.findall(page.text)[-1]
    said = browser.post(page.url, {"answer": "allow", "csrfmiddlewaretoken": hidden})
    assert "Go back to your device." in said.text, said.text


def submit(
    browser: requests.Session, page: requests.Response, values: dict[str, str], *, follow: bool = True
) -> requests.Response:
    """Fill in the one form of a page and send it."""
    action, hidden = ACTION.search(page.text), HIDDEN.search(page.text)
    assert action is not None and hidden is not None, page.text
    address = urljoin(page.url, unescape(action[1]))
    assert urlsplit(address).netloc == urlsplit(page.url).netloc
    sent = values | {"csrfmiddlewaretoken": hidden[1]}
    return browser.post(address, sent, allow_redirects=follow, headers={"Accept": "text/html"})
