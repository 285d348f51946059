"""Writes what each task said as JSON lines to a file descriptor, for the program that started Ansible.

Silent unless HOMELAB_EVENTS_FD is set. Events: {event: task|look|result|failed|unreachable|recap, host, task, …}.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: homelab_events
type: notification
short_description: Results as JSON lines on a file descriptor
description: Tells the program that started Ansible what each kind's module said of each unit.
"""


class CallbackModule(CallbackBase):
    """One line per task and result."""

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

    def _tell(self, event: str, **what: Any) -> None:
        try:
            self._stream.write(json.dumps({"event": event, **what}, default=str) + "\n")
        except BrokenPipeError:
            # Who started Ansible is gone, and nobody would hear of what it does.
            os.kill(os.getpid(), signal.SIGTERM)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._tell("task", task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        said = result.result if hasattr(result, "result") else result._result
        if "unsettled" in said:
            self._tell("look", host=_host(result), unsettled=said["unsettled"], hindrances=said.get("hindrances", {}))
        if "kind" in said and "units" in said:
            what = {key: said.get(key, []) for key in ("units", "removed", "losing")}
            self._tell("result", host=_host(result), kind=said["kind"], staying=said.get("staying", {}), **what)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        said = result.result if hasattr(result, "result") else result._result
        words = [str(said[key]) for key in ("msg", "stderr", "module_stderr", "exception") if said.get(key)]
        text = "\n".join(word for word in words if word != "(traceback unavailable)")
        self._tell("failed", host=_host(result), task=_task(result), msg=text, refused=bool(said.get("refused")))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        said = result.result if hasattr(result, "result") else result._result
        self._tell("unreachable", host=_host(result), task=_task(result), msg=str(said.get("msg", "")))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        counts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        names = {"ok": "ok", "changed": "changed", "unreachable": "unreachable", "failed": "failures"}
        self._tell("recap", recap={host: {name: count[key] for name, key in names.items()} for host, count in counts.items()})


def _host(result: Any) -> str:
    return str(result.host.get_name() if hasattr(result, "host") else result._host.get_name())


def _task(result: Any) -> str:
    return str(result.task.get_name() if hasattr(result, "task") else result._task.get_name())
