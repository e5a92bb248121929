"""Log in, make a key, list keys with it, and revoke it: with a client of openapi-python-client."""

import os
import sys

from keyhouse_api_client import AuthenticatedClient, Client
from keyhouse_api_client.api.api_keys import create_api_key, list_api_keys, revoke_api_key
from keyhouse_api_client.api.log_in import log_in
from keyhouse_api_client.models import (
    ApiKeyPage,
    CreateApiKeyRequest,
    CreatedApiKey,
    ListApiKeysStatus,
    Login,
    LoginRequest,
    Problem,
    ScopeName,
)
from keyhouse_api_client.types import UNSET

address = sys.argv[1]

who = LoginRequest(
    username="admin", password=os.environ["PASSWORD"], totp_code=os.environ.get("TOTP_CODE", UNSET)
)
login = log_in.sync(client=Client(address), body=who)
assert isinstance(login, Login), login
person = AuthenticatedClient(address, login.access_token)

wanted = CreateApiKeyRequest(name="Report", scopes=[ScopeName.KEYSREAD])
key = create_api_key.sync(client=person, body=wanted)
assert isinstance(key, CreatedApiKey) and key.key, key
program = AuthenticatedClient(address, key.key)

page = list_api_keys.sync(client=program, status=ListApiKeysStatus.ACTIVE)
assert isinstance(page, ApiKeyPage), page
print("listed:", *[f"{each.name} is {each.status.value}" for each in page.results])

revoked = revoke_api_key.sync_detailed(key.id, client=person)
print("revoked:", revoked.status_code.value)

refused = list_api_keys.sync_detailed(client=program)
assert isinstance(refused.parsed, Problem), refused
print("then:", refused.status_code.value, refused.parsed.code)
