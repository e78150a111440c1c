#!/usr/bin/env python3
"""Every README of the repository: its commands are run, and what it shows is what comes."""

import os
import re
import subprocess
import unittest

import harness
import readme

# Blocks that another test runs as printed.
RUN_BY = {
    ("coordd/README.md", "Installing"): "test_guide.py",
    ("coordd/README.md", "One replica, for trying things out"): "test_guide.py",
    ("coordd/README.md", "Three replicas on one machine"): "test_guide.py",
    ("coordd/README.md", "A cluster of machines"): "test_guide.py",
    ("libclient/README.md", "Installing"): "test_package.py",
    ("proto/README.md", "Generated code"): "test_proto.py",
    ("libclient/examples/README.md", "Building"): "test_package.py",
}
RUN_BY.update({(f"bindings/{language}/README.md", section): "test_bindings.py"
               for language in ("python", "go", "java", "node", "rust") for section in ("Building", "Running")})
# Blocks that this test runs as printed.
RUN_HERE = {("README.md", "Try it"), ("libclient/examples/README.md", "Running")}
# Blocks that no test can run; every one is marked "sh not-run" where it stands.
NOT_RUN = {
    ("README.md", "./dev up"): "./dev test is what runs this; test_dev_up.py has ./dev up",
    ("coordd/README.md", "apt-get install libgrpc29"): "needs the network; test_guide.py checks it",
    ("coordd/README.md", "docker network"): "needs a docker engine; test_image.py does the same",
    ("coordd/server/README.md", "grpcurl"): "no package of Debian's; test_grpc_tools.py does the same",
    ("helm/coordd/README.md", "helm install coordd"): "needs a Kubernetes; test_chart.py and test_pods.py",
    ("tests/README.md", "COORD_BUILD=build/dev"): "the tests themselves",
    ("tests/integration/chart/README.md", "python3 tests/integration/chart"): "it makes what is compared",
}
NO_COMMANDS = {"text", "c", "json"}


def every_file():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                         cwd=harness.ROOT, check=True, capture_output=True, text=True).stdout
    return [file for file in out.splitlines()
            if os.path.exists(os.path.join(harness.ROOT, file))]


def every_block():
    return [block for file in every_file() for block in readme.blocks_of(file)]


class Blocks(unittest.TestCase):
    def test_every_block_says_what_it_is(self):
        self.assertGreater(len(every_block()), 20)
        for block in every_block():
            self.assertIn(block.info, {"sh", "sh stays", "sh not-run", "console", *NO_COMMANDS},
                          f"{block.file}: {block.first_line}")

    def test_code_is_fenced(self):
        for file in every_file():
            self.assertEqual(readme.indented(file), [], file)

    def test_every_block_of_commands_is_run(self):
        excused = set()
        for block in every_block():
            reasons = [key for key in NOT_RUN
                       if key[0] == block.file and block.first_line.startswith(key[1])]
            if block.info == "sh not-run":
                self.assertEqual(len(reasons), 1, f"{block.file}: {block.first_line}")
                excused.update(reasons)
            elif block.info not in NO_COMMANDS:
                self.assertTrue((block.file, block.section) in {*RUN_BY, *RUN_HERE},
                                f"no test runs this of {block.file}: {block.first_line}")
        self.assertEqual(excused, set(NOT_RUN))

    def test_texts_hide_no_commands(self):
        for block in every_block():
            if block.info == "text":
                self.assertNotRegex(block.text, r"(?m)^(\$ |\./)", block.file)

    def test_files_that_they_name_exist(self):
        for file in every_file():
            folder = os.path.dirname(os.path.join(harness.ROOT, file))
            text = readme.FENCE.sub("", readme.read(file))
            for link in re.findall(r"\]\(([^)#:]+)\)", text):
                self.assertTrue(os.path.exists(os.path.join(folder, link)), f"{file}: {link}")

    def test_every_integration_test_is_listed(self):
        page = readme.read("tests/README.md")
        for file in os.listdir(os.path.dirname(os.path.abspath(__file__))):
            if file.startswith("test_"):
                self.assertIn(f"`{file}`", page)

    def test_every_readme_is_found_from_the_first_one(self):
        """By links, or because it is the README of a folder under a page that lists folders."""
        linked = set(re.findall(r"\]\(([^)#:]+)\)", readme.read("README.md")))
        for file in every_file():
            parents = [name for name in linked
                       if file.startswith(os.path.dirname(name) + "/") or file == name]
            self.assertTrue(file == "README.md" or parents, file)


class Commands(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        """The blocks run in a folder that looks like the repository's after ./dev up."""
        super().setUpClass()
        cls.work = os.path.join(cls.folder, "work")
        os.makedirs(os.path.join(cls.work, ".dev"))
        os.makedirs(os.path.join(cls.work, "build"))
        os.symlink(os.path.abspath(harness.BUILD), os.path.join(cls.work, "build", "dev"))
        with open(os.path.join(cls.work, ".dev", "env"), "w", encoding="utf-8") as file:
            for name, value in cls.cluster.as_admin().environment().items():
                file.write(f"export {name}={value}\n")

    def run_section(self, file, name):
        """What was said; what it leaves running ends with the test."""
        blocks = [block for block in readme.section(file, name) if block.info != "sh not-run"]
        group, said, wrong = readme.run(blocks, self.work, dict(os.environ))
        self.addCleanup(readme.end_group, group)
        self.assertEqual(wrong, [], said)
        self.assertGreater(len(blocks), 0)

    def said(self):
        """So far, by what the last section left running."""
        with open(os.path.join(self.work, "output"), encoding="utf-8") as file:
            return file.read()

    def test_calls_show_what_they_say(self):
        self.run_section("README.md", "Try it")

    def test_two_jobs_of_which_one_works(self):
        self.run_section("libclient/examples/README.md", "Running")
        harness.wait_until("both stand and one is master", 30, lambda: (
            self.said().count("stands") == 2 and self.said().count("is master") == 1))

    def test_commands_that_are_listed_exist(self):
        """coordctl's page has one line for each command, and none more."""
        text = self.cluster.as_admin().do("--help").decode()
        known = set(re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)  +", text[:text.index("tells more")]))
        block, = [block for block in readme.blocks_of("coordd/cli/README.md")
                  if block.first_line.startswith("coordctl")]
        listed = re.findall(r"(?m)^coordctl (.*)$", block.text)
        for command in known:
            self.assertTrue([line for line in listed if f"{line} ".startswith(f"{command} ")],
                            command)
        for line in listed:
            self.assertTrue([command for command in known if f"{line} ".startswith(f"{command} ")],
                            line)

    def test_dev_knows_its_commands(self):
        known = subprocess.run([os.path.join(harness.ROOT, "dev"), "help"], capture_output=True,
                               text=True, check=True).stdout
        for file in every_file():
            named = set(re.findall(r"\./dev ([a-z]+)", readme.read(file))) - {"help"}
            for command in named:
                self.assertRegex(known, rf"(?m)^  {command} ", file)


if __name__ == "__main__":
    harness.main()
