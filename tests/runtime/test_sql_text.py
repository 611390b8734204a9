"""Names in a SQL text are found and replaced, and nothing else of the text changes."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from lakebook.runtime.catalog.rewrite import Found, rewrite
from lakebook.runtime.catalog.sql_scan import scan
from lakebook.runtime.catalog.sql_tokens import LexicalError, Statement, split, tokens

OURS = {
    ("main", "default", "t"),
    ("main", "default", "s"),
    ("main", "default", "größe"),
    ("main", "default", "my t`able"),
    ("main", "other", "t"),
    ("shop", "gold", "orders"),
}


class Known:
    """Resolves the tables above; `main.default` is current. What it replaced is in `seen`."""

    def __init__(self):
        self.seen = []

    def relation(self, statement, relation):
        parts = tuple(part.lower() for part in relation.parts)
        full = (("main", "default", *parts), ("main", *parts), parts)[len(parts) - 1]
        if full not in OURS or relation.arguments:
            return None
        self.seen.append((full, relation.travel))
        view = "V_" + "_".join(full).replace(" ", "_").replace("`", "_")
        return Found(view if relation.travel is None else f"{view}@{relation.travel[1]}", full)

    def call(self, statement, call):
        if call.parts == ("shop", "gold", "tax"):
            return call.start, call.name_end, "F_tax"
        return None


def rewritten(text):
    return rewrite(Statement(text), Known())


REWRITES = [
    ("SELECT * FROM t", "SELECT * FROM V_main_default_t AS `t`"),
    ("select*from(t)", "select*from(V_main_default_t AS `t`)"),
    ("SELECT * FROM main.default.t", "SELECT * FROM V_main_default_t AS `t`"),
    ("SELECT * FROM main . `default` . t x", "SELECT * FROM V_main_default_t x"),
    ("SELECT * FROM T AS x (a, b)", "SELECT * FROM V_main_default_t AS x (a, b)"),
    ("SELECT * FROM größe, `my t``able`", None),
    ("SELECT 'FROM t; --', \"FROM t\" FROM t -- FROM s\n", None),
    ("SELECT /* FROM s /* nested */ */ 1 FROM /*+ x */ t", None),
    ("SELECT main.default.t.id, default.t.id, t.id FROM main.default.t", None),
    ("SELECT t.*, main.default.t.* FROM t", "SELECT t.*, `t`.* FROM V_main_default_t AS `t`"),
    ("WITH t AS (SELECT * FROM t) SELECT * FROM t", None),
    ("WITH a AS (SELECT * FROM s), s AS (SELECT * FROM a) SELECT * FROM s", None),
    ("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t, s", None),
    ("SELECT * FROM t a JOIN t b ON a.id = b.id", None),
    ("SELECT * FROM main.default.t JOIN main.other.t ON default.t.id = other.t.id", None),
    ("SELECT * FROM t WHERE EXISTS (SELECT 1 FROM s WHERE s.id = main.default.t.id)", None),
    ("SELECT * FROM t VERSION AS OF 3 v", "SELECT * FROM V_main_default_t@3 v"),
    ("SELECT * FROM t@v3 WHERE x", "SELECT * FROM V_main_default_t@3 AS `t` WHERE x"),
    ("SELECT * FROM t TIMESTAMP AS OF current_timestamp() - INTERVAL 1 DAY WHERE x", None),
    ("SELECT * FROM t FOR TIMESTAMP AS OF '2024-01-01' AS y", None),
    ("SELECT * FROM t TABLESAMPLE (5 ROWS)", None),
    ("SELECT * FROM t TABLESAMPLE (5 ROWS) x", None),
    ("FROM t |> JOIN s ON t.id = s.id |> WHERE x > 1 |> SELECT id", None),
    ("SELECT k, v FROM t LATERAL VIEW explode(m) e AS k, s", None),
    ("SELECT * FROM t PIVOT (sum(x) FOR y IN (1, 2)), s", None),
    ("SELECT extract(year FROM t), trim(BOTH 'x' FROM s) FROM t", None),
    ("SELECT a IS DISTINCT FROM t, b IS NOT DISTINCT FROM s FROM t", None),
    ("SELECT * EXCEPT (t) FROM t EXCEPT (SELECT * FROM s)", None),
    ("SELECT * FROM VALUES (1), (2) AS v(t), s", None),
    ("SELECT * FROM VALUES 1, 2 t, s", None),
    ("TABLE t", "TABLE V_main_default_t"),
    ("SELECT * FROM f(TABLE(t), x => 1)", None),
    ("SELECT shop.gold.tax(x), shop.gold.tax FROM t", None),
    ("SELECT * FROM t WHERE id = :t AND x = ? AND y:s.z = 1", None),
    ("SELECT * FROM t, LATERAL (SELECT * FROM s WHERE s.id = t.id) l", None),
    ("SELECT * FROM t, {t} WHERE x = {s}", None),
    ("SELECT * FROM t LEFT ANTI JOIN s USING (id), shop.gold.orders", None),
    ("SELECT * FROM t ORDER BY x LIMIT 1", None),
    ("(SELECT * FROM t) UNION ALL (SELECT * FROM s) ORDER BY 1", None),
    ("SELECT * FROM ((SELECT * FROM t) UNION (SELECT * FROM s)) u", None),
    ("SELECT t.id FROM t UNION SELECT main.other.t.id FROM main.other.t", None),
    ("SELECT transform(xs, t -> t.a + 1) FROM s", None),
    ("SELECT sum(x) OVER (PARTITION BY t.a ORDER BY b) FROM t WINDOW w AS (ORDER BY s)", None),
    ("SELECT CASE WHEN x THEN t.a END FROM t GROUP BY ALL HAVING s > 1", None),
    (
        "SELECT main.default.t.a, t.b FROM main.default.t JOIN s AS t ON main.default.t.a = t.a",
        None,
    ),
    ("SELECT t.a FROM t WHERE EXISTS (SELECT 1 FROM s AS t WHERE t.a = 1)", None),
    ("SELECT main.default.t.a FROM main.default.t, spark_catalog.default.t", None),
]
EXPECTED = {
    5: "SELECT * FROM V_main_default_größe AS `größe`, V_main_default_my_t_able AS `my t``able`",
    6: "SELECT 'FROM t; --', \"FROM t\" FROM V_main_default_t AS `t` -- FROM s\n",
    7: "SELECT /* FROM s /* nested */ */ 1 FROM /*+ x */ V_main_default_t AS `t`",
    8: "SELECT `t`.id, `t`.id, t.id FROM V_main_default_t AS `t`",
    10: "WITH t AS (SELECT * FROM V_main_default_t AS `t`) SELECT * FROM t",
    11: "WITH a AS (SELECT * FROM V_main_default_s AS `s`), s AS (SELECT * FROM a) SELECT * FROM s",
    12: "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "
    "SELECT * FROM t, V_main_default_s AS `s`",
    13: "SELECT * FROM V_main_default_t a JOIN V_main_default_t b ON a.id = b.id",
    14: "SELECT * FROM V_main_default_t AS `t` JOIN V_main_other_t AS `t_2` ON `t`.id = `t_2`.id",
    15: "SELECT * FROM V_main_default_t AS `t` WHERE EXISTS "
    "(SELECT 1 FROM V_main_default_s AS `s` WHERE s.id = `t`.id)",
    18: "SELECT * FROM V_main_default_t@current_timestamp() - INTERVAL 1 DAY AS `t` WHERE x",
    19: "SELECT * FROM V_main_default_t@'2024-01-01' AS y",
    20: "SELECT * FROM V_main_default_t TABLESAMPLE (5 ROWS) AS `t`",
    21: "SELECT * FROM V_main_default_t TABLESAMPLE (5 ROWS) x",
    22: "FROM V_main_default_t AS `t` |> JOIN V_main_default_s AS `s` ON t.id = s.id "
    "|> WHERE x > 1 |> SELECT id",
    23: "SELECT k, v FROM V_main_default_t AS `t` LATERAL VIEW explode(m) e AS k, s",
    24: "SELECT * FROM V_main_default_t AS `t` PIVOT (sum(x) FOR y IN (1, 2)), "
    "V_main_default_s AS `s`",
    25: "SELECT extract(year FROM t), trim(BOTH 'x' FROM s) FROM V_main_default_t AS `t`",
    26: "SELECT a IS DISTINCT FROM t, b IS NOT DISTINCT FROM s FROM V_main_default_t AS `t`",
    27: "SELECT * EXCEPT (t) FROM V_main_default_t AS `t` "
    "EXCEPT (SELECT * FROM V_main_default_s AS `s`)",
    28: "SELECT * FROM VALUES (1), (2) AS v(t), V_main_default_s AS `s`",
    29: "SELECT * FROM VALUES 1, 2 t, V_main_default_s AS `s`",
    31: "SELECT * FROM f(TABLE(V_main_default_t), x => 1)",
    32: "SELECT F_tax(x), shop.gold.tax FROM V_main_default_t AS `t`",
    33: "SELECT * FROM V_main_default_t AS `t` WHERE id = :t AND x = ? AND y:s.z = 1",
    34: "SELECT * FROM V_main_default_t AS `t`, "
    "LATERAL (SELECT * FROM V_main_default_s AS `s` WHERE s.id = t.id) l",
    35: "SELECT * FROM V_main_default_t AS `t`, {t} WHERE x = {s}",
    36: "SELECT * FROM V_main_default_t AS `t` LEFT ANTI JOIN V_main_default_s AS `s` USING (id), "
    "V_shop_gold_orders AS `orders`",
    37: "SELECT * FROM V_main_default_t AS `t` ORDER BY x LIMIT 1",
    38: "(SELECT * FROM V_main_default_t AS `t`) UNION ALL "
    "(SELECT * FROM V_main_default_s AS `s`) ORDER BY 1",
    39: "SELECT * FROM ((SELECT * FROM V_main_default_t AS `t`) UNION "
    "(SELECT * FROM V_main_default_s AS `s`)) u",
    40: "SELECT t.id FROM V_main_default_t AS `t` "
    "UNION SELECT `t_2`.id FROM V_main_other_t AS `t_2`",
    41: "SELECT transform(xs, t -> t.a + 1) FROM V_main_default_s AS `s`",
    42: "SELECT sum(x) OVER (PARTITION BY t.a ORDER BY b) FROM V_main_default_t AS `t` "
    "WINDOW w AS (ORDER BY s)",
    43: "SELECT CASE WHEN x THEN t.a END FROM V_main_default_t AS `t` GROUP BY ALL HAVING s > 1",
    44: "SELECT `t_2`.a, t.b FROM V_main_default_t AS `t_2` "
    "JOIN V_main_default_s AS t ON `t_2`.a = t.a",
    45: "SELECT t.a FROM V_main_default_t AS `t` "
    "WHERE EXISTS (SELECT 1 FROM V_main_default_s AS t WHERE t.a = 1)",
    46: "SELECT `t_2`.a FROM V_main_default_t AS `t_2`, spark_catalog.default.t",
}
CASES = [(text, new or EXPECTED[place]) for place, (text, new) in enumerate(REWRITES)]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_names_of_ours_are_replaced_and_the_rest_stays(text, expected):
    assert rewritten(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_what_was_replaced_is_what_a_full_parser_finds(text, expected):
    """sqlglot's syntax tree, an independent reading, names the same tables of ours."""
    tree = sqlglot.parse_one(text, dialect="databricks")
    if "|>" in text or "@" in text or isinstance(tree, exp.Alias):
        return  # read as something else: invented names, an alias
    known = Known()
    rewrite(Statement(text), known)
    theirs = set()
    for scope in sqlglot.optimizer.scope.traverse_scope(tree):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                parts = tuple(part.name.lower() for part in source.parts)
                full = (("main", "default", *parts), ("main", *parts), parts)[len(parts) - 1]
                theirs |= {full} & OURS
    if theirs:
        assert theirs <= {full for full, _ in known.seen}


