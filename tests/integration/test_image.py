#!/usr/bin/env python3
"""The image that ./dev image builds: what is in it, and three replicas that run from its files.

No engine is needed: each command gets what a container would have, see IN_IMAGE, but the network,
which is this machine's loopback.
"""

import fcntl
import json
import os
import re
import signal
import stat
import subprocess
import tempfile
import unittest

import harness
import readme
import toolchains
from cluster.certificates import Identity
from cluster.cluster import ADMIN

TAG = "localhost/coordd-test:run"
USER = 10001
MIB = 1 << 20
SIZE_MAX = 160 * MIB
BUILD_SECONDS = 900
CERTIFICATES = "/etc/coord"
HEALTH_SECONDS = 5  # longer than Docker waits by the image's own word is a failure

# A command in the image as a container has it: its root read-only, the volume and the certificates
# mounted, no capability left and none to be had.
IN_IMAGE = f"""#!/bin/sh
set -eu
[ "$1" = mounted ] || exec unshare --mount --propagation private "$0" mounted "$@"
volume=$2
shift 2
mount --bind ROOT ROOT
mount -o remount,bind,ro ROOT
mount --bind CERTIFICATES ROOT{CERTIFICATES}
mount -o remount,bind,ro ROOT{CERTIFICATES}
[ "$volume" = none ] || mount --bind "$volume" ROOT/var/lib/coord
mount --bind /proc ROOT/proc
mount --bind /dev ROOT/dev
exec chroot ROOT setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs \\
    --inh-caps -all --bounding-set -all "$@"
"""


def do(*command, seconds=60):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds).stdout


def dev_image(*arguments, environment=None, seconds=60):
    return subprocess.run([os.path.join(harness.ROOT, "dev"), "image", *arguments], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=seconds, env=environment)


def packages_of(name):
    """The words of an array of tests/support/packages.sh."""
    text = readme.read("tests/support/packages.sh")
    return re.search(rf"^{name}=\((.*?)\)", text, re.DOTALL | re.MULTILINE).group(1).split()


def volume_in(folder):
    """As an engine makes one: with the owner and mode that the image has there."""
    volume = tempfile.mkdtemp(dir=folder)
    os.chown(volume, USER, USER)
    return volume


class Contained(harness.Replica):
    """A replica in the image, configured by its environment alone."""

    def __init__(self, program, image, number, folder, ports):
        super().__init__(program, number, folder, ports, identity=f"coordd-{number}")
        self.image = image
        self.volume = volume_in(folder)
        self.variables = {}

    def configure(self, peers, admins):
        certificate = f"{CERTIFICATES}/{self.identity}"
        self.variables = {
            **self.image.environment,
            "COORDD_NODE": str(self.number),
            "COORDD_CLIENT_LISTEN": f"127.0.0.1:{self.client_port}",
            "COORDD_PEER_LISTEN": f"127.0.0.1:{self.peer_port}",
            "COORDD_HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
            "COORDD_TLS_CA": f"{CERTIFICATES}/ca.crt",
            "COORDD_TLS_CERT": f"{certificate}.crt",
            "COORDD_TLS_KEY": f"{certificate}.key",
            "COORDD_PEERS": ",".join(f"{peer.number}=127.0.0.1:{peer.peer_port}={peer.identity}"
                                     for peer in peers),
            "COORDD_ADMINS": ",".join(admins),
            "COORDD_SEGMENT_BYTES": "16MiB",
        }

    def start(self):
        self.daemon.start([self.volume, *self.image.config["Entrypoint"]], self.variables)
        self.wait_lives()

    def healthy(self):
        """What the image's health check says, in the container or in one like it."""
        try:
            return self.image.run(*self.image.health, volume=self.volume, seconds=HEALTH_SECONDS,
                                  environment=self.variables).returncode == 0
        except subprocess.TimeoutExpired:
            return False


