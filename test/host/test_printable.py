"""What users and guests wrote reaches no terminal as anything but text."""

import json

import pytest

from ansible.module_utils.homelab.core.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Grüße, 日本, 🙂", "Grüße, 日本, 🙂"),
        ("\x1b[2J\x1b]52;c;aGk=\x07", r"\x1b[2J\x1b]52;c;aGk=\x07"),
        ("of\r\nWindows\r\n", "of\nWindows\n"),
        ("over\rwritten\x08", r"over\x0dwritten\x08"),
        ("\x9b31m\x7f\x00", r"\x9b31m\x7f\x00"),
        ("abc\u202edcba\u2066", r"abc\u202edcba\u2066"),
        ("a\u2028b", r"a\u2028b"),
        ("caf\udce9", r"caf\xe9"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_controls_are_shown_and_other_text_stays(text, shown):
    assert printable(text) == shown


def test_all_texts_of_a_result_are_printable():
    result = {"na\x1bme": ["a\x1b", {"b": ("\x07", 1, None, True)}]}
    assert printable(result) == {r"na\x1bme": [r"a\x1b", {"b": [r"\x07", 1, None, True]}]}
    json.dumps(printable({"x": "\udcff"})).encode()
