"""A mock of a host's commands, and how a kind's writer is tried on it: what a preview announces, then what an apply does."""

from subprocess import CompletedProcess

from writers import module

from ansible.module_utils.homelab.apply.converge import clear, converge
from ansible.module_utils.homelab.core import records, system

OWNER = "lab"


class Machine:
    """Every command succeeds, and is kept in `calls`. `programs` says of some what they do, given argv and standard input, and print."""

    def __init__(self):
        self.calls, self.programs = [], {}

    def run(self, argv, *, stdin=None, **_):
        self.calls.append([str(one) for one in argv])
        said = self.programs.get(argv[0], lambda *_: "")(self.calls[-1], stdin)
        return CompletedProcess(argv, 0, said or "", "")

    def ran(self, *beginning):
        """The rest of each command that begins so."""
        return [argv[len(beginning) :] for argv in self.calls if tuple(argv[: len(beginning)]) == beginning]


class HostSession:
    """A mock of what a run does with a host; its rollback can always be armed."""

    def lock(self):
        pass

    def arm(self, _tables=(), _parameters=()):
        return ""

    def extend(self):
        return ""


def mock_files(monkeypatch, beginning):
    """Have the files whose paths begin so be what stands in this: texts, by path."""
    files = {}

    def instead(name, mocked):
        real = getattr(system, name)

        def either(path, *rest, **more):
            return (mocked if str(path).startswith(beginning) else real)(path, *rest, **more)

        monkeypatch.setattr(system, name, either)

    instead("read_text", lambda path: files.get(str(path)))
    instead("write_text", lambda path, text, **_: files.update({str(path): text}))
    instead("make_folder", lambda _path, **_: None)
    instead("remove_file", lambda path, **_: files.pop(str(path), None))
    return files


def agree(writer, resource, disruption, affected=()):
    """A change is announced with this class and reach, and an apply, which says the same, succeeds."""
    for session in (None, HostSession()):
        [said] = converge(writer(), [writer().normalise(resource, {})], OWNER, session)
        assert (said["failed"], said["msg"]) == (False, "")
        assert said["changed"]
        assert (said["disruption"], said["affected"]) == (disruption, list(affected))


def refused(writer, resource):
    """Why a change is refused by a preview; an apply does not make it, either."""
    [told], [said] = (converge(writer(), [writer().normalise(resource, {})], OWNER, session) for session in (None, HostSession()))
    assert told["failed"]
    assert (said["failed"], said["msg"]) == (True, told["msg"])
    return told["msg"]


def agree_to_remove(writer, name, disruption):
    """A removal is announced with this class, and succeeds."""
    for session in (None, HostSession()):
        [said] = clear(writer(), [name], OWNER, session)
        assert (said["failed"], said["msg"], said["changed"], said["disruption"]) == (False, "", True, disruption)


def agree_to_refuse(writer, name, reason):
    """A removal that the host would not take is announced as such, and is not done."""
    for session in (None, HostSession()):
        [said] = clear(writer(), [name], OWNER, session)
        assert said["failed"]
        assert reason in said["msg"]


def settled(kind, resource):
    """The unit with its defaults, recorded as an apply of it leaves it."""
    writer = writer_of(kind)()
    whole = writer.normalise(resource, {})
    records.write(OWNER, writer.kind, writer.name_of(whole), writer.record_of(whole))
    return whole


def writer_of(kind):
    """The writer of a kind, by the name of its module in library/."""
    return getattr(module(kind), f"{kind.title().replace('_', '')}Writer")
