"""A rare class in training: left alone, thinned out and weighted, or weighted until it is even."""

import matplotlib.pyplot as plt
from drawing import save

COMMON, RARE, GONE = "#9db8d6", "#b3261e", "#eeeeee"
# Rows and the weight of each: the platform's own example is 95 and 5 rows, thinned out to 70 and 5.
WAYS = {
    "left alone": ((95, 1.0), (5, 1.0)),
    "common class thinned\nout, then weighted": ((70, 95 / 70), (5, 1.0)),
    'class_weight=\n"balanced"': ((95, 50 / 95), (5, 50 / 5)),
}

figure, (rows, weights) = plt.subplots(1, 2, figsize=(7.8, 3.3), sharey=True)
for place, ((many, heavy), (few, light)) in enumerate(WAYS.values()):
    rows.barh(place, many, color=COMMON)
    rows.barh(place, few, left=many, color=RARE)
    rows.barh(place, 95 - many, left=many + few, color=GONE)
    weights.barh(place, many * heavy, color=COMMON)
    weights.barh(place, few * light, left=many * heavy, color=RARE)
    share = few * light / (many * heavy + few * light)
    weights.text(102, place, f"{share:.0%}", va="center", color=RARE)
rows.set_yticks(range(len(WAYS)), WAYS)
rows.invert_yaxis()
rows.set(xlabel="rows that train", xlim=(0, 104))
weights.set(xlabel="what they count", xlim=(0, 118))
weights.tick_params(left=False)
save(figure, __file__)