class Image:
    """The image under test, its files at `root`."""

    def __init__(self, folder, certificates):
        built = json.loads(do("buildah", "inspect", "--type", "image", TAG))
        self.config = built["Docker"]["config"]
        self.health = self.config["Healthcheck"]["Test"][1:]
        self.environment = dict(each.split("=", 1) for each in self.config["Env"])
        self.container = do("buildah", "from", "--pull-never", TAG).strip()
        self.root = do("buildah", "mount", self.container).strip()
        os.makedirs(self.root + CERTIFICATES)
        self.program = os.path.join(folder, "in-image")
        with open(self.program, "w", encoding="ascii") as file:
            file.write(IN_IMAGE.replace("ROOT", self.root).replace("CERTIFICATES", certificates))
        os.chmod(self.program, 0o755)

    def remove(self):
        do("buildah", "rm", self.container)

    def run(self, *command, volume="none", environment=None, seconds=30):
        return subprocess.run([self.program, volume, *command], check=False, capture_output=True,
                              text=True, timeout=seconds, env=environment or self.environment)

    def files(self):
        """(path from the root, lstat) of each, without what the test has mounted and made."""
        for folder, folders, names in os.walk(self.root):
            for name in folders + names:
                path = os.path.join(folder, name)
                yield os.path.relpath(path, self.root), os.lstat(path)


class Coordctl(harness.Coordctl):
    """The image's own, which finds the certificates where the image has them."""

    def __init__(self, image, endpoints, name):
        files = f"{CERTIFICATES}/{name}"
        super().__init__(image.program, endpoints,
                         Identity(name, f"{files}.crt", f"{files}.key", f"{CERTIFICATES}/ca.crt"))

    def run(self, *arguments, **options):
        return super().run("none", "coordctl", *arguments, **options)


class Containers(harness.Cluster):
    def __init__(self, image, folder):
        super().__init__(harness.BUILD, folder, [])
        self.image = image
        self.replicas = [
            Contained(image.program, image, number, os.path.join(folder, f"coordd-{number}"), ports)
            for number, ports in enumerate(harness.ports_of_replicas(3), 1)]
        for replica in self.replicas:
            self.authority.server(replica.number)
        do("chown", "-R", f"{USER}:{USER}", self.authority.folder)

    def coordctl(self, *replicas, identity=None):
        return Coordctl(self.image, [each.endpoint for each in replicas or self.replicas],
                        (identity or self.client).name)


