"""What is announced is what is done: test_agreement_<kind>.py has rows for each class of property that the kind has."""

from pathlib import Path

import pytest
import writers  # noqa: F401 - it lets Ansible find what the next line names

from ansible.module_utils.homelab.kinds import OBSERVERS


@pytest.mark.parametrize("kind", [observer.kind for observer in OBSERVERS])
def test_each_kind_is_held_to_what_it_announces(kind):
    assert (Path(__file__).parent / f"test_agreement_{kind.replace('-', '_')}.py").is_file()
