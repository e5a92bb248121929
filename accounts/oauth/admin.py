from django.contrib import admin
from oauth2_provider import admin as _theirs  # noqa: F401 (it registers what is unregistered here)
from oauth2_provider.models import IDToken

from accounts.models import OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken

admin.site.unregister((IDToken, OAuthAccessToken, OAuthClient, OAuthCode, OAuthRefreshToken))
