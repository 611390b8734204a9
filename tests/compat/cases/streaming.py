"""Streaming reads and writes."""

from __future__ import annotations

from suite import Area, refused, rows

case = Area("Streaming", "https://docs.databricks.com/structured-streaming/delta-lake")


def _run(it, frame, target, checkpoint, mode="append"):
    """Write all there is to the table at a path."""
    writer = frame.writeStream.format("delta").outputMode(mode)
    writer = writer.option("checkpointLocation", checkpoint).trigger(availableNow=True)
    writer.start(target).awaitTermination()


def _stream(it, path, **options):
    return it.spark.readStream.format("delta").options(**options).load(path)


@case(
    "readStream, writeStream",
    "A stream copies each row once: a restart from its checkpoint brings only what is new.",
)
def a_restart_brings_only_what_is_new(it):
    source, target, checkpoint = it.given(id=[1, 2]), it.path(), it.path("checkpoint")
    _run(it, _stream(it, source), target, checkpoint)
    it.append(source, id=[3])
    _run(it, _stream(it, source), target, checkpoint)
    assert rows(it.at(target)) == [(1,), (2,), (3,)]


@case("streaming schema", "A streaming frame has the table's schema and says it streams.")
def a_streaming_frame_knows_its_schema(it):
    frame = _stream(it, it.given(id=[1], name=["a"]))
    assert frame.isStreaming
    assert frame.schema.simpleString() == "struct<id:bigint,name:string>"


@case("maxFilesPerTrigger", "At most so many files are read in each batch.")
def a_batch_has_at_most_so_many_files(it):
    source = it.given(id=[1])
    it.append(source, id=[2])
    frame = _stream(it, source, maxFilesPerTrigger=1)
    target = it.path()
    _run(it, frame, target, it.path("checkpoint"))
    history = it.spark.sql(f"DESCRIBE HISTORY delta.`{target}`")
    batches = history.filter("operation = 'STREAMING UPDATE'").collect()
    assert [row.operationMetrics["numOutputRows"] for row in batches] == ["1", "1"]


@case("startingVersion", "With startingVersion a stream begins with that version, included.")
def a_stream_begins_at_a_version(it):
    source, target = it.given(id=[1]), it.path()
    it.append(source, id=[2])
    _run(it, _stream(it, source, startingVersion=1), target, it.path("checkpoint"))
    assert rows(it.at(target)) == [(2,)]


@case(
    "changed source",
    "An update in the source stops the stream with an error that names skipChangeCommits.",
)
def a_changed_source_stops_the_stream(it):
    from delta.tables import DeltaTable

    source, target, checkpoint = it.given(id=[1, 2]), it.path(), it.path("checkpoint")
    _run(it, _stream(it, source), target, checkpoint)
    DeltaTable.forPath(it.spark, source).update(set={"id": "id + 10"})
    refused(lambda: _run(it, _stream(it, source), target, checkpoint), "skipChangeCommits")


@case("skipChangeCommits", "With skipChangeCommits commits that change rows are left out.")
def commits_with_changes_are_left_out(it):
    from delta.tables import DeltaTable

    source, target, checkpoint = it.given(id=[1, 2]), it.path(), it.path("checkpoint")
    _run(it, _stream(it, source), target, checkpoint)
    DeltaTable.forPath(it.spark, source).update(set={"id": "id + 10"})
    it.append(source, id=[3])
    _run(it, _stream(it, source, skipChangeCommits="true"), target, checkpoint)
    assert rows(it.at(target)) == [(1,), (2,), (3,)]


@case("toTable", "writeStream.toTable makes the named table and appends to it.")
def a_stream_writes_to_a_name(it):
    it.table("source", id=[1, 2])
    stream = it.spark.readStream.table(it.name("source"))
    writer = stream.writeStream.option("checkpointLocation", it.path("checkpoint"))
    writer.trigger(availableNow=True).toTable(it.name("target")).awaitTermination()
    assert rows(it.spark.table(it.name("target"))) == [(1,), (2,)]


@case('outputMode("complete")', "Complete mode replaces the table with each batch's result.")
def complete_mode_replaces_the_table(it):
    source, target, checkpoint = it.given(k=["a", "b", "a"]), it.path(), it.path("checkpoint")
    for _ in range(2):
        _run(it, _stream(it, source).groupBy("k").count(), target, checkpoint, "complete")
        it.append(source, k=["b"])
    assert rows(it.at(target)) == [("a", 2), ("b", 2)]


@case(
    "foreachBatch with merge",
    "foreachBatch gives each batch as a frame, which a merge brings into a table.",
    source="https://docs.databricks.com/delta/merge.html",
)
def a_batch_is_merged(it):
    source, target = it.given(id=[2, 3], n=[20, 30]), it.given(id=[1, 2], n=[1, 2])

    def upsert(batch, _):
        from delta.tables import DeltaTable

        merge = DeltaTable.forPath(batch.sparkSession, target).alias("t")
        merge = merge.merge(batch.alias("s"), "t.id = s.id")
        merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    writer = _stream(it, source).writeStream.foreachBatch(upsert)
    writer = writer.option("checkpointLocation", it.path("checkpoint"))
    writer.trigger(availableNow=True).start().awaitTermination()
    assert rows(it.at(target)) == [(1, 1), (2, 20), (3, 30)]


@case(
    "checkpointLocation",
    "A stream into a table needs a checkpoint location.",
    source="https://docs.delta.io/delta-streaming",
)
def a_stream_without_checkpoint_is_refused(it):
    frame = _stream(it, it.given(id=[1]))
    writer = frame.writeStream.format("delta").trigger(availableNow=True)
    refused(lambda: writer.start(it.path()).awaitTermination(), "checkpointLocation")
