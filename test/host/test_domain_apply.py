"""Pure parts of how domains are started and stopped."""

from ansible.module_utils.homelab.apply.domain.console import readable


def test_what_a_guest_writes_to_its_console_is_text():
    said = "\x1b[2J\x1b[01;01H\x1b[=3hUEFI\r\n\x1b]0;title\x07 \x1bc\x9b31mred\tédge\n"
    assert readable(said) == "UEFI\n0;title   31mred édge\n"
