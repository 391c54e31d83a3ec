"""What `projections new` writes works as it comes."""

import pytest

from chatfold import scaffold
from chatfold.refusal import Refusal
from tests.support import scaffolded


def test_the_tests_of_a_new_projection_pass_as_they_come_and_fail_when_it_is_wrong(tmp_path):
    package = scaffolded.write("weather", tmp_path)
    told = scaffolded.run_tests(package)
    assert "4 passed" in told.stdout, told.stdout + told.stderr
    code = package / "weather" / "__init__.py"
    code.write_text(code.read_text().replace("messages=1", "messages=2"))
    assert "1 failed" in scaffolded.run_tests(package).stdout or "2 failed" in (
        scaffolded.run_tests(package).stdout
    )


def test_a_new_projection_takes_no_name_and_no_folder_that_is_taken(tmp_path):
    scaffold.write("weather", tmp_path)
    with pytest.raises(Refusal, match="is there already"):
        scaffold.write("weather", tmp_path)
    for name in ("tables", "Weather", "x-y", "1st", "a b"):
        with pytest.raises(Refusal, match="a name is small letters"):
            scaffold.write(name, tmp_path)
