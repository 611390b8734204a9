"""Exercises and their checks; deriving, running and comparing labs."""

from lakebook.labs import expect
from lakebook.labs.exercises import exercise

__all__ = ["exercise", "expect"]
