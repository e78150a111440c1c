"""Namespaces of this machine, for tests that need several machines: new ones to run in, and a network.

What is made in them ends with the process that entered them.
"""

import os
import shutil
import subprocess
import sys

import toolchains

MINE = ["unshare", "--mount", "--net", "--uts", "--propagation", "private"]
# Besides, for tests that start much: all of it ends with the first process of this namespace.
PROCESSES = ["--pid", "--fork", "--kill-child", "--mount-proc"]
INSIDE = "COORD_TEST_INSIDE"


def can_enter(*more):
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run([*unshare(), *more, "true"], check=False, capture_output=True)
    return done.returncode == 0


def need():
    """Skips the test, or under CI fails, where enter() was not possible."""
    if INSIDE not in os.environ:
        toolchains.absent("namespaces of networks, mounts and processes, which root may make where the "
                          "kernel and the container allow it (unshare)")


def unshare():
    return MINE if os.geteuid() == 0 else [*MINE, "--map-root-user"]


def enter(*more):
    """Starts this program anew in namespaces of its own; does nothing there."""
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "yes"
        arguments = [*unshare(), *more, sys.executable, *sys.argv]
        os.execvp(arguments[0], arguments)


def do(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Bridge:
    """A network between this namespace and others, in which it has `address` itself."""

    def __init__(self, name, address, prefix):
        self.name = name
        self.prefix = prefix
        do("ip", "link", "set", "lo", "up")
        # An address of its own: else it has one of its links', and another one when that goes.
        do("ip", "link", "add", name, "address", "02:00:00:00:00:01", "type", "bridge")
        do("ip", "address", "add", f"{address}/{prefix}", "dev", name)
        do("ip", "link", "set", name, "up")

    def connect(self, pid, link, address):
        """The network namespace of `pid`; `link` is its other end here."""
        inside = ["nsenter", "--target", str(pid), "--net", "ip"]
        do("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        do("ip", "link", "set", link, "master", self.name, "up")
        do(*inside, "address", "add", f"{address}/{self.prefix}", "dev", "eth0")
        do(*inside, "link", "set", "eth0", "up")
        do(*inside, "link", "set", "lo", "up")

    @staticmethod
    def disconnect(link):
        do("ip", "link", "del", link)

    def remove(self):
        do("ip", "link", "del", self.name)
