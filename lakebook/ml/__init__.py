"""Open, local counterparts of Databricks ML APIs, under the same names and signatures."""
