"""Sphinx directives: `{quiz}`, `{mock-exam}`, `{practice}`, `{today}`, `{questions}` and others."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from lakebook import __version__
from lakebook.errors import LakebookError, unknown
from lakebook.exam import bank, coverage, honesty, mocks
from lakebook.exam import blueprint as blueprints
from lakebook.exam.bank import Question
from lakebook.exam.blueprint import Blueprint, Objective
from lakebook.exam.render import Links, Renderer, escape, raw

STATIC = Path(__file__).parent / "static"
SCRIPT = Path(__file__).parent / "script"
# Joined in this order into one classic script, which file:// allows, and modules it does not.
PARTS = (
    *("base", "attempt", "memory", "record", "issue", "question", "review", "keep", "report"),
    *("mock", "practice", "today", "start"),
)
QUESTIONS_PAGE = "book/exam/questions"


class exam_part(nodes.General, nodes.Element):
    """Wraps what a directive made: pages that hold one get script and style."""


@lru_cache(maxsize=2)
def _load(root: Path, stamp: tuple[tuple[str, int], ...]) -> tuple[Blueprint, tuple[Question, ...]]:
    """Read blueprint and bank once a build; `stamp` holds names and times of all their files."""
    blueprint = blueprints.load(blueprints.path(root))
    return blueprint, bank.load(root, blueprint)


def _stamp(root: Path) -> tuple[tuple[str, int], ...]:
    sources = [blueprints.path(root), *bank.files(root)]
    return tuple((str(f), f.stat().st_mtime_ns) for f in sources if f.is_file())


class ExamDirective(SphinxDirective, ABC):
    """What the directives share: the bank, links, and errors that fail a strict build."""

    has_content = False
    whole_bank = True

    def run(self) -> list[nodes.Node]:
        """Return the nodes that `make` builds; any fault of the bank becomes a Sphinx error."""
        self.root = Path(self.env.srcdir)
        # Also when the bank is broken: mending it must rebuild this page.
        self.depend(blueprints.path(self.root))
        if self.whole_bank:
            for file in bank.files(self.root):
                self.depend(file)
        _pages(self.env).add(self.env.docname)
        try:
            self.blueprint, self.questions = _load(self.root, _stamp(self.root))
            self.objectives = self.blueprint.objectives()
            self.renderer = Renderer(
                lambda text: self.parse_text_to_nodes(text, offset=self.content_offset),
                Links(self.lab_address, self.objective_address),
                self.blueprint.shuffle,
            )
            return self.make()
        except LakebookError as error:
            raise self.error(f"{self.name}: {error}") from error

    @abstractmethod
    def make(self) -> list[nodes.Node]:
        """Return the directive's nodes."""

    def part(self, *children: nodes.Node) -> exam_part:
        """Return the children in one node that marks the page as part of the exam trainer."""
        return exam_part("", *children)

    def depend(self, file: Path) -> None:
        """Have this page built again when the file changes."""
        self.env.note_dependency(file.relative_to(self.root).as_posix())

    def address(self, page: str) -> str | None:
        """Return the relative address of a page, or None if the book does not have it."""
        if page not in self.env.found_docs:
            return None
        return str(self.env.app.builder.get_relative_uri(self.env.docname, page))

    def lab_address(self, lab: str) -> str | None:
        """Return the relative address of a lab's page, or None while it is planned."""
        return self.address(f"labs/{lab}")

    def objective_address(self, objective: str) -> str | None:
        """Return the relative address of an objective's questions."""
        page = self.address(QUESTIONS_PAGE)
        return None if page is None else f"{page}#{objective.lower()}"

    def issues(self) -> str:
        """Return the attribute that says where questions are reported, if the book says it."""
        address = self.env.config.lakebook_issues
        return f' data-issues="{escape(address)}"' if address else ""

    def of(self, objective: str) -> list[Question]:
        """Return the questions of an objective."""
        return [q for q in self.questions if q.objective == objective]

    def objective(self, objective: Objective) -> dict[str, Any]:
        """Return an objective for the script: its title, questions and labs with addresses."""
        labs = [{"id": lab, "href": self.lab_address(lab)} for lab in objective.labs]
        return {
            "title": objective.title,
            "href": self.objective_address(objective.id),
            "labs": labs,
        }

    def bank(self, name: str, label: str, what: str, rules: dict[str, Any]) -> list[nodes.Node]:
        """Return the whole bank as readable questions, which the script brings to life."""
        out: list[nodes.Node] = [
            raw(f'<section class="lbx lbx-{name}" aria-label="{label}"{self.issues()}>'),
            _rules(rules),
            raw(
                f'<div class="lbx-bank"><noscript><p>{what} needs JavaScript. '
                "These are the questions of the bank, each with its answer to open.</p></noscript>"
            ),
        ]
        for n, question in enumerate(self.questions, 1):
            heading = f"Question {n} of {len(self.questions)}"
            out += self.renderer.question(question, heading, f"{name}-{question.id}", form=True)
        return [self.part(*out, raw("</div></section>"))]


