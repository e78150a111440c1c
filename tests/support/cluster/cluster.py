"""Several replicas that belong together."""

import os
import random
import socket

from cluster.certificates import Authority
from cluster.control import Coordctl
from cluster.replica import Replica
from cluster.waiting import wait_until

ADMIN = "admin"
CLIENT = "client"

CLAIMS = []  # sockets that say which ports are ours


def is_free(port):
    """True if nothing listens there; what closed connections leave behind is no hindrance."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def claim(port):
    """False if another process has claimed it, which holds until that process ends.

    So tests that run at once never choose the same port, also while nothing listens there yet or a
    replica is down. The claim is a socket in the abstract namespace: it belongs to the same network
    namespace as the port does, and ends with this process, not with those that it starts.
    """
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(f"\0coord-test-port-{port}")
    except OSError:
        holder.close()
        return False
    CLAIMS.append(holder)
    return True


def free_ports(count):
    """Ports that nothing listens on now and that are ours until this process ends, all different.

    They lie below the range from which the system takes the ports of outgoing connections, so that
    none of those can take one away before a replica binds it.
    """
    found = []
    for port in random.sample(range(10000, 32000), 50 * count):
        if len(found) < count and claim(port) and is_free(port):
            found.append(port)
    return found


def ports_of_replicas(count):
    """(client, peer, http) for each of `count` replicas."""
    free = iter(free_ports(3 * count))
    return list(zip(free, free, free))


class Programs:
    """Paths of what a build made."""

    def __init__(self, build):
        self.coordd = os.path.join(build, "coordd", "server", "coordd")
        self.coordctl = os.path.join(build, "coordd", "cli", "coordctl")


class Cluster:
    def __init__(self, build, folder, ports):
        """ports: for each replica (client, peer, http)."""
        self.programs = Programs(build)
        self.folder = folder
        self.authority = Authority(os.path.join(folder, "certificates"))
        self.client = self.authority.issue(CLIENT)
        self.admin = self.authority.issue(ADMIN)
        self.replicas = [
            Replica(self.programs.coordd, number, os.path.join(folder, f"coordd-{number}"),
                    each, self.authority.server(number))
            for number, each in enumerate(ports, 1)]

    def configure(self):
        """Writes all configuration files; the replicas whose file changed."""
        return [replica for replica in self.replicas
                if replica.configure(self.replicas, [ADMIN])]

    def coordctl(self, *replicas, identity=None):
        """A coordctl for these replicas (all if none is named), as `client` unless said."""
        return Coordctl(self.programs.coordctl,
                        [each.endpoint for each in replicas or self.replicas],
                        identity or self.client)

    def as_admin(self, *replicas):
        return self.coordctl(*replicas, identity=self.admin)

    def running(self):
        return [replica for replica in self.replicas if replica.daemon.pid is not None]

    def start(self):
        for replica in self.replicas:
            if replica.daemon.pid is None:
                replica.start()

    def found(self, replica):
        """`coordctl init` on one replica, again while it says that it is still busy starting."""
        def founded():
            result = self.as_admin(replica).run("init")
            if result.code != Coordctl.DONE and "busy" not in result.err.lower():
                raise AssertionError(f"coordctl init: exit code {result.code}: {result.err.strip()}")
            return result.code == Coordctl.DONE
        wait_until(f"coordd {replica.number} founds a cluster", 30, founded)

    def give_birth(self, seconds=60):
        """Founds the cluster on the first replica and waits until all of them vote."""
        self.found(self.replicas[0])
        self.wait_all_vote(seconds)

    def wait_all_vote(self, seconds=60):
        wait_until(f"{len(self.replicas)} replicas vote and are ready", seconds, lambda: (
            all(replica.is_ready() for replica in self.replicas)
            and self.voters() == len(self.replicas)))

    def voters(self):
        """How many of the running replicas say that they vote."""
        return sum(replica.metrics().get("coord_is_voter") == 1 for replica in self.running())

    def leader(self):
        """The running replica that says it leads, or None."""
        for replica in self.running():
            if replica.metrics().get("coord_is_leader") == 1:
                return replica
        return None

    def wait_leader(self, seconds=30, other_than=None):
        def found():
            leader = self.leader()
            return leader if leader is not other_than else None
        return wait_until("a replica leads", seconds, found)

    def stop(self):
        for replica in self.running():
            replica.daemon.stop()
