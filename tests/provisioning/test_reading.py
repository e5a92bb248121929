"""What a file may say, and how its faults are named."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from accounts.models import Organization
from apikeys.models import ApiKey
from config import profiles
from config.profiles.profile import Profile
from provisioning import documents
from provisioning.documents import Unreadable, parse
from tests.commands.helpers import refusal_of
from tests.conftest import Cast
from tests.provisioning.conftest import Write, apply, drift_of, refused

KEY = "organizations:\n  Acme:\n    keys:\n      CI:\n"
LONG = "x" * 5_000


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\na: 2", 2, "'a' is repeated; line 1 has it"),
        ("a: {b: 1, b: 2}", 1, "'b' is repeated"),
        ("a: 1\n---\nb: 2", 2, "must have one document"),
        ("a: !!python/object:os.system x", 1, "the tag 'tag:yaml.org,2002:python/object:os.system' is not"),
        ("a: !secret x", 1, "the tag '!secret' is not supported"),
        ("a: [1, 2", 0, "is not YAML"),
        ("a:\n\t- b", 2, "is not YAML"),
        ("? [a, b]\n: c", 1, "a name must be a text"),
        ("a: *b", 1, "alias"),
        ("a: &b [*b]", 1, "alias"),
        ("[" * 50_000, 1, "is nested more than 20 deep"),
        ("a: \x01", 0, "is not YAML"),
        ("{" * 50_000, 1, "nested"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(text.encode())
    assert reason in caught.value.reason
    assert line == 0 or caught.value.line == line


@pytest.mark.once
def test_a_billion_laughs_are_counted_and_not_made() -> None:
    lines = ["a: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(Unreadable, match="more than 1,000,000 values, counting what aliases stand for"):
        parse("\n".join(lines).encode())


@pytest.mark.once
def test_a_file_that_is_too_large_is_not_parsed() -> None:
    with pytest.raises(Unreadable, match="must have at most 10 MiB"):
        parse(b"a" * (documents.LARGEST_FILE + 1))


@pytest.mark.once
def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Unreadable, match="is not UTF-8 text"):
        parse(b"a: \xff")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "organizations:\n  Acme: {}\n  Initech: {renamed_from: acme}",
            "keyhouse.yaml:3: organizations.Initech: renamed_from is also what line 2 is about",
        ),
        (
            "organizations:\n  Acme: {renamed_from: Old}\n  Initech: {renamed_from: old}",
            "keyhouse.yaml:3: organizations.Initech: renamed_from is also what line 2 is about",
        ),
        (f'{KEY}        description: "a\\0b"', "CI.description: "),
        (f'{KEY}        metadata: {{team: "a\\0b"}}', "CI.metadata: "),
        (f'{KEY}        metadata: {{"a\\0b": team}}', "CI.metadata"),
        (f'{KEY}        scopes: ["a\\0b"]', "CI.scopes: "),
        (f'{KEY}        quota: {{day: "1\\0"}}', "CI.quota.day: must be a number"),
        ('organizations:\n  "A\\0": {}', "keyhouse.yaml:2: organizations.A"),
        ('organizations:\n  Acme: {renamed_from: "A\\0"}', "Acme.renamed_from: contains a control character"),
        ('webhooks:\n  All: {url: "https://example.org/\\0"}', "keyhouse.yaml:2: webhooks.All.url: "),
        ('clients:\n  "D\\0": {}', "keyhouse.yaml:2: clients.D"),
        ("", "keyhouse.yaml: is empty; to say that nothing is wanted, write organizations: {}"),
        ("# nothing\n", "keyhouse.yaml: is empty"),
        ("- Acme", "keyhouse.yaml:1: must be a mapping of names, and is a list"),
        ("Acme", "keyhouse.yaml:1: must be a mapping of names, and is a text"),
        ("organisations: {}", "keyhouse.yaml:1: organisations is not a member; did you mean organizations?"),
        (
            "organizations:\n  - Acme",
            "keyhouse.yaml:2: organizations: must be a mapping of names, and is a list",
        ),
        (
            f"{KEY}        scope: [x]",
            "keyhouse.yaml:5: organizations.Acme.keys.CI: scope is not a member; did",
        ),
        (
            f"{KEY}        scopes: [nope]",
            "keyhouse.yaml:5: organizations.Acme.keys.CI.scopes: 'nope' is not a s",
        ),
        (f"{KEY}        scopes: services:read", "CI.scopes: must be a list of texts, such as [a, b]"),
        (
            f"{KEY}        environment: prod",
            "CI.environment: 'prod' is not an environment; the environments are",
        ),
        (f"{KEY}        expires_in: soon", "CI.expires_in: 'soon' must be a number and s, m, h, d or w"),
        (f"{KEY}        expires_at: soon", "CI.expires_at: 'soon' is not an ISO 8601 time"),
        (
            f"{KEY}        expires_in: 1d\n        expires_at: 2099-01-01",
            "CI.expires_in: must be left out beside",
        ),
        (
            f"{KEY}        allowed_networks: [10.0.0.0/99]",
            "CI.allowed_networks: '10.0.0.0/99' is not a network",
        ),
        (
            f"{KEY}        rate_limit: many",
            "CI.rate_limit: 'many' must be a number of requests and a duration",
        ),
        (f"{KEY}        metadata: {{team: [a]}}", "CI.metadata.team: must be a text"),
        (f"{KEY}        attributes: {{color: red}}", "CI.attributes: is not an attribute of this product"),
        (f"{KEY}        disabled: perhaps", "CI.disabled: must be true or false"),
        (
            "organizations:\n  Acme:\n    members:\n      bob: king",
            ":4: organizations.Acme.members.bob: must be",
        ),
        ("organizations:\n  Acme:\n    members:\n      b@: owner", "members.b@: must be an e-mail address"),
        ("organizations:\n  Acme: {}\n  ACME: {}", ":3: organizations: ACME is the same as line 2"),
        (f"organizations:\n  ? {'x' * 5_000}\n  : {{}}", "must have at most 100 characters, and has 5000"),
        (
            f"organizations:\n  Acme:\n    keys:\n      ? {'k' * 5_000}\n      : {{}}",
            "must have at most 100 characters",
        ),
        ('organizations:\n  Acme: {renamed_from: "a\\0"}', "Acme.renamed_from: contains a control character"),
        ("organizations:\n  ' ': {}", "must not be empty"),
        ('organizations:\n  "a\\0b": {}', "contains a control character"),
        ("organizations:\n  Acme: {absent: true, keys: {}}", "Acme: keys must be left out beside absent"),
        (
            "organizations:\n  Acme: {clients: {M: {public: true, scopes: [services:read]}}}",
            "M: public is not a member; the members are",
        ),
        (
            "organizations:\n  Acme: {clients: {M: {scopes: [openid]}}}",
            "M.scopes: openid, profile, ",
        ),
        (
            "clients:\n  App: {scopes: [openid]}",
            "clients.App.redirect_uris: is required, unless",
        ),
        (
            "clients:\n  App: {scopes: [openid], redirect_uris: ['https://a.example/'], public: true, "
            "without_pkce: true}",
            "App.without_pkce: is only for clients",
        ),
        ("clients:\n  App: {scopes: [openid], redirect_uris: ['http://a.example/']}", "App.redirect_uris: "),
    ],
)
def test_a_fault_is_named_with_file_line_and_member(db: None, write: Write, text: str, words: str) -> None:
    write(text)
    said = refused(command="plan")
    assert words in said and len(said.splitlines()) == 1 and len(said) < 600
    assert refused() == said
    assert not Organization.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG}: {{}}",
        f"organizations: {{{LONG}: {{}}, {LONG} : {{}}}}",
        f"organizations: {{Acme: {{members: {{{LONG}: owner}}}}}}",
        f"organizations: {{Acme: {{keys: {{{LONG}: {{}}}}}}}}",
        f"organizations: {{Acme: {{keys: {{CI: {{{LONG}: 1, scopes: [{LONG}]}}}}}}}}",
        f"organizations: {{Acme: {{keys: {{CI: {{expires_in: {LONG}, rate_limit: {LONG}}}}}}}}}",
        f"organizations: {{Acme: {{keys: {{CI: {{environment: {LONG}, allowed_networks: [{LONG}]}}}}}}}}",
        f"organizations: {{Acme: {{keys: {{CI: {{expires_at: {LONG}, attributes: {{{LONG}: a}}}}}}}}}}",
        f"webhooks: {{All: {{url: {LONG}, events: [{LONG}]}}}}",
        f"clients: {{All: {{redirect_uris: [{LONG}], scopes: [{LONG}]}}}}",
        f"a: *{LONG}",
        f"a: !{LONG} b",
        f"{{{LONG}: 1, {LONG}: 2}}",
    ],
)
def test_a_fault_does_not_repeat_long_texts(
    cast: Cast, write: Write, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    write(text)
    said = capsys.readouterr().err + refused(command="plan")
    assert max(map(len, said.splitlines())) < 500


def test_all_faults_are_named_at_once(db: None, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write(f"{KEY}        scopes: [nope]\n        rate_limit: many\n        enviroment: live")
    said = refused(command="plan")
    assert [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()] == [
        "keyhouse.yaml:7",
        "keyhouse.yaml:5",
    ]
    assert said.startswith("keyhouse.yaml:6: ")


def test_a_file_that_is_not_there_is_named(db: None, folder: Path) -> None:
    assert refusal_of("plan", "none.yaml") == "none.yaml: cannot be read: No such file or directory"
    assert refusal_of("plan", str(folder)) == f"{folder}: cannot be read: Is a directory"


def test_texts_stay_as_they_are_written(cast: Cast, write: Write) -> None:
    write(
        f"{KEY}        scopes: [services:read]\n        metadata: {{on: no, version: 1.10, day: 2026-01-02}}"
    )
    apply("--print-secrets")
    assert ApiKey.objects.get().metadata == {"day": "2026-01-02", "on": "no", "version": "1.10"}
    assert drift_of()[0] == 0


def test_anchors_may_share_what_keys_have_in_common(cast: Cast, write: Write) -> None:
    one = f"{KEY}        &same {{scopes: [services:read], allowed_networks: [10.0.0.0/8]}}\n"
    write(f"{one}      CD: *same")
    apply("--print-secrets")
    assert list(ApiKey.objects.values_list("name", "allowed_networks").order_by("name")) == [
        ("CD", ["10.0.0.0/8"]),
        ("CI", ["10.0.0.0/8"]),
    ]


def test_names_of_every_script_are_taken(cast: Cast, write: Write, folder: Path) -> None:
    write("organizations:\n  Bücher 日本:\n    keys:\n      ключ 🔑: {scopes: [services:read]}")
    apply("--secrets-dir", "secrets")
    assert ApiKey.objects.get(organization__name="Bücher 日本").name == "ключ 🔑"
    (path,) = folder.glob("secrets/*/*")
    assert str(path.relative_to(folder)).isascii()
    assert drift_of()[0] == 0


def test_a_profile_without_oauth2_has_no_clients(db: None, write: Write) -> None:
    without = Profile("test", replace(profiles.active().file, oauth2=None))
    with profiles.override(without):
        write("clients:\n  Dashboard: {scopes: []}\n")
        said = "keyhouse.yaml:2: clients: Dashboard needs OAuth2, which the profile does not have"
        assert refused(command="plan") == said
        write("clients: {}")
        assert drift_of().code == 0
