"""Writes a profile's key formats as rules of secret scanners. Independent of Django and the database.

Kingfisher compares checksums. The other scanners cannot, so they also find texts that only look like a key.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from config.secrets.key_formats import ALPHABETS, Format

CLASSES = {"base62": "[0-9A-Za-z]", "hex": "[0-9a-f]"}
# No scanner here has lookarounds. An underscore is part of a word for \b, but may stand beside a key.
BESIDE = r"(?:\b|_)"
CRC_DIGITS = {"base62": 6, "hex": 8}  # a whole CRC-32


class Rule(NamedTuple):
    """The keys of one environment, as scanners look for them. All patterns are in RE2 syntax."""

    identity: str
    description: str
    form: Format

    @property
    def body(self) -> str:
        """The pattern of what the checksum covers."""
        length = self.form.length - self.form.checksum
        return f"{re.escape(self.form.prefix)}{CLASSES[self.form.alphabet]}{{{length}}}"

    @property
    def checksum(self) -> str:
        """The pattern of the checksum; "" for a format without one."""
        count = self.form.checksum
        return f"{CLASSES[self.form.alphabet]}{{{count}}}" if count else ""

    @property
    def pattern(self) -> str:
        """The pattern of a key and what stands beside it. Its first group is the key."""
        return f"{BESIDE}({self.body}{self.checksum}){BESIDE}"


def rules_of(product: str, formats: Mapping[str, Format]) -> list[Rule]:
    """Return a rule for each environment of a product."""
    word = re.sub("[^a-z0-9]+", "-", product.lower()).strip("-") or "keyhouse"
    return [
        Rule(f"{word}-{_word(name)}-api-key", f"API key of {product} ({name})", form)
        for name, form in formats.items()
    ]


def _word(name: str) -> str:
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def gitleaks(rules: list[Rule]) -> str:
    """Return rules for Gitleaks and Betterleaks, in TOML."""
    return "\n".join(
        f"[[rules]]\n"
        f"id = {_quoted(rule.identity)}\n"
        f"description = {_quoted(rule.description)}\n"
        f"regex = '''{rule.pattern}'''\n"
        f"keywords = [{_quoted(rule.form.prefix.lower())}]\n"
        for rule in rules
    )


def trufflehog(rules: list[Rule]) -> str:
    """Return custom detectors for TruffleHog, in YAML."""
    each = (
        f"  - name: {_quoted(rule.identity)}\n"
        f"    keywords: [{_quoted(rule.form.prefix)}]\n"
        f"    regex:\n"
        f"      key: '{rule.pattern}'\n"
        for rule in rules
    )
    return "".join(["detectors:\n", *each])


def kingfisher(rules: list[Rule]) -> str:
    """Return rules for Kingfisher, in YAML. They compare the checksum, if the format has one."""
    return "".join(["rules:\n", *(line for rule in rules for line in _kingfisher(rule))])


def _kingfisher(rule: Rule) -> Iterator[str]:
    yield f"  - name: {_quoted(rule.description)}\n"
    yield f"    id: {_quoted(f'custom.{rule.identity}')}\n"
    key = f"(?P<body>{rule.body})"
    if rule.checksum:
        key += f"(?P<checksum>{rule.checksum})"
    yield f"    pattern: '{BESIDE}({key}){BESIDE}'\n"
    yield "    confidence: high\n"
    yield "    min_entropy: 0.0\n"
    if rule.checksum:
        yield "    pattern_requirements:\n"
        yield "      checksum:\n"
        yield '        actual: { template: "{{ checksum }}", requires_capture: checksum }\n'
        yield f'        expected: "{{{{ body | {_crc_filter(rule.form)} }}}}"\n'
        yield "        skip_if_missing: false\n"


def _crc_filter(form: Format) -> str:
    """Return Kingfisher's filters for `config.secrets.key_formats.checksum`, which keeps the last digits."""
    count = form.checksum
    if form.alphabet == "hex":
        return f"crc32_hex: {count}"
    width = max(count, CRC_DIGITS[form.alphabet])
    return f"crc32 | base62: {width} | suffix: {count}"


def _quoted(text: str) -> str:
    """Return a string that TOML and YAML read alike."""
    return json.dumps(text, ensure_ascii=False)


WRITERS: Mapping[str, Callable[[list[Rule]], str]] = {
    "gitleaks": gitleaks,
    "betterleaks": gitleaks,
    "trufflehog": trufflehog,
    "kingfisher": kingfisher,
}


class PublishedFormat(NamedTuple):
    """The format of the keys of one environment, for those who write rules of their own."""

    environment: str
    prefix: str
    characters: str
    length: int
    checksum: int
    pattern: str


def published(formats: Mapping[str, Format]) -> list[PublishedFormat]:
    """Return the formats as the scanner document shows them."""
    return [
        PublishedFormat(
            name,
            form.prefix,
            ALPHABETS[form.alphabet],
            form.length,
            form.checksum,
            f"{re.escape(form.prefix)}{CLASSES[form.alphabet]}{{{form.length}}}",
        )
        for name, form in formats.items()
    ]