UNTOUCHED = [
    "SELECT 1",
    "SELECT * FROM range(10)",
    "SELECT * FROM spark_catalog.default.u",
    "SELECT * FROM u",
    "SELECT * FROM global_temp.u",
    "SELECT t.id FROM u t",
    "SELECT 'FROM t'",
    'SELECT "FROM t"',
    "SELECT 1 -- FROM t",
    "SELECT /* FROM t */ 1",
    "SELECT `FROM t` FROM u",
    "VALUES (1, 't'), (2, 's')",
    "WITH t AS (SELECT 1) SELECT * FROM t",
    "WITH t(a) AS (VALUES (1)) SELECT t.a FROM t",
    "WITH t AS (SELECT 1), s AS (SELECT * FROM t) SELECT * FROM s JOIN t",
    "SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t)",
    "SELECT explode(array(1, 2)) AS t",
    "SELECT * FROM u LATERAL VIEW explode(x) t AS s",
    "SELECT * FROM u LATERAL VIEW OUTER posexplode(x) t AS s, t",
    "SELECT * FROM u PIVOT (sum(t) FOR s IN ('t', 's'))",
    "SELECT * FROM u UNPIVOT (t FOR s IN (a, b))",
    "FROM u |> WHERE t > 1 |> SELECT t, s",
    "FROM u |> AGGREGATE sum(t) GROUP BY s",
    "FROM u |> SET t = 1 |> DROP s, t |> AS t",
    "SELECT * FROM u WHERE t = :t",
    "SELECT * FROM u WHERE t = ? AND s = ?",
    "SELECT * FROM {t}",
    "SELECT {t} FROM u",
    "SELECT extract(day FROM t) FROM u",
    "SELECT trim(LEADING 't' FROM s) FROM u",
    "SELECT substring(t FROM 2 FOR 3) FROM u",
    "SELECT overlay(t PLACING s FROM 2) FROM u",
    "SELECT t IS DISTINCT FROM s FROM u",
    "SELECT t IS NOT DISTINCT FROM s FROM u",
    "SELECT * FROM u ORDER BY t, s",
    "SELECT * FROM u GROUP BY t, s",
    "SELECT * FROM u GROUP BY GROUPING SETS ((t), (s))",
    "SELECT * FROM u SORT BY t, s",
    "SELECT * FROM u DISTRIBUTE BY t, s",
    "SELECT * FROM u CLUSTER BY t, s",
    "SELECT rank() OVER w FROM u WINDOW w AS (ORDER BY t), x AS (ORDER BY s)",
    "SELECT * FROM VALUES (1), (2)",
    "SELECT * FROM VALUES ('t', 's'), ('s', 't') AS u(t, s)",
    "SELECT * FROM VALUES 1, 2 AS u(t)",
    "SELECT transform(x, (t, s) -> t + s) FROM u",
    "SELECT t.s.t FROM u AS t",
    "SELECT * EXCEPT (t, s) FROM u",
    "SELECT x'1F', r'\\t', 'it''s', 'it\\'s t' FROM u",
    "SELECT 1L, 1.5BD, .5, 1e3, 1.e2D FROM u",
    "SELECT date'2020-01-01', timestamp '2020-01-01 00:00:00', interval '1' day",
    "SELECT CAST(t AS int), t::string, try_cast(s AS date) FROM u",
    "SELECT named_struct('t', 1).t",
    "SELECT map('t', 1)['t'], array(t)[0] FROM u",
    "SELECT /*+ BROADCAST(u) */ * FROM u",
    "SELECT * FROM u TABLESAMPLE (10 PERCENT) REPEATABLE (3) t",
    "SELECT * FROM u t JOIN u s ON t.id = s.id",
    "SELECT * FROM u AS t, LATERAL explode(t.x) AS s",
    "SELECT (SELECT max(t) FROM u) FROM u WHERE EXISTS (SELECT s FROM u)",
    "SELECT * FROM u WHERE t IN (SELECT s FROM u)",
    "SELECT t, count(*) FILTER (WHERE s) FROM u GROUP BY ALL",
    "SELECT u.t, u.s FROM u UNION SELECT t, s FROM u INTERSECT SELECT s, t FROM u",
    "SELECT CASE t WHEN s THEN 1 ELSE 2 END FROM u",
    "SELECT TRANSFORM(t, s) USING 'cat' AS (t, s) FROM u",
    "SELECT date_add(DAY, 1, t) FROM u",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM u",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_a_text_without_names_of_ours_stays_untouched(text):
    assert rewritten(text) is None


def test_the_corpus_of_untouched_statements_has_at_least_sixty():
    assert len(set(UNTOUCHED)) >= 60


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';'; SELECT \";\" ; SELECT `;`", ["SELECT ';'", 'SELECT ";"', "SELECT `;`"]),
        ("SELECT 'it\\';s'; SELECT 'it'';s'", ["SELECT 'it\\';s'", "SELECT 'it'';s'"]),
        ("SELECT 1 -- a; b\n; SELECT 2", ["SELECT 1 -- a; b", "SELECT 2"]),
        ("SELECT 1 /* a; /* b; */ */; SELECT 2", ["SELECT 1 /* a; /* b; */ */", "SELECT 2"]),
        ("-- first\nSELECT 1;\n-- last; one\n", ["-- first\nSELECT 1"]),
        (";;  ;", []),
        ("SELECT r'\\'; SELECT 2", ["SELECT r'\\'", "SELECT 2"]),
        ("CREATE FUNCTION f() AS $$\na; # don't\n$$; SELECT 1", None),
        ("BEGIN SELECT 1; SELECT CASE 1 WHEN 1 THEN 2 END; END; SELECT 3", None),
        ("BEGIN IF x THEN SELECT 1; END IF; WHILE y DO SELECT 2; END WHILE; END; SELECT 3", None),
        ("SELECT begin, end FROM t; SELECT 2", ["SELECT begin, end FROM t", "SELECT 2"]),
        ("SELECT 'never closed; SELECT 2", ["SELECT 'never closed; SELECT 2"]),
    ],
)
def test_a_text_is_split_into_its_statements(text, parts):
    if parts is None:
        head, tail = text.rsplit("; ", 1)
        parts = [head, tail]
    assert split(text) == parts


