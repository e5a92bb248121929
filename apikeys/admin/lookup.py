"""A key that somebody pastes to find out whose it is: found by its digest."""

from apikeys.at_rest import digests, key_text
from apikeys.models import ApiKey, ApiKeyQuerySet
from config import profiles
from config.logs import mask


def holds_a_key(text: str) -> bool:
    """Whether there is a key in this text, or so much of one that it must not be shown."""
    return mask(text) != text


def key_pasted(text: str, visible: ApiKeyQuerySet) -> ApiKey | None:
    """Return the key whose text stands in `text`, if it is among those that the caller may see.

    What stands around it, as in `X-API-Key: kh_live_…`, does not matter.
    """
    whole = key_text.pattern(profiles.active().keys.environments).findall(text)
    return visible.filter(digest__in=[each for word in whole for each in digests.digests(word)]).first()
