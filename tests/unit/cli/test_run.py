"""Every role that can be built can be run."""

import pytest

from chatfold.cli.run import RoleName
from chatfold.wiring import ROLES, loaded
from streams.topology import PORTS


def test_every_role_has_a_name_on_the_command_line_and_a_port():
    assert {one.value for one in RoleName} == set(ROLES) == set(PORTS)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_module_that_runs_it(role: str):
    assert callable(loaded(role).run)
