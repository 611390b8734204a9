"""Exercises of day4/07_multi_hop."""

import json
import math
import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from uuid import uuid4

import pandas as pd

from lakebook.datasets import load
from lakebook.labs import exercise, expect

MORNINGS = ("2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06")
RULES = {
    "line is whole": lambda row: row["whole"],
    "meter is known": lambda row: bool(re.match(r"^[A-D]-[0-9]{3}$", row["meter"] or "")),
    "clock is set": lambda row: row["start"] is not None and row["start"].year == 2026,
    "kwh is at least 0": lambda row: row["kwh"] is not None and row["kwh"] >= 0,
    "kwh is at most 20": lambda row: row["kwh"] is not None and row["kwh"] <= 20,
}


def _fields(line: str) -> dict:
    try:
        read = json.loads(line)
    except ValueError:
        return {"whole": False, "meter": None, "start": None, "kwh": None, "revision": None}
    read["start"] = datetime.strptime(read["start"], "%Y-%m-%dT%H:%M:%SZ")
    return read | {"whole": True}


@cache
def _lines() -> list[dict]:
    rows = load("meter_readings").to_dict("records")
    rows = [row | _fields(row["line"]) for row in rows]
    return [
        row | {"failed": [name for name, holds in RULES.items() if not holds(row)]} for row in rows
    ]


def _sound(*mornings: str) -> list[dict]:
    return [row for row in _lines() if row["delivery"] in mornings and not row["failed"]]


def _friday() -> list[dict]:
    return [row for row in _lines() if row["delivery"] == MORNINGS[-1]]


COLUMNS = ["file", "meter", "start", "kwh", "revision", "failed"]


def _quarantine(rows: list[dict], failed=lambda row: row["failed"]) -> pd.DataFrame:
    return pd.DataFrame([row | {"failed": failed(row)} for row in rows])[COLUMNS]


def _null_blind(row: dict) -> list[str]:
    """Return the rules that are false, and not those that are null."""
    return [] if row["whole"] and row["kwh"] is None else row["failed"]


@exercise(
    1,
    title="The quarantine of Friday",
    hints=(
        "A row may break several rules. What does `coalesce` of five reasons keep, and what "
        "would an array of them keep?",
        "`F.array(*reasons)` has a null for each rule that holds; `F.array_compact` takes the "
        "nulls out, and `F.size` counts what is left.",
        "A rule about a missing value is null: turn it into False before you negate it, as "
        "`judge` does, or the row slips through.",
    ),
    wrong={
        "broken rows filtered away": lambda: _quarantine(
            [row for row in _friday() if not row["failed"]]
        ),
        "all rows": lambda: _quarantine(_friday()),
        "missing values slip through": lambda: _quarantine(
            [row for row in _friday() if _null_blind(row)], _null_blind
        ),
        "first broken rule only": lambda: _quarantine(
            [row for row in _friday() if row["failed"]], lambda row: row["failed"][:1]
        ),
        "one rule as text": lambda: _quarantine(
            [row for row in _friday() if row["failed"]], lambda row: row["failed"][0]
        ),
        "doubles removed": lambda: _quarantine(
            [row for row in _friday() if row["failed"]]
        ).drop_duplicates(["meter", "start", "revision"]),
    },
)
def quarantine_of_friday(answer):
    """A frame: the rows of `friday` that break a rule, and `failed`, an array of rule names."""
    expect.columns(answer, COLUMNS)
    found = answer if isinstance(answer, pd.DataFrame) else answer.toPandas()
    expect.true(len(found) > 0, "There is no row in it, and something is broken every day.")
    expect.true(
        all(not isinstance(one, str) and hasattr(one, "__len__") for one in found["failed"]),
        "`failed` should hold an array of names in each row. A row can break more rules than one.",
    )
    right = [row for row in _friday() if row["failed"]]
    whole = len(_friday())
    empty = sum(1 for name in found["failed"] if len(name) == 0)
    expect.true(
        empty < len(found),
        "These rows break no rule: they are the ones to keep. The broken ones have been filtered "
        "away, and nobody will ever know why a total is too low.",
    )
    expect.true(
        len(found) < whole,
        "This is the whole delivery. Rows whose array is empty belong into silver.",
    )
    expect.true(empty == 0, f"{empty} of these rows break no rule; they belong into silver.")
    got = _bag(found.to_dict("records"), rules=False)
    wanted = _bag(right, rules=False)
    unvalued = [row for row in right if row["whole"] and row["kwh"] is None]
    lost = sum(1 for row in unvalued if _key(row) not in got)
    expect.true(
        lost == 0,
        f"{lost} rows without a value are missing. Is `NULL >= 0` true, or false? Neither: "
        "a row without an answer passes no filter, not even the negated one.",
    )
    expect.true(
        len(found) >= len(right) or {key[1:] for key in got} != {key[1:] for key in wanted},
        "Rows that look alike have been made one. Two lines that were cut off are two lines: the "
        "quarantine keeps each of them, so that lines in are lines out.",
    )
    expect.true(got == wanted, "These are not the rows that break a rule. Count them by rule.")
    expect.true(
        max(len(names) for names in found["failed"]) > 1,
        "Each row names one rule. Some rows break several, and whoever mends the first reason "
        "wants to know of the second.",
    )
    expect.true(
        _bag(found.to_dict("records")) == _bag(right),
        "The rows are right; for some of them `failed` does not name all of their broken rules, "
        "or names one that holds. A rule that cannot be decided counts as broken.",
    )


