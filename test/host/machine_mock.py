"""A mock of a host's commands, and how a kind's writer is tried on it: what a preview announces, then what an apply does."""

from subprocess import CompletedProcess

from writers import module

from ansible.module_utils.homelab import records, system
from ansible.module_utils.homelab.module import clear, converge

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


class Hold:
    """A mock of what a run holds of a host; its way back can always be armed."""

    def take(self):
        pass

    def arm(self, _tables):
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


def agree(writer, unit, disruption, touches=()):
    """A change is announced with this class and reach, and an apply, which says the same, succeeds."""
    for hold in (None, Hold()):
        [said] = converge(writer(), [writer().normalise(unit, {})], OWNER, hold)
        assert (said["failed"], said["msg"]) == (False, "")
        assert said["changed"]
        assert (said["disruption"], said["touches"]) == (disruption, list(touches))


def refused(writer, unit):
    """Why a change is refused by a preview; an apply does not make it, either."""
    [told], [said] = (converge(writer(), [writer().normalise(unit, {})], OWNER, hold) for hold in (None, Hold()))
    assert told["failed"]
    assert (said["failed"], said["msg"]) == (True, told["msg"])
    return told["msg"]


def agree_to_remove(writer, name, disruption):
    """A removal is announced with this class, and succeeds."""
    for hold in (None, Hold()):
        [said] = clear(writer(), [name], OWNER, hold)
        assert (said["failed"], said["msg"], said["changed"], said["disruption"]) == (False, "", True, disruption)


def agree_to_refuse(writer, name, reason):
    """A removal that the host would not take is announced as such, and is not done."""
    for hold in (None, Hold()):
        [said] = clear(writer(), [name], OWNER, hold)
        assert said["failed"]
        assert reason in said["msg"]


def settled(kind, unit):
    """The unit with its defaults, recorded as an apply of it leaves it."""
    writer = writer_of(kind)()
    whole = writer.normalise(unit, {})
    records.write(OWNER, writer.kind, writer.name_of(whole), writer.record_of(whole))
    return whole


def writer_of(kind):
    """The writer of a kind, by the name of its module in library/."""
    return getattr(module(kind), f"{kind.title().replace('_', '')}Writer")
