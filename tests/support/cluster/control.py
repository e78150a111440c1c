"""coordctl as a person calls it."""

import dataclasses
import os
import signal
import subprocess
import threading

from cluster.waiting import wait_until


@dataclasses.dataclass(frozen=True)
class Result:
    code: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode()


class Running:
    """A coordctl, or another program, that goes on: its lines as they come, and what ends it."""

    def __init__(self, arguments, environment):
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True, env=environment)
        self.lines = []
        self.err = ""
        self._readers = [threading.Thread(target=self._read_lines),
                         threading.Thread(target=self._read_err)]
        for reader in self._readers:
            reader.start()

    def _read_lines(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    def _read_err(self):
        for line in self._process.stderr:
            self.err += line

    @property
    def pid(self):
        return self._process.pid

    def ended(self):
        return self._process.poll() is not None

    def wait_lines(self, count, seconds=30):
        """The first `count` lines, once they came."""
        wait_until(f"{count} lines, or the end", seconds,
                   lambda: len(self.lines) >= count or self.ended())
        if len(self.lines) < count:
            self.wait()
        if len(self.lines) < count:
            raise AssertionError(f"it ended after {self.lines}: {self.err}")
        return self.lines[:count]

    def signal(self, number):
        self._process.send_signal(number)

    def say(self, line):
        """A line of standard input, for programs that take it."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def end_input(self):
        self._process.stdin.close()

    def wait(self, seconds=30):
        """The exit code, and all lines are there."""
        code = self._process.wait(seconds)
        for reader in self._readers:
            reader.join(seconds)
        return code

    def end(self):
        """However it is: for clean-ups."""
        if not self.ended():
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self.wait()
        for file in (self._process.stdin, self._process.stdout, self._process.stderr):
            if not file.closed:
                file.close()


class Coordctl:
    DONE, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3

    def __init__(self, program, endpoints, identity):
        """endpoints: ["127.0.0.1:7420", ...]; identity: of certificates.py, or None for none."""
        self.program = program
        self.endpoints = endpoints
        self.identity = identity

    def environment(self):
        """What coordctl reads from its environment."""
        variables = {"COORD_ENDPOINTS": ",".join(self.endpoints)}
        if self.identity is not None:
            variables["COORD_CACERT"] = self.identity.authority
            variables["COORD_CERT"] = self.identity.certificate
            variables["COORD_KEY"] = self.identity.key
        return variables

    def whole_environment(self):
        """That, and what is inherited."""
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith("COORD")}
        return {**inherited, **self.environment()}

    def start(self, *arguments):
        """One that goes on, with its standard input open."""
        return Running([self.program, *arguments], self.whole_environment())

    def run(self, *arguments, data=b"", seconds=60):
        """Any outcome is a Result; subprocess.TimeoutExpired if it does not end."""
        done = subprocess.run(
            [self.program, *arguments], input=data, capture_output=True, timeout=seconds,
            env=self.whole_environment(), check=False)
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def do(self, *arguments, data=b"", seconds=60):
        """The output of a call that has to succeed."""
        result = self.run(*arguments, data=data, seconds=seconds)
        if result.code != self.DONE:
            raise AssertionError(
                f"coordctl {' '.join(arguments)}: exit code {result.code}: {result.err.strip()}")
        return result.out
