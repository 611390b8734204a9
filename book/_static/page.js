/* Inside the workspace: the way into each lab, the reader's progress, and the experiments. */
(function () {
  "use strict";
  var workspace = window.lakebook;
  if (!workspace) return;

  function element(tag, name, text) {
    var made = document.createElement(tag);
    made.className = name;
    made.textContent = text;
    return made;
  }

  function opener(lab, text) {
    var link = element("a", "lb-open", text);
    link.href = workspace.lab + "labs/" + lab + ".ipynb";
    // One tab for JupyterLab, whichever page it was opened from.
    link.target = "lakebook-lab";
    return link;
  }

  function badge(lab) {
    var known = (workspace.progress || {})[lab];
    if (!known || !known.of) return null;
    var passed = (known.passed || []).length;
    var all = passed >= known.of;
    var text = (all ? "✓ " : "") + passed + " of " + known.of + " exercises done";
    return element("span", "lb-progress" + (all ? " lb-all" : ""), text);
  }

  document.documentElement.classList.add("lb-workspace");

  document.querySelectorAll(".lb-bar[data-lab]").forEach(function (bar) {
    var line = element("p", "lb-act", "");
    line.append(opener(bar.dataset.lab, "Open this lab"));
    var done = badge(bar.dataset.lab);
    if (done) line.append(" ", done);
    bar.querySelector(".lb-static").replaceWith(line);
  });

  document.querySelectorAll(".lb-lab[data-lab]").forEach(function (place) {
    var link = opener(place.dataset.lab, "Open");
    link.setAttribute("aria-label", "Open the lab: " + place.textContent);
    place.append(" ", link);
    var done = badge(place.dataset.lab);
    if (done) place.append(" ", done);
  });

  var header = document.querySelector(".article-header-buttons");
  if (header && workspace.mlflow) {
    var experiments = element("a", "btn btn-sm lb-experiments", "Experiments");
    experiments.href = workspace.mlflow;
    experiments.target = "lakebook-mlflow";
    experiments.title = "Experiments (MLflow)";
    header.prepend(experiments);
  }
})();