class Quiz(ExamDirective):
    """A lesson review, with a title or none: `:ids:` or `:objectives:`, and `:count:` of them."""

    optional_arguments = 1
    final_argument_whitespace = True
    whole_bank = False
    option_spec: ClassVar[dict[str, Any]] = {
        "ids": directives.unchanged_required,
        "objectives": directives.unchanged_required,
        "count": directives.positive_int,
    }

    def make(self) -> list[nodes.Node]:
        chosen = self.chosen()
        for question in chosen:
            self.depend(self.root / question.file)
        number = self.env.new_serialno("lakebook-quiz")
        key = f"{self.env.docname}#{number}"
        prefix = f"quiz{number}"
        # A chapter has its own heading above; a title is for a quiz that stands elsewhere.
        title = escape(self.arguments[0]) if self.arguments else ""
        shown = f'<p class="lbx-title" role="heading" aria-level="2">{title}</p>' if title else ""
        out: list[nodes.Node] = [
            raw(
                f'<section class="lbx lbx-quiz" data-quiz="{escape(key)}" '
                f'aria-label="{title or "Lesson review"}"{self.issues()}>{shown}'
            )
        ]
        for n, question in enumerate(chosen, 1):
            heading = f"Question {n} of {len(chosen)}"
            out += self.renderer.question(question, heading, f"{prefix}-{question.id}", form=True)
        return [self.part(*out, raw("</section>"))]

    def chosen(self) -> list[Question]:
        """Return the questions asked for. Raises LakebookError for a name that is not known."""
        ids, objectives = self.names("ids"), self.names("objectives")
        if not ids and not objectives:
            raise LakebookError("say which questions: `:ids: k7w2 p3xd` or `:objectives: MD-10`")
        by_id = {q.id: q for q in self.questions}
        found: list[Question] = []
        for name in ids:
            if name not in by_id:
                raise unknown("question", name, by_id)
            found.append(by_id[name])
        for name in objectives:
            if name not in self.objectives:
                raise unknown("objective", name, self.objectives)
            mine = self.of(name)
            if not mine:
                raise LakebookError(f"objective '{name}' has no question yet")
            found += mine
        found = list(dict.fromkeys(found))
        if "count" not in self.options:
            return found
        if len(found) < self.options["count"]:
            raise LakebookError(f"{self.options['count']} questions asked for, {len(found)} found")
        return _spread(found, self.options["count"])

    def names(self, option: str) -> list[str]:
        """Return the names in an option, which spaces or commas separate."""
        return str(self.options.get(option, "")).replace(",", " ").split()


def _spread(questions: list[Question], count: int) -> list[Question]:
    """Return `count` of the questions, one of each objective before a second of any."""
    seen: dict[str, int] = {}
    rank = []
    for question in questions:
        seen[question.objective] = seen.get(question.objective, 0) + 1
        rank.append(seen[question.objective])
    best = sorted(range(len(questions)), key=lambda n: (rank[n], n))[:count]
    return [questions[n] for n in sorted(best)]


