#!/usr/bin/env python3
"""The scripts of `coordctl completion`, in the shells that they are for."""

import os
import subprocess
import tempfile

import harness
from cluster.terminal import CTRL_C, TAB, Terminal

# What is typed, and what has to fit; "..." says that there may be more.
CASES = (
    ("coordctl cou", ["count"]),
    ("coordctl sta", ["status", "stat"]),
    ("coordctl acl ", ["get", "set"]),
    ("coordctl session l", ["list"]),
    ("coordctl --timeout 2s acl g", ["get"]),
    ("coordctl fly ", []),
    ("coordctl completion ", ["bash", "zsh"]),
    ("coordctl get --le", ["--level"]),
    ("coordctl set --le", []),
    ("coordctl --na", ["--namespace"]),
    ("coordctl get --level ", ["linearizable", "session"]),
    ("coordctl status -o ", ["table", "plain", "json"]),
    ("coordctl get -o j", ["json"]),
    ("coordctl create --ttl ", []),
    ("coordctl get ", ["/"]),
    ("coordctl get /con", ["/config"]),
    ("coordctl acl get /config/c", ["/config/color", "/config/colour"]),
    ("coordctl get --level session -- /con", ["/config"]),
    ("coordctl --namespace /config get /", ["/color", "/colour"]),
    ("coordctl get /config ", []),
    ("coordctl lock /config -- --le", []),
    ("coordctl status /con", []),
)


class Completion(harness.ClusterTest):
    REPLICAS = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        control = cls.cluster.coordctl()
        for path in ("/config", "/config/color", "/config/colour", "/spaces", "/spaces/a b"):
            control.do("create", path, f"data of {path}")

    def setUp(self):
        self.control = self.cluster.coordctl()
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        environment = self.control.whole_environment()
        self.environment = {**environment, "HOME": self.folder, "ZDOTDIR": self.folder,
                            "PATH": f"{os.path.dirname(self.control.program)}:{environment['PATH']}"}

    def output_of(self, *command, **more):
        done = subprocess.run(command, env={**self.environment, **more}, text=True, timeout=60,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def in_bash(self, line):
        words = line.split(" ")
        return self.output_of("bash", "--norc", "-c", """
            source <(coordctl completion bash)
            compopt() { :; }
            complete -p coordctl >/dev/null || exit
            COMP_WORDS=($LINE) COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_CWORD=$COUNT
            _coordctl
            printf '%s\\n' "${COMPREPLY[@]}"
        """, LINE=line, COUNT=str(len(words) - 1)).split("\n")

    def in_zsh(self, line):
        """As its completion calls it: only what begins like the word is of interest to it."""
        *before, word = line.split(" ")
        out = self.output_of("zsh", "-f", "-c", """
            compdef() { [[ "$*" == "_coordctl coordctl" ]] }
            compadd() {
                while [[ $1 != -- ]]; do shift; done
                shift
                for each in "$@"; do [[ $each != "$PREFIX"* ]] || print -r -- "$each"; done
            }
            source <(coordctl completion zsh) && [[ -z $funcstack ]]
            words=(${(s: :)BEFORE} "$WORD") CURRENT=${#words} PREFIX=$WORD
            _coordctl
        """, BEFORE=" ".join(before), WORD=word)
        return out.split("\n")

    def test_what_fits(self):
        for line, expected in CASES:
            for shell in (self.in_bash, self.in_zsh):
                with self.subTest(line, shell=shell.__name__):
                    self.assertEqual([each for each in shell(line) if each], expected)

    def test_every_command_and_its_options_are_known(self):
        text = self.control.do("--help").decode()
        table = text[:text.index("tells more")].splitlines()
        names = [line[2:19].strip() for line in table if line.startswith("  ")]
        self.assertGreaterEqual(len(names), 20)
        self.assertEqual(self.in_bash("coordctl ")[:-1], list(dict.fromkeys(
            name.split()[0] for name in names)))
        for name in names:
            offered = self.in_bash(f"coordctl {name} --")
            self.assertIn("--help", offered)
            told = self.control.do(*name.split(), "--help").decode()
            self.assertEqual([option for option in offered[:-1] if option not in told], [], name)

    def test_no_cluster_is_no_hang(self):
        nobody = f"127.0.0.1:{harness.free_ports(1)[0]}"
        self.assertEqual(self.in_bash(f"coordctl --endpoints {nobody} get /con"), ["", ""])

    def test_at_a_terminal(self):
        for shell, rest in (("bash --norc -i", "source <(coordctl completion bash)\n"),
                            ("zsh -f -i", "autoload -U compinit; compinit -u; "
                                          "source <(coordctl completion zsh)\n")):
            with self.subTest(shell):
                terminal = Terminal(shell.split(), {**self.environment, "PS1": "ready> "})
                self.addCleanup(terminal.end)
                terminal.sees("ready> $")
                terminal.type("PS1='begun> '; " + rest)
                terminal.sees("begun> $")
                terminal.type(f"coordctl cou{TAB}/conf{TAB}\n")
                terminal.sees(r"\n2\n")
                terminal.type(f"coordctl get /spaces/a{TAB}")
                terminal.sees(r"/spaces/a\\ b")
                terminal.type(" -o json\n")
                terminal.sees('"data of /spaces/a b"')
                terminal.type(f"coordctl acl{CTRL_C}")

    def test_installed_scripts_are_these(self):
        prefix = os.path.join(self.folder, "installed")
        subprocess.run(["cmake", "--install", os.path.abspath(harness.BUILD), "--prefix", prefix],
                       check=True, capture_output=True)
        for shell, path in (("bash", "share/bash-completion/completions/coordctl"),
                            ("zsh", "share/zsh/site-functions/_coordctl")):
            with open(os.path.join(prefix, path), "rb") as file:
                self.assertEqual(file.read(), self.control.do("completion", shell))
            self.output_of(shell, "-n", os.path.join(prefix, path))
        # From there zsh takes it by itself.
        terminal = Terminal(["zsh", "-f", "-i"], {**self.environment, "PS1": "ready> "})
        self.addCleanup(terminal.end)
        terminal.sees("ready> $")
        terminal.type(f"fpath=({prefix}/share/zsh/site-functions $fpath); PS1='begun> '; "
                      "autoload -U compinit; compinit -u\n")
        terminal.sees("begun> $")
        terminal.type(f"coordctl cou{TAB}/conf{TAB}\n")
        terminal.sees(r"\n2\n")


if __name__ == "__main__":
    harness.main()
