"""What the code may import and how long it may be; each test says why.

The layers themselves are import-linter's contracts in pyproject.toml.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ("vlanlog", "hooks", "migrations", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
APPLICATION = [path for path in SOURCES if path.is_relative_to(ROOT / "vlanlog")]

# Who may use which package; the first prefix that fits a module counts.
THIRD_PARTY = {
    "vlanlog.core.codec": {"msgspec"},
    "vlanlog.spool": {"msgspec"},
    "vlanlog.store": {"alembic", "msgspec", "sqlalchemy"},
    "vlanlog.kernel": {"pyroute2"},
    "vlanlog.render": {"rich"},
    # The engine that it makes for the store, by its type.
    "vlanlog.host.opening": {"sqlalchemy", "typer"},
    "vlanlog.host.commands.wire": {"msgspec"},
    "vlanlog.cli": {"typer"},
    "vlanlog": set[str](),
}
# Pure code has no use for these: what it is told is all that it knows.
IMPURE = {
    *("asyncio", "datetime", "io", "locale", "logging", "os", "pathlib", "platform", "random"),
    *("secrets", "select", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys"),
    *("tempfile", "threading", "time", "urllib"),
}
MODULE_LINES = 300
# A module of tests is a list, read one test at a time.
TEST_MODULE_LINES = 400
FUNCTION_LINES = 50
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS = {
    "vlanlog/render/story.py:_fact": "a table: one branch for each kind of fact",
}
DRAWERS = {"base", "common", "helper", "helpers", "misc", "util", "utils"}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    """Yields the dotted name of every module that a file imports, those in functions too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def third_party(path: Path) -> set[str]:
    return packages(path) - sys.stdlib_module_names - {"vlanlog", "tests"}


def allowed_third_party(module: str) -> set[str]:
    fits = (
        names
        for prefix, names in THIRD_PARTY.items()
        if module == prefix or module.startswith(f"{prefix}.")
    )
    return next(fits)


def test_layers_of_pyproject_are_kept() -> None:
    """A core that imports an adapter is no longer a function of values, nor tested as one.

    Siblings that import each other are one module in two files. And since no sibling imports the
    kernel, the store or the spool, only cli and daemon can construct them.
    """
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", APPLICATION, ids=shown)
def test_module_uses_only_the_packages_of_its_layer(path: Path) -> None:
    """One place knows each library, so that it can be replaced, and its start-up time avoided."""
    assert third_party(path) <= allowed_third_party(name_of(path))


def test_packages_that_are_imported_are_declared() -> None:
    """What comes only because another package happens to need it goes when that one changes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[^A-Za-z0-9_-]", line)[0] for line in project["dependencies"]}
    migrations = [path for path in SOURCES if path.is_relative_to(ROOT / "migrations")]
    used = set[str]().union(*(third_party(path) for path in (*APPLICATION, *migrations)))
    assert used == declared


@pytest.mark.parametrize(
    "path", [path for path in APPLICATION if path.parent.name == "core"], ids=shown
)
def test_core_knows_neither_clock_nor_files_nor_processes(path: Path) -> None:
    """A fold that asks the time or the host gives another state tomorrow from the same log."""
    assert packages(path) & IMPURE == set()


@pytest.mark.parametrize(
    "path",
    [p for p in APPLICATION if p.parent.name == "dispatch" or p == ROOT / "vlanlog/hook.py"],
    ids=shown,
)
def test_dispatcher_imports_only_itself_and_the_standard_library(path: Path) -> None:
    """It must run when no package is installed at all, and every guest's start waits for it.

    How little of the standard library it loads is held by tests/hook/test_modules.py.
    """
    own = {name for name in imports(path) if name.startswith("vlanlog")}
    assert {name for name in own if not name.startswith("vlanlog.dispatch")} == set()
    assert third_party(path) == set()


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.is_relative_to(ROOT / "migrations")], ids=shown
)
def test_migrations_import_nothing_of_the_application(path: Path) -> None:
    """A migration must do in ten years what it does today, whatever the application is then."""
    assert packages(path) & {"vlanlog", "tests"} == set()


def test_application_never_imports_its_tests() -> None:
    """Tests are not shipped: an installed vlanlog would fail where the checkout works."""
    assert [shown(path) for path in APPLICATION if "tests" in packages(path)] == []


def code_lines(path: Path) -> set[int]:
    """Returns the numbers of the lines that are neither blank, nor comment, nor docstring."""
    lines = enumerate(path.read_text().splitlines(), start=1)
    code = {number for number, line in lines if line.strip() and not line.strip().startswith("#")}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            text = node.body[0]
            code -= set(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return code


def long_functions(path: Path) -> Iterator[str]:
    code = code_lines(path)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef):
            inside = code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            if len(inside) > FUNCTION_LINES:
                yield f"{shown(path)}:{node.name}"


def is_long(path: Path) -> bool:
    limit = TEST_MODULE_LINES if path.name.startswith("test_") else MODULE_LINES
    return len(code_lines(path)) > limit


def test_modules_are_short_or_have_a_reason() -> None:
    """A module is read in one sitting; a longer one is two that have not been told apart yet."""
    assert {shown(path) for path in SOURCES if is_long(path)} == set(LONG_MODULES)


def test_functions_are_short_or_have_a_reason() -> None:
    """A function that does not fit a screen cannot be checked by looking at it."""
    assert {name for path in SOURCES for name in long_functions(path)} == set(LONG_FUNCTIONS)


def test_modules_are_no_drawers() -> None:
    """What is in a drawer called utils has no place of its own, and is found by nobody."""
    assert [shown(path) for path in SOURCES if path.stem in DRAWERS] == []


@pytest.mark.parametrize("path", APPLICATION, ids=shown)
def test_module_opens_with_its_job(path: Path) -> None:
    """The first line is what a reader decides by whether to read on."""
    assert (ast.get_docstring(tree_of(path)) or "").partition("\n")[0].rstrip().endswith((".", ":"))
