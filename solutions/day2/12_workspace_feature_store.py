"""Exercises of day2/12_workspace_feature_store."""

from dataclasses import replace
from functools import cache
from uuid import uuid4

from lakebook.datasets import load
from lakebook.labs import exercise, expect
from lakebook.runtime.session import get_spark

LOOKS = "Looks at the page of the contract"
FEES = "EUR a month, from accounting"


def _lines():
    return load("gym_weeks", spark=get_spark())


def _january(*columns: str):
    return _lines().where("week < '2026-02-02'").select("member_id", "week", *columns)


def _crowd(day: str):
    from pyspark.sql import functions as F

    busy = _lines().where(f"week = '{day}'").groupBy("club")
    return busy.agg(F.avg("visits").alias("visits"))


@cache
def _counted(column: str) -> int:
    return _january(column).count()


def _require_table(answer, last: str, where_from: str) -> None:
    """Judge that an answer is what a client says of a table of Unity Catalog."""
    expect.true(
        all(hasattr(answer, name) for name in ("name", "primary_keys", "timestamp_keys")),
        f"This is a {type(answer).__name__}; {where_from} is asked for.",
    )
    expect.true(
        answer.name.count(".") == 2,
        f"`{answer.name}` is a table of the workspace. In Unity Catalog a name begins with the "
        "catalog.",
    )
    expect.true(
        answer.name.rpartition(".")[2] == last,
        f"This is `{answer.name}`, which the exercise does not ask for.",
    )


def _require_key(answer) -> None:
    expect.true(
        set(answer.primary_keys) == {"member_id", "week"},
        f"The key is {answer.primary_keys}. What tells one row of the table from another?",
    )
    expect.true(
        answer.timestamp_keys,
        "Member and week are the key, and to the new table the week is a part of it like any "
        "other. Nothing says that it is a time, so nobody can look up what was known at a time.",
    )
    expect.true(
        list(answer.timestamp_keys) == ["week"],
        f"The time of the table is {answer.timestamp_keys}, which is not when its lines were "
        "written.",
    )


def _require_rows(answer, column: str) -> None:
    found, wanted = get_spark().table(answer.name).count(), _counted(column)
    expect.true(
        found == wanted,
        f"The table has {found:,} rows, and the frame that it is made of {wanted:,}.",
    )


# Tables for the wrong answers


def _scratch(name: str, rows) -> str:
    """Return the full name of a new table of these rows, in a schema of its own."""
    schema = f"main.gym_exercise_{uuid4().hex[:8]}"
    get_spark().sql(f"CREATE SCHEMA {schema}")
    rows.write.saveAsTable(f"{schema}.{name}")
    return f"{schema}.{name}"


@cache
def _known(name: str, column: str, description: str, team: str):
    """Return what is known of a right table of one of the two frames with a time."""
    from lakebook.ml.feature_engineering import FeatureEngineeringClient

    schema = f"main.gym_exercise_{uuid4().hex[:8]}"
    get_spark().sql(f"CREATE SCHEMA {schema}")
    return FeatureEngineeringClient().create_table(
        name=f"{schema}.{name}",
        primary_keys=["member_id", "week"],
        df=_january(column),
        timeseries_column="week",
        description=description,
        tags={"team": team},
    )


def _looks(**changes):
    return replace(_known("looks", "contract_views", LOOKS, "contracts"), **changes)


def _fees(**changes):
    return replace(_known("fees", "fee", FEES, "accounting"), **changes)


@cache
def _crowd_table():
    from lakebook.ml.feature_engineering import FeatureEngineeringClient

    schema = f"main.gym_exercise_{uuid4().hex[:8]}"
    get_spark().sql(f"CREATE SCHEMA {schema}")
    return FeatureEngineeringClient().create_table(
        name=f"{schema}.crowd", primary_keys="club", df=_crowd("2026-03-09")
    )


def _crowded(rows):
    return replace(_crowd_table(), name=_scratch("crowd", rows))


def _merged():
    now = _crowd("2026-03-09")
    return now.union(_crowd("2026-03-02").join(now, "club", "left_anti"))


