"""coordctl as a person calls it."""

import dataclasses
import os
import subprocess


@dataclasses.dataclass(frozen=True)
class Result:
    code: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode()


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

    def run(self, *arguments, data=b"", seconds=60):
        """Any outcome is a Result; subprocess.TimeoutExpired if it does not end."""
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith("COORD")}
        done = subprocess.run(
            [self.program, *arguments], input=data, capture_output=True, timeout=seconds,
            env={**inherited, **self.environment()}, check=False)
        return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    def do(self, *arguments, data=b"", seconds=60):
        """The output of a call that has to succeed."""
        result = self.run(*arguments, data=data, seconds=seconds)
        if result.code != self.DONE:
            raise AssertionError(
                f"coordctl {' '.join(arguments)}: exit code {result.code}: {result.err.strip()}")
        return result.out