def _key(row: dict) -> tuple:
    def plain(value):
        return None if value is None or value != value else value

    start = plain(row["start"])
    # A Spark frame may bring its times with a zone or without one; the session's is UTC.
    start = None if start is None else pd.Timestamp(start).replace(tzinfo=None)
    kwh = plain(row["kwh"])
    return (row["file"], plain(row["meter"]), start, kwh if kwh is None else round(kwh, 6))


def _bag(rows: list[dict], *, rules: bool = True) -> dict[tuple, int]:
    counts: dict[tuple, int] = {}
    for row in rows:
        key = (*_key(row), *sorted(row["failed"])) if rules else _key(row)
        counts[key] = counts.get(key, 0) + 1
    return counts


NIGHT, ONE = datetime(2026, 3, 2), datetime(2026, 3, 2, 1)
BEFORE = [
    ("A-001", NIGHT, 0.50, 1),
    ("A-001", ONE, 0.70, 2),
    ("A-002", NIGHT, 0.40, 1),
    ("A-003", NIGHT, 0.90, 1),
    ("A-004", NIGHT, 0.30, 2),
]
BATCH = [
    ("A-001", NIGHT, 0.60, 3, False),  # two corrections in one batch
    ("A-001", NIGHT, 0.55, 2, False),
    ("A-001", ONE, 0.10, 1, False),  # overtaken by what the table has
    ("A-002", NIGHT, None, 2, True),  # withdrawn
    ("A-004", NIGHT, None, 1, True),  # a withdrawal that has been overtaken
    ("B-001", NIGHT, 0.35, 1, False),
    ("B-001", NIGHT, 0.35, 1, False),  # the same line twice
    ("B-002", NIGHT, 0.25, 2, False),
    ("B-002", NIGHT, 0.20, 1, False),  # both revisions in one batch
    ("B-003", NIGHT, 0.80, 1, False),
    ("B-003", NIGHT, None, 2, True),  # read and withdrawn in one batch
]
AFTER = {
    ("A-001", NIGHT): 0.60,
    ("A-001", ONE): 0.70,
    ("A-003", NIGHT): 0.90,
    ("A-004", NIGHT): 0.30,
    ("B-001", NIGHT): 0.35,
    ("B-002", NIGHT): 0.25,
}
TABLE = "meter string, start timestamp, kwh double, revision int"


@contextmanager
def _scratch_table():
    """Yield a session and the name of a new Delta table with the rows of BEFORE; drop it after."""
    from lakebook.runtime.session import get_spark

    spark = get_spark()
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.multi_hop")
    name = f"main.multi_hop.exercise_2_{uuid4().hex[:8]}"
    spark.createDataFrame(BEFORE, TABLE).write.format("delta").saveAsTable(name)
    try:
        yield spark, name
    finally:
        spark.sql(f"DROP TABLE IF EXISTS {name}")


