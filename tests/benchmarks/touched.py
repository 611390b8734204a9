"""Print what a partition filter reads and what a merge rewrites: rows, partitions → one JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from lakebook import workspace
from lakebook.runtime.session import get_spark


def main(rows: int, partitions: int) -> dict[str, Any]:
    """Return the counts."""
    spark = get_spark("touched")
    path = str(workspace.path("touched"))
    frame = spark.range(0, rows, 1, 4).selectExpr("id", f"id % {partitions} AS part", "id AS n")
    frame = frame.repartition(partitions, "part")
    frame.write.format("delta").partitionBy("part").save(path)
    table = spark.read.format("delta").load(path)
    found: dict[str, Any] = {"rows": table.count(), "files": len(table.inputFiles())}

    one = table.filter("part = 7")
    found["scanned"] = _scan(one)

    before = set(table.inputFiles())
    _merge(spark, path, rows, partitions)
    after = spark.read.format("delta").load(path)
    kept = before & set(after.inputFiles())
    metrics = spark.sql(f"DESCRIBE HISTORY delta.`{path}` LIMIT 1").first().operationMetrics
    found |= {
        "merge_kept": len(kept),
        "merge_removed": len(before) - len(kept),
        "merge_updated": int(metrics["numTargetRowsUpdated"]),
        "merge_inserted": int(metrics["numTargetRowsInserted"]),
        "rows_after": after.count(),
    }
    assert int(metrics["numTargetFilesRemoved"]) == found["merge_removed"]
    spark.stop()
    return found


def _scan(frame: Any) -> dict[str, int]:
    """Return what the scan of a frame counted: its own metrics of files and of rows read."""
    # A count would be answered from the footers; a sum reads the rows.
    plan = frame.selectExpr("sum(n)")._jdf.queryExecution().executedPlan()
    plan.executeCollect()
    # With adaptive execution the plan that ran is inside, and its stages hold theirs.
    plan = plan.executedPlan() if "Adaptive" in plan.nodeName() else plan
    while plan.nodeName() != "Scan parquet ":
        plan = plan.plan() if "QueryStage" in plan.nodeName() else plan.children().head()
    metrics = plan.metrics()
    return {name: int(metrics.apply(name).value()) for name in ("numFiles", "numOutputRows")}


def _merge(spark: Any, path: str, rows: int, partitions: int) -> None:
    """Merge 1,000 rows: 900 that are there, in three partitions, and 100 new ones."""
    from delta.tables import DeltaTable

    known = spark.range(300 * partitions).filter(f"id % {partitions} IN (3, 4, 5)")
    new = spark.range(100).selectExpr(f"{rows} + id * {partitions} + 3 AS id")
    source = known.unionAll(new).selectExpr("id", f"id % {partitions} AS part", "-id AS n")
    target = DeltaTable.forPath(spark, path).alias("t")
    merge = target.merge(source.alias("s"), "t.id = s.id AND t.part = s.part")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
