#!/usr/bin/env python3
"""Every language's folder in bindings/: its stubs are fresh, its README's commands work as printed, and
all example programs together on one cluster see each other come and go.

They are built in copies of what git has of their folders, in the build directory; what the languages'
tools keep between builds (modules, compiled dependencies) stays where it always is.
"""

import dataclasses
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import harness
import readme
import toolchains
from cluster.control import Running

LINES = 150
# A JVM that begins beside the other examples and other tests takes two seconds for its first frames.
SESSION_MS = 5000
SERVICE = "/services/order-service"
COPIES = os.path.join(os.path.abspath(harness.BUILD), "bindings")
MALFORMED = ["no JSON", "[]", "7", '"order-service"', "{}", "[" * 20000,
             '{"name":"order-service","id":"%s","address":"127.0.0.1","port":"80"}',
             '{"name":"order-service","id":"%s","address":"127.0.0.1","port":0}',
             '{"name":"order-service","id":"%s","address":"127.0.0.1","port":65536}',
             '{"name":"order-service","id":"%s","address":80,"port":80}',
             '{"name":"order-service","id":"other","address":"127.0.0.1","port":80}',
             '{"name":"other","id":"%s","address":"127.0.0.1","port":80}']


@dataclasses.dataclass(frozen=True)
class Language:
    name: str
    needs: tuple        # programs of its toolchain
    example: str
    lock: str = None    # the file that names its dependencies, if its tool builds them too
    kept: str = None    # where, in its folder: as it is after the first build it begins later ones

    @property
    def folder(self):
        return f"bindings/{self.name}"

    def section(self, heading):
        block, = readme.section(f"{self.folder}/README.md", heading)
        return block.text

    @property
    def command(self):
        return self.section("Running").strip()

    @property
    def instance(self):
        return self.command.split()[-2]

    @property
    def port(self):
        return self.command.split()[-1]

    def with_arguments(self, *arguments):
        return " ".join([*self.command.split()[:-2], *arguments])


LANGUAGES = [
    Language("python", ("python3",), "examples/order_service.py"),
    Language("go", ("go",), "examples/order_service/main.go"),
    Language("java", ("javac", "mvn"), "examples/OrderService.java", lock="pom.xml", kept="target"),
    Language("node", ("node", "npm"), "examples/order_service.ts"),
    Language("rust", ("cargo",), "examples/order_service.rs", lock="Cargo.lock", kept="target"),
]


def git_files(folder):
    """Paths in `folder` that git has or would take."""
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
                          cwd=os.path.join(harness.ROOT, folder), check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def copy_of(language):
    """Its folder as in a fresh clone; where its example is built and run."""
    copy = os.path.join(COPIES, language.name)
    shutil.rmtree(copy, ignore_errors=True)
    source = os.path.join(harness.ROOT, language.folder)
    for path in git_files(language.folder):
        if os.path.exists(os.path.join(source, path)):
            os.makedirs(os.path.dirname(os.path.join(copy, path)), exist_ok=True)
            shutil.copy2(os.path.join(source, path), os.path.join(copy, path))
    return copy


def kept_by(language):
    """Where others find what this language's tool has built; nobody builds there."""
    with open(os.path.join(harness.ROOT, language.folder, language.lock), "rb") as file:
        version = hashlib.sha256(file.read()).hexdigest()[:16]
    return os.path.join(toolchains.cache_folder(f"{language.name}-example-{version}"), language.kept)


def begin_with_kept(language, copy):
    if language.kept and os.path.exists(kept_by(language)):
        shutil.copytree(kept_by(language), os.path.join(copy, language.kept), symlinks=True)


def keep(language, copy):
    """In one step, since another clone may look at it or do the same."""
    if language.kept and not os.path.exists(kept_by(language)):
        whole = tempfile.mkdtemp(dir=os.path.dirname(kept_by(language)))
        shutil.copytree(os.path.join(copy, language.kept), whole, symlinks=True, dirs_exist_ok=True)
        try:
            os.rename(whole, kept_by(language))
        except OSError:  # another one was faster
            shutil.rmtree(whole)


