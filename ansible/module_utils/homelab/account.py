"""Acting as a user: commands that run as it, and files that are touched with its rights.

A user owns its home, so whatever runs as that user can lay a link there. With the user's own rights a link leads
no further than the user itself may go.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import system

SYSTEM = "system"
CONTAINERS = Path("/etc/containers/systemd")


class Account:
    """A user of the host, or root for the system's own services."""

    def __init__(self, name: str) -> None:
        """Raises KeyError when there is no such user."""
        self.name = name
        self.is_system = name == SYSTEM
        entry = pwd.getpwnam("root" if self.is_system else name)
        self.uid, self.gid, self.home = entry.pw_uid, entry.pw_gid, Path(entry.pw_dir)

    @property
    def runtime(self) -> str:
        """XDG_RUNTIME_DIR of the user."""
        return f"/run/user/{self.uid}"

    def manager_runs(self) -> bool:
        """Whether its systemd answers."""
        return self.is_system or os.path.exists(f"{self.runtime}/systemd/private")

    def quadlets(self) -> Path:
        """Where its Quadlet units lie, those of all owners."""
        return CONTAINERS if self.is_system else self.home / ".config/containers/systemd"

    def unit_folders(self) -> list[Path]:
        """All folders that the generator reads for it, podman-systemd.unit(5)."""
        if self.is_system:
            return [Path("/run/containers/systemd"), CONTAINERS, Path("/usr/share/containers/systemd")]
        others = [Path("/etc/containers/systemd/users") / str(self.uid), Path("/etc/containers/systemd/users")]
        return [Path(self.runtime) / "containers/systemd", self.quadlets(), *others]

    def run(
        self, argv: list[str], *, check: bool = True, timeout: float = 120, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the user. setpriv(1) is three times as fast as runuser or `systemctl -M user@`."""
        if self.is_system:
            return system.run(argv, check=check, timeout=timeout, env=env)
        as_user = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups", "--"]
        own = {"HOME": str(self.home), "USER": self.name, "XDG_RUNTIME_DIR": self.runtime}
        return system.run([*as_user, *argv], check=check, timeout=timeout, env={**own, **(env or {})})

    def systemctl(self, *argv: str, check: bool = False, timeout: float = 180) -> str:
        """systemctl of its manager. Its exit codes say little, so they are not believed unless `check` is given."""
        return self.run(["systemctl", *([] if self.is_system else ["--user"]), *argv], check=check, timeout=timeout).stdout

    @contextlib.contextmanager
    def rights(self) -> Iterator[None]:
        """Files are touched with the user's rights in here. Start no commands in here."""
        if self.uid == 0 or os.geteuid() != 0:
            yield
            return
        groups, gid = os.getgroups(), os.getegid()
        os.setgroups([self.gid])
        os.setegid(self.gid)
        os.seteuid(self.uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(gid)
            os.setgroups(groups)

    def read(self, path: Path) -> tuple[str | None, str]:
        """A file's text, None without one; and what is wrong with its kind, owner or mode. Call it within `rights`."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            return None, ""
        except OSError as error:
            return None, f"{path} cannot be read by {self.name}: {error.strerror}"
        with open(descriptor, "rb") as stream:
            said = os.fstat(descriptor)
            if not stat.S_ISREG(said.st_mode):
                return None, f"{path} is not a regular file"
            text = stream.read().decode("utf-8", "surrogateescape")
        if (said.st_uid, stat.S_IMODE(said.st_mode)) != (self.uid, 0o644):
            return text, f"{path} has uid {said.st_uid} and mode {stat.S_IMODE(said.st_mode):04o}, wanted {self.uid} and 0644"
        return text, ""


def find(name: str) -> Account | None:
    """A user, None when there is none."""
    try:
        return Account(name)
    except KeyError:
        return None
