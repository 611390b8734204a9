"""Exercises and their checks; deriving, running and comparing labs."""
