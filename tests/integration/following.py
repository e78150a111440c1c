"""A process of follower.c, and a relay before it: what the tests of caches and services share."""

import os
import subprocess
import sys

import harness

FOLLOWER = os.path.join(harness.BUILD, "tests", "integration", "follower")
RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")
SECONDS = 60


class Follower:
    """A process of follower.c: what is said to it, and what it answers."""

    def __init__(self, test, timeout_ms=0, name_space="/", endpoints=None):
        control = test.cluster.coordctl()
        program = harness.Coordctl(FOLLOWER, endpoints or control.endpoints, control.identity)
        self.process = program.start(str(timeout_ms), name_space)
        self.said = 0
        test.addCleanup(self.process.end)

    def say(self, *words):
        self.process.say(" ".join(str(word) for word in words))
        self.said += 1

    def answer(self, seconds=SECONDS):
        """To what was said last."""
        return self.process.wait_lines(self.said, seconds)[self.said - 1]

    def ask(self, *words, seconds=SECONDS):
        self.say(*words)
        return self.answer(seconds)

    def shows(self, name, path):
        """What the cache has, without its zxid."""
        return self.ask("cached", name, path).split(" ")[1:]

    def reads(self, path):
        """What the cluster has."""
        answer = self.ask("tree", path)
        return answer.split(" ")[1:]


class Relay:
    def __init__(self, test):
        self.ports = harness.free_ports(len(test.cluster.replicas))
        self.process = subprocess.Popen(
            [sys.executable, RELAY, *(f"{port}:{replica.client_port}" for port, replica in
                                      zip(self.ports, test.cluster.replicas))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        test.addCleanup(self.end)
        assert self.process.stdout.readline() == "ready\n"

    @property
    def endpoints(self):
        return [f"127.0.0.1:{port}" for port in self.ports]

    def say(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{command}\n"

    def end(self):
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()
