"""A device that waits for a person."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oauth.models import OAuthClient

DEVICE = "WDJB-MJHT"  # the code that it shows
DAY = timedelta(days=1)


def make_device(client: "OAuthClient", scopes: list[str], now: datetime) -> None:
    """A device that waits for a person with the code DEVICE."""
    from access import peppers
    from oauth.models import DeviceCode
    from oauth.protocol import tokens

    DeviceCode.objects.create(
        client=client,
        digest=tokens.digest("a device code"),
        user_digest=tokens.secret_digest(DEVICE.replace("-", ""), peppers.current().secret),
        scopes=scopes,
        ip="2001:db8:85a3:8d3:1319:8a2e:370:7348",
        network="2001:db8:85a3:8d3::/64",
        asked_at=now,
        expires_at=now + DAY,
        interval=5,
    )
