"""How a writer moves a user's services: podman(1) and systemctl(1), in few calls. Exit codes are not believed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from . import quadlet, system
from .kind import Unit
from .quadlet_unit import SYSTEM, account_of, service_states, state_drift, systemctl

READY_SECONDS = 180
PULL_SECONDS = 900
CRASHES = 5


class Services:
    """The services of one user, or of the system."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.account = account_of(user)

    def podman(self, *argv: str, check: bool = True, timeout: float = 120) -> str:
        """Podman as the user, whose containers are its own."""
        return system.run(["podman", *argv], check=check, timeout=timeout, account=self.account).stdout

    def systemctl(self, *argv: str) -> None:
        system.run([*systemctl(self.user), *argv], check=False, timeout=READY_SECONDS, account=self.account)

    def reload(self) -> None:
        """Let the generator run."""
        self.systemctl("daemon-reload")

    def stop(self, services: Sequence[str]) -> None:
        """Stop services and forget that any failed."""
        if services:
            self.systemctl("stop", *services)
            self.systemctl("reset-failed", *services)

    def take_down(self, replaced: Sequence[Unit], users: Sequence[Unit]) -> None:
        """Networks and volumes that change are made anew, with what uses them stopped."""
        if replaced:
            self.stop([quadlet.service_of(unit) for unit in [*users, *replaced]])
            self.drop_objects(replaced)

    def drop_objects(self, units: Sequence[Unit]) -> None:
        """Remove the Podman networks and volumes that units made; one that is in use stays."""
        for unit in units:
            stem, suffix = unit["name"].rsplit(".", 1)
            if suffix in ("network", "volume"):
                named = quadlet.values(unit, suffix.capitalize(), f"{suffix.capitalize()}Name")
                self.podman(suffix, "rm", named[-1] if named else f"systemd-{stem}", check=False)

    def pull(self, units: Sequence[Unit]) -> dict[str, str]:
        """Get the images that are not there, so that a start does not wait for a registry."""
        wanted = {unit["name"]: image for unit in units for image in quadlet.values(unit, "Container", "Image")[-1:]}
        wanted = {name: image for name, image in wanted.items() if not image.endswith((".image", ".build"))}
        failed: dict[str, str] = {}
        for image in sorted(set(wanted.values())):
            try:
                if not self.podman("image", "ls", "--quiet", image, check=False).strip():
                    self.podman("pull", "--quiet", image, timeout=PULL_SECONDS)
            except system.CommandError as error:
                failed.update({name: f"its image cannot be had: {error}" for name, one in wanted.items() if one == image})
        return failed

    def bring_up(self, units: Sequence[Unit], anew: Sequence[Unit], users: Sequence[Unit], failed: Mapping[str, str]) -> dict[str, str]:
        """Start, restart and stop what these units ask for, then wait until each is as it should be.

        `anew` are those of them that changed; `users` are installed units that use one that changed.
        """
        names = {unit["name"] for unit in units}
        others = [unit for unit in users if unit["name"] not in names and quadlet.should_run(unit)]
        good = [unit for unit in units if unit["name"] not in failed]
        stopped = [quadlet.service_of(unit) for unit in good if quadlet.should_run(unit) is False]
        running = [unit for unit in good if quadlet.should_run(unit)]
        restarted = [unit for unit in running if unit in anew] + others
        # Objects of others, such as images, are remade when their service runs again.
        made = [unit for unit in good if unit in anew and quadlet.should_run(unit) is None]
        self.stop(stopped)
        for action, group in (("try-restart", made), ("restart", restarted), ("start", running)):
            services = [quadlet.service_of(unit) for unit in group]
            if services:
                self.systemctl("reset-failed", *services)
                self.systemctl(action, "--no-block", *services)
        return self.wait([*running, *others])

    def wait(self, units: Sequence[Unit]) -> dict[str, str]:
        """Wait until services are active, and healthy where they say how to tell, in two looks one after another."""
        by_service = {quadlet.service_of(unit): unit for unit in units}
        reasons: dict[str, str] = dict.fromkeys(by_service, "not looked at")
        good: set[str] = set()
        end = time.monotonic() + READY_SECONDS
        while by_service and time.monotonic() < end:
            states = service_states(self.user, list(by_service))
            reasons = {service: self.reason(by_service[service], service, state) for service, state in states.items()}
            open_ends = [service for service, reason in reasons.items() if reason and not given_up(states[service])]
            settled = {service for service, reason in reasons.items() if not reason}
            # What crashes at once is active for a moment, too.
            if not open_ends and settled <= good:
                break
            good = settled
            time.sleep(1)
        return {by_service[one]["name"]: f"{reason}\n{self.journal(one)}" for one, reason in reasons.items() if reason}

    def reason(self, unit: Unit, service: str, state: dict[str, str]) -> str:
        """Why a service is not as it should be (yet)."""
        return "; ".join(state_drift(service, state, True)) or self.unhealthy(unit, service)

    def unhealthy(self, unit: Unit, service: str) -> str:
        """Why a container with a health check is not healthy (yet); nothing when it is or has none."""
        if not quadlet.values(unit, "Container", "HealthCmd"):
            return ""
        named = quadlet.values(unit, "Container", "ContainerName")
        container = named[-1] if named else f"systemd-{service.removesuffix('.service')}"
        status = self.podman("inspect", "--format", "{{.State.Health.Status}}", container, check=False).strip()
        return "" if status == "healthy" else f"{service} is {status or 'not there'}, wanted healthy"

    def journal(self, service: str) -> str:
        """A service's last lines."""
        field = "_SYSTEMD_UNIT" if self.user == SYSTEM else "_SYSTEMD_USER_UNIT"
        other = "UNIT" if self.user == SYSTEM else "USER_UNIT"
        match = [f"{field}={service}", "+", f"{other}={service}"]
        return system.run(["journalctl", "--no-pager", "-q", "-o", "cat", "-n", "20", *match], check=False).stdout.strip()


def given_up(state: dict[str, str]) -> bool:
    """Whether waiting is in vain: systemd gave up, or starts it again and again."""
    return state.get("ActiveState") == "failed" or int(state.get("NRestarts") or 0) >= CRASHES
