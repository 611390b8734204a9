"""The online side of the feature store: embedded stores, publishing, point reads, endpoints."""
