"""The third-party stores that notebooks once published to, so that these can say what to do now.

Names and arguments: https://docs.databricks.com/machine-learning/feature-store/
A specification keeps nothing of its arguments, among which are credentials.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NoReturn

from lakebook.ml.feature_engineering.errors import FeatureError

TRIGGER = {"processingTime": "5 minutes"}


class OnlineStoreSpec:
    """A store outside the lakehouse; `product` is what its maker calls it."""

    product = "a third-party store"

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class AmazonDynamoDBSpec(OnlineStoreSpec):
    """Amazon DynamoDB."""

    product = "Amazon DynamoDB"

    def __init__(
        self,
        *,
        region: str | None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        table_name: str | None = None,
        read_secret_prefix: str | None = None,
        write_secret_prefix: str | None = None,
        ttl: timedelta | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        pass


class AzureCosmosDBSpec(OnlineStoreSpec):
    """Azure Cosmos DB."""

    product = "Azure Cosmos DB"

    def __init__(
        self,
        *,
        account_uri: str,
        database_name: str | None = None,
        container_name: str | None = None,
        read_secret_prefix: str | None = None,
        write_secret_prefix: str,
        **kwargs: Any,
    ) -> None:
        pass


class _Sql(OnlineStoreSpec):
    def __init__(
        self,
        hostname: str,
        port: int,
        user: str | None = None,
        password: str | None = None,
        database_name: str | None = None,
        table_name: str | None = None,
        driver_name: str | None = None,
        read_secret_prefix: str | None = None,
        write_secret_prefix: str | None = None,
    ) -> None:
        pass


class AmazonRdsMySqlSpec(_Sql):
    """MySQL and Aurora of Amazon RDS."""

    product = "Amazon RDS MySQL"


class AzureMySqlSpec(_Sql):
    """Azure Database for MySQL."""

    product = "Azure Database for MySQL"


class AzureSqlServerSpec(_Sql):
    """Azure SQL Server."""

    product = "Azure SQL Server"


def refuse(store: Any, table: str) -> NoReturn:
    """Raise FeatureError: nothing is published there, and where it is published instead."""
    product = store.product if isinstance(store, OnlineStoreSpec) else repr(store)
    raise FeatureError(
        f"'{table}' cannot be published to {product} from here. Publish to an online store: "
        "fe = FeatureEngineeringClient(); store = fe.create_online_store(name=…, capacity='CU_1'); "
        "fe.publish_table(online_store=store, source_table_name='catalog.schema.table', "
        "online_table_name=…). A workspace table is first upgraded with UpgradeClient"
    )
