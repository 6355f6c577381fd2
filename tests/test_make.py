"""`make` before it asks npm: Node has to be new enough, and where it isn't that is said."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.process import ROOT

pytestmark = pytest.mark.processes

Make = Callable[..., subprocess.CompletedProcess[str]]
PACKAGE = ROOT / "package.json"
NPM = "#!/bin/sh\ntouch npm-was-asked\nexit 1\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` reads of the repository, without what it has made there."""
    included = [*ROOT.glob("clients/*.mk"), *ROOT.glob("bench/*.mk")]
    for path in (*included, ROOT / "Makefile", ROOT / "clients/js/package.json", PACKAGE):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    (tmp_path / "clients/js/src").mkdir()
    return tmp_path


@pytest.fixture
def make(checkout: Path) -> Make:
    """Return a function that makes a target where `node` is of some version; None: missing."""
    programs = checkout / "programs"
    programs.mkdir()
    for name in ("bash", "env", "make", "sh", "touch", "mkdir", "find", "uname"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    (programs / "npm").write_text(NPM)
    (programs / "npm").chmod(0o755)

    def make_it(target: str, node: str | None) -> subprocess.CompletedProcess[str]:
        if node is not None:
            (programs / "node").write_text(f"#!/bin/sh\necho {node}\n")
            (programs / "node").chmod(0o755)
        return subprocess.run(
            ["make", target],
            cwd=checkout,
            env=os.environ | {"PATH": str(programs)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return make_it


@pytest.mark.parametrize("node", ["v18.20.4", "v20.18.3", "v9.0.0", None])
def test_npm_is_not_asked_where_node_is_too_old(
    make: Make, checkout: Path, node: str | None
) -> None:
    built = make("clients/js/node_modules/.done", node)
    assert built.returncode == 2
    assert "20.19 or newer is needed" in built.stdout
    assert (node or "node is missing") in built.stdout
    assert make("console", node).returncode == 0  # `make run` goes on without
    assert not (checkout / "npm-was-asked").exists()


@pytest.mark.parametrize("node", ["v20.19.0", "v22.1.0", "v100.0.0"])
def test_npm_is_asked_where_node_is_new_enough(make: Make, checkout: Path, node: str) -> None:
    assert "Installing" in make("console", node).stdout
    assert (checkout / "npm-was-asked").exists()