_built = {}  # name of a language: its copy, or what building it said


def build(language):
    """The copy in which it is built; once for all tests, which all fail or skip where that does."""
    toolchains.need(*language.needs)
    if language.name not in _built:
        copy = copy_of(language)
        begin_with_kept(language, copy)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", language.section("Building")], cwd=copy,
                              check=False, text=True, stdin=subprocess.DEVNULL, timeout=400,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        _built[language.name] = (copy, done)
        if done.returncode == 0:
            keep(language, copy)
    copy, done = _built[language.name]
    if done.returncode != 0:
        raise AssertionError(f"{language.name}: exit code {done.returncode}:\n{done.stdout}")
    return copy


def those_built():
    """Without those whose toolchain is missing: each has a test of its own that says so."""
    present = [each for each in LANGUAGES if all(map(shutil.which, each.needs))]
    return {each: build(each) for each in present}


def for_each_language(check):
    """A test method for each language, test_<what>_<language>, each of which can skip by itself."""
    def decorate(case):
        for language in LANGUAGES:
            def method(self, language=language):
                check(self, language)
            setattr(case, f"test_{check.__name__}_{language.name}", method)
        return case
    return decorate


def is_short(self, language):
    with open(os.path.join(harness.ROOT, language.folder, language.example), encoding="utf-8") as file:
        lines = len(file.readlines())
    self.assertGreater(lines, 50)
    self.assertLessEqual(lines, LINES, f"{language.folder}/{language.example}")


def stubs_are_fresh(self, language):
    toolchains.need(*language.needs)
    done = subprocess.run([os.path.join(harness.ROOT, "dev"), "stubs", "--no-install", "--check",
                           language.name], check=False, capture_output=True, text=True, timeout=400)
    self.assertEqual(done.returncode, 0, f"{done.stdout[-3000:]}\n{done.stderr}")


def builds(_, language):
    build(language)


@for_each_language(is_short)
@for_each_language(stubs_are_fresh)
@for_each_language(builds)
class Folders(unittest.TestCase):
    def test_stale_stubs_are_found(self):
        """In a copy of the repository whose Python stubs know one field less."""
        copy = os.path.join(COPIES, "repository")
        shutil.rmtree(copy, ignore_errors=True)
        for folder in ("proto", "bindings/python"):
            shutil.copytree(os.path.join(harness.ROOT, folder), os.path.join(copy, folder),
                            ignore=shutil.ignore_patterns(".venv", "build"))
        for file in ("bindings/stubs.sh", "bindings/protoc"):
            shutil.copy2(os.path.join(harness.ROOT, file), os.path.join(copy, file))
        os.makedirs(os.path.join(copy, "build"))
        os.symlink(os.path.join(harness.ROOT, "build", "python"), os.path.join(copy, "build", "python"))

        def check():
            return subprocess.run([os.path.join(copy, "bindings", "stubs.sh"), "--check", "python"],
                                  check=False, capture_output=True, text=True, timeout=120)
        self.assertEqual(check().returncode, 0)
        contract = os.path.join(copy, "proto", "coord", "v1", "admin.proto")
        with open(contract, encoding="utf-8") as file:
            text = file.read()
        with open(contract, "w", encoding="utf-8") as file:
            file.write(text.replace("uint32 alpha = 1;", "uint32 alpha = 1;\n  uint32 added = 100;"))
        done = check()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("bindings/python/coord/v1 is not what proto/ gives", done.stderr)

    def test_every_folder_is_in_the_table(self):
        folders = {name for name in os.listdir(os.path.join(harness.ROOT, "bindings"))
                   if os.path.isdir(os.path.join(harness.ROOT, "bindings", name))}
        self.assertEqual(folders - {"conformance"}, {language.name for language in LANGUAGES})


class Example:
    """One example program at work."""

    def __init__(self, copy, command, environment):
        self.running = Running(["bash", "-c", f"cd '{copy}' && exec {command}"], environment)

    def has(self, line):
        return line in self.running.lines

    def joined(self):
        """{id: address:port} of all that ever joined."""
        return dict(line.split()[1:] for line in self.running.lines if line.startswith("joined "))

    def left(self):
        return [line.split()[1] for line in self.running.lines if line.startswith("left ")]