def _newest(batch):
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = Window.partitionBy("meter", "start").orderBy(F.desc("revision"))
    return batch.withColumn("place", F.row_number().over(order)).where("place = 1").drop("place")


SET = {name: f"s.{name}" for name in ("meter", "start", "kwh", "revision")}


def _merge(table, source):
    from delta.tables import DeltaTable

    target = DeltaTable.forName(source.sparkSession, table).alias("t")
    return target.merge(source.alias("s"), "t.meter = s.meter AND t.start = s.start")


def _append(table, batch):
    batch.drop("withdrawn").write.format("delta").mode("append").saveAsTable(table)


def _overwrite(table, batch):
    rows = _newest(batch).where("NOT withdrawn").drop("withdrawn")
    rows.write.format("delta").mode("overwrite").saveAsTable(table)


def _insert_only(table, batch):
    rows = _newest(batch)
    _merge(table, rows).whenNotMatchedInsert("NOT s.withdrawn", values=SET).execute()


def _whatever_revision(table, batch):
    merge = _merge(table, _newest(batch)).whenMatchedDelete("s.withdrawn")
    merge = merge.whenMatchedUpdate(set=SET)
    merge.whenNotMatchedInsert("NOT s.withdrawn", values=SET).execute()


def _withdrawn_kept(table, batch):
    merge = _merge(table, _newest(batch)).whenMatchedUpdate("s.revision > t.revision", set=SET)
    merge.whenNotMatchedInsert(values=SET).execute()


def _any_of_the_batch(table, batch):
    merge = _merge(table, batch.dropDuplicates())
    merge = merge.whenMatchedDelete("s.withdrawn AND s.revision > t.revision")
    merge = merge.whenMatchedUpdate("s.revision > t.revision", set=SET)
    merge.whenNotMatchedInsert("NOT s.withdrawn", values=SET).execute()


@exercise(
    2,
    title="An upsert that knows withdrawals",
    hints=(
        "First make the batch hold one row for each meter and start: which one, if a reading and "
        "its withdrawal come together?",
        "A merge may have several `whenMatched…` clauses, each with a condition; the first that "
        "holds is taken. What must be true of the two revisions in all of them?",
        "`whenMatchedDelete(condition)`, `whenMatchedUpdate(condition, set=…)` and "
        "`whenNotMatchedInsert(condition, values=…)`: the last needs a condition too, or "
        "withdrawn readings walk in.",
    ),
    wrong={
        "appended": lambda: _append,
        "overwritten": lambda: _overwrite,
        "inserted only, never updated": lambda: _insert_only,
        "whatever comes last wins": lambda: _whatever_revision,
        "withdrawn readings stay": lambda: _withdrawn_kept,
        "several rows of the batch for one reading": lambda: _any_of_the_batch,
        "a frame instead of a function": lambda: pd.DataFrame(BEFORE),
    },
)
def upsert_with_withdrawals(answer):
    """A function of a table's name and a Spark frame; it changes the Delta table."""
    expect.true(callable(answer), "This is no function. `settle(table, batch)` will be called.")
    with _scratch_table() as (spark, table):
        batch = spark.createDataFrame(BATCH, TABLE + ", withdrawn boolean")
        _call(answer, table, batch)
        _judge_settled(spark.table(table).toPandas())
        _call(answer, table, batch)
        again = spark.table(table).toPandas()
        expect.true(
            _settled(again),
            "The first call is right. Called once more with the same batch, the function changes "
            "the table again; a job that is restarted would do so.",
        )


def _call(settle, table, batch):
    try:
        result = settle(table, batch)
    except Exception as error:
        text = str(error).strip().splitlines()[0][:200]
        several = "MULTIPLE_SOURCE_ROW" in text
        raise expect.Wrong(
            "Two rows of the batch match one row of the table, and the merge cannot know which of "
            "them to take. Decide before you merge."
            if several
            else f"`settle` raised {type(error).__name__}: {text}"
        ) from error
    if result is ...:
        raise expect.NotAttempted


