#!/usr/bin/env python3
"""Data directories of others, of a newer format, or damaged: what coordd says, and that its advice works.

A directory in use, and one of a cluster with another name, are in tests/unit/server/test_coordd.py.
"""

import contextlib
import os
import shutil
import subprocess

import harness

REFUSED = 3  # coordd/server/exit.h


def start_by_hand(replica, seconds=20):
    """coordd, which is expected to end."""
    return subprocess.run([replica.daemon.program, "--config", replica.configuration],
                          capture_output=True, text=True, timeout=seconds, check=False)


def data_of(replica):
    return replica.settings["data_dir"]


def segments(replica):
    return sorted(os.path.join(data_of(replica), name) for name in os.listdir(data_of(replica))
                  if name.startswith("log-"))


class DataDirectory(harness.ClusterTest):
    def setUp(self):
        self.first, self.second, _ = self.cluster.replicas
        self.control = self.cluster.coordctl()

    @contextlib.contextmanager
    def stopped(self, replica):
        """Runs again and votes afterwards, on the directory that it had before."""
        kept = data_of(replica) + ".kept"
        replica.daemon.stop()
        shutil.copytree(data_of(replica), kept)
        try:
            yield
        finally:
            replica.daemon.kill()
            shutil.rmtree(data_of(replica), ignore_errors=True)
            os.rename(kept, data_of(replica))
            replica.start()
            self.cluster.wait_all_vote()

    def assert_refused_start(self, replica, *words):
        """It ends with its code, and its last line has the words."""
        result = start_by_hand(replica)
        self.assertEqual(result.returncode, REFUSED, result)
        line = result.stderr.splitlines()[-1]
        for word in words:
            self.assertIn(word, line)

    def damage(self, segment):
        """One byte of a record that was acknowledged long ago."""
        with open(segment, "r+b") as file:
            file.seek(4096 + 2048)
            byte = file.read(1)
            file.seek(4096 + 2048)
            file.write(bytes([byte[0] ^ 0xff]))

    def test_of_another_replica(self):
        with self.stopped(self.first):
            shutil.rmtree(data_of(self.first))
            shutil.copytree(data_of(self.second), data_of(self.first))
            self.assert_refused_start(self.first, "status=FOREIGN", data_of(self.first))

    def test_of_a_newer_format(self):
        with self.stopped(self.second):
            newest = segments(self.second)[-1]
            subprocess.run([os.path.join(harness.BUILD, "tests/integration/raise_format"), newest],
                           check=True)
            self.assert_refused_start(self.second, "status=NEWER_FORMAT", data_of(self.second),
                                      os.path.basename(newest), "newer coordd")

    def test_damage_in_the_middle(self):
        for number in range(20):
            self.control.do("create", f"/damaged-{number}", "x" * 500)
        with self.stopped(self.second):
            segment = segments(self.second)[0]
            self.damage(segment)
            self.assert_refused_start(
                self.second, "status=CORRUPT", data_of(self.second), os.path.basename(segment),
                "at byte", "Move the data directory aside")


class BeganAnew(harness.ClusterTest):
    """A replica that lost its directory, or had it moved aside, and was started with none."""

    def setUp(self):
        self.second = self.cluster.replicas[1]
        self.control = self.cluster.coordctl()

    def start_empty(self):
        """As the message on damage advises; returns the old directory."""
        aside = data_of(self.second) + ".aside"
        self.second.daemon.stop()
        os.rename(data_of(self.second), aside)
        self.second.start()
        self.cluster.wait_all_vote()
        return aside

    def test_catches_up_and_votes_again(self):
        self.control.do("create", "/advice", "followed")
        shutil.rmtree(self.start_empty())
        self.assertEqual(self.cluster.coordctl(self.second).do("get", "/advice"), b"followed")

    def test_put_back_the_old_directory(self):
        """What voted before the replica began anew votes no more as it is, but it finds its way in."""
        aside = self.start_empty()
        self.control.do("create", "/meanwhile", "written")
        self.second.daemon.stop()
        shutil.rmtree(data_of(self.second))
        os.rename(aside, data_of(self.second))
        self.second.start()
        self.cluster.wait_all_vote()
        self.assertEqual(self.cluster.coordctl(self.second).do("get", "/meanwhile"), b"written")


class OfAnotherCluster(harness.ClusterTest):
    """Two clusters of the same name: only their ids tell them apart, which peers look at."""

    def test_is_kept_out(self):
        other = harness.Cluster(harness.BUILD, os.path.join(self.folder, "other"),
                                harness.ports_of_replicas(2))
        for replica in other.replicas:
            self.addCleanup(replica.daemon.kill)
        other.configure()
        other.start()
        other.give_birth()
        other.stop()

        first, second, third = self.cluster.replicas
        second.daemon.stop()
        shutil.rmtree(data_of(second))
        shutil.copytree(data_of(other.replicas[1]), data_of(second))
        before = len(first.daemon.log())
        second.start()
        harness.wait_until("the others say what it is", 30, lambda: (
            "another cluster" in first.daemon.log()[before:]))
        self.assertFalse(second.is_ready())
        self.cluster.coordctl(first, third).do("create", "/undisturbed")


if __name__ == "__main__":
    harness.main()