class Together(harness.ClusterTest):
    """All examples on one cluster, with sessions of five seconds."""

    @classmethod
    def setUpClass(cls):
        """Those that give up after ten seconds are begun here, so that no test waits for them alone."""
        super().setUpClass()
        cls.nobody = ",".join(f"127.0.0.1:{port}" for port in harness.free_ports(2))
        cls.unheard = cls.start_each(COORD_ENDPOINTS=cls.nobody)
        cls.distrusted = cls.start_each(COORD_CACERT=cls.cluster.client.certificate)

    @classmethod
    def start_each(cls, **changed):
        started = {language: Example(copy, language.command, cls.environment(**changed))
                   for language, copy in those_built().items()}
        for example in started.values():
            cls.addClassCleanup(example.running.end)
        return started

    @classmethod
    def environment(cls, replicas=None, **changed):
        """changed: None takes a variable away."""
        variables = {**cls.cluster.coordctl(*replicas or cls.cluster.replicas).whole_environment(),
                     "COORD_SESSION_MS": str(SESSION_MS), "GRPC_VERBOSITY": "NONE", **changed}
        return {name: value for name, value in variables.items() if value is not None}

    def start(self, copy, command, environment):
        example = Example(copy, command, environment)
        self.addCleanup(example.running.end)
        return example

    def start_all(self):
        """{instance: Example}; each begins with another replica, the first one with the leader."""
        leader = self.cluster.wait_leader()
        order = [leader] + [each for each in self.cluster.replicas if each is not leader]
        examples = {}
        for turn, (language, copy) in enumerate(those_built().items()):
            first = turn % len(order)
            examples[language.instance] = self.start(
                copy, language.command, self.environment(order[first:] + order[:first]))
            self.ports[language.instance] = language.port
        return examples

    def setUp(self):
        self.ports = {}
        self.control = self.cluster.coordctl()

    def wait_all(self, what, examples, condition, seconds=30):
        try:
            harness.wait_until(what, seconds, lambda: all(map(condition, examples.values())))
        except AssertionError as late:
            said = "\n".join(f"{name}: {each.running.lines} {each.running.err[-1000:]}"
                             for name, each in examples.items())
            raise AssertionError(f"{late}\n{said}") from late

    def owner(self, instance):
        stat = dict(line.split(" = ") for line in
                    self.control.do("stat", f"{SERVICE}/{instance}").decode().splitlines())
        return stat["ephemeral_owner"]

    def test_all_see_each_other(self):
        examples = self.start_all()
        if not examples:
            self.skipTest("no language's toolchain is here")
        everyone = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        self.wait_all("all see all", examples, lambda each: each.joined() == everyone)
        for name, each in examples.items():
            self.assertTrue(each.has(f"registered {SERVICE}/{name}"), each.running.lines)
        listed = self.control.do("service", "list", "order-service").decode()
        for name, place in everyone.items():
            self.assertRegex(listed, rf"(?m)^{name}\b.*{place}")
        self.assertEqual(listed.count("\n"), len(everyone), listed)
        self.sessions_survive_every_replica(examples)
        self.killed_one_is_seen_leaving(examples)
        for name, each in examples.items():
            self.ends_at_ctrl_c(name, each)

    def sessions_survive_every_replica(self, examples):
        """One after the other is killed, so that each program has to resume, wherever it was."""
        owners = {name: self.owner(name) for name in examples}
        self.plant_malformed()
        for replica in self.cluster.replicas:
            replica.daemon.kill()
            self.cluster.wait_leader(other_than=replica)
            replica.start()
            harness.wait_until(f"coordd {replica.number} is ready again", 60, replica.is_ready)
        witness = self.control.start("service", "register", "order-service", "127.0.0.1:80",
                                     "--id", "witness")
        self.addCleanup(witness.end)
        self.wait_all("all see who comes after every replica was killed", examples,
                      lambda each: "witness" in each.joined())
        self.assertEqual({name: self.owner(name) for name in examples}, owners)
        witness.signal(signal.SIGINT)
        self.wait_all("all see it leave", examples, lambda each: each.left() == ["witness"])

    def plant_malformed(self):
        for number, data in enumerate(MALFORMED):
            name = f"malformed-{number}"
            self.control.do("create", f"{SERVICE}/{name}", "-", data=data.replace("%s", name).encode())
        self.control.do("create", f"{SERVICE}/malformed-bytes", "-", data=b"\xff\x00\xfe")

    def killed_one_is_seen_leaving(self, examples):
        """Once its session has expired: by then those of the others had too, were they not kept up."""
        name, killed = next(iter(examples.items()))
        del examples[name]
        killed.running.signal(signal.SIGKILL)
        killed.running.wait()
        self.assertNotIn(name, killed.left())
        self.wait_all("all see the killed one leave", examples,
                      lambda each: each.left() == ["witness", name])
        for each in examples.values():
            self.assertEqual([line for line in each.running.lines if "malformed" in line], [])

    def ends_at_ctrl_c(self, name, example):
        """Pressed twice, as people do."""
        example.running.signal(signal.SIGINT)
        example.running.signal(signal.SIGTERM)
        self.assertEqual(example.running.wait(), 0, example.running.err)
        self.assertEqual(example.running.lines[-1], "closed")
        gone = self.control.run("get", f"{SERVICE}/{name}")
        self.assertEqual(gone.code, 1, gone)
        self.assertIn("NO_NODE", gone.err)

    def assert_all_end(self, code, words, arguments=(), **changed):
        """All languages at once, since some of it takes its time. arguments: instead of the README's;
        changed: variables."""
        started = {language: self.start(
            copy, language.with_arguments(*arguments or (language.instance, language.port)),
            self.environment(**changed)) for language, copy in those_built().items()}
        self.assert_ended(started, code, words)

    def assert_ended(self, started, code, words):
        for language, example in started.items():
            with self.subTest(language=language.name):
                self.assertEqual(example.running.wait(20), code, example.running.err)
                for word in words:
                    self.assertIn(word.lower(), example.running.err.lower())
                self.assertEqual(example.running.lines, [])
                self.assertNotRegex(example.running.err, r"Traceback|panic|goroutine|\bat .*:\d+")

    def test_files(self):
        junk = os.path.join(self.folder, "junk")
        with open(junk, "w", encoding="ascii") as file:
            file.write("no PEM\n")
        for variable in ("COORD_CACERT", "COORD_CERT", "COORD_KEY"):
            self.assert_all_end(2, [variable, "/nowhere/x.pem"], **{variable: "/nowhere/x.pem"})
        self.assert_all_end(2, ["COORD_CACERT", junk, "PEM"], COORD_CACERT=junk)

    def test_variables_that_are_missing(self):
        for variable in ("COORD_ENDPOINTS", "COORD_CACERT", "COORD_CERT", "COORD_KEY"):
            self.assert_all_end(2, [variable, "not set"], **{variable: None})

    def test_ports(self):
        for port in ("0", "65536", "http"):
            self.assert_all_end(2, ["PORT", port, "65535"], ("x", port))

    def test_nobody_listens(self):
        self.assert_ended(self.unheard, 1, [f"no replica of {self.nobody} ", "10 s", "last error",
                                            "check that coordd runs there"])

    def test_another_authority(self):
        self.assert_ended(self.distrusted, 1, ["no replica of ", "10 s", "last error",
                                               "that the certificates fit"])

    def test_taken_instance(self):
        holder = self.control.start("service", "register", "order-service", "127.0.0.1:80", "--id", "taken")
        self.addCleanup(holder.end)
        harness.wait_until("it is registered", 20, lambda: self.control.run(
            "get", f"{SERVICE}/taken").code == 0)
        self.assert_all_end(1, [f"{SERVICE}/taken", "another"], ("taken", "80"))


if __name__ == "__main__":
    harness.main()
