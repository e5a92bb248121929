"""A systemd of its own, in namespaces of this machine: it knows the units of deploy/systemd and no others."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installation import Server
from tests.packaging.container import BASE, Image
from tests.packaging.described import SYSTEMD

PROGRAM = Path("/lib/systemd/systemd")
NAMESPACES = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--propagation", "private"]
# $1: the folder of the image, $2: this Python, $3: deploy/systemd, $4: a folder for what is written, $5: the
# address to listen on. What stands on the page about systemd is done here: the user, the files, setup.
BOOT = """
mkdir "$4/etc" "$4/work" "$4/lib"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$4/etc,workdir=$4/work" /etc
echo "keyhouse:x:10001:10001::/var/lib/keyhouse:/usr/sbin/nologin" >> /etc/passwd
echo "keyhouse:x:10001:" >> /etc/group
install --directory /etc/keyhouse
install --mode=0644 "$3/keyhouse.env" /etc/keyhouse
sed --in-place "s/^KEYHOUSE_BIND=.*/KEYHOUSE_BIND=$5/" /etc/keyhouse/keyhouse.env
echo "LD_LIBRARY_PATH=$LD_LIBRARY_PATH" >> /etc/keyhouse/keyhouse.env
install --group=keyhouse --mode=0640 /dev/null /etc/keyhouse/database_url
echo "sqlite:////var/lib/keyhouse/keyhouse.sqlite3" > /etc/keyhouse/database_url
mount -t tmpfs tmpfs /run
mkdir /run/units
cp "$3"/keyhouse*.service /run/units
for name in sysinit basic shutdown multi-user network-online; do
    printf "[Unit]\nDefaultDependencies=no\n" > "/run/units/$name.target"
done
mount --bind "$2" /usr/local
mount --bind "$1/opt" /opt
mount --bind "$4/lib" /var/lib
mount -t proc proc /proc
mount -t tmpfs tmpfs /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /tmp
mount -o remount,bind,ro /
install --directory --owner=keyhouse --group=keyhouse --mode=0700 /var/lib/keyhouse
runuser -u keyhouse -- sh -c "set -a; . /etc/keyhouse/keyhouse.env; /opt/keyhouse/bin/keyhouse setup"
exec env --ignore-environment container=test SYSTEMD_UNIT_PATH=/run/units SYSTEMD_PROC_CMDLINE= \
    /lib/systemd/systemd --system --unit=keyhouse.service --show-status=no
"""


@dataclass
class System:
    """The systemd that runs, and whatever talks to it."""

    server: Server

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a program beside it."""
        parent = self.server.process.pid
        init = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]
        command = ["nsenter", f"--target={init}", "--mount", "--pid", "--", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    def control(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run systemctl."""
        return self.run("systemctl", "--no-pager", *arguments)


@contextmanager
def systemd(image: Image, folder: Path, **settings: str) -> Iterator[System]:
    """Boot a systemd that starts keyhouse.service of this image, until the block ends."""
    if not PROGRAM.exists():
        pytest.skip("systemd is not installed (apt-get install systemd): it did not start keyhouse.service")
    written = folder / "written"
    written.mkdir()
    where = [str(image.folder), sys.base_prefix, str(SYSTEMD), str(written), settings["KEYHOUSE_BIND"]]
    with subprocess.Popen(
        ["unshare", *NAMESPACES, "--fork", "--kill-child", "sh", "-ec", BOOT, "sh", *where],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=BASE | settings,
    ) as process:
        server = Server(0, process, "created.")
        server.printed.start()
        try:
            server.wait()  # for setup; systemd itself prints nothing
            yield System(server)
        finally:
            process.kill()
