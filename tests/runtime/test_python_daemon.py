"""Spark's Python workers are forked from a process that has imported what was asked for."""

from __future__ import annotations

import sys

from lakebook.runtime import python_daemon


def _imported(name):
    def look(frames):
        for frame in frames:
            yield frame.assign(there=name in sys.modules)

    return look


def test_a_package_is_in_the_workers_of_later_jobs_only_if_it_was_asked_for(spark):
    def there(name):
        found = spark.range(1).mapInPandas(_imported(name), "id long, there boolean")
        return found.first().there

    assert not there("zipapp")
    python_daemon.preload(spark, "zipapp", "a_package_that_is_not_there")
    assert there("zipapp")


def test_trials_on_spark_find_hyperopt_imported(spark):
    import hyperopt

    trials = hyperopt.SparkTrials(parallelism=1)
    hyperopt.fmin(
        lambda value: value**2,
        hyperopt.hp.uniform("value", -1, 1),
        hyperopt.tpe.suggest,
        max_evals=1,
        trials=trials,
        show_progressbar=False,
    )
    assert "hyperopt" in spark.sparkContext.environment[python_daemon.VARIABLE].split()
    assert trials.results[0]["status"] == "ok"
