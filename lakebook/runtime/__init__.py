"""A Databricks-style notebook on any machine."""
