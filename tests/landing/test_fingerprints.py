"""A delivered file is read again exactly when somebody touched it."""

import hashlib
import json
import os

import pytest

from landing import fingerprints

NOW = 1_800_000_000_000_000_000


@pytest.fixture
def exports(tmp_path, monkeypatch):
    """A folder whose files were written long before they are looked at, and the paths that were read."""
    monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(fingerprints.time, "time_ns", lambda: NOW + 10**18)
    read = []
    really = fingerprints.Path.read_bytes

    def reading(path):
        if path.suffix == ".csv":
            read.append(path.name)
        return really(path)

    monkeypatch.setattr(fingerprints.Path, "read_bytes", reading)
    return tmp_path, read


def written(folder, name: str, text: str):
    (folder / name).write_text(text)
    return folder / name


def test_an_untouched_file_is_not_read_again_and_a_touched_one_is(exports):
    folder, read = exports
    one, two = written(folder, "1.csv", "one"), written(folder, "2.csv", "two")
    first = fingerprints.of([one, two], "till")
    assert first == [(hashlib.sha256(text).hexdigest(), 3) for text in (b"one", b"two")]
    assert sorted(read) == ["1.csv", "2.csv"]
    assert fingerprints.of([one, two], "till") == first
    assert len(read) == 2
    stamp = two.stat()
    written(folder, "2.csv", "new")
    os.utime(two, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # same length, and the time of change set back
    assert fingerprints.of([one, two], "till")[1] == (hashlib.sha256(b"new").hexdigest(), 3)
    assert read[2:] == ["2.csv"]


def test_what_was_written_a_moment_ago_is_read_again(exports, monkeypatch):
    folder, read = exports
    one = written(folder, "1.csv", "one")
    monkeypatch.setattr(fingerprints.time, "time_ns", lambda: one.stat().st_ctime_ns + 1_000_000_000)
    fingerprints.of([one], "till")
    fingerprints.of([one], "till")
    assert read == ["1.csv", "1.csv"]


@pytest.mark.parametrize("damage", ["", "no json", "[1]", "{}", json.dumps([["a", [1], "x"]])])
def test_a_damaged_memory_costs_one_reading_and_nothing_else(exports, damage):
    folder, read = exports
    one = written(folder, "1.csv", "one")
    first = fingerprints.of([one], "till")
    (folder / "home" / "fingerprints" / "till.json").write_text(damage)
    assert fingerprints.of([one], "till") == first
    assert read == ["1.csv", "1.csv"]
