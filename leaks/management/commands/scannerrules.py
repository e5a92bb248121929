from typing import Any

from config import profiles
from config.commands.base import KeyhouseCommand, Output
from leaks.scanning.rules import WRITERS, rules_of


class Command(KeyhouseCommand):
    help = "Write the active profile's key formats as rules of a secret scanner."
    needs_secrets = False
    examples = (
        "{} --format gitleaks > keys.toml",
        "{} --format kingfisher > keys.yml",
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "--format", required=True, choices=list(WRITERS), help="the scanner that reads them"
        )

    def run(self, options: dict[str, Any]) -> Output:
        profile = profiles.active()
        rules = rules_of(profile.product.name, profile.keys.environments)
        text = WRITERS[options["format"]](rules)
        return Output({"format": options["format"], "rules": text}, text.removesuffix("\n"))