class MockExam(ExamDirective):
    """The mock exam: the whole bank as readable questions, which the script turns into an exam."""

    def make(self) -> list[nodes.Node]:
        for section in self.blueprint.sections:
            have = sum(q.section == section.id for q in self.questions)
            if have < section.quota:
                raise LakebookError(
                    f"section '{section.name}' has {have} questions, its quota is {section.quota}; "
                    "add questions under book/questions"
                )
        return self.bank("mock", "Mock exam", "The timed exam", self.rules())

    def rules(self) -> dict[str, Any]:
        """Return what the script needs of the blueprint."""
        return {
            "edition": self.blueprint.edition,
            "questions": self.blueprint.questions,
            "minutes": self.blueprint.minutes,
            "target": self.blueprint.target,
            "sections": [
                {"id": s.id, "name": s.name, "quota": s.quota} for s in self.blueprint.sections
            ],
            "objectives": {o.id: self.objective(o) for o in self.objectives.values()},
            "mocks": [[q.id for q in exam] for exam in mocks.fixed(self.questions, self.blueprint)],
        }


class Practice(ExamDirective):
    """Practice: the whole bank, of which the script asks what the reader chooses."""

    def make(self) -> list[nodes.Node]:
        rules = {
            "sections": [
                {"id": s.id, "name": s.name, "objectives": [o.id for o in s.objectives]}
                for s in self.blueprint.sections
            ],
            "objectives": {o.id: self.objective(o) for o in self.objectives.values()},
        }
        return self.bank("practice", "Practice", "Practice with feedback", rules)


class Today(ExamDirective):
    """What is due, what is weak and what comes next, by what this browser remembers."""

    def make(self) -> list[nodes.Node]:
        rules = {
            "practice": self.address("book/exam/practice"),
            "mock": self.address("book/exam/mock"),
            "objectives": {
                o.id: self.objective(o)
                | {"questions": [{"id": q.id, "hash": q.digest} for q in self.of(o.id)]}
                for o in self.objectives.values()
            },
        }
        return [
            self.part(
                raw('<section class="lbx lbx-today" aria-label="Today">'),
                _rules(rules),
                raw(
                    "<noscript><p>This page is made by JavaScript, from the answers that your "
                    "browser keeps.</p></noscript></section>"
                ),
            )
        ]


class Questions(ExamDirective):
    """All questions to read, by section and objective, with an anchor for each."""

    def make(self) -> list[nodes.Node]:
        return [self.section(section) for section in self.blueprint.sections]

    def section(self, section: blueprints.Section) -> nodes.section:
        """Return the section with its objectives and their questions."""
        made = _titled(section.id.replace("_", "-"), section.name)
        for objective in section.objectives:
            part = _titled(objective.id.lower(), f"{objective.id} · {objective.title}")
            self.label(objective)
            part += raw(self.renderer.links.labs_html(objective.labs))
            for question in self.of(objective.id):
                heading = f"{question.id} · {question.difficulty}"
                nodes_ = self.renderer.question(question, heading, f"q-{question.id}", form=False)
                part += self.part(raw(f'<div class="lbx"{self.issues()}>'), *nodes_, raw("</div>"))
            if not self.of(objective.id):
                part += nodes.paragraph("", "No question yet.")
            made += part
        return made

    def label(self, objective: Objective) -> None:
        """Let {ref}`md-10` find the objective from any page."""
        standard = self.env.get_domain("std")
        name, title = objective.id.lower(), f"{objective.id} {objective.title}"
        standard.data["anonlabels"][name] = self.env.docname, name
        standard.data["labels"][name] = self.env.docname, name, title


def _titled(identity: str, title: str) -> nodes.section:
    section = nodes.section("", ids=[identity], names=[nodes.fully_normalize_name(title)])
    section += nodes.title(title, title)
    return section


