"""Environment variables with wrong values: one line that names the variable and repeats no password."""

from pathlib import Path

import pytest

from config.env import ConfigurationError
from tests.commands.helpers import assert_one_line
from tests.config.reading import read_settings
from tests.installation import Installation

pytestmark = pytest.mark.once

# Each has another reader, or another fault. The expected words follow the variable.
AS_A_PROCESS = [
    ({"KEYHOUSE_PROFILE": "nope"}, ()),
    ({"KEYHOUSE_DATA_DIR": "/proc/nope"}, ()),
    ({"KEYHOUSE_PUBLIC_URL": "http://[::1"}, ()),
    ({"KEYHOUSE_BIND": "nowhere"}, ()),
    ({"KEYHOUSE_PEPPERS": "1:00"}, ()),
    ({"KEYHOUSE_CURRENT_PEPPER": "7"}, ("'7'", "one of the numbers that exist: 1")),
    ({"KEYHOUSE_CURRENT_SEED_KEY": "7"}, ("'7'", "one of the numbers that exist: 1")),
    ({"KEYHOUSE_TRUSTED_PROXIES": "10.0.0.0/33"}, ()),
    ({"KEYHOUSE_LIMITS": "login.address=many"}, ()),
    ({"DATABASE_URL": "postgres://root:hunter2@127.0.0.1:port/keys"}, ()),
    ({"EMAIL_URL": "pigeon://root:hunter2@loft"}, ()),
    ({"DEBUG": "perhaps"}, ("perhaps",)),
    ({"SECRET_KEY_FILE": "/nowhere/at/all"}, ("/nowhere/at/all",)),
]
OTHERS = [
    ({"KEYHOUSE_DATA_DIR": "/dev/null"}, ("/dev/null",)),
    (
        {"KEYHOUSE_PUBLIC_URL": "https://example.org:8443/auth"},
        ("has a path", "__Host- cookies need the root", "Give https://example.org:8443 if"),
    ),
    ({"KEYHOUSE_LOG_FORMAT": "JSON"}, ("'JSON'", "text or json")),
    ({"KEYHOUSE_ACCESS_LOG": "/var/log/keyhouse"}, ("true or false",)),
    ({"KEYHOUSE_PUBLIC_URL": "ftp://keys.example.org"}, ()),
    ({"KEYHOUSE_BIND": "::1:8000"}, ()),
    ({"KEYHOUSE_BIND": "127.0.0.1:0"}, ()),
    ({"KEYHOUSE_BIND": "everywhere"}, ()),
    ({"ALLOWED_HOSTS": "https://keys.example.org"}, ()),
    ({"KEYHOUSE_PEPPERS": "1:beef"}, ("item 1",)),
    ({"KEYHOUSE_TRUSTED_PROXIES": "10.0.0.0/8, 10.0.0.300"}, ("10.0.0.300",)),
    ({"KEYHOUSE_METRICS_NETWORKS": "loopback"}, ("loopback",)),
    ({"DATABASE_URL": "mysql://host/name"}, ()),
    ({"DATABASE_URL": "mysql://root:hunter2@db/keys"}, ("begins with mysql://",)),
    ({"DATABASE_URL": "postgre://root:hunter2@db/keys"}, ("begins with postgre://", "postgres://")),
    ({"DATABASE_URL": "hunter2"}, ()),
    ({"DATABASE_URL": "postgres://[hunter2"}, ()),
    ({"DATABASE_URL": "postgres:/root:hunter2@db/keys"}, ("must be postgres://USER",)),
    ({"DATABASE_URL_FILE": "/"}, ("directory",)),
    ({"CACHE_URL": "nonsense"}, ()),
    ({"CACHE_URL": "redis://"}, ("redis://USER:PASSWORD@HOST",)),
    ({"CACHE_URL": "redis:///run/valkey.sock"}, ("redis://USER:PASSWORD@HOST",)),
    ({"CACHE_URL": "memcache://127.0.0.1:11211"}, ()),
    ({"CACHE_URL": "pigeon://root:hunter2@loft"}, ()),
    ({"EMAIL_URL": "nonsense"}, ()),
    ({"EMAIL_URL": "smtp://root:hunter2@mail:port"}, ()),
    ({"KEYHOUSE_MAIL_FROM": "nobody"}, ()),
    ({"KEYHOUSE_RESET_URL": "app.example.org/reset"}, ()),
    ({"KEYHOUSE_GITHUB_KEYS_URL": "http://keys.example.org/"}, ("https://",)),
    ({"KEYHOUSE_GITHUB_KEYS_URL": "api.github.com/meta"}, ("https://",)),
    ({"KEYHOUSE_AUDIT_SYSLOG": "logs.example:6514"}, ("tls://HOST:PORT",)),
    ({"KEYHOUSE_AUDIT_SYSLOG": "tls://logs.example"}, ("HOST:PORT",)),
    ({"KEYHOUSE_AUDIT_SYSLOG_CA": "/nowhere/at/all"}, ("/nowhere/at/all",)),
    ({"KEYHOUSE_AUDIT_SYSLOG_CERTIFICATE": "/"}, ("directory",)),
    ({"KEYHOUSE_AUDIT_FILE": "audit.jsonl"}, ("absolute path",)),
    ({"KEYHOUSE_AUDIT_FORMAT": "cef"}, ("jsonl or ocsf",)),
    ({"KEYHOUSE_SIGNING_KEYS": "x"}, ("contains text that is not PEM",)),
    ({"SECRET_KEY_FILE": "/nowhere"}, ()),
]
IN_SETTINGS = [case for case in AS_A_PROCESS if "KEYHOUSE_PROFILE" not in case[0]] + OTHERS


@pytest.mark.parametrize(("variable", "words"), IN_SETTINGS, ids=str)
def test_a_wrong_variable_is_named_in_one_line(
    tmp_path: Path, variable: dict[str, str], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_settings(tmp_path, **variable)
    said = str(raised.value)
    assert said.isprintable() and "hunter2" not in said
    assert all(word in said for word in (*variable, *words)), said


@pytest.mark.parametrize(("variable", "words"), AS_A_PROCESS, ids=str)
def test_a_wrong_variable_stops_every_command_with_one_line_that_names_it(
    tmp_path: Path, variable: dict[str, str], words: tuple[str, ...]
) -> None:
    done = Installation(tmp_path, "", variable).manage("setup")
    assert_one_line(done, *variable, *words)
    assert "hunter2" not in done.stderr


def test_right_variables_are_taken(tmp_path: Path) -> None:
    assert (
        read_settings(tmp_path, DEBUG="true", KEYHOUSE_BIND="[::1]:8203")["PUBLIC_URL"] == "http://[::1]:8203"
    )