@pytest.mark.parametrize("text", ["SELECT 'a", 'SELECT "a', "SELECT `a", "SELECT 1 /* a /* b */"])
def test_what_never_closes_is_refused(text):
    with pytest.raises(LexicalError, match="never closed"):
        tokens(text)


def test_tokens_cover_the_text_and_leave_out_blanks_and_comments_only():
    for text, _ in CASES:
        end = 0
        for token in tokens(text):
            between = text[end : token.start].strip()
            assert not between or between.startswith(("--", "/*"))
            end = token.end


def test_a_call_that_is_a_whole_column_is_told_from_a_part_of_one():
    found = scan(Statement("SELECT current_user(), upper(current_catalog()), current_user FROM u"))
    items = {(call.parts[0], call.start): call.item for call in found.calls}
    assert items == {
        ("current_user", 7): True,
        ("upper", 23): True,
        ("current_catalog", 29): False,
        ("current_user", 49): True,
    }


@pytest.mark.parametrize("text", [text for text, _ in CASES] + UNTOUCHED)
def test_a_text_that_breaks_off_anywhere_is_read_without_a_fault(text):
    found = tokens(text)
    for token in found:
        rewritten(text[: token.end])
        rewritten(text[token.start :])


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_blanks_and_comments_between_words_change_nothing_else(text, expected):
    """What stands between the words comes back as it was."""

    def words(one):
        return [one[token.start : token.end] for token in tokens(one)]

    spaced = " /* FROM t */\n".join(words(text))
    assert words(rewritten(spaced)) == words(expected)


