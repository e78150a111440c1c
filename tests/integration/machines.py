"""Machines for the guide: namespaces of this one, with networks, files and names of their own.

Everything is made in the namespaces that namespaces.enter() made, and ends with them. ssh, scp and
systemctl are stand-ins: the first two enter a machine's namespaces, the third does what it finds in
the unit.
"""

import os
import subprocess

from namespaces import MINE, Bridge, do

STAND_INS = {
    "ssh": """#!/bin/sh
pid=$(cat "MACHINES/${1#root@}") || exit 255
shift
exec nsenter --target "$pid" --mount --net --uts sh -c "cd / && $*"
""",
    "scp": """#!/bin/sh
exec ssh "${2%%:*}" "cat >'${2#*:}'" <"$1"
""",
    # A unit is started as its user, with its state directory, if this namespace has other users.
    "systemctl": """#!/bin/sh
set -eu
[ "$1 $2" = "enable --now" ]
setting() { sed -n "s/^$1=//p" "$unit"; }
unit=$3
user=$(setting User)
folder=/var/lib/$(setting StateDirectory)
mkdir -m "$(setting StateDirectoryMode)" "$folder"
run=
if grep -q 4294967295 /proc/self/uid_map; then
    chown "$user:" "$folder"
    run="setpriv --reuid $user --regid $user --init-groups"
fi
$run $(setting ExecStart) >"MACHINES/$(hostname).log" 2>&1 &
""",
}


class Machines:
    def __init__(self, folder, names):
        """Needs namespaces.enter(). /opt is empty and /etc a copy from now on, here and on all."""
        self.folder = os.path.join(folder, "machines")
        self.names = names
        self.processes = []
        self.bin = os.path.join(self.folder, "bin")
        os.makedirs(self.bin)
        self._write_stand_ins()
        self.bridge = Bridge("machines", "10.77.0.254", 24)
        do("mount", "-t", "tmpfs", "tmpfs", "/opt")
        self._own_etc("here")
        with open("/etc/hosts", "a", encoding="ascii") as hosts:
            for number, name in enumerate(names, 1):
                hosts.write(f"10.77.0.{number} {name}\n")

    def _write_stand_ins(self):
        for name, text in STAND_INS.items():
            path = os.path.join(self.bin, name)
            with open(path, "w", encoding="ascii") as file:
                file.write(text.replace("MACHINES", self.folder))
            os.chmod(path, 0o755)

    def _copy_etc(self, name):
        copy = os.path.join(self.folder, f"etc-{name}")
        subprocess.run(["cp", "-a", "/etc", copy], check=False, stderr=subprocess.DEVNULL)
        return copy

    def _own_etc(self, name):
        do("mount", "--bind", self._copy_etc(name), "/etc")

    def environment(self):
        """For the shell of whoever sets the machines up."""
        return {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"}

    def start(self):
        for number, name in enumerate(self.names, 1):
            etc = self._copy_etc(name)
            machine = subprocess.Popen(
                [*MINE, "sh", "-euc",
                 f"hostname {name}; mount --bind {etc} /etc; mount -t tmpfs tmpfs /opt;"
                 "mount -t tmpfs tmpfs /var/lib; echo up; read end"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.processes.append(machine)
            if machine.stdout.readline() != "up\n":
                raise AssertionError(f"{name} did not come up")
            self.bridge.connect(machine.pid, f"m{number}", f"10.77.0.{number}")
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                file.write(f"{machine.pid}\n")

    def stop(self):
        for machine in self.processes:
            machine.stdin.close()
            machine.wait()
            machine.stdout.close()

    def logs(self):
        texts = []
        for name in self.names:
            path = os.path.join(self.folder, f"{name}.log")
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    texts.append(f"---- {name}\n{file.read()[-4000:]}")
        return "\n".join(texts)
