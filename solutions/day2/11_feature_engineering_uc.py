"""Exercises of day2/11_feature_engineering_uc."""

import math
from datetime import date, datetime, timedelta
from functools import cache
from uuid import uuid4

from lakebook.labs import exercise, expect


@cache
def _spark():
    from lakebook.runtime.session import get_spark

    spark = get_spark()
    spark.sql("CREATE SCHEMA IF NOT EXISTS main.gym")
    return spark


def _client():
    try:
        from databricks.feature_engineering import FeatureEngineeringClient
    except ImportError:  # outside a notebook the platform's names are not there
        from lakebook.ml.feature_engineering import FeatureEngineeringClient
    return FeatureEngineeringClient()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]


# Exercise 1


DAYS = {day: datetime(2026, 4, day) for day in (6, 7, 10, 13, 20)}
OWED = [
    (1011, DAYS[6], 29.0, DAYS[10]),
    (1011, DAYS[13], 58.0, None),
    (1012, DAYS[6], 39.0, None),
    (1013, DAYS[6], 49.0, DAYS[7]),
]
CORRECTIONS = [
    (1011, DAYS[13], 29.0, 3),
    (1011, DAYS[13], 87.0, 2),
    (1012, DAYS[20], 78.0, 1),
    (1013, DAYS[6], 49.0, 1),
    (1013, DAYS[6], 0.0, 2),
]
DEBTS = {
    (1011, DAYS[6]): 29.0,
    (1011, DAYS[13]): 29.0,
    (1012, DAYS[6]): 39.0,
    (1012, DAYS[20]): 78.0,
    (1013, DAYS[6]): 0.0,
}


def _owed():
    return _spark().createDataFrame(
        OWED, "member_id long, day timestamp, debt double, paid_on timestamp"
    )


def _corrections():
    return _spark().createDataFrame(
        CORRECTIONS, "member_id long, day timestamp, debt double, revision int"
    )


def _highest(rows):
    from pyspark.sql import functions as F

    return rows.groupBy("member_id", "day").agg(F.max_by("debt", "revision").alias("debt"))


def _debts(owed=None, written=_highest, *, keys=("member_id", "day"), time="day", replace=False):
    """Return a table made as the exercise asks for, or with one thing done differently."""
    client, name = _client(), f"main.gym.debts_{uuid4().hex[:8]}"
    owed = _owed().drop("paid_on") if owed is None else owed
    client.create_table(name=name, primary_keys=list(keys), timeseries_column=time, df=owed)
    if replace:
        _spark().sql(f"DELETE FROM {name}")
    if written is not None:
        client.write_table(name=name, df=written(_corrections()))
    return client.get_table(name=name)


