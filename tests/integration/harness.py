"""What the integration tests share: a cluster of real processes for a class of tests.

COORD_BUILD names the build directory; ctest sets it. Everything is on loopback and in a temporary
folder; a failed class prints the logs of its replicas.
"""

import os
import signal
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

# pylint: disable=wrong-import-position
from cluster.cluster import Cluster, Programs, free_ports, ports_of_replicas  # noqa: E402,F401
from cluster.control import Coordctl  # noqa: E402,F401
from cluster.replica import Replica  # noqa: E402,F401
from cluster.waiting import wait_until  # noqa: E402,F401

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("COORD_BUILD", os.path.join(ROOT, "build", "dev"))
LOG_TAIL_BYTES = 6000

# What a script starts in the background ignores SIGINT, and so would all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


class ClusterTest(unittest.TestCase):
    """The tests of a class share one cluster of REPLICAS replicas, born and voting if BORN."""

    REPLICAS = 3
    BORN = True

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.programs = Programs(BUILD)
        cls.cluster = Cluster(BUILD, cls.folder, ports_of_replicas(cls.REPLICAS))
        cls.addClassCleanup(cls._end_processes)
        cls.cluster.configure()
        cls.before_start()
        cls.failures_seen = False
        try:
            cls.cluster.start()
            if cls.BORN:
                cls.cluster.give_birth()
        except BaseException:
            cls._print_logs()
            raise

    @classmethod
    def before_start(cls):
        """For classes that change the configuration before the replicas start."""

    @classmethod
    def _end_processes(cls):
        for replica in cls.cluster.replicas:
            replica.daemon.kill()

    @classmethod
    def _print_logs(cls):
        for replica in cls.cluster.replicas:
            print(f"---- log of coordd {replica.number}, its end", file=sys.stderr)
            print(replica.daemon.log()[-LOG_TAIL_BYTES:], file=sys.stderr)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        done = super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"==== {self.id()} failed", file=sys.stderr)
            self._print_logs()
        return done

    def kill_leader(self):
        """Another one leads when it returns, and the killed one is back."""
        leader = self.cluster.wait_leader()
        leader.daemon.kill()
        self.cluster.wait_leader(other_than=leader)
        leader.start()
        wait_until(f"coordd {leader.number} is ready again", 60, leader.is_ready)

    def assert_refused(self, result, *words):
        """coordctl said no, with a sentence that has these words."""
        self.assertEqual(result.code, 1, result)
        for word in words:
            self.assertIn(word.lower(), result.err.lower())


def main():
    unittest.main(verbosity=2)
