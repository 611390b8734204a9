"""`lakebook exam check | prove | export`, and `lakebook quiz`."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any


def register(commands: Any) -> None:
    """Add `exam` and its subcommands to the subparsers of the door."""
    parser = commands.add_parser("exam", help="check the question bank and run its proofs")
    actions = parser.add_subparsers(required=True, metavar="action")
    check = actions.add_parser(
        "check", help="read every question strictly, and judge blueprint, quotas and honesty"
    )
    check.set_defaults(run=run_check)
    prove = actions.add_parser("prove", help="run the proofs of all questions, or of those named")
    prove.add_argument("ids", nargs="*", metavar="id", help="ids or objectives, such as k7w2 MD-10")
    prove.set_defaults(run=run_prove)
    export = actions.add_parser("export", help="write the bank for Anki, Moodle, Canvas and others")
    export.add_argument("format", help="anki, moodle, gift, qti, canvas or csv")
    export.add_argument("file", nargs="?", help="lakebook and the format's ending if not given")
    export.add_argument("--objective", action="append", default=[], metavar="id")
    export.set_defaults(run=run_export)
    quiz = commands.add_parser("quiz", help="practise, or sit a mock exam, in the terminal")
    quiz.add_argument(
        "--objective", action="append", default=[], metavar="id", help="such as MD-10; repeatable"
    )
    quiz.add_argument("--difficulty", choices=("easy", "medium", "hard"))
    quiz.add_argument(
        "--which",
        choices=("next", "due", "unseen", "wrong", "all"),
        default="next",
        help="by what you have answered; next: what is due, then what is new",
    )
    quiz.add_argument("--count", type=int, default=10, metavar="n", help="at most so many (10)")
    quiz.add_argument("--mock", type=int, metavar="n", help="sit the n-th fixed mock exam instead")
    quiz.set_defaults(run=run_quiz)


def run_check(arguments: argparse.Namespace) -> int:
    """Print what the bank holds and every fault; return 0 without faults, 1 with some."""
    from lakebook.exam import bank, honesty
    from lakebook.exam import blueprint as blueprints

    blueprint = blueprints.load()
    try:
        questions = bank.load(blueprint=blueprint)
    except bank.BankError as error:
        print(error)
        return 1
    print(f"{'section':<28}{'quota':>6}{'questions':>11}{'proofs':>8}")
    faults = []
    for section in blueprint.sections:
        mine = [q for q in questions if q.section == section.id]
        proofs = sum(q.proof is not None for q in mine)
        print(f"{section.name:<28}{section.quota:>6}{len(mine):>11}{proofs:>8}")
        if len(mine) < section.quota:
            faults.append(f"{section.name}: {len(mine)} questions, the quota is {section.quota}")
    asked = Counter(q.objective for q in questions)
    if missing := [o for o in blueprint.objectives() if not asked[o]]:
        faults.append(f"objectives without a question: {' '.join(missing)}")
    single = len(honesty.single_choice(questions))
    print(f"\n{single} single choice, {len(questions) - single} multiple selection")
    print(f"{'strategy':<37}{'stored':>8}{'displayed':>11}")
    for share in honesty.shares(questions, blueprint.shuffle):
        stored, displayed = honesty.percent(share.stored), honesty.percent(share.displayed)
        print(f"{share.strategy:<37}{stored:>8}{displayed:>11}")
    if single < honesty.ENOUGH:
        print(f"(the limit of {honesty.percent(honesty.LIMIT)} applies from {honesty.ENOUGH} on)")
    faults += honesty.faults(questions, blueprint)
    faults += [
        f"{one.where} and {other.where} are nearly the same question"
        for one, other in honesty.alike(questions)
    ]
    print()
    for fault in faults:
        print(f"fault: {fault}")
    print(f"{len(questions)} questions, {len(faults)} faults")
    return 1 if faults else 0


def run_prove(arguments: argparse.Namespace) -> int:
    """Run the proofs, one line each; return 0 if all select exactly their keys, else 1.

    Raises LakebookError for an id that is neither a question nor an objective.
    """
    from lakebook.exam import bank, proofs

    questions = bank.load()
    chosen = proofs.choose(questions, arguments.ids)
    failed = 0
    with proofs.Prover() as prover:
        for question in chosen:
            result = prover.prove(question)
            failed += not result.holds
            print(result.line(), flush=True)
    without = [q.id for q in proofs.named(questions, arguments.ids) if q.proof is None]
    if arguments.ids and without:
        print(f"without a proof: {' '.join(without)}")
    print(f"{len(chosen)} proofs, {failed} failed")
    return 1 if failed else 0


def run_export(arguments: argparse.Namespace) -> int:
    """Write the questions, or those of some objectives, in a format; return 0.

    Raises LakebookError for a format or an objective that there is not, or a file not writable.
    """
    from pathlib import Path

    from lakebook.errors import unknown
    from lakebook.exam import bank, exports
    from lakebook.exam import blueprint as blueprints

    blueprint = blueprints.load()
    questions = bank.load(blueprint=blueprint)
    names = [name.upper() for name in arguments.objective]
    for name in names:
        if name not in blueprint.objectives():
            raise unknown("objective", name, blueprint.objectives())
    if arguments.format not in exports.FORMATS:
        raise unknown("format", arguments.format, exports.FORMATS)
    form = exports.FORMATS[arguments.format]
    file = Path(arguments.file or f"lakebook-{arguments.format}{form.ending}")
    chosen = [q for q in questions if not names or q.objective in names]
    exports.write(arguments.format, file, chosen, blueprint)
    print(f"{file}: {len(chosen)} questions, for {form.reader}")
    return 0


def run_quiz(arguments: argparse.Namespace) -> int:
    """Ask questions in the terminal until they are done or the reader stops; return 0.

    Raises LakebookError for an objective or a mock exam that there is not.
    """
    from lakebook.exam import bank, terminal
    from lakebook.exam import blueprint as blueprints

    blueprint = blueprints.load()
    questions = bank.load(blueprint=blueprint)
    desk = terminal.Desk(_ask, print)
    if arguments.mock is not None:
        terminal.sit(desk, terminal.paper(questions, blueprint, arguments.mock), blueprint)
        return 0
    chosen = terminal.chosen(
        questions, blueprint, arguments.objective, arguments.difficulty, arguments.which
    )
    terminal.practise(desk, chosen[: max(1, arguments.count)])
    return 0


def _ask(prompt: str) -> str:
    from lakebook.exam.terminal import Stopped

    try:
        return input(prompt).strip()
    except EOFError as end:
        raise Stopped from end
