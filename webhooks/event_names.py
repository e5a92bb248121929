"""Event names as webhooks spell them: `api_key.revoked` for the audit log's `api_key:revoked`."""

from collections.abc import Iterable

from audit.events import EventName
from config.wire.errors import Invalid, Sentence

TEST = "webhook.test"  # sent on request; no event of the audit log has this name


def dotted(name: str) -> str:
    """Return the name of an audit event as webhooks spell it."""
    return name.replace(":", ".", 1)


NAMES = {dotted(name): str(name) for name in EventName}
MEANINGS = {dotted(name): name.description for name in EventName}


def clean_events(names: Iterable[str]) -> list[str]:
    """Return what a webhook is for as `clean_names` does. Raises Invalid, naming `events`."""
    return clean_names("events", names)


def clean_names(member: str, names: Iterable[str]) -> list[str]:
    """Return dotted names in the order of the vocabulary, each once. Raises Invalid for an unknown name."""
    chosen = set(names)
    unknown = sorted(chosen - NAMES.keys())
    if unknown:
        raise Invalid(
            member,
            Sentence("has %(name)s, which is not an event; api_key.revoked is one", name=unknown[0][:60]),
        )
    return [name for name in NAMES if name in chosen]
