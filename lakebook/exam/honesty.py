"""Would guessing by form pass? Shares of trivial strategies on single-choice questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lakebook.exam.bank import Option, Question
from lakebook.exam.blueprint import Blueprint

LIMIT = Fraction(33, 100)  # chance is one in four
ENOUGH = 30  # below this number of questions a share says little, so no limit is applied
LETTERS = "ABCDE"

ALIKE = Fraction(1, 2)  # two questions that share more of their word triples say the same

# Which options, by their places in `order`, a strategy would choose; several are a fair draw.
Strategy = Callable[[Question, Sequence[int]], list[int]]

HEDGES = {
    *("can", "could", "generally", "largely", "likely", "mainly", "may", "might", "mostly"),
    *("often", "partly", "perhaps", "possibly", "probably", "roughly", "sometimes", "tend"),
    *("tends", "typically", "usually"),
}


@dataclass(frozen=True)
class Share:
    """How often a strategy finds the key, as a fraction from 0 to 1."""

    strategy: str
    stored: Fraction
    displayed: Fraction

    @property
    def worst(self) -> Fraction:
        """The larger of the two shares."""
        return max(self.stored, self.displayed)


def _letter(position: int) -> Strategy:
    return lambda question, order: [position]


def _most(measure: Callable[[Question, Option], int]) -> Strategy:
    def choose(question: Question, order: Sequence[int]) -> list[int]:
        found = [measure(question, question.options[n]) for n in order]
        return [n for n, value in enumerate(found) if value == max(found)]

    return choose


def _length(question: Question, option: Option) -> int:
    return len(option.plain)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9_]+", text.lower())


def _shared(question: Question, option: Option) -> int:
    """How many words of four letters or more the option shares with the stem."""
    long = {word for word in _words(option.text) if len(word) > 3}
    return len(long & set(_words(question.stem)))


def _hedged(question: Question, option: Option) -> int:
    return sum(word in HEDGES for word in _words(option.text))


def _code(question: Question, option: Option) -> int:
    return int("`" in option.text)


_longest = _most(_length)
_shortest = _most(lambda question, option: -_length(question, option))


def _middle(question: Question, order: Sequence[int]) -> list[int]:
    """Neither longest nor shortest: where authors hide the key once those two are watched."""
    ends = {*_longest(question, order), *_shortest(question, order)}
    return [n for n in range(len(order)) if n not in ends] or list(range(len(order)))


STRATEGIES: dict[str, Strategy] = {
    **{f"always {LETTERS[n]}": _letter(n) for n in range(4)},
    "always the longest": _longest,
    "always the shortest": _shortest,
    "always a middle length": _middle,
    "most words shared with the question": _most(_shared),
    "what contains code": _most(_code),
    "most hedged": _most(_hedged),
}


def single_choice(questions: Iterable[Question]) -> list[Question]:
    """Return the questions with one right option."""
    return [question for question in questions if question.select == 1]


def shares(questions: Iterable[Question], seed: int) -> list[Share]:
    """Return the share of each strategy on the single-choice questions, as stored and displayed.

    Where a strategy ties between several options, it counts as a fair draw among them. `seed` is
    the blueprint's `shuffle`. Returns an empty list if there is no single-choice question.
    """
    asked = single_choice(questions)
    if not asked:
        return []
    found = []
    for name, strategy in STRATEGIES.items():
        stored = [_hit(strategy, q, range(len(q.options))) for q in asked]
        displayed = [_hit(strategy, q, q.display_order(seed)) for q in asked]
        n = len(asked)
        found.append(Share(name, sum(stored, Fraction()) / n, sum(displayed, Fraction()) / n))
    return found


def _hit(strategy: Strategy, question: Question, order: Sequence[int]) -> Fraction:
    chosen = strategy(question, order)
    hits = sum(question.options[order[n]].right for n in chosen)
    return Fraction(hits, len(chosen))


def faults(questions: Sequence[Question], blueprint: Blueprint) -> list[str]:
    """Return what makes the bank guessable by form; empty below `ENOUGH` questions."""
    asked = single_choice(questions)
    if len(asked) < ENOUGH:
        return []
    found = []
    for share in shares(questions, blueprint.shuffle):
        if share.stored > LIMIT:
            found.append(
                f"'{share.strategy}' scores {percent(share.stored)} on the questions as stored, "
                f"limit {percent(LIMIT)}; {_way_out(share.strategy)}"
            )
        elif share.displayed > LIMIT:
            better = working_seed(questions)
            way = f"set shuffle: {better}" if better else "add questions"
            found.append(
                f"'{share.strategy}' scores {percent(share.displayed)} as displayed, limit "
                f"{percent(LIMIT)}; {way} in book/exam/blueprint.yml"
            )
    return found


def _way_out(strategy: str) -> str:
    if strategy == "always a middle length":
        return "make the right option of some questions the longest or the shortest"
    if strategy in ("always the longest", "always the shortest"):
        return "bring the options of some questions to like length"
    if strategy not in {f"always {letter}" for letter in LETTERS}:
        return "word some right options less so, or some wrong ones more so"
    return "move the right option of some questions to another place"


def alike(questions: Sequence[Question]) -> list[tuple[Question, Question]]:
    """Return pairs of questions whose stems and options share too many triples of words.

    Shared is the number of common triples over that of the smaller question; the limit is `ALIKE`.
    """
    triples = []
    for question in questions:
        words = _words(" ".join([question.stem, *(option.text for option in question.options)]))
        triples.append(set(zip(words, words[1:], words[2:], strict=False)))
    found = []
    for n, mine in enumerate(triples):
        for m in range(n + 1, len(triples)):
            least = min(len(mine), len(triples[m]))
            if least and Fraction(len(mine & triples[m]), least) > ALIKE:
                found.append((questions[n], questions[m]))
    return found


def working_seed(questions: Sequence[Question], tries: int = 200) -> int | None:
    """Return the smallest seed from 1 whose displayed order keeps the limit, or None."""
    return next(
        (
            seed
            for seed in range(1, tries + 1)
            if all(share.displayed <= LIMIT for share in shares(questions, seed))
        ),
        None,
    )


def percent(share: Fraction) -> str:
    """Return a share as text, for example ``'27 %'``."""
    return f"{float(share) * 100:.0f} %"
