"""The blocks of commands in the READMEs: finding them, and running those of a section as printed.

A block begins with ``` and what it is:

    sh         commands
    sh stays   one that goes on in a terminal of its own while the next blocks are run
    sh not-run commands that no test can run
    console    commands behind "$ ", each with what it prints; "..." stands for anything
    text, c    no commands
"""

import dataclasses
import os
import re
import signal
import subprocess

import harness

FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
INDENTED = re.compile(r"^\n((?: {4,}.*\n)+)", re.MULTILINE)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MARK = "==== command "


@dataclasses.dataclass(frozen=True)
class Block:
    file: str
    section: str
    info: str
    text: str

    @property
    def first_line(self):
        return self.text.split("\n", 1)[0]

    def commands(self):
        """[(command, what it prints or None)]; a block of sh is one command."""
        if self.info != "console":
            return [(self.text, None)]
        commands = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:] + "\n", ""))
            else:
                command, shown = commands[-1]
                commands[-1] = (command, shown + line + "\n")
        return [(command, None if shown == "...\n" else shown) for command, shown in commands]


def read(file):
    with open(os.path.join(harness.ROOT, file), encoding="utf-8") as opened:
        return opened.read()


def blocks_of(file):
    text = read(file)
    blocks = []
    for found in FENCE.finditer(text):
        headings = HEADING.findall(FENCE.sub("", text[:found.start()]))
        blocks.append(Block(file, headings[-1] if headings else "", found.group(1),
                            found.group(2)))
    return blocks


def indented(file):
    """Code that no fence says anything about."""
    return INDENTED.findall(FENCE.sub("", read(file)))


def section(file, name):
    return [block for block in blocks_of(file) if block.section == name]


def end_group(group):
    """Ends what run() has left behind."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(blocks, folder, environment, seconds=120):
    """Runs them in one shell, in their order, in `folder`.

    Gives its process group, which what they start belongs to, what it said, and
    [(command, what it should have said, what it said)] where that was not as shown.
    """
    commands = [each for block in blocks for each in block.commands()]
    script = "set -euo pipefail\n" + "".join(
        f"echo\necho '{MARK}{number}'\n{command}" for number, (command, _) in enumerate(commands))
    output = os.path.join(folder, "output")
    with open(output, "w", encoding="utf-8") as file:
        shell = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, stdout=file,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        code = shell.wait(seconds)
    with open(output, encoding="utf-8", errors="replace") as file:
        said = file.read()
    if code != 0:
        raise AssertionError(f"exit code {code}:\n{said}")
    printed = re.split(rf"^{MARK}\d+\n", said, flags=re.MULTILINE)[1:]
    wrong = [(command, shown, came) for (command, shown), came in zip(commands, printed)
             if shown is not None and came.rstrip("\n") != shown.rstrip("\n")]
    return shell.pid, said, wrong
