#!/usr/bin/env python3
"""Tests that run at once never choose the same port."""

import os
import socket
import subprocess
import sys
import unittest
from unittest import mock

from cluster import cluster

# Another process that tries to claim one port, and says what came of it.
OTHER = """
import sys
from cluster.cluster import claim
print(claim(int(sys.argv[1])))
"""
SUPPORT = os.path.dirname(os.path.abspath(__file__))


def sample_of(ports):
    """free_ports looks at these alone, in this order."""
    return mock.patch.object(cluster.random, "sample", lambda population, count: list(ports))


def end_claims():
    """As the end of this process."""
    while cluster.CLAIMS:
        cluster.CLAIMS.pop().close()


class Ports(unittest.TestCase):
    def setUp(self):
        self.port, self.next = cluster.free_ports(2)

    def claimed_by_another(self, port):
        said = subprocess.run([sys.executable, "-c", OTHER, str(port)], check=True, text=True,
                              cwd=SUPPORT, stdout=subprocess.PIPE).stdout
        return said == "True\n"

    def test_a_port_belongs_to_one_process_until_it_ends(self):
        self.assertFalse(self.claimed_by_another(self.port))
        self.assertFalse(cluster.claim(self.port))  # nor twice within one
        end_claims()
        self.assertTrue(self.claimed_by_another(self.port))

    def test_what_it_starts_does_not_keep_it(self):
        with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
            end_claims()
            self.assertTrue(self.claimed_by_another(self.port))
            child.kill()

    def test_ports_that_are_claimed_or_listened_on_are_passed_over(self):
        end_claims()
        with socket.create_server(("127.0.0.1", self.port)), sample_of((self.port, self.next)):
            self.assertEqual(cluster.free_ports(2), [self.next])
            self.assertEqual(cluster.free_ports(2), [])


if __name__ == "__main__":
    unittest.main()
