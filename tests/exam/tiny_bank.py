"""A repository with a blueprint of three objectives and a bank of four questions."""

from __future__ import annotations

from pathlib import Path

BLUEPRINT = """\
guide:
  edition: "1 January 2026"
  date: 2026-01-01
  source: https://example.org/guide.pdf
  weights: https://example.org/weights
  checked: 2026-11-20
questions: 3
minutes: 90
target: 70
shuffle: 1
sections:
  - id: data_processing
    name: Data Processing
    weight: 60
    quota: 2
    objectives:
      - id: DP-01
        title: Summarise a frame
        labs: [day2/03_data_profiling]
      - id: DP-02
        title: Drop outliers
        labs: [day2/05_outliers, day2/03_data_profiling]
  - id: model_development
    name: Model Development
    weight: 40
    quota: 1
    objectives:
      - id: MD-10
        title: Count models
        labs: [day3/01_cross_validation]
further_labs: [usecases/01_dtw]
"""

COUNT = """\
# MD-10

## k7w2

- difficulty: medium
- lab: day3/01_cross_validation
- source: https://example.org/tuning.html
- checked: 2026-11-20

How many models does a grid of four settings fit on three folds, at a price of $2 < $3?

```python
## not a heading
grid = [1, 2, 3, 4]
```

- [ ] 4
  > That is the number of combinations.
- [x] 12
  > Four combinations on three folds,
  > counted before the refit.
- [ ] 13
  > That includes the refit.
- [ ] `36`
  > Folds are not combined.

```python proof
answer = len([1, 2, 3, 4]) * 3
```
"""

SUMMARY = """\
# DP-01

## a111

- difficulty: easy
- select: 2
- lab: day2/03_data_profiling
- source: https://example.org/summary.html
- checked: 2026-11-20

Which <b>two</b> are even?

- [x] two
  > It is.
- [ ] three
  > It is not.
- [x]
  ```python
  2 + 2
  ```
  > Four is.
- [ ] five
  > It is not.
- [ ] seven
  > It is not.

```python proof
def holds(option):
    return option in ("two", "2 + 2")
```

## a112

- difficulty: hard
- lab: usecases/01_dtw
- source: https://example.org/summary.html
- checked: 2026-11-20

Which is odd?

- [ ] two
  > It is even.
- [ ] four
  > It is even.
- [ ] six
  > It is even.
- [x] seven
  > It is.
"""

OUTLIERS = """\
# DP-02

## b222

- difficulty: easy
- lab: day2/05_outliers
- source: https://example.org/outliers.html
- checked: 2026-11-20

Which value lies far out of 1, 2, 3 and $x = 400$?

- [ ] 1
  > It is near the rest.
- [ ] 2
  > It is near the rest.
- [ ] 3
  > It is near the rest.
- [x] 400
  > It is far from the rest.
"""

FILES = {
    "data_processing/DP-01.md": SUMMARY,
    "data_processing/DP-02.md": OUTLIERS,
    "model_development/MD-10.md": COUNT,
}


def write(root: Path, changes: dict[str, str] | None = None) -> Path:
    """Write the repository into `root`, with some question files replaced, and return it."""
    (root / "solutions").mkdir(parents=True, exist_ok=True)
    (root / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    (root / "book" / "exam").mkdir(parents=True, exist_ok=True)
    (root / "book" / "exam" / "blueprint.yml").write_text(BLUEPRINT)
    for name, text in {**FILES, **(changes or {})}.items():
        file = root / "book" / "questions" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root
