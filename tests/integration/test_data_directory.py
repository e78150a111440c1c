#!/usr/bin/env python3
"""A data directory in use, of another cluster, of a newer format, or damaged: coordd says so and ends."""

import os
import shutil
import subprocess

import harness


class DataDirectory(harness.ClusterTest):
    REPLICAS = 2

    def setUp(self):
        self.first, self.second = self.cluster.replicas

    def start_by_hand(self, replica, seconds=20):
        return subprocess.run(
            [self.cluster.programs.coordd, "--config", replica.configuration],
            capture_output=True, text=True, timeout=seconds, check=False)

    def assert_does_not_start(self, result, *words):
        self.assertNotIn(result.returncode, (0, -6, -11), result)
        for word in words:
            self.assertIn(word.lower(), result.stderr.lower())

    def test_in_use(self):
        ports = dict(zip(("client_listen", "peer_listen", "http_listen"),
                         (f"127.0.0.1:{port}" for port in harness.free_ports(3))))
        twin = harness.Replica(
            self.cluster.programs.coordd, 1, os.path.join(self.folder, "twin"),
            harness.free_ports(3), self.first.identity)
        twin.settings = {**self.first.settings, **ports}
        twin.write_settings()
        self.assert_does_not_start(self.start_by_hand(twin), self.first.settings["data_dir"], "in use")

    def test_of_another_replica(self):
        """Replica 1 is started on what replica 2 wrote."""
        self.second.daemon.stop()
        self.first.daemon.stop()
        own = self.first.settings["data_dir"]
        os.rename(own, own + ".own")
        shutil.copytree(self.second.settings["data_dir"], own)
        try:
            self.assert_does_not_start(self.start_by_hand(self.first), own)
        finally:
            shutil.rmtree(own)
            os.rename(own + ".own", own)
            self.cluster.start()
            self.cluster.wait_all_vote()

    def segments(self, replica):
        data = replica.settings["data_dir"]
        return sorted(os.path.join(data, name) for name in os.listdir(data)
                      if os.path.getsize(os.path.join(data, name)) > 4096)

    def test_damage_in_the_middle(self):
        for number in range(50):
            self.cluster.coordctl().do("create", f"/damaged-{number}", "x" * 500)
        self.second.daemon.stop()
        segment = self.segments(self.second)[0]
        saved = segment + ".saved"
        shutil.copy(segment, saved)
        with open(segment, "r+b") as file:
            file.seek(4096 + 2048)
            byte = file.read(1)
            file.seek(4096 + 2048)
            file.write(bytes([byte[0] ^ 0xff]))
        try:
            self.assert_does_not_start(self.start_by_hand(self.second), segment)
        finally:
            os.replace(saved, segment)
            self.second.start()
            self.cluster.wait_all_vote()


if __name__ == "__main__":
    harness.main()
