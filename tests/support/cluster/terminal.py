"""A program at a terminal of its own, typed at and read as by a person."""

import os
import pty
import re
import termios
import threading

from cluster.waiting import wait_until

TAB, CTRL_C, CTRL_D, UP = "\t", "\x03", "\x04", "\x1b[A"
# What moves the cursor or asks for colours says nothing about what is read.
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07|\r")


class Terminal:
    def __init__(self, arguments, environment):
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(arguments[0], arguments, {**environment, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self._seen = b""
        self._from = 0
        self.status = None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while True:
            try:
                piece = os.read(self._fd, 4096)
            except OSError:  # the other end is closed
                return
            if not piece:
                return
            self._seen += piece

    def type(self, text):
        """From here on `sees` looks at what comes now."""
        self._from = len(self._seen)
        os.write(self._fd, text.encode())

    def wait_for_program(self):
        """Until what is typed is a program's input, and no line that is edited."""
        wait_until("lines as the terminal makes them", 20, self.makes_lines)

    def makes_lines(self):
        return termios.tcgetattr(self._fd)[3] & termios.ICANON != 0

    @property
    def text(self):
        """What came since the last `type`."""
        return CONTROLS.sub("", self._seen[self._from:].decode(errors="replace"))

    @property
    def bytes(self):
        """All that ever came, as it came."""
        return self._seen

    def sees(self, pattern, seconds=20):
        """Once it stands there; the whole text."""
        try:
            wait_until(f"{pattern!r}", seconds, lambda: re.search(pattern, self.text))
        except Exception as problem:
            raise AssertionError(f"{problem}; there is: {self.text!r}") from problem
        return self.text

    def wait(self, seconds=20):
        """The exit code, once it ended."""
        def ended():
            if self.status is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.status = status if pid == self.pid else None
            return self.status is not None
        wait_until("the end", seconds, ended)
        self._reader.join(seconds)
        return os.waitstatus_to_exitcode(self.status)

    def end(self):
        """However it is: for clean-ups."""
        if self.status is None:
            os.kill(self.pid, 9)
            self.wait()
        os.close(self._fd)