@exercise(
    1,
    title="A call, translated",
    hints=(
        "Every argument has a name now. Which names does the table of the demonstration pair?",
        "The first three of Luca's arguments are `name=`, `primary_keys=` and `df=`. The time "
        "stays in the key, and is named once more.",
        "`fe.create_table(name='main.gym_upgrade.looks', primary_keys=[…], df=looks, "
        "timeseries_column=…, description=…, tags=…)`",
    ),
    wrong={
        "the time is only part of the key": lambda: _looks(timestamp_keys=[]),
        "the description left out": lambda: _looks(description=""),
        "the tags left out": lambda: _looks(tags={}),
        "the tag of another table": lambda: _looks(tags={"team": "front desk"}),
        "made with the older client": lambda: _looks(name="gym_2022.looks"),
        "schema instead of rows": lambda: _looks(
            name=_scratch("looks", _january("contract_views").limit(0))
        ),
        "another table": lambda: _looks(name="main.gym_upgrade.visits"),
        "the frame": lambda: _january("contract_views"),
        "its name": "main.gym_upgrade.looks",
    },
)
def translated(answer):
    """The FeatureTable of looks, with key, time, description, tag and rows."""
    _require_table(answer, "looks", "what `create_table` returns")
    _require_key(answer)
    expect.true(
        answer.description == LOOKS,
        f"Luca's call says what the table is. Here its description is {answer.description!r}.",
    )
    expect.true(
        dict(answer.tags) == {"team": "contracts"},
        f"The tags are {dict(answer.tags)}; his call has another.",
    )
    _require_rows(answer, "contract_views")


@exercise(
    2,
    title="Replace all rows",
    hints=(
        "Merge inserts and updates. Which third thing has to happen to a row that `now` lacks?",
        "The message of the new client, when it was asked to overwrite, names the first of two "
        "statements.",
        "`spark.sql('DELETE FROM …')`, then `fe.write_table(name=…, df=now)`, then "
        "`fe.get_table(name=…)`.",
    ),
    wrong={
        "merged and nothing else": lambda: _crowded(_merged()),
        "deleted and not written": lambda: _crowded(_crowd("2026-03-09").limit(0)),
        "appended below the old rows": lambda: _crowded(
            _crowd("2026-03-02").union(_crowd("2026-03-09"))
        ),
        "the missing club deleted, the others as they were": lambda: _crowded(
            _crowd("2026-03-02").where("club <> 'C'")
        ),
        "made anew with another key": lambda: replace(
            _crowd_table(), primary_keys=["club", "visits"]
        ),
        "another table": lambda: replace(_crowd_table(), name="main.gym_upgrade.visits"),
        "the frame": lambda: _crowd("2026-03-09"),
    },
)
def replaced(answer):
    """The FeatureTable of crowd, which holds the rows of now."""
    _require_table(answer, "crowd", "what `fe.get_table` returns")
    expect.true(
        list(answer.primary_keys) == ["club"],
        f"The key of the table is {answer.primary_keys} now; it was `club` alone.",
    )
    rows = get_spark().table(answer.name).select("club", "visits").toPandas()
    now, before = _crowd("2026-03-09").toPandas(), _crowd("2026-03-02").toPandas()
    expect.true(
        len(rows), "The table is empty: the old rows are gone, and the new ones have not come."
    )
    expect.true(
        not rows["club"].duplicated().any(),
        f"The table has {len(rows)} rows for {rows['club'].nunique()} clubs, so a look-up by club "
        "has two answers.",
    )
    expect.true(
        set(rows["club"]) != set(before["club"]),
        "The club with the broken gate still has its old figure. What does merge do with a row "
        "that the frame lacks?",
    )
    expect.true(
        set(rows["club"]) == set(now["club"]),
        f"The table has the clubs {sorted(rows['club'])}, and `now` has others.",
    )
    merged = rows.merge(before, on="club", suffixes=("", "_before"))
    expect.true(
        not (merged["visits"] == merged["visits_before"]).all(),
        "The clubs are the right ones, and their figures are those of 2 March.",
    )
    expect.same_rows(rows, now, "The clubs are the right ones; their figures are not those of now.")


