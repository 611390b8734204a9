"""The question bank: one Markdown file per objective, read strictly.

Whatever is not understood is a fault with file, line and the way out. All faults of all files are
collected and reported together, and no question is ever skipped.
"""

from __future__ import annotations

import datetime
import hashlib
import random
import re
from dataclasses import dataclass
from pathlib import Path

from lakebook import workspace
from lakebook.errors import LakebookError, unknown
from lakebook.exam import wording
from lakebook.exam.blueprint import Blueprint, lab_exists
from lakebook.exam.blueprint import load as load_blueprint

QUESTION_ID = re.compile(r"[a-z][a-z0-9]{3}")
DIFFICULTIES = ("easy", "medium", "hard")
REQUIRED = ("difficulty", "lab", "source", "checked")
KEYS = (*REQUIRED, "select")
NOT_QUESTIONS = ("REVIEW.md", "README.md")  # notes about the bank, in its top folder only
SINGLE_OPTIONS, MULTIPLE_OPTIONS = 4, 5


class BankError(LakebookError):
    """The bank has faults; the message lists them all, each with file, line and the way out."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        noun = "fault" if len(faults) == 1 else "faults"
        super().__init__("\n".join([f"the question bank has {len(faults)} {noun}:", *faults]))


@dataclass(frozen=True)
class Option:
    """One answer to choose from, with the reason it is right or wrong; both are Markdown."""

    text: str
    right: bool
    reason: str

    @property
    def plain(self) -> str:
        """The text without backticks or fence: what a proof compares."""
        return wording.plain(self.text)


@dataclass(frozen=True)
class Question:
    """One question. `select` is how many options are right; `line` is that of its heading."""

    id: str
    objective: str
    section: str
    difficulty: str
    select: int
    lab: str
    source: str
    checked: datetime.date
    stem: str
    options: tuple[Option, ...]
    proof: str | None
    file: str
    line: int
    proof_line: int = 0

    @property
    def right(self) -> tuple[int, ...]:
        """The positions of the right options, as stored, from 0."""
        return tuple(n for n, option in enumerate(self.options) if option.right)

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.file}:{self.line}"

    @property
    def digest(self) -> str:
        """A short hash of what is asked and keyed; a saved attempt tells by it what changed."""
        parts = [self.stem, *(f"{o.right}{o.text}" for o in self.options)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]

    def display_order(self, seed: int) -> tuple[int, ...]:
        """Return stored positions in the order in which the book prints them, fixed by `seed`."""
        order = list(range(len(self.options)))
        random.Random(f"{seed}:{self.id}").shuffle(order)
        return tuple(order)


def folder(root: Path | None = None) -> Path:
    """Return where the bank of the repository `root` lies."""
    return (root or workspace.root()) / "book" / "questions"


def files(root: Path | None = None) -> list[Path]:
    """Return the files of the bank, in order; notes in its top folder are left out."""
    top = folder(root)
    return [
        file
        for file in sorted(top.rglob("*.md"))
        if not (file.parent == top and file.name in NOT_QUESTIONS)
    ]


def load(root: Path | None = None, blueprint: Blueprint | None = None) -> tuple[Question, ...]:
    """Return all questions, in the order of the blueprint's objectives, then of the files.

    Raises BankError with every fault of every file.
    """
    root = root or workspace.root()
    blueprint = blueprint or load_blueprint(root / "book" / "exam" / "blueprint.yml")
    faults: list[str] = []
    questions: list[Question] = []
    for file in files(root):
        questions += _File(file, root, blueprint, faults).read()
    first: dict[str, Question] = {}
    for question in questions:
        if question.id in first:
            faults.append(
                f"{question.where}: id '{question.id}' is taken by {first[question.id].where}; "
                "draw another four characters"
            )
        first.setdefault(question.id, question)
    if faults:
        raise BankError(faults)
    rank = {objective: n for n, objective in enumerate(blueprint.objectives())}
    return tuple(sorted(questions, key=lambda q: (rank[q.objective], q.line)))


class _File:
    """Reads one file. Lines count from 1; faults go to the shared list."""

    def __init__(self, file: Path, root: Path, blueprint: Blueprint, faults: list[str]) -> None:
        self.name = file.relative_to(root).as_posix()
        self.root, self.blueprint, self.faults = root, blueprint, faults
        self.section, self.objective = file.parent.name, file.stem
        self.direct = file.parent.parent == folder(root)
        try:
            self.lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            self.lines = []
            self.fault(1, f"cannot be read ({error}); save it as UTF-8 text")
        else:
            if not self.lines:
                self.fault(1, f"is empty; begin it with '# {self.objective}', or delete it")
        self.fenced = _fenced(self.lines)

    def fault(self, line: int, message: str) -> None:
        self.faults.append(f"{self.name}:{line}: {message}")

    def read(self) -> list[Question]:
        if not self.lines:
            return []
        known = self.blueprint.objectives()
        if self.objective not in known:
            self.fault(1, f"{unknown('objective', self.objective, known)}; rename the file")
        elif self.section != known[self.objective].section or not self.direct:
            wanted = f"{known[self.objective].section}/{self.objective}.md"
            self.fault(1, f"belongs in book/questions/{wanted}; move the file")
        if self.lines[0].strip() != f"# {self.objective}":
            self.fault(1, f"must begin with the line '# {self.objective}'")
        starts = [n for n, line in enumerate(self.lines) if self._heading(n, line)]
        for n in range(1, starts[0] if starts else len(self.lines)):
            if self.lines[n].strip():
                self.fault(n + 1, "text before the first question; begin it with '## ' and an id")
        if not starts:
            self.fault(1, "holds no question; begin one with '## ' and an id of four characters")
        ends = [*starts, len(self.lines)][1:]
        found = [self.question(a, b) for a, b in zip(starts, ends, strict=True)]
        return [question for question in found if question]

    def _heading(self, n: int, line: str) -> bool:
        return line.startswith("## ") and not self.fenced[n]

    def question(self, start: int, end: int) -> Question | None:
        before = len(self.faults)
        identity = self.lines[start][3:].strip()
        if not QUESTION_ID.fullmatch(identity):
            self.fault(
                start + 1,
                f"id '{identity}' must be four characters of a-z and 0-9, a letter first",
            )
        at, keys = self.metadata(start + 1, end)
        first = next(
            (n for n in range(at, end) if not self.fenced[n] and _is_option(self.lines[n])), end
        )
        stem = "\n".join(self.lines[at:first]).strip()
        if not stem:
            self.fault(start + 1, f"{identity}: has no stem; ask something after the keys")
        for n in range(at, first):
            if self.lines[n].startswith("#") and not self.fenced[n]:
                self.fault(n + 1, "a heading inside a question; use '## ' for an id only")
            if re.match(r"[-*+] \[.?\]", self.lines[n]) and not self.fenced[n]:
                self.fault(n + 1, "an option begins with '- [ ] ' or '- [x] ', as it stands here")
            if self.lines[n].strip().startswith("```python proof"):
                self.fault(n + 1, "a proof comes last, after the options")
        after, options = self.options(first, end)
        proof, proof_line = self.proof(after, end)
        select = self.count(start, identity, keys, [option for _, option in options])
        self.judge_wording(start, at, stem, options)
        checked = self.values(keys)
        if len(self.faults) > before or checked is None:
            return None
        return Question(
            id=identity,
            objective=self.objective,
            section=self.section,
            difficulty=keys["difficulty"][0],
            select=select,
            lab=keys["lab"][0],
            source=keys["source"][0],
            checked=checked,
            stem=stem,
            options=tuple(option for _, option in options),
            proof=proof,
            file=self.name,
            line=start + 1,
            proof_line=proof_line,
        )

    def metadata(self, at: int, end: int) -> tuple[int, dict[str, tuple[str, int]]]:
        """Return the line after the keys, and each key with its value and line number."""
        keys: dict[str, tuple[str, int]] = {}
        heading = at
        while at < end and not self.lines[at].strip():
            at += 1
        while at < end and (m := re.fullmatch(r"- ([\w-]+):\s*(.*?)\s*", self.lines[at])):
            key, value = m[1], m[2]
            if key not in KEYS:
                self.fault(at + 1, str(unknown("key", key, KEYS)))
            elif key in keys:
                self.fault(at + 1, f"key '{key}' is given twice; keep one")
            elif not value:
                self.fault(at + 1, f"key '{key}' has no value; write it after the colon")
            keys.setdefault(key, (value, at + 1))
            at += 1
        if at < end and self.lines[at].strip():
            self.fault(at + 1, "after the keys comes an empty line, then the stem")
        for key in REQUIRED:
            if key not in keys:
                self.fault(heading, f"key '{key}' is missing; add the line '- {key}: …'")
        return at, keys

    def values(self, keys: dict[str, tuple[str, int]]) -> datetime.date | None:
        """Note bad values of the keys; return the date, or None if it is not one."""
        if "difficulty" in keys and keys["difficulty"][0] not in DIFFICULTIES:
            value, line = keys["difficulty"]
            self.fault(line, f"difficulty '{value}' is not known; use {', '.join(DIFFICULTIES)}")
        if "lab" in keys:
            value, line = keys["lab"]
            labs = self.blueprint.labs()
            if value not in labs and not lab_exists(value, self.root):
                self.fault(line, f"{unknown('lab', value, labs)}; or add it to the blueprint")
        if "source" in keys:
            value, line = keys["source"]
            if not re.fullmatch(r"https://[^\s/]+\.[^\s]+", value):
                self.fault(line, f"source '{value}' must be one https address, nothing else")
        if "checked" not in keys:
            return None
        value, line = keys["checked"]
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                raise ValueError
            return datetime.date.fromisoformat(value)
        except ValueError:
            self.fault(line, f"checked '{value}' is not a date; write it as 2026-11-20")
            return None

    def options(self, at: int, end: int) -> tuple[int, list[tuple[int, Option]]]:
        """Return the line after the options, and each option with its line number."""
        found: list[tuple[int, Option]] = []
        while at < end:
            line = self.lines[at]
            if not line.strip():
                at += 1
                continue
            if line.startswith("```") or not _is_option(line):
                break
            number, right = at + 1, line[3] == "x"
            text, at = self.option_text(at, end)
            reason = []
            while at < end and (m := re.fullmatch(r"  > ?(.*)", self.lines[at])):
                reason.append(m[1])
                at += 1
            if not text:
                self.fault(number, "an option without text; write it on the same line")
            if not "".join(reason).strip():
                self.fault(
                    number, "an option without a reason; add the line '  > …' right below it"
                )
            found.append((number, Option(text, right, "\n".join(reason).strip())))
        return at, found

    def option_text(self, at: int, end: int) -> tuple[str, int]:
        """Return an option's Markdown, one line or one fenced block, and the line after it."""
        head = self.lines[at][5:].strip()
        inline = bool(head)
        if not inline and at + 1 < end and re.match(r"\s+(```|~~~)", self.lines[at + 1]):
            at += 1
            head = self.lines[at].strip()
        if not re.match(r"```|~~~", head):
            return head, at + 1
        fence = head[:3]
        close = at + 1
        while close < end and (self.lines[close][:2].isspace() or not self.lines[close]):
            if self.lines[close].strip() == fence:
                break
            close += 1
        if close == end or self.lines[close].strip() != fence:
            self.fault(at + 1, f"the code block is not closed; end it with an indented '{fence}'")
            return head, close
        body = self.lines[at + 1 : close]
        indent = min((len(s) - len(s.lstrip()) for s in body if s.strip()), default=0)
        return "\n".join([head, *(s[indent:] for s in body), fence]), close + 1

    def proof(self, at: int, end: int) -> tuple[str | None, int]:
        """Return the proof and the line of its first statement; nothing may follow it."""
        while at < end and not self.lines[at].strip():
            at += 1
        if at == end:
            return None, 0
        if self.lines[at].strip() != "```python proof":
            self.fault(
                at + 1,
                f"not understood: '{self.lines[at].strip()[:60]}'; here comes an option "
                "('- [ ] …'), its reason ('  > …'), or the proof ('```python proof')",
            )
            return None, 0
        close = at + 1
        while close < end and self.lines[close].rstrip() != "```":
            close += 1
        if close == end:
            self.fault(at + 1, "the proof is not closed; end it with '```'")
        for n in range(close + 1, end):
            if self.lines[n].strip():
                self.fault(n + 1, "text after the proof; the proof comes last")
                break
        source = "\n".join(self.lines[at + 1 : close])
        try:
            compile(source, self.name, "exec")
        except SyntaxError as error:
            self.fault(at + 1 + (error.lineno or 1), f"the proof is not Python: {error.msg}")
        return source, at + 2

    def count(
        self, start: int, identity: str, keys: dict[str, tuple[str, int]], options: list[Option]
    ) -> int:
        """Check numbers of options and of right ones; return how many are to be selected."""
        right = sum(option.right for option in options)
        if "select" in keys:
            value, line = keys["select"]
            select = int(value) if value.isdigit() else 0
            if select < 2:
                self.fault(line, f"select '{value}' must be 2 or more; leave it out for one answer")
            elif right != select:
                self.fault(line, f"select is {select}, but {right} options are marked right")
            wanted = MULTIPLE_OPTIONS
        else:
            select, wanted = 1, SINGLE_OPTIONS
            if right != 1:
                way = "mark one with [x]" if right == 0 else "keep one, or add '- select: …'"
                self.fault(start + 1, f"{identity}: {right} options are marked right; {way}")
        if len(options) != wanted:
            kind = "multiple selection" if "select" in keys else "single choice"
            self.fault(
                start + 1, f"{identity}: {len(options)} options; {kind} has exactly {wanted}"
            )
        return select

    def judge_wording(
        self, start: int, at: int, stem: str, options: list[tuple[int, Option]]
    ) -> None:
        """Note repeated options and words that depend on the order of options."""
        seen: dict[str, int] = {}
        for line, option in options:
            same = " ".join(option.plain.split())
            if same and same in seen:
                self.fault(line, f"this option repeats the one in line {seen[same]}; change one")
            seen.setdefault(same, line)
            for message in wording.faults(option.text, option=True):
                self.fault(line, message)
            for message in wording.faults(option.reason):
                self.fault(line + 1, message)
        for message in wording.faults(stem):
            self.fault(start + 1, f"in the stem: {message}")


def _is_option(line: str) -> bool:
    return bool(re.match(r"- \[[ x]\](\s|$)", line))


def _fenced(lines: list[str]) -> list[bool]:
    """Tell for each line whether it lies in a fenced block, the fences included."""
    inside, marks = "", []
    for line in lines:
        bare = re.sub(r"^\s*(- \[[ x]\]\s*)?", "", line)
        if inside:
            marks.append(True)
            if bare.rstrip() == inside:
                inside = ""
        else:
            opens = re.match(r"```|~~~", bare)
            inside = opens[0] if opens else ""
            marks.append(bool(opens))
    return marks