class BuiltImage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        toolchains.need("buildah", "debootstrap")
        if os.geteuid() != 0:
            toolchains.absent("root: nobody else mounts an image's files")
        cls.own_the_name()
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        cls.addClassCleanup(folder.cleanup)
        os.chmod(folder.name, 0o755)
        done = dev_image("--no-install", "--engine", "buildah", "--tag", TAG, seconds=BUILD_SECONDS)
        if done.returncode != 0:
            raise AssertionError(done.stdout[-20000:])
        cls.said = done.stdout
        cls.image = Image(folder.name, os.path.join(folder.name, "certificates"))
        cls.addClassCleanup(cls.image.remove)
        cls.cluster = Containers(cls.image, folder.name)

    @classmethod
    def own_the_name(cls):
        """All clones on this machine use TAG, for the layers: one test of them at a time."""
        lock = open(os.path.join(toolchains.cache_folder("image"), "lock"), "w", encoding="ascii")
        cls.addClassCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)

    def end_processes(self):
        for replica in self.cluster.replicas:
            replica.daemon.kill()

    def wait_healthy(self, *replicas):
        harness.wait_until("they are healthy", 60, lambda: all(each.healthy() for each in replicas))

    def said_in(self, *command):
        """The output of a command in the image, which has to succeed."""
        done = self.image.run(*command)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def test_what_it_says_of_itself(self):
        config = self.image.config
        self.assertEqual(config["User"], f"{USER}:{USER}")
        self.assertEqual(config["Entrypoint"], ["coordd"])
        self.assertEqual(set(config["ExposedPorts"]), {"7420/tcp", "7421/tcp", "7422/tcp"})
        self.assertEqual(set(config["Volumes"]), {"/var/lib/coord"})
        self.assertEqual(config["Healthcheck"]["Timeout"], HEALTH_SECONDS * 10 ** 9)
        self.assertEqual(set(self.image.environment), {"PATH"}, "nothing of this machine")
        labels = {name.removeprefix("org.opencontainers.image."): value
                  for name, value in config["Labels"].items() if "opencontainers" in name}
        self.assertEqual(labels["title"], "coordd")
        self.assertEqual(labels["licenses"], "Apache-2.0")
        self.assertEqual(self.said_in("coordd", "--version"), f"coordd {labels['version']}\n")

    def test_a_base_that_is_not_there(self):
        done = dev_image("--engine", "buildah", "--base", "localhost/coordd-test:not-there")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the base localhost/coordd-test:not-there is not on this machine", done.stdout)

    def test_programs_find_their_libraries(self):
        for program in ("coordd", "coordctl"):
            self.assertIn("usage", self.said_in(program, "--help").lower())
            libraries = self.said_in("ldd", f"/usr/local/bin/{program}")
            self.assertIn("libgrpc.so", libraries)
            self.assertNotIn("not found", libraries)
            sections = do("readelf", "-SW", f"{self.image.root}/usr/local/bin/{program}")
            self.assertNotRegex(sections, r"\.(symtab|debug_info)")

    def test_nothing_is_in_it_that_it_does_not_need(self):
        tools = re.compile(r"(.*-)?(gcc|cc|g\+\+|c\+\+|clang|ld|as|make|cmake|ninja|ccache|gdb|protoc|"
                           r"protoc-c|python3?|curl|wget)(-\d+)?$")
        needless = [path for path, status in self.image.files()
                    if tools.match(os.path.basename(path)) and "bin/" in path
                    or path.endswith((".h", ".a", ".deb", ".key"))
                    or path.startswith(("src/", "opt/", "etc/apt/apt.conf.d/host"))
                    or path.startswith(("var/lib/apt/lists/", "var/cache/apt/"))
                    and stat.S_ISREG(status.st_mode)]
        self.assertEqual(needless, [])

    def test_nothing_of_this_machine_is_in_it(self):
        for name in ("hostname", "resolv.conf"):
            with open(f"/etc/{name}", encoding="utf-8") as here:
                said = here.read()
            try:
                with open(f"{self.image.root}/etc/{name}", encoding="utf-8") as there:
                    self.assertNotEqual(there.read(), said, name)
            except FileNotFoundError:
                pass

    def test_nothing_gives_more_rights(self):
        """The volume is the one place that its user may write to, beside what everyone may."""
        own = [path for path, status in self.image.files() if USER in (status.st_uid, status.st_gid)]
        self.assertEqual(own, ["var/lib/coord"])
        mode = os.lstat(f"{self.image.root}/var/lib/coord").st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o700)

    def test_a_container_of_this_test_cannot_write(self):
        """Not even where everyone may; else the replicas would show nothing."""
        done = self.image.run("touch", "/tmp/written")
        self.assertEqual((done.returncode, done.stderr.count("Read-only file system")), (1, 1), done)

    def test_its_size(self):
        size = sum(status.st_size for _, status in self.image.files() if stat.S_ISREG(status.st_mode))
        print(f"{size / MIB:.0f} MiB of files in the image")
        self.assertLess(size, SIZE_MAX)

    def test_unit_tests_passed_in_it(self):
        """As said where they were run: a layer that is here already is not built again."""
        ran = re.search(r"100% tests passed, 0 tests failed out of (\d+)", self.said)
        if ran is None:
            self.assertIn("Using cache", self.said)
        else:
            self.assertGreater(int(ran.group(1)), 50)

    def test_three_replicas(self):
        """Born, written through each, one killed, all stopped: in containers that can write nowhere
        but to their volume."""
        self.addCleanup(self.end_processes)
        replicas = self.cluster.replicas
        self.cluster.configure()
        self.cluster.start()
        self.cluster.give_birth()
        self.wait_healthy(*replicas)
        for replica in replicas:
            self.cluster.coordctl(replica).do("create", f"/by-{replica.number}", "here")
        killed = self.cluster.wait_leader()
        killed.daemon.kill()
        self.assertFalse(killed.healthy())
        left = [replica for replica in replicas if replica is not killed]
        self.cluster.wait_leader()
        for replica in left:
            self.cluster.coordctl(replica).do("set", f"/by-{replica.number}", "still here")
        killed.start()
        harness.wait_until("it is ready again", 60, killed.is_ready)
        self.wait_healthy(killed)
        killed.daemon.signal(signal.SIGSTOP)
        self.assertFalse(killed.healthy(), "it hangs")
        killed.daemon.signal(signal.SIGCONT)
        harness.wait_until("it is ready again", 60, killed.is_ready)
        said = {each: self.cluster.coordctl(killed).do("get", f"/by-{each.number}") for each in replicas}
        self.assertEqual(said, {each: b"still here" if each in left else b"here" for each in replicas})
        self.assertEqual([replica.daemon.stop() for replica in replicas], [0, 0, 0])
        self.assertEqual([replica.healthy() for replica in replicas], [False] * 3)

    def test_health_where_nothing_is_set(self):
        """The port is 7422 then; here in a network of its own."""
        replica = self.cluster.replicas[0]
        self.cluster.configure()
        variables = {name: value for name, value in replica.variables.items() if "LISTEN" not in name}
        own_network = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        volume = volume_in(self.cluster.folder)
        process = subprocess.Popen([*own_network, self.image.program, volume, "coordd"],
                                   env=variables, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        enter = ["nsenter", "--target", str(process.pid), "--net", self.image.program, volume]
        harness.wait_until("it is healthy", 30, lambda: subprocess.run(
            [*enter, *self.image.health], env=variables, check=False,
            stderr=subprocess.DEVNULL).returncode == 0)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)


