"""What an act of the tour needs: processes, what they say and when, checks, and what was measured."""

import collections
import os
import re
import signal
import sys
import time

from cluster.cluster import free_ports
from cluster.control import Running
from cluster.waiting import NotInTime, wait_until

RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "integration", "relay.py")
SESSION_MS = 2000
SECONDS = 20
SAID = re.compile(r"\[(\d+\.\d+)\] (.*)")  # example_say of libclient/examples, CLOCK_MONOTONIC

Line = collections.namedtuple("Line", "time text")


class TourFailed(AssertionError):
    """Something was not as the tour says."""


def say(text):
    print(text, flush=True)


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms"


class Actor:
    """A running example; it does not outlive the tour, however that ends."""

    def __init__(self, name, program, environment, *arguments):
        self.name = name
        self.running = Running(["setpriv", "--pdeathsig", "KILL", program, *arguments], environment)
        self.shown = 0

    def lines(self):
        matches = [SAID.fullmatch(line) for line in list(self.running.lines)]
        return [Line(float(match.group(1)), match.group(2)) for match in matches]

    def said(self, pattern, since=0.0):
        """Its lines from `since` on in which the pattern is found."""
        return [line for line in self.lines()
                if line.time >= since and re.search(pattern, line.text)]

    def wait(self, pattern, since=0.0):
        """The first one, once it came."""
        def found():
            lines = self.said(pattern, since)
            if not lines and self.running.ended():
                self.running.wait()
                lines = self.said(pattern, since)
                if not lines:
                    raise TourFailed(f"expected from {self.name}: {pattern!r}; it ended. "
                                     f"{self.account()}")
            return lines
        try:
            return wait_until(f"{self.name} says {pattern!r}", SECONDS, found)[0]
        except NotInTime as error:
            raise TourFailed(f"{error}. {self.account()}") from error

    def account(self):
        """What it said last."""
        said = "; ".join(line.text for line in self.lines()[-5:])
        return f"It said: {said or 'nothing'}. {self.running.err.strip()}"

    def signal(self, number):
        """The moment before it was sent."""
        moment = time.monotonic()
        self.running.signal(number)
        return moment


class Stage:
    """A place of its own in the tree, /tour-PID, and everything that runs there."""

    def __init__(self, cluster, examples):
        self.cluster = cluster
        self.examples = examples
        self.root = f"/tour-{os.getpid()}"
        self.control = cluster.coordctl()
        self.actors = {}
        self.helpers = []  # Running: relays, and calls of coordctl
        self.measured = []
        self.began = time.monotonic()

    def open(self):
        self.control.do("create", self.root)

    def path(self, path):
        return self.root + path

    def start(self, program, name, *arguments, endpoints=None):
        """The example `program` NAME arguments; by other endpoints than the replicas' if named."""
        environment = {**self.control.whole_environment(),
                       "COORD_NAMESPACE": self.root, "COORD_SESSION_MS": str(SESSION_MS)}
        if endpoints is not None:
            environment["COORD_ENDPOINTS"] = ",".join(endpoints)
        actor = Actor(name, os.path.join(self.examples, program), environment, name, *arguments)
        self.actors[name] = actor
        return actor

    def relay(self):
        """A relay in front of all replicas (relay.py), and the endpoints that lead to it."""
        ports = free_ports(len(self.cluster.replicas))
        pairs = [f"{port}:{replica.client_port}"
                 for port, replica in zip(ports, self.cluster.replicas)]
        relay = Running([sys.executable, RELAY, *pairs], None)
        self.helpers.append(relay)
        relay.wait_lines(1)
        return relay, [f"127.0.0.1:{port}" for port in ports]

    def command(self, relay, word):
        """The moment before it was in force."""
        moment, answered = time.monotonic(), len(relay.lines)
        relay.say(word)
        relay.wait_lines(answered + 1)
        return moment

    def call(self, *words):
        """Begins a coordctl; the moment before."""
        moment = time.monotonic()
        self.helpers.append(self.control.start(*words))
        self.helpers[-1].end_input()
        return moment

    # ---- What is said ----

    def act(self, heading):
        say(f"\n== {heading}")

    def tell(self, *actors, without=None):
        """What these have said and was not shown yet, in the order of time."""
        lines = []
        for actor in actors:
            said = actor.lines()
            lines += [line for line in said[actor.shown:]
                      if not (without and re.search(without, line.text))]
            actor.shown = len(said)
        for line in sorted(lines):
            self.quote(line)

    def quote(self, line):
        say(f"   {line.time - self.began:7.3f} s  {line.text}")

    def note(self, moment, text):
        """Something that the tour itself did."""
        say(f"   {moment - self.began:7.3f} s  -- {text}")

    def measure(self, what, seconds):
        self.measured.append((what, seconds))
        say(f"   {what}: {milliseconds(seconds)}")

    def check(self, true, expected):
        if not true:
            raise TourFailed(f"expected: {expected}")

    def summary(self):
        width = max(len(what) for what, _ in self.measured)
        for what, seconds in self.measured:
            say(f"   {what:<{width}}  {milliseconds(seconds):>8}")
        say(f"\nThe tour took {time.monotonic() - self.began:.1f} s")

    # ---- The end ----

    def dismiss(self):
        """All that still run are asked to end; those that do not wait for a lock say goodbye."""
        running = [actor for actor in self.actors.values() if not actor.running.ended()]
        for actor in running:
            actor.signal(signal.SIGTERM)
        for actor in running:
            code = actor.running.wait(SECONDS)
            self.check(code in (0, -signal.SIGTERM),
                       f"{actor.name} ends at SIGTERM; its exit code was {code}. {actor.account()}")

    def close(self):
        """However it went: nothing goes on, and nothing stays in the tree."""
        for running in [actor.running for actor in self.actors.values()] + self.helpers:
            running.end()
        self.control.run("rm", "--recursive", self.root)
