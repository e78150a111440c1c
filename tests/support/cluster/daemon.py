"""A process that outlives a call: started, signalled and waited for, by its pid file if need be."""

import os
import signal
import subprocess

from cluster.waiting import wait_until


class Daemon:
    """At most one process of `program`, remembered in `pid_file`.

    A process is ours only while /proc/<pid>/exe is `program`, so a pid that was given to somebody
    else in the meantime is never signalled.
    """

    def __init__(self, program, pid_file, log_file):
        self.program = os.path.realpath(program)
        self.pid_file = pid_file
        self.log_file = log_file
        self._child = None

    def start(self, arguments, environment=None):
        with open(self.log_file, "ab") as log:
            self._child = subprocess.Popen(
                [self.program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, start_new_session=True)
        with open(self.pid_file, "w", encoding="ascii") as file:
            file.write(f"{self._child.pid}\n")

    @property
    def pid(self):
        """Of the running process, or None."""
        if self._child is not None:
            return self._child.pid if self._child.poll() is None else None
        try:
            with open(self.pid_file, encoding="ascii") as file:
                pid = int(file.read())
            program = os.readlink(f"/proc/{pid}/exe")
        except (OSError, ValueError):
            return None
        return pid if program.removesuffix(" (deleted)") == self.program else None

    def runs_other_build(self):
        """True if the program's file was replaced since the process began."""
        pid = self.pid
        if pid is None:
            return False
        running, on_disk = os.stat(f"/proc/{pid}/exe"), os.stat(self.program)
        return (running.st_dev, running.st_ino) != (on_disk.st_dev, on_disk.st_ino)

    def signal(self, number):
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def wait(self, seconds):
        """Until it has ended; the exit code if it was our child (negative: a signal), else None."""
        wait_until(f"{os.path.basename(self.program)} (pid {self.pid}) ends", seconds,
                   lambda: self.pid is None)
        return self._child.returncode if self._child is not None else None

    def kill(self):
        """As a crash: SIGKILL."""
        self.signal(signal.SIGKILL)
        return self.wait(10)

    def stop(self, seconds=20):
        """As an operator: SIGTERM."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""
