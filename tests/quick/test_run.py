"""`tests/run.py`: which stages are run, on what, and what a failing one does."""

import os
import sys
from pathlib import Path

import pytest
import run as everything
from refresh_notebooks import find_notebooks
from run import Done, commands, in_order
from support import ROOT

STAGES = ["quick", "notebooks", "rest"]


@pytest.fixture
def ran(monkeypatch):
    """[(stage, variables)] of what main() would run; `codes` says how a stage ends."""
    found, codes = [], {}

    def pretend(command, variables, blocked):
        stage = "quick" if "-n" not in command else "notebooks" if blocked else "rest"
        found.append((stage, variables, command))
        return Done(codes.get(stage, 0), 1.0, 2.0)

    monkeypatch.setattr(everything, "run", pretend)
    return found, codes


def stages(found):
    return [stage for stage, _, _ in found]


def test_every_notebook_is_compared_strictly_and_offline():
    command, blocked = commands(STAGES, find_notebooks())["notebooks"]
    assert blocked and "--nbval" in command and "--nbval-lax" not in command
    named = [ROOT / word for word in command if word.endswith(".ipynb")]
    assert sorted(named) == find_notebooks()


def test_what_trains_for_others_comes_first():
    names = [path.relative_to(ROOT / "notebooks").as_posix() for path in in_order(find_notebooks())]
    first = next(k for k, name in enumerate(names) if name.startswith("06"))
    assert first == 0
    for later in ("07", "solutions/06", "solutions/07"):
        assert any(name.startswith(later) for name in names[1:])


def test_every_folder_of_tests_is_run():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    quick, _ = commands(STAGES, [])["quick"]
    rest, _ = commands(STAGES, [])["rest"]
    assert not any(word.startswith("tests/") for word in quick)  # testpaths of pyproject.toml
    given = {ROOT / word for word in rest if word.startswith("tests/")}
    assert folders == given | {ROOT / "tests" / "quick"}


def test_all_stages_share_one_folder(ran, capsys):
    found, _ = ran
    assert everything.main([]) == 0
    assert stages(found) == STAGES
    (_, _, _), (_, notebooks, _), (_, rest, _) = found
    shared = rest["COURSE_TEST_RUN"]
    assert notebooks["COURSE_CACHE"] == str(Path(shared, "cache"))
    assert "COURSE_CASIA" not in notebooks
    assert capsys.readouterr().out.count("passed") == 3


@pytest.mark.parametrize(
    ("failing", "expected"),
    [("quick", ["quick"]), ("notebooks", STAGES), ("rest", STAGES)],
)
def test_a_failing_stage(ran, capsys, failing, expected):
    found, codes = ran
    codes[failing] = 3
    assert everything.main([]) == 1
    assert stages(found) == expected
    assert "FAILED (exit code 3)" in capsys.readouterr().out


def test_one_stage_or_one_notebook(ran, tmp_path):
    found, _ = ran
    assert everything.main(["rest"]) == 0 and stages(found) == ["rest"]
    found.clear()
    (path,) = (ROOT / "notebooks").glob("01*.ipynb")
    assert everything.main([str(path), "--reports", str(tmp_path)]) == 0
    ((stage, _, command),) = found
    assert stage == "notebooks"
    assert [word for word in command if word.endswith(".ipynb")] == [f"notebooks/{path.name}"]
    assert command[-1] == f"--junitxml={tmp_path / 'notebooks.xml'}"


@pytest.mark.parametrize("word", ["slow", "none.ipynb"])
def test_what_is_not_there_is_refused(ran, word, capsys):
    with pytest.raises(SystemExit):
        everything.main([word])
    assert word in capsys.readouterr().err and not ran[0]


def test_a_real_command_reports_its_end():
    done = everything.run([sys.executable, "-c", "raise SystemExit(5)"], dict(os.environ), False)
    assert done.code == 5
