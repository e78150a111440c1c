#!/usr/bin/env python3
"""coordctl as a process, with no replica to talk to: exit codes, words, and that it keeps its time."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))

# pylint: disable=wrong-import-position
from cluster.certificates import Authority  # noqa: E402

COORDCTL = sys.argv.pop(1)
COMMANDS = ("init", "status", "transfer", "ls", "tree", "count", "get", "set", "incr", "create", "rm",
            "stat", "watch", "txn", "acl get", "acl set", "session list", "session show",
            "lock", "elect", "bench", "shell", "completion")


class Coordctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        cls.addClassCleanup(folder.cleanup)
        authority = Authority(os.path.join(folder.name, "certificates"))
        client = authority.issue("client")
        cls.files = {"COORD_CACERT": client.authority, "COORD_CERT": client.certificate,
                     "COORD_KEY": client.key}

    def run_it(self, *arguments, endpoints=None, stdout=subprocess.PIPE, **more):
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith("COORD")}
        variables = {**inherited, **self.files, **more}
        if endpoints is not None:
            variables["COORD_ENDPOINTS"] = endpoints
        return subprocess.run([COORDCTL, *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=60, env=variables, check=False)

    def bound_port(self):
        """A port that is bound and does not listen: connections to it are refused."""
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]

    def test_nothing_listens(self):
        endpoint = f"127.0.0.1:{self.bound_port()}"
        for arguments in (("ls", "/"), ("get", "/a"), ("set", "/a", "b"), ("create", "/a"),
                          ("rm", "/a"), ("stat", "/a"), ("count", "/a"), ("tree", "/a"),
                          ("ls", "-R", "/a"), ("incr", "/a"), ("watch", "/a"), ("acl", "get", "/a"),
                          ("acl", "set", "/a", "anyone:r"), ("txn", "then", "get /a"),
                          ("create", "--ephemeral", "/a"), ("session", "list"),
                          ("session", "show", "1"), ("bench",)):
            with self.subTest(arguments):
                started = time.monotonic()
                done = self.run_it("--timeout", "300ms", *arguments, endpoints=endpoint)
                self.assertEqual(done.returncode, 3, done)
                self.assertLess(time.monotonic() - started, 5)
                self.assertEqual(done.stdout, b"")
                self.assertIn(endpoint.encode() + b": connection refused", done.stderr)
                self.assertIn(b"UNREACHABLE", done.stderr)

    def test_administration_of_nobody(self):
        endpoints = f"127.0.0.1:{self.bound_port()},127.0.0.1:{self.bound_port()}"
        done = self.run_it("--timeout", "1s", "init", endpoints=endpoints)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn(endpoints.split(",")[0].encode(), done.stderr)
        done = self.run_it("--timeout", "1s", "status", endpoints=endpoints)
        self.assertEqual(done.returncode, 3, done)
        for endpoint in endpoints.split(","):
            self.assertIn(endpoint.encode(), done.stdout)
        done = self.run_it("--timeout", "1s", "transfer", endpoints=endpoints)
        self.assertEqual(done.returncode, 3, done)

    def test_somebody_listens_and_says_nothing(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
            for arguments in (("get", "/"), ("status",), ("init",)):
                with self.subTest(arguments):
                    started = time.monotonic()
                    done = self.run_it("--timeout", "500ms", *arguments, endpoints=endpoint)
                    self.assertEqual(done.returncode, 3, done)
                    self.assertGreater(time.monotonic() - started, 0.4)
                    self.assertLess(time.monotonic() - started, 5)

    def test_a_name_that_does_not_resolve(self):
        done = self.run_it("--timeout", "2s", "get", "/", endpoints="no-such-host.invalid:7420")
        self.assertEqual(done.returncode, 3, done)
        self.assertIn(b"no-such-host.invalid:7420", done.stderr)

    def test_usage(self):
        for arguments in ((), ("fly",), ("get",), ("ls", "/", "--timeout", "soon"),
                          ("--endpoints", "nonsense", "ls", "/"), ("--key", "/no/such", "ls", "/"),
                          ("--key", "/dev/null", "ls", "/"), ("acl",), ("acl", "set", "/a"),
                          ("acl", "set", "/a", "anyone"), ("incr", "/a", "x"), ("txn", "get /a"),
                          ("txn",), ("txn", "then", "fly"), ("session", "show", "x"), ("completion", "fish")):
            with self.subTest(arguments):
                done = self.run_it(*arguments, endpoints="127.0.0.1:1")
                self.assertEqual(done.returncode, 2, done)
                self.assertTrue(done.stderr.startswith(b"coordctl: "), done)

    def test_environment_is_named_where_it_is_missing(self):
        done = self.run_it("ls", "/")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"COORD_ENDPOINTS", done.stderr)

    def test_help_of_everything(self):
        done = self.run_it("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for command in COMMANDS:
            self.assertIn(command.encode(), done.stdout)
            of_command = self.run_it(*command.split(), "--help")
            self.assertEqual((of_command.returncode, of_command.stderr), (0, b""))
            self.assertRegex(of_command.stdout.decode(), f"(?m)^example: .*\\bcoordctl .*{command}")

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            done = self.run_it("--help", stdout=full)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write", done.stderr)

    def test_grpc_says_nothing_by_itself(self):
        done = self.run_it("--timeout", "300ms", "ls", "/",
                           endpoints=f"127.0.0.1:{self.bound_port()}")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