@exercise(
    1,
    title="The right key",
    hints=(
        "Two things tell a row from all others. One of them is also the thing that a question's "
        "time is compared with.",
        "`create_table` takes both in `primary_keys` and one of them in `timeseries_column`. Drop "
        "what was not known on the day. Then bring the corrections to one row for each key.",
        "`groupBy` the two keys and take `F.max_by('debt', 'revision')`, so that the frame has "
        "three columns; `write_table` merges it. `fe.get_table(name=…)` is the answer.",
    ),
    wrong={
        "the time is a key like any other": lambda: _debts(time=None),
        "one row a member": lambda: _debts(
            _owed().where("day = '2026-04-06'").select("member_id", "debt"),
            lambda rows: rows.groupBy("member_id").max("debt").toDF("member_id", "debt"),
            keys=("member_id",),
            time=None,
        ),
        "a column from the future": lambda: _debts(_owed()),
        "corrections not written": lambda: _debts(written=None),
        "corrections instead of the rest": lambda: _debts(replace=True),
        "the lowest revision": lambda: _debts(
            written=lambda rows: (
                rows.selectExpr(
                    "*",
                    "row_number() OVER (PARTITION BY member_id, day ORDER BY revision) AS place",
                )
                .where("place = 1")
                .select("member_id", "day", "debt")
            )
        ),
        "the largest debt": lambda: _debts(
            written=lambda rows: (
                rows.groupBy("member_id", "day").max("debt").toDF("member_id", "day", "debt")
            )
        ),
        "the revision became a feature": lambda: _debts(
            written=lambda rows: _highest(rows).selectExpr("*", "3 AS revision")
        ),
        "the name instead of the table": "main.gym.debts",
    },
)
def right_key(answer):
    """A FeatureTable: keyed by member and day, with the corrected debts."""
    expect.is_a(answer, "FeatureTable", "Hand over what `fe.get_table(name=…)` returns.")
    keys, times = set(answer.primary_keys), set(answer.timestamp_keys or [])
    expect.true(
        "day" in keys,
        f"The primary key is {sorted(keys)}. A member owes something on several days: the table "
        "could hold only one of them.",
    )
    expect.true(
        "member_id" in keys and len(keys) == 2,
        f"The primary key is {sorted(keys)}; whose debt it was on which day tells a row apart.",
    )
    expect.true(
        times == {"day"},
        "`day` is part of the key, but a key like any other: a question at noon would find only "
        "a row of exactly noon. The table has to know that it is a time.",
    )
    features = set(answer.features) - keys
    expect.true(
        "paid_on" not in features,
        "`paid_on` is a feature of the table. It says when the money came, which nobody knew on "
        "the day of the row.",
    )
    expect.true(
        "debt" in features,
        f"The features are {sorted(features)}; `debt` is asked for.",
    )
    surplus = sorted(features - {"debt"})
    expect.true(
        not surplus,
        f"The table has {surplus} besides `debt`. `write_table` adds a column that it does not "
        "know, so look at what you hand to it.",
    )
    rows = _spark().table(answer.name).select("member_id", "day", "debt").collect()
    found = {(row.member_id, row.day.replace(tzinfo=None)): row.debt for row in rows}
    expect.true(
        (1012, DAYS[20]) in found,
        "A debt of 20 April came with the corrections and is not in the table.",
    )
    expect.true(
        (1012, DAYS[6]) in found,
        "A debt that the corrections do not mention is gone. A merge leaves such rows alone.",
    )
    expect.true(
        found.get((1011, DAYS[13])) != 87.0 and found.get((1013, DAYS[6])) != 49.0,
        "Of several corrections for one member and day another one counts than the one you took.",
    )
    expect.true(found == DEBTS, "Some debts are not what `owed` and the corrections say.")


# Exercise 2


READINGS = [
    (1, 1, datetime(2026, 5, 4, 6), 41.0, None),
    (1, 1, datetime(2026, 5, 5, 6), 42.0, None),
    (1, 2, datetime(2026, 5, 2, 6), 55.0, date(2026, 5, 9)),
    (1, 2, datetime(2026, 5, 4, 8), 71.0, date(2026, 5, 9)),
    (1, 2, datetime(2026, 5, 4, 20), 83.0, date(2026, 5, 9)),
    (2, 1, datetime(2026, 5, 3, 6), 47.0, None),
    (2, 1, datetime(2026, 5, 7, 6), 49.0, None),
    (2, 2, datetime(2026, 5, 2, 8), 52.0, date(2026, 5, 6)),
    (2, 2, datetime(2026, 5, 6, 6), 90.0, date(2026, 5, 6)),
]
CHECKS = [
    (1, 1, datetime(2026, 5, 5, 6), 0),
    (1, 2, datetime(2026, 5, 4, 8), 1),
    (2, 1, datetime(2026, 5, 4, 18), 0),
    (2, 1, datetime(2026, 5, 6, 18), 0),
    (2, 2, datetime(2026, 5, 4, 8), 1),
]
KEYS = ["floor", "machine", "asked_at"]
TWO_DAYS = timedelta(days=2)


def _heats(oldest=TWO_DAYS, *, flipped=False, exact=True):
    """Return label and heat of each check, None where no reading counts."""
    found = []
    for floor, machine, asked, broke in CHECKS:
        where = (machine, floor) if flipped else (floor, machine)
        known = [
            (at, heat)
            for *key, at, heat, _ in READINGS
            if tuple(key) == where and (at <= asked if exact else at < asked)
            if asked - at <= oldest
        ]
        found.append((broke, max(known)[1] if known else None))
    return found


