"""One coordd: its folder, ports, configuration file and process."""

import os
import urllib.error
import urllib.request

from cluster import settings
from cluster.daemon import Daemon
from cluster.waiting import wait_until


class Replica:
    """Everything of it is in `folder`: coordd.yaml, data/, log, pid."""

    def __init__(self, program, number, folder, ports, identity):
        self.number = number
        self.folder = folder
        self.client_port, self.peer_port, self.http_port = ports
        self.identity = identity
        self.settings = {}
        self.configuration = os.path.join(folder, "coordd.yaml")
        os.makedirs(folder, exist_ok=True)
        self.daemon = Daemon(program, os.path.join(folder, "pid"), os.path.join(folder, "log"))

    @property
    def endpoint(self):
        return f"127.0.0.1:{self.client_port}"

    @property
    def ports(self):
        return self.client_port, self.peer_port, self.http_port

    def configure(self, peers, admins):
        """Writes the configuration file; true if that changed it. peers: all replicas, itself too."""
        self.settings = settings.replica_settings(
            self.number, self.folder, self.ports,
            [(peer.number, peer.peer_port, peer.identity.name) for peer in peers],
            self.identity, admins)
        return self.write_settings()

    def write_settings(self):
        text = settings.yaml(self.settings)
        if os.path.exists(self.configuration):
            with open(self.configuration, encoding="utf-8") as file:
                if file.read() == text:
                    return False
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(text)
        return True

    def start(self):
        """Returns once it lives (/livez), or raises with what it said before it ended."""
        self.daemon.start(["--config", self.configuration])
        self.wait_lives()

    def wait_lives(self):
        wait_until(f"coordd {self.number} lives or ends", 30,
                   lambda: self.lives() or self.daemon.pid is None)
        if self.daemon.pid is None:
            raise RuntimeError(f"coordd {self.number} did not start:\n{self.daemon.log()[-2000:]}")

    def http(self, path):
        """(status code, body) of its HTTP port, or (0, "") if nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}",
                                        timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def lives(self):
        return self.http("/livez")[0] == 200

    def is_ready(self):
        return self.http("/readyz")[0] == 200

    def metrics(self):
        """{name with labels: value} of /metrics."""
        values = {}
        for line in self.http("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values
