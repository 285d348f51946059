"""Writes the results of tasks as JSON lines to a file descriptor, for the program that started Ansible.

Silent unless HOMELAB_EVENTS_FD is set. Events: {event: task|detected|result|confirmed|failed|unreachable|recap, host, task, step, role, …}.
`step` is what follows `homelab_step_` in a tag of the task, so that the program need not know the names of tasks.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

STEP = "homelab_step_"

DOCUMENTATION = """
name: homelab_events
type: notification
short_description: Results as JSON lines on a file descriptor
description: Passes the results of each kind's module to the program that started Ansible.
"""


class CallbackModule(CallbackBase):
    """Write a line per task and result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "homelab_events"

    def __init__(self) -> None:
        super().__init__()
        descriptor = os.environ.get("HOMELAB_EVENTS_FD")
        if descriptor is None:
            self.disabled = True
        else:
            self._stream = os.fdopen(int(descriptor), "w", buffering=1, closefd=False)

    def _write(self, event: str, **what: Any) -> None:
        try:
            self._stream.write(json.dumps({"event": event, **what}, default=str) + "\n")
        except BrokenPipeError:
            # The program that started Ansible has ended, so nobody would see the results.
            os.kill(os.getpid(), signal.SIGTERM)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._write("task", **_of_task(task))

    def v2_runner_on_ok(self, result: Any) -> None:
        output = _output(result)
        if "out_of_sync" in output:
            self._write("detected", host=_host(result), out_of_sync=output["out_of_sync"], warnings=output.get("resource_warnings", {}))
        if "kind" in output and "resources" in output:
            what = {key: output.get(key, []) for key in ("resources", "removed", "data_loss", "undeclared")}
            more = {"removal_blockers": output.get("removal_blockers", {}), "armed": bool(output.get("armed"))}
            self._write("result", host=_host(result), kind=output["kind"], **what, **more)
        # The task itself never fails, so that the role can roll back.
        if output.get("rc") == 0 and _of_task(_task(result)).get("step") == "confirm":
            self._write("confirmed", host=_host(result))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        output = _output(result)
        words = [str(output[key]) for key in ("msg", "stderr", "module_stderr", "exception") if output.get(key)]
        text = "\n".join(word for word in words if word != "(traceback unavailable)")
        self._write("failed", host=_host(result), msg=text, rejected=bool(output.get("rejected")), **_of_task(_task(result)))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", host=_host(result), msg=str(_output(result).get("msg", "")), **_of_task(_task(result)))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        counts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        names = {"ok": "ok", "changed": "changed", "unreachable": "unreachable", "failed": "failures"}
        self._write("recap", recap={host: {name: count[key] for name, key in names.items()} for host, count in counts.items()})


def _of_task(task: Any) -> dict[str, str]:
    """The task's name, its step and its role, as far as it has them."""
    steps = [tag.removeprefix(STEP) for tag in task.tags if str(tag).startswith(STEP)]
    role = getattr(task, "_role", None)
    return {"task": str(task.get_name()), **({"step": steps[0]} if steps else {}), **({"role": str(role.get_name())} if role else {})}


# ansible-core 2.19 names these without an underscore.
def _output(result: Any) -> Any:
    return result.result if hasattr(result, "result") else result._result


def _host(result: Any) -> str:
    return str(result.host.get_name() if hasattr(result, "host") else result._host.get_name())


def _task(result: Any) -> Any:
    return result.task if hasattr(result, "task") else result._task
