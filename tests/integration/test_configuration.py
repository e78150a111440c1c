#!/usr/bin/env python3
"""What coordd does with its configuration file, and which source of a setting wins.

Ports that are taken, files that are not there and keys that do not fit are in
tests/unit/server/test_coordd.py.
"""

import os
import subprocess

import harness
from cluster import settings

USAGE = 2  # coordd/server/exit.h
# root reads everything, unless this is taken away.
WITHOUT_CAPABILITIES = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


class Configuration(harness.ClusterTest):
    """One replica's files; the tests change copies of its settings and start coordd by hand."""

    REPLICAS = 1
    BORN = False

    def setUp(self):
        self.replica = self.cluster.replicas[0]
        self.path = os.path.join(self.folder, f"{self._testMethodName}.yaml")
        ports = harness.free_ports(3)
        self.settings = settings.replica_settings(
            1, os.path.join(self.folder, self._testMethodName), ports,
            [(1, ports[1], "coordd-1")], self.replica.identity, ["admin"])

    def coordd(self, *arguments, environment=None, seconds=20, wrapper=()):
        """Runs it to its end, which is expected; with the file of self.settings unless said."""
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith("COORD")}
        return subprocess.run(
            [*wrapper, self.cluster.programs.coordd, *arguments], capture_output=True, text=True,
            timeout=seconds, env={**inherited, **(environment or {})}, check=False)

    def write(self, text=None):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(settings.yaml(self.settings) if text is None else text)

    def check_config(self, **environment):
        return self.coordd("--config", self.path, "--check-config", environment=environment)

    def assert_rejected(self, result, *words):
        """It ends with the code for usage and one line that has the words."""
        self.assertEqual(result.returncode, USAGE, result)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_good_file(self):
        self.write()
        result = self.check_config()
        self.assertEqual(result.returncode, 0, result)
        self.assertFalse(os.path.exists(self.settings["data_dir"]), "a check leaves nothing behind")

    def test_unknown_key(self):
        self.settings["colour"] = "blue"
        self.write()
        self.assert_rejected(self.check_config(), self.path, "colour")

    def test_unknown_key_inside(self):
        self.settings["tls"]["colour"] = "blue"
        self.write()
        self.assert_rejected(self.check_config(), self.path, "colour")

    def test_missing_key(self):
        del self.settings["tls"]
        self.write()
        self.assert_rejected(self.check_config(), "tls")

    def test_wrong_type(self):
        self.settings["node"] = "one"
        self.write()
        self.assert_rejected(self.check_config(), self.path, "node", "one")

    def test_no_yaml(self):
        self.write("peers: [\n")
        self.assert_rejected(self.check_config(), self.path)

    def test_key_twice(self):
        self.write(settings.yaml(self.settings) + "node: 2\n")
        self.assert_rejected(self.check_config(), self.path, "node")

    def test_no_file(self):
        self.assert_rejected(self.check_config(), self.path)

    def test_unreadable_file(self):
        self.write()
        os.chmod(self.path, 0)
        result = self.coordd("--config", self.path, "--check-config",
                             wrapper=WITHOUT_CAPABILITIES if os.geteuid() == 0 else ())
        self.assert_rejected(result, self.path, "Permission denied")

    def test_expired_certificate(self):
        expired = self.cluster.authority.issue("expired-server", days=-1)
        self.settings["tls"]["cert"] = expired.certificate
        self.settings["tls"]["key"] = expired.key
        self.write()
        self.assert_rejected(self.check_config(), "expired-server.crt", "expired")

    def value_in_force(self, key, *arguments, **environment):
        """(value, where it came from) as --check-config prints it."""
        result = self.coordd("--config", self.path, "--check-config", *arguments,
                             environment=environment)
        self.assertEqual(result.returncode, 0, result)
        line = next(line for line in result.stdout.splitlines() if line.startswith(f"{key}:"))
        value, _, origin = line.removeprefix(f"{key}:").partition("#")
        return value.strip(), origin.strip()

    def test_precedence(self):
        self.write()
        self.assertEqual(self.value_in_force("heartbeat_ms")[0], "50")
        self.settings["heartbeat_ms"] = 60
        self.write()
        value, origin = self.value_in_force("heartbeat_ms")
        self.assertEqual(value, "60")
        self.assertIn(self.path, origin)
        value, origin = self.value_in_force("heartbeat_ms", COORDD_HEARTBEAT_MS="70")
        self.assertEqual(value, "70")
        self.assertIn("COORDD_HEARTBEAT_MS", origin)
        value, origin = self.value_in_force("heartbeat_ms", "--heartbeat-ms", "80",
                                            COORDD_HEARTBEAT_MS="70")
        self.assertEqual(value, "80")
        self.assertIn("--heartbeat-ms", origin)

    def test_bad_value_in_the_environment(self):
        self.write()
        self.assert_rejected(self.check_config(COORDD_NODE="-1"), "COORDD_NODE", "-1")

    def test_unknown_flag(self):
        self.assert_rejected(self.coordd("--colour"), "--colour")


if __name__ == "__main__":
    harness.main()
