"""A database that has to be there is not made, and what is in the way is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doctor.examining import as_nobody
from vlanlog.errors import StoreError
from vlanlog.store.existing import existing


def refusal(file: Path) -> tuple[str, str | None]:
    with (
        pytest.raises(StoreError) as raised,
        existing(f"sqlite:///{file}", timeout_s=1.0),
    ):
        pass
    return raised.value.message, raised.value.hint


def test_database_that_is_not_there_is_not_made_nor_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "none" / "log.db"

    assert refusal(file) == (
        f"there is no database {file}",
        "nothing is recorded here yet, or it is another: --database sqlite:////PATH",
    )
    assert list(tmp_path.iterdir()) == []


def test_database_of_another_user_is_told_as_that(tmp_path: Path) -> None:
    file = tmp_path / "log.db"
    file.touch()
    tmp_path.chmod(0o000)
    # What Python loads on the way may lie where only root gets to.
    refusal(tmp_path.with_name("none"))
    try:
        with as_nobody():
            told = refusal(file)
    finally:
        tmp_path.chmod(0o700)

    assert told == (f"database {file}: Permission denied", "run as root")