class Choices(unittest.TestCase):
    """Which engine builds, by a stand-in of docker's command that notes what it is told."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        self.addCleanup(folder.cleanup)
        self.noted = os.path.join(folder.name, "noted")
        with open(os.path.join(folder.name, "docker"), "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\necho "$*" >>{self.noted}\n${{ANSWERS:-true}}\n')
        os.chmod(file.name, 0o755)
        self.environment = {**os.environ, "PATH": f"{folder.name}:{os.environ['PATH']}"}

    def test_docker_where_it_answers(self):
        done = dev_image("--base", "debian:12-slim", "--tag", "x:1", environment=self.environment)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Built x:1 with docker", done.stdout)
        with open(self.noted, encoding="ascii") as file:
            self.assertEqual(file.read(), "version\nversion\n"
                             "build --build-arg BASE=debian:12-slim --tag x:1 .\n")

    def test_docker_that_does_not_answer(self):
        environment = {**self.environment, "ANSWERS": "false"}
        done = dev_image("--engine", "docker", environment=environment)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("use --engine buildah", done.stdout)

    def test_words_that_are_wrong(self):
        for words, said in ((["--engine", "rkt"], "docker or buildah, not rkt"),
                            (["--tag"], "--tag needs a value"),
                            (["--quick"], "unknown argument --quick")):
            done = dev_image(*words, environment=self.environment)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(said, done.stdout)


class Packages(unittest.TestCase):
    def test_lists_of_the_dockerfile(self):
        """They are those that are written for people, and those of ./dev."""
        text = readme.read("Dockerfile").replace("\\\n", " ")
        build, runtime = [words.split() for words in
                          re.findall(r"--no-install-recommends ([^&\n]*)", text)]
        self.assertEqual(build, [*packages_of("build_packages"), "ccache"])
        line, = re.findall(r"(?m)^apt-get install (libgrpc.*)$", readme.read("coordd/README.md"))
        self.assertEqual(runtime, line.split())


if __name__ == "__main__":
    harness.main()