def _bag(pairs):
    return sorted((broke, -1.0 if heat is None else float(heat)) for broke, heat in pairs)


@cache
def _motors() -> str:
    spark, name = _spark(), f"main.gym.motors_{uuid4().hex[:8]}"
    rows = "floor long, machine long, at timestamp, heat double, broke_on date"
    _client().create_table(
        name=name,
        primary_keys=["floor", "machine", "at"],
        timeseries_column="at",
        df=spark.createDataFrame(READINGS, rows),
    )
    return name


def _training(key=("floor", "machine"), *, label="broke", exclude=KEYS, **lookup):
    """Return a training set as the exercise asks for, or with one thing done differently."""
    from lakebook.ml.feature_engineering import FeatureLookup

    table = _motors()
    rows = "floor long, machine long, asked_at timestamp, broke int"
    options = {
        "feature_names": "heat",
        "rename_outputs": {"heat": "heat_before"},
        "timestamp_lookup_key": "asked_at",
        "lookback_window": TWO_DAYS,
    }
    return _client().create_training_set(
        df=_spark().createDataFrame(CHECKS, rows),
        feature_lookups=[FeatureLookup(table, list(key), **(options | lookup))],
        label=label,
        exclude_columns=list(exclude),
    )


@exercise(
    2,
    title="What the motor knew",
    hints=(
        "One `FeatureLookup` does it. Go through its arguments: which features, under which name, "
        "by which key, as of when, how old at most?",
        "The key has two columns, in the order of the table's primary key. The time is no part of "
        "`lookup_key`; it goes into `timestamp_lookup_key`, and the age into `lookback_window`.",
        "`FeatureLookup('main.gym.motors', ['floor', 'machine'], feature_names=…, "
        "rename_outputs={…}, timestamp_lookup_key=…, lookback_window=timedelta(…))`, then "
        "`fe.create_training_set(df=checks, …, label=…, exclude_columns=[…])`.",
    ),
    wrong={
        "no look-back": lambda: _training(lookback_window=None),
        "a look-back of a day": lambda: _training(lookback_window=timedelta(days=1)),
        "a look-back of a week": lambda: _training(lookback_window=timedelta(days=7)),
        "the key in the other order": lambda: _training(["machine", "floor"]),
        "everything that the table has": lambda: _training(feature_names=None),
        "not renamed": lambda: _training(rename_outputs={}),
        "keys and times among the inputs": lambda: _training(exclude=()),
        "the label is an input": lambda: _training(label=None),
        "a frame instead of a training set": lambda: _training().load_df(),
    },
)
def heat_before(answer):
    """A TrainingSet with the label and one input."""
    expect.is_a(
        answer,
        "TrainingSet",
        "Hand over what `fe.create_training_set(…)` returns. A model that is logged needs it: a "
        "DataFrame does not know where its columns come from.",
    )
    frame = answer.load_df()
    names = set(frame.columns)
    expect.true(
        "broke_on" not in names,
        "`broke_on` is among the inputs. Whoever knows the day of the break knows the answer.",
    )
    kept = [name for name in KEYS if name in names]
    expect.true(
        not kept,
        f"{kept} would be inputs of the model. They are needed to look up, not to learn from.",
    )
    expect.columns(frame, ["broke", "heat_before"])
    expect.true(
        names == {"broke", "heat_before"},
        f"Besides the label there are {len(names) - 1} inputs; one is asked for.",
    )
    spec = getattr(answer, "spec", None)
    expect.true(
        spec is None or "broke" in spec.label,
        "`broke` is in the training set, and nobody has said that it is the label. To a model it "
        "would be an input, and no frame to be scored has it.",
    )
    pairs = _bag([(row.broke, row.heat_before) for row in frame.collect()])
    expect.unlike(
        pairs,
        _bag(_heats(flipped=True)),
        "These are the heats of other machines: floor and machine have changed places. Keys are "
        "compared by their order, not by their names.",
    )
    expect.unlike(
        pairs,
        _bag(_heats(timedelta(days=365))),
        "A machine whose last reading is older than two days still gets a heat.",
    )
    expect.unlike(
        pairs,
        _bag(_heats(exact=False)),
        "A reading of exactly the time of the question is known at that time.",
    )
    right = _bag(_heats())
    missing, expected = (sum(heat < 0 for _, heat in one) for one in (pairs, right))
    expect.true(
        missing <= expected,
        "Heats are missing that are not older than two days. How far does your look-back reach?",
    )
    expect.true(
        missing >= expected, "A heat that is too old is still there. How far do you look back?"
    )
    expect.true(pairs == right, "These are not the last heats known at the times of the checks.")


