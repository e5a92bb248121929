import os
import subprocess

import pytest

from tests.packaging import container


@pytest.fixture(scope="module")
def built_image(tmp_path_factory: pytest.TempPathFactory) -> container.Image:
    """The image that deploy/docker/Dockerfile describes."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"]).returncode != 0:
        pytest.skip("only root makes mount namespaces: the steps of the Dockerfile were not followed")
    return container.build(tmp_path_factory.mktemp("image"))