class BlueprintTable(ExamDirective):
    """The map: each section with weight, quota, objectives, their labs and questions."""

    def make(self) -> list[nodes.Node]:
        guide = self.blueprint
        rows = "".join(
            f"<tr><th scope='row'>{escape(s.name)}</th><td>{s.weight} %</td><td>{s.quota}</td>"
            f"<td>{len(s.objectives)}</td></tr>"
            for s in guide.sections
        )
        summary = (
            f"<p>Exam guide, edition {escape(guide.edition)} "
            f'(<a href="{escape(guide.source)}">guide</a>, '
            f'<a href="{escape(guide.weights)}">weights</a>; checked {guide.checked}). '
            f"{guide.questions} questions in {guide.minutes} minutes.</p>"
        )
        out = [
            raw('<div class="lbx lbx-blueprint">' + summary),
            raw(
                _table(
                    "Sections of the exam",
                    ("Section", "Weight", "In a mock exam", "Objectives"),
                    rows,
                )
            ),
            *(raw(self.objectives_table(section)) for section in guide.sections),
            raw("</div>"),
        ]
        return [self.part(*out)]

    def objectives_table(self, section: blueprints.Section) -> str:
        """Return the table of a section's objectives as HTML."""
        links = self.renderer.links
        rows = ""
        for objective in section.objectives:
            name = links.objective_html(objective.id)
            labs = links.labs_html(objective.labs)
            asked = len(self.of(objective.id))
            rows += (
                f"<tr><th scope='row' class='lbx-name'>{name}</th><td>{escape(objective.title)}"
                f"{labs}</td><td>{asked}</td></tr>"
            )
        return _table(section.name, ("Id", "Objective and its labs", "Questions"), rows)


class CoverageTable(ExamDirective):
    """The matrix: for each objective its sections, labs, questions and cards."""

    def make(self) -> list[nodes.Node]:
        for file in coverage.pages(self.root):
            self.depend(file)
        lines = coverage.matrix(self.blueprint, self.questions, self.root)
        written = sum(bool(line.written) for line in lines)
        text = (
            f"<p>{len(lines)} objectives, {len(self.questions)} questions. "
            f"{written} objectives have a lab that is written.</p>"
        )
        out = [raw(f'<div class="lbx lbx-coverage">{text}')]
        for section in self.blueprint.sections:
            mine = [line for line in lines if line.objective.section == section.id]
            out.append(raw(self.table(section.name, mine)))
        return [self.part(*out, raw("</div>"))]

    def table(self, name: str, lines: Iterable[coverage.Coverage]) -> str:
        """Return the table of one section as HTML."""
        links = self.renderer.links
        rows = ""
        for line in lines:
            places = [self.place(place) for place in (*line.chapters, *line.brief)]
            rows += (
                f"<tr><th scope='row'>{links.objective_html(line.objective.id)} "
                f"{escape(line.objective.title)}</th><td>{'<br>'.join(places) or '–'}</td>"
                f"<td>{links.labs_html(line.objective.labs)}</td>"
                f"<td>{' + '.join(map(str, line.questions.values()))}</td>"
                f"<td>{line.proofs}</td><td>{line.cards}</td></tr>"
            )
        head = ("Objective", "Explained in", "Labs", "Easy + medium + hard", "Proofs", "Cards")
        return _table(name, head, rows)

    def place(self, place: coverage.Place) -> str:
        """Return a link to a chapter, or to the objective's own section, as HTML."""
        address = self.address(place.page)
        text = escape("in brief" if place.section else place.title)
        if address is None:
            return text
        anchor = f"#{nodes.make_id(place.section)}" if place.section else ""
        return f'<a href="{escape(address + anchor)}">{text}</a>'


