"""deploy/kubernetes: valid manifests of hardened pods. test_runs.py runs their containers."""

from pathlib import Path

import pytest
import yaml
from kubernetes_validate.utils import latest_version, validate

from config.server.processes import STOP_SECONDS
from tests.packaging.described import KUBERNETES, container_of, manifest, template_of

pytestmark = pytest.mark.once


@pytest.mark.parametrize("path", sorted(KUBERNETES.glob("*.yaml")), ids=lambda path: str(path.stem))
def test_a_manifest_is_valid_in_the_newest_kubernetes(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        validate(document, latest_version(), strict=True)


@pytest.mark.parametrize("name", ["deployment", "prune", "setup"])
def test_a_pod_is_what_the_restricted_profile_admits(name: str) -> None:
    """The profile that namespace.yaml enforces: Pod Security Standards, "Restricted"."""
    pod = template_of(name)["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container_of(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert {kind for volume in pod["volumes"] for kind in volume} == {"name", "secret", "emptyDir"}
    assert manifest("namespace")["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_the_selectors_meet_the_servers_and_no_other_pods() -> None:
    server = template_of("deployment")["metadata"]["labels"]
    assert manifest("service")["spec"]["selector"] == server
    assert manifest("disruption-budget")["spec"]["selector"]["matchLabels"] == server
    assert manifest("deployment")["spec"]["selector"]["matchLabels"] == server
    for name in ("setup", "prune"):
        assert template_of(name)["metadata"]["labels"] != server


@pytest.mark.parametrize("name", ["deployment", "prune", "setup"])
def test_the_network_policy_holds_for_every_pod(name: str) -> None:
    chosen = manifest("network-policy")["spec"]["podSelector"]["matchLabels"]
    assert chosen.items() <= template_of(name)["metadata"]["labels"].items()


def test_a_server_has_time_to_stop() -> None:
    before = container_of("deployment")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert template_of("deployment")["spec"]["terminationGracePeriodSeconds"] > before + STOP_SECONDS
