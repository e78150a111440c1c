#!/usr/bin/env python3
"""The guide in coordd/README.md, from installation to the first write, command by command as printed:
one replica, three on one machine, and three machines, which are namespaces of this one."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

import harness
import machines
import namespaces
import readme

GUIDE = "coordd/README.md"
NAMES = [f"coord-{number}.example" for number in (1, 2, 3)]
PATH_LINE = "export PATH=$PATH:/opt/coord/bin\n"


def as_built(block):
    """Of the build that is tested."""
    build = os.path.abspath(harness.BUILD)
    return readme.Block(block.file, block.section, block.info,
                        block.text.replace("build/dev", build))


def is_ready():
    try:
        with urllib.request.urlopen("http://127.0.0.1:7422/readyz", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        namespaces.need()
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        os.chmod(cls.folder, 0o755)  # for the user of the unit
        cls.machines = machines.Machines(cls.folder, NAMES)
        cls.addClassCleanup(cls.machines.stop)
        blocks = [as_built(block) for block in readme.section(GUIDE, "Installing")
                  if block.info == "sh"]
        environment = {**cls.machines.environment(), "DESTDIR": ""}
        readme.end_group(cls.run_in(harness.ROOT, blocks, environment)[0])
        cls.machines.start()

    @classmethod
    def run_in(cls, folder, blocks, environment):
        with tempfile.TemporaryDirectory(dir=cls.folder) as scratch:
            moved = [readme.Block(block.file, block.section, block.info, f"cd {folder}\n{block.text}")
                     for block in blocks[:1]] + blocks[1:]
            return readme.run(moved, scratch, environment, seconds=600)

    def setUp(self):
        self.work = os.path.join(self.folder, self._testMethodName)
        os.mkdir(self.work)
        environment = {name: value for name, value in self.machines.environment().items()
                       if not name.startswith("COORD")}
        self.environment = {**environment, "PATH": f"{environment['PATH']}:/opt/coord/bin"}

    def follow(self, name):
        """Runs a section, and leaves its replicas running."""
        blocks = readme.section(GUIDE, name)
        self.assertGreater(len(blocks), 1, name)
        for block in [block for block in blocks if block.info == "sh stays"]:
            terminal = subprocess.Popen(["bash", "-ec", block.text], cwd=self.work,
                                        env=self.environment, start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
            self.addCleanup(terminal.wait)
            self.addCleanup(readme.end_group, terminal.pid)
            harness.wait_until(block.first_line, 30, is_ready)
        group, said, wrong = readme.run([block for block in blocks if block.info != "sh stays"],
                                        self.work, self.environment)
        self.addCleanup(readme.end_group, group)
        self.assertEqual(wrong, [], said)
        return blocks

    def voters(self, blocks):
        exports = "".join(command for block in blocks for command, _ in block.commands()
                          if command.startswith("export"))
        folder = [word for block in blocks for word in re.findall(r"^cd (\S+)$", block.text, re.M)]
        done = subprocess.run(["bash", "-euc", f"cd {folder[0]}\n{exports}coordctl status"],
                              cwd=self.work, env=self.environment, capture_output=True, text=True,
                              check=False)
        return done.stdout.count(" 1,2,3 ")

    def test_one_replica(self):
        self.follow("One replica, for trying things out")

    def test_three_replicas_on_one_machine(self):
        blocks = self.follow("Three replicas on one machine")
        harness.wait_until("three vote", 30, lambda: self.voters(blocks) >= 3)

    def test_a_cluster_of_machines(self):
        try:
            blocks = self.follow("A cluster of machines")
            harness.wait_until("three vote", 30, lambda: self.voters(blocks) >= 3)
        except BaseException:
            print(self.machines.logs())
            raise

    def test_the_unit(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze")
        unit = "/opt/coord/lib/systemd/system/coordd.service"
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], check=False,
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_packages_of_a_copy(self):
        """The libraries that what is installed names are of the packages that the guide names."""
        if shutil.which("dpkg-query") is None:
            self.skipTest("there is no dpkg-query")
        block, = [block for block in readme.section(GUIDE, "Installing") if "not-run" in block.info]
        needed = set()
        for file in ("bin/coordd", "bin/coordctl", "lib/libcoord.so"):
            text = subprocess.run(["readelf", "-d", f"/opt/coord/{file}"], check=True,
                                  capture_output=True, text=True).stdout
            needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", text))
        packages = set()
        for name in needed - {"libc.so.6", "libm.so.6"}:
            found = subprocess.run(["dpkg-query", "-S", f"*/{name}"], check=False,
                                   capture_output=True, text=True).stdout
            packages |= {line.split(":")[0] for line in found.splitlines()[:1]}
        sanitizers = {package for package in packages if re.match("lib(asan|ubsan|tsan)", package)}
        named = set(block.text.removeprefix("apt-get install ").split())
        self.assertEqual(named, packages - sanitizers - {"libgcc-s1"})


if __name__ == "__main__":
    if namespaces.can_enter():
        namespaces.enter()
    harness.main()
