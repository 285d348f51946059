"""Homes of two service users on a real file system: one as it should be, and one whose user does what it can to whoever looks."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

OWNER = "lab"
FOLDER = f".config/containers/systemd/{OWNER}"
STORE = ".local/share/containers/storage"
TEXT = "[Container]\nImage=localhost/page:1\n"


class Homes:
    """The homes, below a folder that every user may enter; removed with `close`."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="homelab-homes-"))
        self.root.chmod(0o755)
        self.accounts = {name: self._account(name, 4242 + number) for number, name in enumerate(("good", "bad"))}
        for name in self.accounts:
            self.write(name, f"{FOLDER}/page.container", TEXT)

    def _account(self, name, uid):
        home = self.root / name
        home.mkdir(mode=0o700)
        ids = (uid, uid) if os.geteuid() == 0 else (os.getuid(), os.getgid())
        os.chown(home, *ids)
        return pwd.struct_passwd((name, "x", *ids, "", str(home), "/usr/sbin/nologin"))

    def path(self, name, path):
        return self.root / name / path

    def write(self, name, path, text):
        """Write a file with the folders above it, all of them the user's."""
        file = self.path(name, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.give(name)

    def give(self, name):
        """Make everything in a home its user's."""
        account = self.accounts[name]
        for folder, folders, files in os.walk(self.root / name):
            for one in (*folders, *files):
                os.chown(os.path.join(folder, one), account.pw_uid, account.pw_gid, follow_symlinks=False)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def pipe(homes):
    os.mkfifo(homes.path("bad", f"{FOLDER}/pipe.container"))
    homes.path("bad", f"{FOLDER}/page.container").unlink()
    os.mkfifo(homes.path("bad", f"{FOLDER}/page.container"))


def sparse(homes):
    os.truncate(homes.path("bad", f"{FOLDER}/page.container"), 50 * 2**30)


def many_large(homes):
    for number in range(40):
        (homes.path("bad", FOLDER) / f"{number}.container").write_text("#" * 2**20)


def many(homes):
    for number in range(6000):
        (homes.path("bad", FOLDER) / f"{number}.container").touch()


def endless(homes):
    homes.path("bad", f"{FOLDER}/page.container").unlink()
    homes.path("bad", f"{FOLDER}/page.container").symlink_to("/dev/zero")


def no_text_in_names(homes):
    folder = os.fsencode(homes.path("bad", FOLDER))
    for name in (b"caf\xe9.container", b"two\nlines.container", b"\x1b[2J.container", b"<{%fg 1%}>.container"):
        with open(os.path.join(folder, name), "w", encoding="ascii") as stream:
            stream.write(TEXT)


def closed_folder(homes):
    homes.path("bad", FOLDER).chmod(0o111)


def loop(homes):
    homes.path("bad", f"{FOLDER}/again").symlink_to("..")
    homes.path("bad", f"{FOLDER}/self.container").symlink_to("self.container")


def deep_folders(homes):
    folder = homes.path("bad", FOLDER)
    for number in range(300):
        folder = folder / str(number)
        folder.mkdir()


def deep_json(homes):
    homes.write("bad", f"{STORE}/overlay-images/images.json", "[" * 200_000)


def all_ports(homes):
    homes.write(
        "bad", f"{FOLDER}/ports.container", "[Container]\nPublishPort=0-99999999999:80\nPublishPort=1-2-3:80\nPublishPort=1-65535:1-65535\n"
    )


def root_s_files(homes):
    homes.path("bad", f"{FOLDER}/shadow.container").symlink_to("/etc/shadow")


WAYS = [pipe, sparse, many_large, many, endless, no_text_in_names, closed_folder, loop, deep_folders, deep_json, all_ports, root_s_files]
