"""Pages outside the admin are in the name of the product, and nobody stores them."""

from django.test import Client

from tests.accounts.helpers import serving


def test_a_page_says_whose_it_is_and_is_kept_nowhere(db: None) -> None:
    with serving("product", name="Widget Works"):
        answer = Client(headers={"Accept": "text/html"}).get("/account/login")
    text = answer.content.decode()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "Widget Works" in text and "csrfmiddlewaretoken" in text
