"""The volumes of pods.py's pods, as a kubelet lays them: what coordd sees when a Secret changes."""

import os
import shutil

# What a kubelet gives the group of a pod on top, and on folders; of files that nobody writes, and of
# a volume that is written.
READ = 0o440
WRITE = 0o660
FOLDER = 0o2110


def _own(path, group, more):
    if group is None or os.path.islink(path):
        return
    mode = os.stat(path).st_mode & 0o7777
    os.chown(path, -1, group)
    os.chmod(path, mode | more | (FOLDER if os.path.isdir(path) else 0))


def own(folder, group, more):
    """All of a volume belongs to the group (fsGroup), None for none."""
    _own(folder, group, more)
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            _own(os.path.join(parent, name), group, more)


class Files:
    """ConfigMaps and Secrets as files: names are links into ..data, which is a link that is swapped
    when anything changes, so that a reader sees all of the old or all of the new."""

    def __init__(self, folder, group):
        self.folder = folder
        self.group = group
        self.files = None
        self.number = 0
        os.makedirs(folder)
        os.chmod(folder, 0o777)

    def write(self, files):
        """files: {path: (bytes, mode)}"""
        if files == self.files:
            return
        self.number += 1
        name = f"..data-{self.number}"
        made = os.path.join(self.folder, name)
        os.mkdir(made, 0o755)
        for path, (data, mode) in files.items():
            self._write_file(os.path.join(made, path), data, mode)
        own(made, self.group, READ)
        old = os.path.join(self.folder, f"..data-{self.number - 1}")
        self._link(name, "..data")
        tops = {path.split("/")[0] for path in files}
        for top in tops:
            if not os.path.islink(os.path.join(self.folder, top)):
                os.symlink(os.path.join("..data", top), os.path.join(self.folder, top))
        for entry in os.listdir(self.folder):
            if not entry.startswith("..") and entry not in tops:
                os.remove(os.path.join(self.folder, entry))
        shutil.rmtree(old, ignore_errors=self.number == 1)
        _own(self.folder, self.group, READ)
        self.files = files

    @staticmethod
    def _write_file(path, data, mode):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)

    def _link(self, target, name):
        new = os.path.join(self.folder, f"{name}_tmp")
        os.symlink(target, new)
        os.rename(new, os.path.join(self.folder, name))


def make_empty(folder, group):
    os.makedirs(folder)
    os.chmod(folder, 0o777)
    own(folder, group, WRITE)


def make_claim(folder, group, once):
    """One that is there already keeps what it holds; once: its files belong to the group already if
    the folder does."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
        os.chmod(folder, 0o755)
    now = os.stat(folder)
    if not (once and now.st_gid == group and now.st_mode & (WRITE | FOLDER) == WRITE | FOLDER):
        own(folder, group, WRITE)
