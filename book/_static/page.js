/* Long outputs fold. Inside the workspace: the way into each lab, progress, the experiments. */
(function () {
  "use strict";
  var workspace = window.lakebook;

  // Search fetches the pages it has found, to quote them; a browser refuses that on file://.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

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

  function fold(output) {
    if (output.scrollHeight <= output.clientHeight + 40) return;
    var lines = output.textContent.trim().split("\n").length;
    var more = element("button", "lb-more", "Show all " + lines + " lines");
    more.type = "button";
    more.setAttribute("aria-expanded", "false");
    more.addEventListener("click", function () {
      var open = output.classList.toggle("lb-unfolded");
      more.setAttribute("aria-expanded", String(open));
      more.textContent = open ? "Show less" : "Show all " + lines + " lines";
    });
    // A region that scrolls is reached by keyboard.
    output.tabIndex = 0;
    output.after(more);
  }

  document.querySelectorAll(".cell_output .output pre").forEach(fold);

  if (!workspace) return;

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
