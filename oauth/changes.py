"""What a caller wants to change about an OAuth2 client."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from config.changes import Changes


class ClientChanges(Changes, frozen=True, kw_only=True):
    """The members of a client that change. Redirect URIs are ignored for machines."""

    name: str | UnsetType = UNSET
    redirect_uris: Sequence[str] | UnsetType = UNSET
    post_logout_redirect_uris: Sequence[str] | UnsetType = UNSET
    scopes: Sequence[str] | UnsetType = UNSET
    without_pkce: bool | UnsetType = UNSET
    device_grant: bool | UnsetType = UNSET
