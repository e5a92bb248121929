"""The errors of services on pages, in the language of the page. The API shows them in English."""

from django.utils.translation import gettext

from config.wire.errors import DomainError, Sentence


def said_in_page(error: DomainError) -> str:
    """Return what is wrong, in the language of the page."""
    named = [f"{member}: {translated(reason)}" for member, reason in error.errors.items()]
    return "; ".join(named) or translated(error.detail)


def translated(text: str) -> str:
    """Return an error's text in the language of the page; one without a translation stays English."""
    if isinstance(text, Sentence):
        return gettext(text.template) % text.values
    return gettext(text)
