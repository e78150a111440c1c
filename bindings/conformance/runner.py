"""Plays a script of scripts/ with drivers and a cluster; README.md has both languages.

Nothing here knows a recipe: what is right stands in the scripts.
"""

import re
import signal

ANSWER_SECONDS = 60

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "continue": signal.SIGCONT}


class Client:
    """A driver's process: what is said to it, and what it answers."""

    def __init__(self, process):
        self.process = process
        self.said = 0

    def say(self, command):
        self.process.say(command)
        self.said += 1

    def answer(self):
        return self.process.wait_lines(self.said, ANSWER_SECONDS)[self.said - 1]

    def has_answered(self):
        return len(self.process.lines) >= self.said


class Failed(AssertionError):
    """A step did not do what stands there."""


class Script:
    """One script on one cluster.

    start:       gives a running driver (say, wait_lines, lines, pid, signal, ended,
                 end_input, wait, end) for the n-th client;
                 scripts expect session timeouts of some seconds
    coordctl:    runs coordctl with arguments and gives what it printed, or None where it failed
    kill_leader: returns when another replica leads and the killed one is back
    wait_until:  wait_until(what, seconds, condition)
    """

    def __init__(self, text, start, coordctl, kill_leader, wait_until):
        self.lines = text.splitlines()
        self.start = start
        self.coordctl = coordctl
        self.kill_leader = kill_leader
        self.wait_until = wait_until
        self.clients = {}
        self.values = {}

    def play(self):
        """How many steps were played; Failed names the line that went wrong."""
        steps = 0
        for number, line in enumerate(self.lines, 1):
            step = line.split("#")[0].strip()
            if not step:
                continue
            steps += 1
            try:
                self._do(step)
            except AssertionError as error:
                raise Failed(f"line {number}: {step}: {error}") from error
        return steps

    def end(self):
        for client in self.clients.values():
            if client.has_answered() and not client.process.ended():
                client.process.end_input()
                client.process.wait()
            client.process.end()

    # ---- Steps ----

    def _do(self, step):
        words = step.split()
        if words[0] == "tree":
            self._look(step)
        elif words[0] == "check":
            self._check(*words[1:])
        elif step == "kill leader":
            self.kill_leader()
        elif words[0] in SIGNALS:
            self._client(words[1]).process.signal(SIGNALS[words[0]])
        else:
            self._speak(step)

    def _speak(self, step):
        match = re.fullmatch(r"([A-Z])(>?) (?:(.*?) ?-> (.*)|(.*))", step)
        if match is None:
            raise Failed("it is no step")
        name, begins, command, expected, alone = match.groups()
        client = self._client(name)
        if begins and alone:
            client.say(self._fill(alone))
        elif alone == "waits":
            if client.has_answered():
                raise Failed(f"it has answered: {client.answer()}")
        elif expected is not None and not begins:
            if command:
                client.say(self._fill(command))
            self._compare(client.answer(), expected)
        else:
            raise Failed("it is no step")

    def _look(self, step):
        command, expected = re.fullmatch(r"tree (.*?) ->(.*)", step).groups()
        seen = None

        def is_so():
            nonlocal seen
            seen = self.coordctl(*self._fill(command).split())
            return seen is not None and self._matches(" ".join(seen.split()), expected.strip())

        try:
            self.wait_until(step, ANSWER_SECONDS, is_so)
        except AssertionError as error:
            raise Failed(f"coordctl printed {seen!r}") from error

    def _check(self, one, relation, other):
        left, right = (int(self.values[word[1:]]) for word in (one, other))
        if not (left > right if relation == ">" else left == right):
            raise Failed(f"{left} and {right}")

    # ---- Names and numbers ----

    def _client(self, name):
        if name not in self.clients:
            self.clients[name] = Client(self.start(len(self.clients)))
            self.values[name] = str(self.clients[name].process.pid)
        return self.clients[name]

    def _fill(self, text):
        return re.sub(r"\$(\w+)", lambda match: self.values[match.group(1)], text)

    def _matches(self, text, expected):
        """Takes in the numbers that are named for the first time."""
        names = []

        def pattern_of(match):
            name = match.group(1)
            if name in self.values:
                return self.values[name]
            names.append(name)
            return r"(\d+)"

        rest = expected.endswith(" ...")
        pattern = re.escape(expected.removesuffix(" ...")).replace(r"\$", "$")
        pattern = re.sub(r"\$(\w+)", pattern_of, pattern) + ("( .*)?" if rest else "")
        match = re.fullmatch(pattern, text)
        if match is not None:
            self.values.update(zip(names, match.groups()))
        return match is not None

    def _compare(self, answer, expected):
        if not self._matches(answer, expected):
            raise Failed(f"it answered {answer!r}")