@exercise(
    3,
    title="Upgrade a table",
    hints=(
        "Two things have to arrive: the rows, and what is known of them. `UpgradeClient` sees to "
        "one of the two.",
        "First the rows: read them with the older client and save them as a table of three "
        "levels. Then name both tables to `upgrade_workspace_table`.",
        "`fs.read_table('gym_2022.fees').write.saveAsTable(…)`, then "
        "`UpgradeClient().upgrade_workspace_table(source_workspace_table=…, target_uc_table=…)`, "
        "then `fe.get_table(name=…)`.",
    ),
    wrong={
        "the workspace table itself": lambda: _fees(name="gym_2022.fees"),
        "a key given by hand, without the time": lambda: _fees(
            timestamp_keys=[], description="", tags={}
        ),
        "made anew from the frame": lambda: _fees(description="", tags={}),
        "the tag left behind": lambda: _fees(tags={}),
        "upgraded before the rows were there": lambda: _fees(
            name=_scratch("fees", _january("fee").limit(0))
        ),
        "one Monday copied": lambda: _fees(
            name=_scratch("fees", _january("fee").where("week = '2026-01-26'"))
        ),
        "the frame": lambda: _january("fee"),
        "what the upgrade returns": "None",
    },
)
def upgraded(answer):
    """The FeatureTable of fees in Unity Catalog: rows, key, time, description, tag."""
    _require_table(answer, "fees", "what `fe.get_table` returns")
    _require_key(answer)
    expect.true(
        answer.description == FEES and dict(answer.tags) == {"team": "accounting"},
        f"The key has arrived. The description is {answer.description!r} and the tags are "
        f"{dict(answer.tags)}, which is not what the workspace knows of the table.",
    )
    _require_rows(answer, "fee")


TODAY = {1: "D", 2: "A", 3: "F", 4: "B", 5: "C", 6: "E"}
MEANING = {
    "A": "A asks what is known of a table",
    "B": "B empties a table and fills it again",
    "C": "C makes features readable in milliseconds",
    "D": "D says which column of a table is its time",
    "E": "E names a version of a model by its alias",
    "F": "F makes a feature table of a table that is there",
    "G": "G moves what is known of a workspace table, once; no line of the notebook becomes that",
}


@exercise(
    4,
    title="What is gone",
    hints=(
        "Say of each piece what it *does*, then look for the letter that does the same.",
        "Two of the six have only got another name. The others have gone, and something else does "
        "the job.",
        "A Delta table becomes a feature table by its key alone; a stage was a mark on a model's "
        "version; DynamoDB was a store to read from quickly.",
    ),
    wrong={
        "key and look-up swapped": TODAY | {2: "F", 3: "A"},
        "registering taken for upgrading": TODAY | {3: "G"},
        "overwriting taken for upgrading": TODAY | {4: "G"},
        "a stage taken for an online store": TODAY | {5: "E", 6: "C"},
        "one forgotten": {n: letter for n, letter in TODAY.items() if n != 5},
        "one letter twice": TODAY | {2: "D"},
        "words instead of letters": TODAY | {1: "timeseries_column"},
        "a list": list("DAFBCE"),
    },
)
def gone(answer):
    """A dict from the numbers 1 to 6 to the letters of what does the job today."""
    expect.is_a(answer, dict)
    numbered = {int(n) if str(n).isdigit() else n: letter for n, letter in answer.items()}
    given = {number: str(letter).strip().upper() for number, letter in numbered.items()}
    missing = [number for number in TODAY if number not in given]
    expect.true(not missing, f"The dict has no entry for {', '.join(map(str, missing))}.")
    for number, letter in given.items():
        expect.true(number in TODAY, f"{number!r} is none of the six numbers.")
        expect.true(letter in MEANING, f"{numbered[number]!r} is none of the letters A to G.")
    for number, letter in TODAY.items():
        found = given[number]
        expect.true(
            found == letter,
            f"{number} does not become {found}. {MEANING[found]}. What did {number} do?",
        )
