"""How a writer moves a user's services: podman(1) and systemctl(1), in few calls. Exit codes are not believed."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from itertools import chain

from ...core import system, validation
from ...core.observer import Resource
from ...observe.quadlet import unit_file
from ...observe.quadlet.states import instances_of, manager_runs, service_states, systemctl
from ...observe.quadlet.users import account_of
from .plan import Plan
from .readiness import Ends, given_up, has_job, is_up, not_ready

# Without any change of a service's state for so long, it is given up: systemd's own limits end what it still works on.
STILL_SECONDS = 180
WORKING_SECONDS = 900
# For all that is done for one user: images, stopping, starting, and waiting for what starts.
USER_SECONDS = 1800
# Of that, for what is read of services that did not come up.
JOURNAL_SECONDS = 60
# When this run began, in seconds of time(2). Earlier output of a service may contain values of secrets that it no longer has.
BEGUN = int(time.time())

# The words for containers that are not healthy, and what is wanted instead.
NOT_RUNNING = "without a running container"
HEALTHY = {"starting": "healthy", "unhealthy": "healthy", NOT_RUNNING: "one"}

Reasons = dict[str, str]


class Services:
    """The services of one user, or of the system."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.account = account_of(user)
        self.end = time.monotonic() + USER_SECONDS

    def left(self, most: float) -> float:
        """Return how many seconds a command may take. Raise TimeoutError once the user's time is over."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError(
                f"The work for user {self.user} took {USER_SECONDS // 60} minutes and was given up: see what its services wait for"
            )
        return min(most, left)

    def podman(self, *argv: str, check: bool = True, timeout: float = 120) -> str:
        """Podman as the user, whose containers are its own."""
        return system.run(["podman", *argv], check=check, timeout=self.left(timeout), account=self.account).stdout

    def systemctl(self, *argv: str) -> None:
        limit = self.left(STILL_SECONDS)
        system.run([*systemctl(self.user), *map(instances_of, argv)], check=False, timeout=limit, account=self.account)

    @contextlib.contextmanager
    def manager(self) -> Iterator[None]:
        """The user's systemd, started for a while where it does not run, so that what is left can be removed."""
        if self.account is None or manager_runs(self.user):
            yield
            return
        unit = f"user@{self.account.pw_uid}.service"
        system.run(["systemctl", "start", unit])
        try:
            yield
        finally:
            system.run(["systemctl", "stop", unit], check=False)

    def reload(self) -> None:
        """Let the generator run."""
        self.systemctl("daemon-reload")

    def unmask(self, services: Sequence[str]) -> None:
        """Take away what keeps services from being started, systemctl(1)."""
        for how in ([], ["--runtime"]) if services else ():
            self.systemctl("unmask", *how, *services)

    def stop(self, services: Sequence[str]) -> None:
        """Stop services and forget that any failed."""
        if services:
            self.systemctl("stop", *services)
            self.systemctl("reset-failed", *services)

    def active(self, units: Sequence[Resource]) -> set[str]:
        """The names of those units whose service runs, or is being started."""
        return {name for name, state in self.states(units).items() if is_up(state)}

    def states(self, units: Sequence[Resource]) -> dict[str, dict[str, str]]:
        """The state of units' services, by the units' names."""
        states = service_states(self.user, [unit_file.service_of(unit) for unit in units])
        return {unit["name"]: states.get(unit_file.service_of(unit), {}) for unit in units}

    def objects(self) -> set[str]:
        """The user's Podman networks and volumes, as `network/<name>`."""
        listed = {kind: self.podman(kind, "ls", "--format", "{{.Name}}").split() for kind in ("network", "volume")}
        return {f"{kind}/{name}" for kind, names in listed.items() for name in names}

    def make_way(self, plan: Plan, units: Sequence[Resource]) -> Reasons:
        """Stop what is not made any longer, and what uses networks and volumes that are replaced; remove those."""
        stopped = set(chain.from_iterable(plan.restarts[name] for name in plan.replaced)) | set(plan.replaced)
        self.stop([*plan.outdated, *(unit_file.service_of(unit) for unit in units if unit["name"] in stopped)])
        left = self.drop(list(chain.from_iterable(plan.replaced.values())))
        return {name: left[one] for name, replaced in plan.replaced.items() for one in replaced if one in left}

    def drop(self, objects: Sequence[str]) -> Reasons:
        """Remove Podman networks and volumes. Return why one still exists."""
        reasons: Reasons = {}
        for kind, name in (one.split("/", 1) for one in objects):
            done = system.run(["podman", kind, "rm", name], check=False, timeout=self.left(120), account=self.account)
            reasons[f"{kind}/{name}"] = f"{kind} {name} could not be removed: {done.stderr.strip()}"
        left = self.objects() if objects else set()
        return {one: reason for one, reason in reasons.items() if one in left}

    def pull(self, units: Sequence[Resource]) -> None:
        """Get the images that are not there, so that a start does not wait for a registry. The start tells of failures."""
        images = {unit_file.last(unit, "Image", "") for unit in units if unit["name"].endswith(".container")}
        for image in sorted(image for image in images if image and "%" not in image and not image.endswith((".image", ".build"))):
            found = system.run(["podman", "image", "exists", image], check=False, timeout=self.left(120), account=self.account)
            if found.returncode != 0:
                with contextlib.suppress(system.CommandError):
                    self.podman("pull", "--quiet", image, check=False, timeout=WORKING_SECONDS)

    def bring_up(self, units: Sequence[Resource], restarted: Sequence[Resource]) -> Reasons:
        """Stop, restart and start what these units ask for, then wait. Return what is not as wanted, by unit."""
        self.stop([unit_file.service_of(unit) for unit in units if unit_file.should_run(unit) is False])
        running = [unit for unit in units if unit_file.should_run(unit)]
        for action, group in (("restart", restarted), ("start", running)):
            services = [unit_file.service_of(unit) for unit in group if unit_file.should_run(unit) is not False]
            if services:
                self.systemctl("reset-failed", *services)
                self.systemctl(action, "--no-block", *services)
        watched = {unit["name"]: unit for unit in [*restarted, *running] if unit_file.should_run(unit) is not False}
        # Podman knows no template, only its instances.
        own = [unit_file.service_of(unit) for name, unit in watched.items() if name.endswith(".container")]
        containers = frozenset(service for service in own if not unit_file.is_template(service))
        reasons = self.wait(sorted({unit_file.service_of(unit) for unit in watched.values()}), containers)
        failed = {name: unit for name, unit in watched.items() if unit_file.service_of(unit) in reasons}
        return {name: f"{reasons[unit_file.service_of(unit)]}\n{self.journal(unit)}".strip() for name, unit in failed.items()}

    def wait(self, services: Sequence[str], containers: frozenset[str]) -> Reasons:
        """Wait until services are active, with a container where they are in `containers`, and healthy, in two looks one after another."""
        reasons: Reasons = {}
        before: object = None
        since = time.monotonic()
        ends = Ends()
        while services and time.monotonic() < self.end - JOURNAL_SECONDS:
            states = service_states(self.user, services)
            reasons = {service: reason for service in services if (reason := not_ready(service, states.get(service, {})))}
            flapping = ends.see(states)
            reasons |= flapping
            lost = {service for service in services if given_up(states.get(service, {}))} | flapping.keys()
            # Podman is asked when nothing else is waited for. A check that failed as often as it may is a failure.
            ready = [service for service in services if service not in reasons and states[service].get("SubState") == "running"]
            health = {} if reasons.keys() - lost else self.health(ready, containers)
            reasons |= {service: f"{service} is {status}, wanted {HEALTHY[status]}" for service, status in health.items()}
            lost |= {service for service, status in health.items() if status == "unhealthy"}
            waiting = reasons.keys() - lost
            now = {service: (states.get(service), reasons.get(service)) for service in services if service not in lost}
            if now != before:
                before, since = now, time.monotonic()
            elif not waiting:
                # A service that crashes at once is active for a moment too, so nothing may have changed since the last check.
                return reasons
            patience = WORKING_SECONDS if any(has_job(states.get(service, {})) for service in waiting) else STILL_SECONDS
            if time.monotonic() - since > patience:
                return reasons
            time.sleep(1)
        return reasons

    def health(self, services: Sequence[str], containers: frozenset[str]) -> dict[str, str]:
        """Return a word of HEALTHY for each of these services that reports one, podman-ps(1); those in `containers` have one each.

        To systemd a service runs from before its container is started until Podman has cleaned up after it.
        """
        form = '{{index .Labels "PODMAN_SYSTEMD_UNIT"}} {{.Status}}'
        running = re.findall(r"^(\S+) (.*)$", self.podman("ps", "--format", form), re.MULTILINE)
        checks = [(service, re.search(r"\((starting|unhealthy)\)$", status)) for service, status in running]
        ended = containers.intersection(services).difference(service for service, _ in running)
        return {service: check[1] for service, check in checks if check and service in services} | dict.fromkeys(ended, NOT_RUNNING)

    def journal(self, unit: Resource) -> str:
        """A unit's last lines in this run, and systemd's of it, without the values of secrets, which its container may have printed."""
        service = unit_file.service_of(unit)
        match = [f"_SYSTEMD_UNIT={service}", "+", f"UNIT={service}"]
        if self.account:
            uid = self.account.pw_uid
            match = [f"_SYSTEMD_USER_UNIT={service}", f"_SYSTEMD_OWNER_UID={uid}", "+", f"USER_UNIT={service}", f"_UID={uid}"]
        show = ["journalctl", "--no-pager", "-q", "-o", "cat", "-n", "20", f"--since=@{BEGUN}"]
        try:
            secret = self.secret_values(unit)
            return validation.redact(system.run([*show, *match], check=False, timeout=JOURNAL_SECONDS).stdout.strip(), secret)
        except (system.CommandError, OSError):
            # Without the values to leave out nothing is shown, and the reason that the journal would explain stays.
            return ""

    def secret_values(self, unit: Resource) -> list[str]:
        """The values of the secrets that a unit names, podman-secret-inspect(1); of those that are there."""
        names = sorted(part.removeprefix("secret/") for part in unit_file.uses(unit) if part.startswith("secret/"))
        show = ["secret", "inspect", "--showsecret", "--format", "{{.SecretData}}"]
        return [self.podman(*show, name, check=False).removesuffix("\n") for name in names]
