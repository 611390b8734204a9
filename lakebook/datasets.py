"""Data sets: a card, a generator or a reader, and one function that loads them."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, overload

from lakebook import workspace
from lakebook.errors import LakebookError, unknown

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

SCALES = ("small", "full")


def register(commands: Any) -> None:
    """Add the command `lakebook data`."""
    data = commands.add_parser("data", help="list the data sets, or write one to a file")
    data.add_argument("name", nargs="?", help="a data set; all are listed if none is named")
    data.add_argument("--to", type=Path, metavar="FILE", help="a .csv or .parquet file to write")
    data.add_argument("--scale", default="small", help="small (default) or full")
    data.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.name is None:
        for name in names():
            # The card's first sentence, below its title.
            what = card(name).read_text("utf-8").split("\n\n")[1].replace("\n", " ")
            print(f"{name}: {what.split('. ')[0].rstrip('. ')}")
        return 0
    if args.to is None:
        print(card(args.name).read_text("utf-8"))
        return 0
    writers = {".csv": "to_csv", ".parquet": "to_parquet"}
    if args.to.suffix not in writers:
        raise LakebookError(f"'{args.to}' is neither a .csv nor a .parquet file; name one of these")
    frame = load(args.name, args.scale)
    try:
        getattr(frame, writers[args.to.suffix])(args.to, index=False)
    except OSError as error:
        raise LakebookError(f"'{args.to}' cannot be written: {error.strerror or error}") from error
    print(f"{args.to}: {len(frame):,} rows, {len(frame.columns)} columns")
    return 0


def names() -> list[str]:
    """Return the names of all data sets, sorted."""
    folder = workspace.root() / "datasets"
    return sorted(card.parent.name for card in folder.glob("*/card.md"))


def card(name: str) -> Path:
    """Return the path of the data set's card. Raises LakebookError if the name is not known."""
    if name not in names():
        raise unknown("dataset", name, names())
    return workspace.root() / "datasets" / name / "card.md"


@overload
def load(
    name: str, scale: str = ..., *, path: str | Path | None = ..., spark: None = ...
) -> pd.DataFrame: ...


@overload
def load(
    name: str, scale: str = ..., *, path: str | Path | None = ..., spark: SparkSession
) -> DataFrame: ...


def load(
    name: str,
    scale: str = "small",
    *,
    path: str | Path | None = None,
    spark: SparkSession | None = None,
) -> Any:
    """Return a data set as a pandas frame, or as a Spark frame if a session is given.

    `scale` is ``"small"`` (what the labs run on) or ``"full"`` (the size of the source's own
    data). `path` names the original file, for those who have it; the frame has the same columns.
    Columns, units and meaning are on the data set's card.

    Raises LakebookError for an unknown name or scale, a missing file, or a file of another form.
    """
    maker = _maker(name)
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if path is None:
        frame = maker.make(scale)
    else:
        frame = _read_original(name, maker, Path(path).expanduser())
    return frame if spark is None else spark.createDataFrame(frame)


@overload
def truth(name: str, scale: str = ..., *, spark: None = ...) -> pd.DataFrame: ...


@overload
def truth(name: str, scale: str = ..., *, spark: SparkSession) -> DataFrame: ...


def truth(name: str, scale: str = "small", *, spark: SparkSession | None = None) -> Any:
    """Return what a generated data set would be if nothing had been lost or disturbed.

    The rows and columns are those of `load`, so a lab can measure what a repair of the data is
    worth. Only for data sets whose ``make.py`` defines ``truth(scale)``.

    Raises LakebookError for an unknown name or scale, or if nothing is planted in the data set.
    """
    maker = _maker(name)
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    if not hasattr(maker, "truth"):
        raise LakebookError(f"dataset '{name}' has no truth behind it; use load('{name}')")
    frame = maker.truth(scale)
    return frame if spark is None else spark.createDataFrame(frame)


def _read_original(name: str, maker: ModuleType, file: Path) -> pd.DataFrame:
    if not hasattr(maker, "read"):
        raise LakebookError(
            f"dataset '{name}' has no original file to read; leave out path= "
            f"(its card: datasets/{name}/card.md)"
        )
    if not file.is_file():
        raise LakebookError(
            f"dataset '{name}': there is no file '{file}'; datasets/{name}/card.md says where "
            "the original comes from, and without path= the generated data are used"
        )
    return maker.read(file)


def _maker(name: str) -> ModuleType:
    source = card(name).with_name("make.py")
    if not source.is_file():
        raise LakebookError(f"dataset '{name}' has a card but no make.py; add {source.name}")
    spec = importlib.util.spec_from_file_location(f"lakebook_dataset_{name}", source)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
