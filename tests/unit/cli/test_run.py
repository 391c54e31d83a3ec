"""Every role that can be built can be run."""

from chatfold.cli.run import RoleName
from chatfold.wiring import ROLES
from streams.topology import PORTS


def test_every_role_has_a_name_on_the_command_line_and_a_port():
    assert {one.value for one in RoleName} == set(ROLES) == set(PORTS)
