#!/usr/bin/env python3
"""The README of the repository: its commands are run, and what it shows is what comes."""

import os
import re
import shlex
import subprocess

import harness

README = os.path.join(harness.ROOT, "README.md")
COORDCTL = "build/dev/coordd/cli/coordctl "


def shown_calls(text):
    """[(arguments of coordctl, the output shown)] of the lines that begin with "$"."""
    calls = []
    for line in re.findall(r"^    (.*)$", text, re.MULTILINE):
        if line.startswith("$ "):
            calls.append((line[2:], ""))
        elif calls and not line.startswith(("./dev", "build/")):
            calls[-1] = (calls[-1][0], calls[-1][1] + line + "\n")
    return [(shlex.split(call.removeprefix(COORDCTL)), shown)
            for call, shown in calls if call.startswith(COORDCTL)]


class Readme(harness.ClusterTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(README, encoding="utf-8") as file:
            cls.text = file.read()

    def test_calls_show_what_they_say(self):
        calls = shown_calls(self.text)
        self.assertGreater(len(calls), 5)
        control = self.cluster.as_admin()
        for arguments, shown in calls:
            with self.subTest(arguments):
                output = control.do(*arguments).decode()
                if arguments != ["status"]:  # its figures differ from run to run
                    self.assertEqual(output.rstrip("\n"), shown.rstrip("\n"))

    def test_dev_knows_its_commands(self):
        known = subprocess.run([os.path.join(harness.ROOT, "dev"), "help"], capture_output=True,
                               text=True, check=True).stdout
        named = set(re.findall(r"\./dev (\w+)", self.text)) - {"help"}
        self.assertLessEqual({"up", "down", "test"}, named)
        for command in named:
            self.assertRegex(known, rf"(?m)^  {command} ")

    def test_files_that_it_names_exist(self):
        links = re.findall(r"\]\(([^)]+)\)", self.text)
        paths = re.findall(r"`([\w./-]+/[\w./-]*)`", self.text)
        self.assertNotEqual(links, [])
        for path in links + [path for path in paths if not path.startswith("/")]:
            if not path.startswith(("./dev", "build/")):
                self.assertTrue(os.path.exists(os.path.join(harness.ROOT, path)), path)


if __name__ == "__main__":
    harness.main()
