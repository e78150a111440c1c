#!/usr/bin/env python3
"""Every example that coordctl's help shows is run as it stands there."""

import os
import re
import subprocess

import harness


class Examples(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.as_admin()

    def commands(self):
        text = self.control.do("--help").decode()
        table = text[:text.index("tells more")]
        return re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?)  +", table)

    def examples(self, command):
        text = self.control.do(*command.split(), "--help").decode().replace("\\\n", " ")
        return re.findall(r"(?m)^example: (.*)$", text)

    def start(self, example):
        environment = self.control.whole_environment()
        folder = os.path.dirname(self.control.program)
        return subprocess.Popen(["bash", "-c", example], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**environment, "PATH": f"{folder}:{environment['PATH']}"})

    def finish(self, example, process):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, f"{example}\n{out}{err}")
        return out

    def test_all(self):
        commands = self.commands()
        self.assertGreaterEqual(len(commands), 18)
        for command in commands:
            examples = self.examples(command)
            self.assertNotEqual(examples, [], command)
            for example in examples:
                with self.subTest(example):
                    self.run_example(command, example)

    def run_example(self, command, example):
        self.assertTrue(f"coordctl {command}" in example or command == "init", example)
        self.control.run("rm", "-r", "/config")
        self.control.run("rm", "/hits")
        if command != "create" or "--ephemeral" in example:
            self.control.do("create", "--parents", "/config/color", "blue")
        if command == "incr" and "--create" not in example:
            self.control.do("create", "/hits", "5")
        getattr(self, f"run_{command.replace(' ', '_')}", self.run_plain)(example)

    def run_plain(self, example):
        return self.finish(example, self.start(example))

    def run_init(self, example):
        """The name in it is nobody's, and this cluster is born: it gets as far as it can here."""
        endpoint = self.cluster.replicas[0].endpoint
        process = self.start(example.replace("coord-1.example:7420", endpoint))
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("ALREADY_BORN", err)

    def run_transfer(self, example):
        self.assertIn("replica 2 leads", self.run_plain(example))

    def run_watch(self, example):
        process = self.start(example)
        self.assertRegex(process.stdout.readline(), "set")
        self.control.do("set", "/config/color", "red")
        self.assertIn("changed /config/color", self.finish(example, process))

    def run_member_watch(self, example):
        self.run_with(example, "member", "join", "/groups/red", "a")

    def run_service_watch(self, example):
        self.run_with(example, "service", "register", "orders", "10.0.0.7:80")

    def run_with(self, example, *words):
        """While somebody is there to be seen."""
        other = self.control.start(*words)
        self.addCleanup(other.end)
        self.assertIn("joined", self.run_plain(example))

    def run_txn(self, example):
        self.assertTrue(self.run_plain(example).startswith("then\n"))

    def run_shell(self, example):
        self.assertEqual(self.run_plain(example), "color\n")

    def run_session_show(self, example):
        call = self.control.start("create", "--ephemeral", "/config/here")
        self.addCleanup(call.end)
        call.wait_lines(1)
        row = self.control.do("session", "list", "-o", "plain").decode().splitlines()[-1]
        session = re.match("session_id=(0x[0-9a-f]+) ", row).group(1)
        out = self.run_plain(re.sub("0x[0-9a-f]+", session, example))
        self.assertIn("ephemeral = /config/here", out)
        call.end_input()
        self.assertEqual(call.wait(), 0)


if __name__ == "__main__":
    harness.main()
