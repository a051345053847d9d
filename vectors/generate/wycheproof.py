"""The files of github.com/C2SP/wycheproof, and what of them goes into ours."""

import json

from model import File

LICENCE = "Apache-2.0, whose text is vectors/licenses/wycheproof.txt"

EXPLAINED = "Comments, flags and their notes are the source's; tcId in a comment is the source's number."
COMPARED = (
    " Each valid value was compared with what the implementations under agreedBy answer when the file was written."
)
INVALID = "Of an invalid message no plaintext is kept; that it must be refused is the source's word."


def explained(note):
    """Wycheproof's note of a flag as one text."""
    cited = (f"See {reference}." for name in ("cves", "links") for reference in note.get(name, ()))
    parts = [note.get("description", note["bugType"]), note.get("effect"), *cited]
    return " ".join(part for part in parts if part)


class Source:
    """One of Wycheproof's files, or several whose names fit a pattern, as one."""

    def __init__(self, folder, commit, pattern):
        self._commit, self._path, self._notes, self.tests = commit, f"testvectors_v1/{pattern}_test.json", {}, []
        for path in sorted(folder.glob(self._path)):
            document, name = json.loads(path.read_text()), path.name.removesuffix("_test.json")
            self._notes |= {flag: explained(note) for flag, note in document["notes"].items()}
            tests = [(group | {"file": name}, test) for group in document["testGroups"] for test in group["tests"]]
            if len(tests) != document["numberOfTests"]:
                raise SystemExit(f"{path.name}: numberOfTests is not the number of tests")
            self.tests += tests
        if not self.tests:
            raise SystemExit(f"{folder} has no {self._path}")
        for flag in {flag for _, test in self.tests for flag in test["flags"]} - set(self._notes):
            self._notes[flag] = "The source has no note of this flag."

    def file(self, algorithm, notes, compared=COMPARED):
        """An empty file for what is taken of this source."""
        source = f"C2SP/wycheproof, {self._path}, commit {self._commit}, converted by vectors/generate"
        notes = [EXPLAINED + compared, *notes]
        return File(f"{algorithm}-wycheproof", algorithm, source, LICENCE, notes, len(self.tests), self._notes)


def add(file, group, test, names, values, of=""):
    """Adds a test; `of` is the file it is from, where there are several."""
    comment = f"{of}tcId {test['tcId']}" + (f": {test['comment']}" if test["comment"] else "")
    file.add(group, comment, test["flags"], test["result"], **dict(zip(names, values, strict=True)))


def octets(test, names):
    return [bytes.fromhex(test[name]) for name in names]


def agree(answer, expected, algorithm, test):
    if answer != expected:
        raise SystemExit(f"{algorithm}, tcId {test['tcId']}: the value is not what the implementations answer")