def _readings(table: pd.DataFrame) -> dict[tuple, list]:
    found: dict[tuple, list] = {}
    for row in table.itertuples(index=False):
        key = (row.meter, pd.Timestamp(row.start).to_pydatetime().replace(tzinfo=None))
        found.setdefault(key, []).append(row.kwh)
    return found


def _settled(table: pd.DataFrame) -> bool:
    found = _readings(table)
    return set(found) == set(AFTER) and all(
        len(values) == 1 and math.isclose(values[0], AFTER[key]) for key, values in found.items()
    )


def _judge_settled(table: pd.DataFrame) -> None:
    found = _readings(table)
    expect.true(
        ("A-003", NIGHT) in found,
        "A reading that the batch does not mention is gone from the table. An overwrite replaces "
        "what was there; an upsert leaves it.",
    )
    doubles = [f"{meter} at {start:%H:%M}" for (meter, start), rows in found.items() if rows[1:]]
    expect.true(
        found.get(("A-001", NIGHT)) != [0.5],
        "A correction with a higher revision came, and the table still has the first value.",
    )
    if ("A-001", NIGHT) in found and len(found[("A-001", NIGHT)]) > 1:
        expect.true(
            False,
            f"The table now has several rows for {', '.join(doubles[:2])}: the batch was added to "
            "it, not merged into it.",
        )
    expect.true(
        found.get(("A-001", ONE)) == [0.7],
        "A revision 1 that arrived late has replaced revision 2, which the table had already. "
        "The order of arrival says nothing; the revision does.",
    )
    withdrawn = [key[0] for key in (("A-002", NIGHT), ("B-003", NIGHT)) if key in found]
    expect.true(
        ("A-002", NIGHT) not in found,
        f"Withdrawn, and still in the table: {', '.join(withdrawn)}.",
    )
    expect.true(
        ("A-004", NIGHT) in found,
        "A-004 was removed by a withdrawal of revision 1, while the table has revision 2. A delete "
        "has to look at the revisions as well.",
    )
    expect.true(
        not withdrawn and not doubles and found.get(("B-002", NIGHT)) == [0.25],
        "Readings that come several times in one batch are not settled: of each, only the highest "
        "revision of the batch counts, and that may be a withdrawal.",
    )
    expect.true(_settled(table), "Some readings are not what the batch says. Go through its rows.")


def _totals(rows: list[dict], newest=lambda row: row["revision"]) -> dict[str, float]:
    kept: dict[tuple, dict] = {}
    for row in rows:
        key = (row["meter"], row["start"])
        if key not in kept or newest(row) > newest(kept[key]):
            kept[key] = row
    totals: dict[str, float] = {}
    for row in kept.values():
        day = row["start"].strftime("%Y-%m-%d")
        totals[day] = totals.get(day, 0.0) + row["kwh"]
    return totals


def _changed(newest=lambda row: row["revision"]) -> list[str]:
    before, after = _totals(_sound(*MORNINGS[:3]), newest), _totals(_sound(*MORNINGS), newest)
    return sorted(day for day in after if not math.isclose(after[day], before.get(day, math.nan)))


def _days_of_friday(rows: list[dict]) -> list[str]:
    return sorted({row["start"].strftime("%Y-%m-%d") for row in rows if row["start"]})


