/* "Report this question": a text with all that a maintainer needs, to send or to copy; no request. */

function issueText(root, chosen) {
  const { question, objective, hash, right } = root.dataset;
  const words = (index) => {
    const option = root.querySelector(`[data-option="${index}"] .lbx-text`);
    return option ? option.textContent.trim().replace(/\s+/g, " ").slice(0, 80) : "?";
  };
  const listed = (indices) => (indices.length ? indices.map((index) => `"${words(index)}"`).join(", ") : "nothing");
  return [`Question ${question} of ${objective}, wording ${hash}`,
    `Marked right: ${listed(right.split(","))}`, `I chose: ${listed(chosen)}`, "",
    "What is wrong with it:", "", "Where one can read or run that:", ""].join("\n");
}

/* Put it into a question's line of links; the text is made when it is opened. */
function reporting(root, chosen = () => []) {
  const { question } = root.dataset;
  const text = h("textarea.lbx-issue", { readonly: true, rows: 9, "aria-label": `Report on question ${question}` });
  const said = h("span.lbx-copied", { role: "status" });
  const copy = button("Copy", async () => {
    text.select();
    let done = false;
    try {
      await navigator.clipboard.writeText(text.value);
      done = true;
    } catch (refused) { done = document.execCommand("copy"); }
    said.textContent = done ? " Copied." : " Selected: copy it with the keyboard.";
  });
  const home = document.querySelector("[data-issues]");
  const send = home && h("a.lbx-button", { target: "_blank", rel: "noreferrer" }, "Open an issue");
  const part = h("details.lbx-reporting", { ontoggle: () => {
    if (!part.open) return;
    text.value = issueText(root, chosen());
    said.textContent = "";
    if (send) {
      const asked = new URLSearchParams({ title: `Question ${question}`, body: text.value });
      send.href = `${home.dataset.issues}?${asked}`;
    }
  } }, h("summary", {}, "Report this question"), text, h("div.lbx-bar", {}, send, copy, said));
  root.querySelector(".lbx-links").after(part);
  return part;
}
