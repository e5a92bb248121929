"""createoauthclient, rotatesigningkey, and the library's commands that Keyhouse does not have."""

from audit.models import Event
from oauth.models import OAuthClient
from tests.commands.helpers import output_of, refusal_of, run
from tests.conftest import Cast
from tests.oauth.flow import CALLBACK, post

MEMBERS = ["client_id", "client_secret", "name", "redirect_uris", "scopes", "created_at"]
BYE = "https://app.example.org/bye"
BOARD = ("createoauthclient", "--name", "Board", "--scope", "services:read")


def test_a_client_is_registered_and_its_secret_shown_once(cast: Cast) -> None:
    document = run(
        *BOARD,
        "--redirect-uri",
        CALLBACK,
        "--redirect-uri",
        f"{CALLBACK}2",
        "--scope",
        "openid",
        "--post-logout-redirect-uri",
        BYE,
    )
    assert list(document) == [*MEMBERS, "post_logout_redirect_uris", "device_grant"]
    row = OAuthClient.objects.get()
    assert (document["client_id"], document["name"]) == (row.client_id, "Board")
    assert document["post_logout_redirect_uris"] == [BYE] == row.post_logout_redirect_uris.split()
    assert document["redirect_uris"] == [CALLBACK, f"{CALLBACK}2"]
    assert document["scopes"] == ["services:read", "openid"]
    assert document["client_secret"].startswith("ocs_")
    assert document["client_secret"] not in str(Event.objects.values())


def test_people_read_the_secret_in_the_output(cast: Cast) -> None:
    text = output_of(*BOARD, "--redirect-uri", CALLBACK)
    assert "client_secret: ocs_" in text and "shown only now" in text


def test_a_public_client_has_no_secret(cast: Cast) -> None:
    assert run(*BOARD, "--redirect-uri", CALLBACK, "--public")["client_secret"] is None


def test_a_client_on_devices_needs_no_redirect_address(cast: Cast) -> None:
    document = run(*BOARD, "--public", "--device-grant")
    assert (document["device_grant"], document["redirect_uris"]) == (True, [])
    assert "device_grant: is only for clients that ask people" in refusal_of(
        *BOARD, "--device-grant", "--organization", "acme"
    )
    assert run(*BOARD, "--redirect-uri", CALLBACK)["device_grant"] is False


def test_a_machine_belongs_to_somebody(cast: Cast) -> None:
    for owner in (("--organization", "acme"), ("--user", "alice")):
        made = run(*BOARD, *owner)
        sent = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
        assert post("token", None, grant_type="client_credentials", **sent).status_code == 200


def test_what_is_wrong_is_one_line(cast: Cast) -> None:
    assert "redirect_uris: is required" in refusal_of(*BOARD)
    assert "loopback" in refusal_of(*BOARD, "--redirect-uri", "http://app.example.org/")
    assert "'nonesuch' is unknown" in refusal_of(*BOARD, "--redirect-uri", CALLBACK, "--scope", "nonesuch")
    assert "user: 'nobody' does not exist" in refusal_of(*BOARD, "--user", "nobody")


def test_the_signing_key_is_rotated(db: None) -> None:
    first, second = run("rotatesigningkey"), run("rotatesigningkey", "--algorithm", "RS256")
    assert (first["alg"], second["alg"]) == ("RS256", "RS256")
    assert first["kid"] != second["kid"]


def test_a_key_that_nothing_would_be_signed_with_is_not_made(db: None) -> None:
    events = Event.objects.count()
    assert "this profile signs with: RS256" in refusal_of("rotatesigningkey", "--algorithm", "ES256")
    assert Event.objects.count() == events


def test_the_librarys_own_commands_are_closed(db: None) -> None:
    assert "createoauthclient" in refusal_of("createapplication")
    assert "the servers" in refusal_of("cleartokens")
    assert "register themselves" in refusal_of("clearcimdapplications")
