/* One question on the page: choosing, arranging, showing what was right. */

class Question {
  constructor(root) {
    const { question, objective, section, difficulty, select, right, hash, lab, source } = root.dataset;
    Object.assign(this, { root, id: question, objective, section, difficulty, hash, lab, source });
    this.select = Number(select);
    this.right = right.split(",").map(Number);
    this.heading = root.querySelector(".lbx-n");
    this.links = root.querySelector(".lbx-links");
    this.box = root.querySelector(".lbx-options");
    this.options = [...root.querySelectorAll(".lbx-option")].map((row) => this.option(row));
    this.home = this.options.map((option) => option.index);
    root.querySelector(".lbx-answer").remove();
    this.verdict = h("p.lbx-verdict", { role: "status" });
    this.box.after(this.verdict);
    this.links.hidden = true;
    this.onpick = () => {};
  }

  option(row) {
    const index = Number(row.dataset.option);
    const input = row.querySelector("input");
    const reason = this.root.querySelector(`.lbx-answer li[data-option="${index}"] .lbx-reason`);
    const mark = h("p.lbx-mark", { hidden: true });
    const why = h("div.lbx-why", { hidden: true }, reason);
    row.append(mark, why);
    row.addEventListener("click", (event) => {
      if (!event.target.closest("input, label, a, button, .lbx-why")) input.click();
    });
    input.addEventListener("change", () => this.changed(input));
    return { index, row, input, mark, why, letter: row.querySelector(".lbx-letter") };
  }

  changed(input) {
    const over = this.select > 1 && this.picked().length > this.select;
    if (over) input.checked = false;
    this.verdict.textContent = over ? `You have selected ${this.select} already; clear one first.` : "";
    if (!over) this.onpick(this);
  }

  arrange(order) {
    const byIndex = new Map(this.options.map((option) => [option.index, option]));
    this.options = order.map((index) => byIndex.get(index));
    this.options.forEach((option, n) => {
      option.letter.textContent = LETTERS[n];
      this.box.append(option.row);
    });
  }

  picked() { return this.options.filter((o) => o.input.checked).map((o) => o.index); }
  pick(indices) { this.options.forEach((o) => { o.input.checked = indices.includes(o.index); }); }
  lock(locked) { this.options.forEach((o) => { o.input.disabled = locked; }); }

  /* With `all` the reason of every option is shown, else those of the chosen and the right ones. */
  reveal(picked, all) {
    const correct = same(picked, this.right);
    this.pick(picked);
    this.lock(true);
    this.root.dataset.state = correct ? "right" : "wrong";
    this.verdict.textContent = correct ? "✓ Right" : picked.length ? "✗ Not right" : "✗ Not answered";
    for (const option of this.options) {
      const right = this.right.includes(option.index);
      const chosen = picked.includes(option.index);
      option.row.dataset.state = right ? "right" : chosen ? "wrong" : "";
      option.mark.textContent = (right ? "✓ Right answer" : "✗ Wrong") + (chosen ? ", your choice" : "");
      option.mark.hidden = option.why.hidden = !(all || right || chosen);
    }
    this.links.hidden = false;
    this.report = this.report || reporting(this.root, () => this.picked());
    this.report.hidden = this.report.open = false;
    return correct;
  }

  reset() {
    delete this.root.dataset.state;
    this.verdict.textContent = "";
    this.links.hidden = true;
    if (this.report) this.report.hidden = true;
    this.onpick = () => {};
    for (const option of this.options) {
      delete option.row.dataset.state;
      option.mark.hidden = option.why.hidden = true;
    }
    this.pick([]);
    this.lock(false);
    this.arrange(this.home);
  }

  /* Plain text, so that an attempt stays readable when the bank has changed. */
  snapshot() {
    const text = (node) => {
      const copy = node.cloneNode(true);
      copy.querySelectorAll("button, svg, script").forEach((extra) => extra.remove());
      return copy.textContent.trim();
    };
    const stored = this.options.slice().sort((a, b) => a.index - b.index);
    return {
      stem: text(this.root.querySelector(".lbx-stem")),
      options: stored.map((o) => text(o.row.querySelector(".lbx-text"))),
      reasons: stored.map((o) => text(o.why)),
    };
  }
}

/* A question of an attempt whose wording the bank no longer has, from the attempt's own text. */
function formerQuestion(item, note, title, picked, onpick) {
  const name = `former-${item.id}`;
  const rows = item.order.map((index, n) => {
    const id = `${name}-${index}`;
    const input = h("input", { type: item.select > 1 ? "checkbox" : "radio", name, id, value: index,
      disabled: !onpick });
    input.checked = picked.includes(index);
    const row = h("div.lbx-option", {}, input,
      h("label.lbx-text.lbx-plain", { for: id }, `${LETTERS[n]}. ${item.options[index]}`));
    const right = item.right.includes(index);
    if (!onpick && (right || input.checked)) {
      row.dataset.state = right ? "right" : "wrong";
      row.append(h("p.lbx-mark", {}, (right ? "✓ Right answer" : "✗ Wrong") + (input.checked ? ", your choice" : "")),
        h("div.lbx-why.lbx-plain", {}, item.reasons[index]));
    }
    return row;
  });
  const label = h("p.lbx-n", { id: `${name}-n`, role: "heading", "aria-level": 3, tabindex: "-1" }, title);
  const root = h("div.lbx-q", { role: "group", "aria-labelledby": `${name}-n`, "data-former": item.id }, label,
    h("p.lbx-changed", {}, note), h("div.lbx-stem.lbx-plain", {}, item.stem),
    item.select > 1 && h("p.lbx-select", {}, `Select ${item.select}.`), h("div.lbx-options", {}, rows));
  const chosen = () => [...root.querySelectorAll("input:checked")].map((input) => Number(input.value));
  root.addEventListener("change", (event) => {
    if (chosen().length > item.select) event.target.checked = false;
    else onpick(chosen());
  });
  return { root, label };
}
