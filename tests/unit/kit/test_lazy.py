"""A lazy value is loaded once, on first use."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from kit.lazy import load_once


class TestOnce:
    def test_threads_that_ask_first_at_once_load_once_and_get_the_same(self) -> None:
        begins, loads = Barrier(8), list[object]()

        @load_once
        def heavy() -> object:
            time.sleep(0.05)
            loads.append(object())
            return loads[-1]

        def ask(_number: int) -> object:
            begins.wait()
            return heavy()

        assert not heavy.is_loaded
        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(ask, range(8))) == {loads[0]}
        assert len(loads) == 1
        assert heavy.is_loaded

    def test_what_failed_is_tried_again(self) -> None:
        tries = list[int]()

        @load_once
        def heavy() -> str:
            tries.append(1)
            if len(tries) == 1:
                raise ValueError("broken")
            return "mended"

        with pytest.raises(ValueError, match="broken"):
            heavy()
        assert not heavy.is_loaded
        assert heavy() == "mended"

    def test_none_is_a_result(self) -> None:
        loads = []

        @load_once
        def nothing() -> None:
            loads.append(1)

        nothing()
        nothing()
        assert len(loads) == 1

    def test_a_cleared_value_is_loaded_again(self) -> None:
        @load_once
        def heavy() -> object:
            return object()

        first = heavy()
        heavy.clear()
        assert heavy() is not first


class TestLazyModule:
    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", f"import sys\nfrom kit.lazy import lazy_module\n{code}"],
            capture_output=True,
            text=True,
            check=False,
        )

    def test_it_is_imported_by_the_first_look_at_it(self) -> None:
        done = self.run(
            "sqlite = lazy_module('sqlite3')\nprint('sqlite3.dbapi2' in sys.modules)\n"
            "sqlite.connect\nprint('sqlite3.dbapi2' in sys.modules)\n"
            "import sqlite3\nprint(sqlite3.connect is sqlite.connect is lazy_module('sqlite3').connect)"
        )
        assert done.stdout.split() == ["False", "True", "True"], done.stderr

    def test_a_missing_module_raises_at_once(self) -> None:
        assert "ModuleNotFoundError: No module named 'no_such'" in self.run("lazy_module('no_such')").stderr