# Exercise 3


FEES = [(29.0, 4), (49.0, 1), (39.0, 8), (39.0, 0), (29.0, None), (None, 3), (None, 0)]
BODY = "return None if fee is None or visits is None else fee / max(visits, 1)"


def _costs() -> list[float | None]:
    return [None if fee is None or visits is None else fee / max(visits, 1) for fee, visits in FEES]


def _cost(body=BODY, *, returns="DOUBLE", language="PYTHON", **options):
    """Return a function as the exercise asks for, or with one thing done differently."""
    from lakebook.ml.feature_engineering import FeatureFunction

    name = f"main.gym.fee_per_visit_{uuid4().hex[:8]}"
    code = f"LANGUAGE PYTHON AS $$\n{body}\n$$" if language == "PYTHON" else f"RETURN {body}"
    _spark().sql(f"CREATE FUNCTION {name}(fee DOUBLE, visits BIGINT) RETURNS {returns} {code}")
    given = {"output_name": "cost", "input_bindings": {"visits": "visits_before"}}
    return FeatureFunction(udf_name=name, **(given | options))


@exercise(
    3,
    title="What a visit costs",
    hints=(
        "Write it as a Python function first. Which two kinds of nothing can come in, and which of "
        "them may be divided by?",
        "`CREATE FUNCTION main.gym.fee_per_visit(fee DOUBLE, visits BIGINT) RETURNS DOUBLE "
        "LANGUAGE PYTHON AS $$ … $$`; the body is what stands in a `def`, with its `return`. A "
        "null is `None`.",
        "In the `FeatureFunction`, `output_name` is the column it makes. `input_bindings` says "
        "which column a parameter takes, and is needed where the two are called differently.",
    ),
    wrong={
        "a null breaks it": lambda: _cost("return fee / max(visits, 1)"),
        "a zero breaks it": lambda: _cost(
            "return None if fee is None or visits is None else fee / visits"
        ),
        "no visits, no cost": lambda: _cost("return fee / visits if fee and visits else None"),
        "a null counts as zero": lambda: _cost("return (fee or 0) / max(visits or 0, 1)"),
        "whole euros": lambda: _cost(
            "return None if fee is None or visits is None else int(fee // max(visits, 1))",
            returns="BIGINT",
        ),
        "nothing is bound": lambda: _cost(input_bindings={}),
        "bound the wrong way round": lambda: _cost(
            input_bindings={"fee": "visits_before", "visits": "fee"}
        ),
        "the column has the function's name": lambda: _cost(output_name=None),
        "written in SQL": lambda: _cost("fee / greatest(visits, 1)", language="SQL"),
        "the name instead of a FeatureFunction": "main.gym.fee_per_visit",
    },
)
def fee_per_visit(answer):
    """A FeatureFunction that makes `cost` of `fee` and `visits_before`."""
    expect.is_a(answer, "FeatureFunction")
    expect.true(
        answer.output_name == "cost",
        f"The column would be called `{answer.output_name}`; `cost` is asked for.",
    )
    rows = [(number, *row) for number, row in enumerate(FEES)]
    spine = _spark().createDataFrame(rows, "number int, fee double, visits_before long")
    try:
        made = _client().create_training_set(df=spine, feature_lookups=[answer], label=None)
        found = made.load_df().orderBy("number").collect()
    except Exception as error:
        raise expect.Wrong(_broken(error)) from error
    costs = [row.cost for row in found]
    expect.true(
        not all(cost is None or float(cost).is_integer() for cost in costs),
        "All costs are whole numbers. A visit may cost 4.88.",
    )
    for (fee, visits), cost, right in zip(FEES, costs, _costs(), strict=True):
        told = f"With a fee of {fee} and {visits} visits"
        if right is None:
            expect.true(
                cost is None,
                f"{told} (None is what is not known) the cost is {cost}. It cannot be known.",
            )
            continue
        expect.true(cost is not None, f"{told} the cost is null, and both are known.")
        expect.true(
            math.isclose(float(cost), right), f"{told} the cost is {round(float(cost), 3)}."
        )


