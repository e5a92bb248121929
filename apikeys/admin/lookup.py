"""Finds a key that somebody pastes into the search field, by its digest."""

from apikeys.at_rest import digests, key_text
from apikeys.models import ApiKey, ApiKeyQuerySet
from config import profiles
from config.logs import mask


def holds_a_key(text: str) -> bool:
    """Whether the text contains a key, or so much of one that it must not be shown."""
    return mask(text) != text


def key_pasted(text: str, visible: ApiKeyQuerySet) -> ApiKey | None:
    """Return the key that `text` contains, if the caller may see it.

    Text around the key, as in `X-API-Key: kh_live_…`, is ignored.
    """
    whole = key_text.pattern(profiles.active().keys.environments).findall(text)
    return visible.filter(digest__in=[each for word in whole for each in digests.digests(word)]).first()