# Statements of the platform of which the library makes no tree. They are why names are found by a
# scanner of our own, whose findings are compared with the library's wherever that has any. If one
# of these begins to be read, it is time to ask again whether the scanner is needed.
NOT_READ = [
    "RESTORE TABLE t TO VERSION AS OF 2",
    "OPTIMIZE t WHERE day = '2026-01-01' ZORDER BY (id)",
    "VACUUM t RETAIN 0 HOURS DRY RUN",
    "CREATE VOLUME main.default.v",
    "SHOW VOLUMES IN main.default",
    "EXPLAIN SELECT * FROM t",
    "ALTER TABLE t ALTER COLUMN id SET TAGS ('a' = 'b')",
]


@pytest.mark.parametrize("text", NOT_READ)
def test_the_library_reads_no_tree_out_of(text):
    try:
        tree = sqlglot.parse_one(text, dialect="databricks")
    except sqlglot.errors.ParseError:
        return
    # A tree that does not have the table of the text in it says nothing about it.
    assert isinstance(tree, exp.Command) or not list(tree.find_all(exp.Table))


def test_the_library_does_not_say_where_an_expression_stands():
    """An UPDATE is carried out with the words that were written, so their places must be known."""
    tree = sqlglot.parse_one("UPDATE t SET a = upper(b) || 'x' WHERE c > 1", dialect="databricks")
    assert "start" not in tree.args["where"].this.meta
    assert "start" not in tree.args["expressions"][0].expression.meta
