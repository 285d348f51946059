"""What site.yml sets for every host, whatever configuration or environment Ansible is started with."""

from pathlib import Path

import pytest
import yaml

PLAYS = yaml.safe_load((Path(__file__).parents[2] / "ansible/site.yml").read_text())


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play["hosts"])
@pytest.mark.parametrize("name", ["ansible_pipelining", "ansible_no_target_syslog"])
def test_no_option_of_a_module_is_left_on_a_host(play, name):
    assert play["vars"][name] is True