class Honesty(ExamDirective):
    """Shares of trivial strategies on the bank as it is, with its limit."""

    def make(self) -> list[nodes.Node]:
        single = honesty.single_choice(self.questions)
        proofs = sum(q.proof is not None for q in self.questions)
        several = len(self.questions) - len(single)
        rows = "".join(
            f"<tr><th scope='row'>{escape(share.strategy)}</th>"
            f"<td>{honesty.percent(share.stored)}</td>"
            f"<td>{honesty.percent(share.displayed)}</td></tr>"
            for share in honesty.shares(self.questions, self.blueprint.shuffle)
        )
        text = (
            f"<p>{len(self.questions)} questions: {len(single)} with one right option, {several} "
            f"with several. {proofs} carry a proof that runs the library. The shares below are "
            f"those of the {len(single)} questions with one right option; chance is 25 %, and the "
            f"limit that a test enforces is {honesty.percent(honesty.LIMIT)}.</p>"
        )
        head = ("Strategy", "As stored", "As displayed")
        table = _table("How far guessing by form would get", head, rows)
        return [self.part(raw(f'<div class="lbx">{text}{table}</div>'))]


def _rules(rules: dict[str, Any]) -> nodes.raw:
    """Return what a script reads, as JSON safe inside a script element."""
    text = json.dumps(rules, ensure_ascii=False).replace("<", "\\u003c")
    return raw(f'<script type="application/json" class="lbx-rules">{text}</script>')


def _table(caption: str, head: Iterable[str], rows: str) -> str:
    cells = "".join(f"<th scope='col'>{escape(text)}</th>" for text in head)
    label = escape(caption)
    return (
        f'<div class="lbx-scroll" role="region" tabindex="0" aria-label="{label}">'
        f'<table class="lbx-table"><caption>{label}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _pages(env: Any) -> set[str]:
    """Return the pages that hold a directive of the trainer; kept with the environment."""
    if not hasattr(env, "lakebook_exam_pages"):
        env.lakebook_exam_pages = set()
    pages: set[str] = env.lakebook_exam_pages
    return pages


def _purge(app: Any, env: Any, docname: str) -> None:
    _pages(env).discard(docname)


def _merge(app: Any, env: Any, docnames: set[str], other: Any) -> None:
    _pages(env).update(_pages(other) & set(docnames))


def _outdated(app: Any, env: Any, *_: object) -> list[str]:
    """Pages are stale when a question file comes or goes, or a planned lab has been written."""
    names = [name for name, _ in _stamp(Path(env.srcdir))]
    state = (names, sorted(doc for doc in env.found_docs if doc.startswith("labs/")))
    before = getattr(env, "lakebook_exam_state", state)
    env.lakebook_exam_state = state
    return sorted(_pages(env)) if before != state else []


def _assets(app: Any, page: str, template: str, context: Any, doctree: Any) -> None:
    """Script and style only where they are needed."""
    if doctree is not None and any(doctree.findall(exam_part)):
        app.add_css_file("exam.css")
        app.add_js_file("exam.js", loading_method="defer")


def script() -> str:
    """Return the trainer's script: its parts in one closed scope, so that nothing is global."""
    parts = [(SCRIPT / f"{part}.js").read_text("utf-8") for part in PARTS]
    return "\n".join(['(function () {\n"use strict";\n', *parts, "})();\n"])


def _static(app: Any) -> None:
    made = Path(app.doctreedir) / "lakebook_exam"
    made.mkdir(parents=True, exist_ok=True)
    (made / "exam.js").write_text(script(), encoding="utf-8")
    app.config.html_static_path += [str(STATIC), str(made)]


def _nothing(translator: Any, node: nodes.Node) -> None:
    """The wrapper writes nothing itself."""


def setup(app: Any) -> dict[str, Any]:
    """Register the directives, and their script and style on the pages that use them."""
    # Where a question can be reported, as https://host/owner/name/issues/new; none if empty.
    app.add_config_value("lakebook_issues", "", "env", [str])
    formats = {name: (_nothing, _nothing) for name in ("html", "latex", "text")}
    app.add_node(exam_part, **formats)
    app.add_directive("quiz", Quiz)
    app.add_directive("mock-exam", MockExam)
    app.add_directive("practice", Practice)
    app.add_directive("today", Today)
    app.add_directive("questions", Questions)
    app.add_directive("blueprint", BlueprintTable)
    app.add_directive("coverage", CoverageTable)
    app.add_directive("honesty", Honesty)
    app.connect("builder-inited", _static)
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("env-get-outdated", _outdated)
    app.connect("html-page-context", _assets)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}
