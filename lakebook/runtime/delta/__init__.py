"""Delta tables without a JAR: Spark reads and writes the Parquet, delta-rs reads the log.

Format: the Delta transaction log protocol, https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""