@exercise(
    3,
    title="Which days have changed?",
    hints=(
        "The delivery mentions many days. Which of its rows can change a total: a sound one, "
        "surely, but also one that is known already?",
        "Build silver twice, from the first three deliveries and from all four: the sound "
        "rows, and of each meter and start the highest revision.",
        "Sum both by day and join them with a full outer join; the days whose sums differ, or "
        "that one side lacks, are the answer.",
    ),
    wrong={
        "yesterday only": [MORNINGS[2]],
        "the day of the delivery": [MORNINGS[3]],
        "every day that the delivery mentions": lambda: _days_of_friday(_sound(MORNINGS[3])),
        "broken rows counted as well": lambda: _days_of_friday(_friday()),
        "the last to arrive wins": lambda: _changed(lambda row: row["delivery"]),
        "the late day without yesterday": ["2026-03-03"],
    },
)
def changed_days(answer):
    """A sorted list of days, as text like `2026-03-02`."""
    expect.is_a(answer, list)
    days = [str(day)[:10] for day in answer]
    right = _changed()
    expect.unlike(
        days,
        [MORNINGS[2]],
        "Yesterday changes, yes. Was it only yesterday that came? Look at the starts.",
    )
    expect.true(
        all(day.startswith("2026") for day in days),
        "One of these days lies in 1970: rows that break a rule have reached your sums.",
    )
    expect.true(
        MORNINGS[3] not in days,
        "The sixth of March is the morning of the delivery; it brings the days before.",
    )
    mentioned = _days_of_friday(_sound(MORNINGS[3]))
    expect.unlike(
        sorted(days),
        mentioned,
        "The delivery mentions all of these days. Some of its rows repeat what silver knows, "
        "or are older than that, and then a total stays.",
    )
    surplus = sorted(set(days) - set(right))
    expect.true(
        not surplus, f"{len(surplus)} of these days has the same total as before: {surplus[:1]}."
    )
    expect.true(set(days) == set(right), "A day whose total changes is not in your list.")
    expect.equals(days, right, "The days are right; the list is not sorted, or repeats one.")


def _longest_wait(rows_of, *, known_again: bool = False) -> int:
    """Return hours from the oldest useful row back to the newest start of earlier mornings."""
    longest, newest, seen = timedelta(0), None, set()
    for morning in MORNINGS:
        rows = rows_of(morning)
        for row in rows:
            key = (row["meter"], row["start"], row["revision"])
            if newest is not None and (known_again or key not in seen):
                longest = max(longest, newest - row["start"])
            seen.add(key)
        newest = max([row["start"] for row in rows] + ([newest] if newest else []))
    return int(longest.total_seconds() // 3600)


def _journey() -> int:
    """Return the longest time (hours) from the start of a reading to four in the morning."""
    journeys = [
        datetime.fromisoformat(f"{row['delivery']}T04:00") - row["start"]
        for row in _sound(*MORNINGS)
    ]
    return int(max(journeys).total_seconds() // 3600)


@exercise(
    4,
    title="The shortest watermark that loses nothing",
    hints=(
        "The watermark knows no clock on the wall. It is the newest `start` of the deliveries "
        "*before* this one, less the delay; what is not younger is dropped.",
        "For each delivery, compare its oldest reading that is not known yet with the "
        "newest start of all earlier deliveries. A repeated line may be dropped: it is known.",
        "The largest of these differences, in hours, is not enough by itself: a row exactly "
        "as old as the watermark is dropped as well.",
    ),
    wrong={
        "one day": 24,
        "exactly as old as the watermark": lambda: _longest_wait(_sound),
        "repeated lines counted": lambda: _longest_wait(_sound, known_again=True) + 1,
        "hours until it arrived": _journey,
        "a clock in 1970 counted": lambda: (
            _longest_wait(
                lambda morning: [
                    row for row in _lines() if row["delivery"] == morning and row["start"]
                ]
            )
            + 1
        ),
        "text instead of a number": "34 hours",
    },
)
def shortest_watermark(answer):
    """An int: the delay of the watermark in hours."""
    expect.is_a(answer, int)
    right = _longest_wait(_sound) + 1
    expect.unlike(
        answer,
        right - 1,
        "So close: with this delay the watermark reaches the oldest of the late rows exactly, "
        "and a row as old as the watermark is dropped.",
    )
    expect.true(
        answer >= right,
        "Too tight: readings that nobody has seen yet would be dropped as too late.",
    )
    again = _longest_wait(_sound, known_again=True)
    expect.true(
        answer < 1000,
        "A watermark of many years: a row whose clock had lost its setting is among yours.",
    )
    expect.true(
        answer not in (again, again + 1),
        "Nothing is lost with it, but it is longer than needed: the oldest rows that arrive are "
        "repetitions of readings that are known.",
    )
    expect.equals(
        answer,
        right,
        "Nothing is lost, but a shorter one would do. Measure from the newest start that earlier "
        "deliveries brought, not from the hour of arrival.",
    )