def _broken(error: Exception) -> str:
    text = str(error)
    if "ZeroDivisionError" in text:
        return "With no visits your function divides by zero."
    if "TypeError" in text or "unsupported operand" in text or "NoneType" in text:
        return "Where something is not known, your function gets a `None` and cannot deal with it."
    return f"The training set cannot be made with it: {_first_line(error)}"


# Exercise 4


RECORDS = [{"member_id": 1002}, {"member_id": 1004, "visits": 9}]


@exercise(
    4,
    title="Ask the desk",
    hints=(
        "What does the endpoint find by itself, and by what? Send that, and what is newer than "
        "the store.",
        "A column that is there is not looked up, even if its value is null. So the two members "
        "cannot have the same columns.",
        "The form is `{'dataframe_records': [ … ]}`, with a dict for each member.",
    ),
    wrong={
        "records without their form": RECORDS,
        "the form of a plain model": {"inputs": RECORDS},
        "what is newer is not sent": {
            "dataframe_records": [{"member_id": 1002}, {"member_id": 1004}]
        },
        "the other gets a null": {
            "dataframe_split": {
                "columns": ["member_id", "visits"],
                "data": [[1002, None], [1004, 9]],
            }
        },
        "the wrong member": {
            "dataframe_records": [{"member_id": 1002, "visits": 9}, {"member_id": 1004}]
        },
        "keys as text": {
            "dataframe_records": [{"member_id": "1002"}, {"member_id": "1004", "visits": 9}]
        },
        "everything sent along": {
            "dataframe_records": [
                {"member_id": 1002, "fee": 39.0, "usual_visits": 12},
                {"member_id": 1004, "fee": 39.0, "usual_visits": 12, "visits": 9},
            ]
        },
        "one member only": {"dataframe_records": [{"member_id": 1004, "visits": 9}]},
        "already text": '{"dataframe_records": []}',
    },
)
def request_body(answer):
    """A dict in one of the two forms of a request."""
    expect.is_a(
        answer,
        dict,
        "The body is a dict that names its form; how the rows lie in it differs between forms.",
    )
    records = _records(answer)
    keys = [record.get("member_id") for record in records]
    expect.true(
        not any(isinstance(key, str) for key in keys),
        "A member is sent as text, and the key of the table is a number.",
    )
    expect.true(
        sorted(keys, key=str) == [1002, 1004], "Not these two members, once each, are asked about."
    )
    first, second = sorted(records, key=lambda record: record["member_id"])
    expect.true(
        "visits" not in first,
        "You send `visits` of member 1002 along. What is sent is not looked up, a null included.",
    )
    expect.true(
        "visits" in second, "What the gate has counted for member 1004 is newer than the store."
    )
    expect.true(
        second["visits"] == 9 and not isinstance(second["visits"], bool),
        f"For member 1004 you send {second['visits']!r} visits.",
    )
    surplus = sorted((set(first) | set(second)) - {"member_id", "asked_at", "visits"})
    expect.true(
        not surplus,
        f"You send {surplus}, which the endpoint would find. Where did the app get it from, and "
        "is it still right?",
    )


def _records(body: dict) -> list[dict]:
    """Return the records of a request in either form, or judge that it is in none."""
    content = body.get("dataframe_records")
    if content is None and isinstance(body.get("dataframe_split"), dict):
        split = body["dataframe_split"]
        content = [
            dict(zip(split.get("columns", []), row, strict=False)) for row in split.get("data", [])
        ]
    expect.true(
        isinstance(content, list)
        and content
        and all(isinstance(one, dict) for one in content)
        and len(body) == 1,
        "The endpoint does not know this form of a request. The demonstration has used one.",
    )
    return content
