/* The mock exam: its start, the question under the clock, its end. */

const SIGNS = { answered: "✓", incomplete: "◐", unanswered: "·" };
const WARNINGS = [[1, "One minute left."], [5, "Five minutes left."]];

class Exam {
  constructor(root) {
    this.root = root;
    this.rules = JSON.parse(root.querySelector(".lbx-rules").textContent);
    this.bank = root.querySelector(".lbx-bank");
    this.bank.hidden = true;
    const found = [...this.bank.querySelectorAll(".lbx-q")].map((element) => new Question(element));
    this.questions = new Map(found.map((question) => [question.id, question]));
    this.shown = [];  // questions that are out of the bank, on the screen
    this.notice = h("p.lbx-notice", { role: "status" });
    this.live = h("p.lbx-live", { role: "status" });
    this.app = h("div.lbx-app");
    root.append(this.notice, this.live, this.app);
    this.shortcuts = store.get(SHORTCUTS) !== "off";
    store.onfail = () => this.say("This browser refuses to store this exam, so it is kept in memory only: "
      + "do not close the page, and export your attempts before you leave.");
    window.addEventListener("storage", (event) => this.otherTab(event));
    document.addEventListener("keydown", (event) => this.key(event), true);
    document.addEventListener("visibilitychange", () => this.tick());
    window.setInterval(() => this.tick(), 500);
    record.onmerge = () => { if (root.dataset.screen === "start" && !this.app.contains(document.activeElement)) this.start(); };
    this.enter();
    root.dataset.ready = "";
  }

  refresh() { this.start(); }

  /* On load: what ran out while the page was closed is submitted with the answers it has. */
  enter() {
    const late = attempts.all().filter((attempt) => attempt.submitted === null && now(attempt) >= attempt.ends);
    if (!late.length) this.start();
    for (const attempt of late.reverse()) {
      this.attempt = attempt;
      this.submit("time");
    }
    const lost = attempts.unreadable();
    if (lost) this.say(`This page cannot read ${count(lost, "saved attempt")}; nothing was deleted.`);
  }

  say(text) { this.notice.textContent = text; }

  /* Show a screen; questions that stood on the last one go back to the bank. */
  screen(name, ...children) {
    for (const question of this.shown.splice(0)) {
      question.reset();
      this.bank.append(question.root);
    }
    this.root.dataset.screen = name;
    this.app.replaceChildren(...children.filter(Boolean));
  }

  start() {
    this.attempt = null;
    const { rules } = this;
    const open = attempts.open();
    const done = open && open.items.filter((item) => stateOf(open, item) === "answered").length;
    this.screen("start",
      heading(2, "Sit a mock exam", { tabindex: "-1" }),
      h("p", {}, `${count(rules.questions, "question")} in ${rules.minutes} minutes, by the quotas of `
        + `the exam guide of ${rules.edition}:`),
      h("ul", {}, rules.sections.map((section) => h("li", {}, `${section.quota} from ${section.name}`))),
      h("ul", {},
        h("li", {}, "The clock runs on when you close the page. Come back in time and go on; when it runs out, "
          + "the exam is submitted with the answers so far."),
        h("li", {}, "No feedback until the end. You may flag questions and return to them."),
        h("li", {}, "A blank counts as wrong. Where several options are to be selected, all of them must be right."),
        h("li", {}, `The exam's pass mark is not published; our target is ${rules.target} %.`)),
      !open && this.choice(),
      open && h("p", {}, `An exam is under way: ${done} of ${open.items.length} answered, ${clock(open.ends - now(open))} left.`),
      h("div.lbx-bar", {}, open ? button("Resume the exam", () => this.resume(open.id), ".lbx-main")
        : button("Start the exam", () => this.begin(), ".lbx-main")),
      historyView(this, attempts.all()));
  }

  /* Which paper: a fixed one, the same for everybody, or a fresh one. */
  choice() {
    const sat = attempts.all();
    const papers = this.rules.mocks.map((ids, n) => {
      const last = sat.find((attempt) => attempt.mock === n + 1);
      return [n + 1, `Mock exam ${n + 1}${last ? `, last result ${percent(score(last).share)}` : ""}`, last];
    });
    const known = attempts.seen();
    const left = [...this.questions.keys()].filter((id) => !known.has(id)).length;
    papers.push([0, `A fresh one: ${left} of ${this.questions.size} questions are new to you`, null]);
    this.paper = (papers.find(([, , last]) => !last) || papers[0])[0];
    const rows = papers.map(([n, text]) => {
      const input = h("input", { type: "radio", name: "lbx-paper", id: `lbx-paper-${n}`, value: n, checked: n === this.paper,
        onchange: () => { this.paper = n; } });
      return h("p.lbx-paper", {}, input, " ", h("label", { for: `lbx-paper-${n}` }, text));
    });
    return h("fieldset.lbx-papers", {}, h("legend", {}, "Which exam?"),
      this.rules.mocks.length > 1 && h("p", {}, `The ${this.rules.mocks.length} fixed exams share no question.`), rows);
  }

  begin() {
    const open = attempts.open();
    if (open) {
      this.resume(open.id);
      this.say("An exam was begun in another tab; this is it.");
      return;
    }
    const { rules } = this;
    const [random, name] = entropy();
    const mock = this.paper || null;
    const paper = mock && new Set(rules.mocks[mock - 1]);
    const questions = [...this.questions.values()].filter((question) => !paper || paper.has(question.id));
    const seed = mock || random;
    const started = Date.now();
    this.attempt = {
      version: VERSION, id: `${started.toString(36)}-${name.toString(36)}`, seed, edition: rules.edition,
      mock, minutes: rules.minutes, started, ends: started + rules.minutes * 60000, seen: started, submitted: null, by: null,
      at: 0, sections: Object.fromEntries(rules.sections.map((section) => [section.id, section.name])),
      items: draw(rules, questions, seed, attempts.seen()), answers: {},
    };
    this.say("");
    this.warned = Infinity;
    attempts.write(this.attempt);
    this.show(0);
  }

  resume(id) {
    this.say("");
    this.attempt = attempts.read(id);
    this.warned = Infinity;
    if (!this.attempt) this.start();
    else if (now(this.attempt) >= this.attempt.ends) this.submit("time");
    else this.show(Math.min(this.attempt.at, this.attempt.items.length - 1));
  }

  open(id) {
    this.say("");
    this.attempt = attempts.read(id);
    if (this.attempt) reportView(this);
    else this.start();
  }

  /* -- the question under the clock -- */

  show(at) {
    const { attempt } = this;
    const item = attempt.items[at];
    const last = attempt.items.length - 1;
    attempt.at = at;
    const stage = h("div.lbx-stage");
    const mapped = Boolean(this.map && !this.map.hidden);
    this.timer = h("span.lbx-timer", { role: "timer", "aria-label": "Time left" });
    this.flag = button("", () => this.toggleFlag());
    this.mapButton = button("Map", () => this.toggleMap(), "", { "aria-controls": "lbx-map" });
    this.map = h("nav.lbx-map", { id: "lbx-map", "aria-label": "Question map", hidden: !mapped });
    this.screen("question",
      h("div.lbx-bar.lbx-top", {}, this.timer, this.mapButton, button("Finish", () => this.finish())),
      this.map, stage,
      h("div.lbx-bar", {}, button("Previous", () => this.go(-1), "", { disabled: at === 0 }), this.flag,
        button("Next", () => this.go(1), ".lbx-main", { disabled: at === last })),
      this.keyboardHelp());
    const shown = this.present(item, stage, `Question ${at + 1} of ${last + 1}`);
    if (shown.question) {
      shown.question.pick(answerOf(attempt, item).picked);
      shown.question.onpick = (question) => this.record({ picked: question.picked() });
    }
    attempts.write(attempt);
    letScroll(stage);
    this.tally();
    this.tick();
    shown.label.focus();
  }

  /* Put an item of the attempt on the page; as plain text where the bank no longer has its wording. */
  present(item, stage, title) {
    const question = this.questions.get(item.id);
    if (question && question.hash === item.hash) {
      question.arrange(item.order);
      question.heading.textContent = title;
      question.heading.setAttribute("tabindex", "-1");
      stage.append(question.root);
      this.shown.push(question);
      return { question, label: question.heading };
    }
    const note = question ? "This question has been reworded since; this is what was asked."
      : "This question is no longer in the bank; this is what was asked.";
    const onpick = this.attempt.submitted === null && ((picked) => this.record({ picked }));
    const { root, label } = formerQuestion(item, note, title, answerOf(this.attempt, item).picked, onpick);
    stage.append(root);
    return { question: null, label };
  }

  record(change) {
    const { attempt } = this;
    const item = attempt.items[attempt.at];
    attempt.answers[item.id] = { ...answerOf(attempt, item), ...change, at: now(attempt) };
    attempts.write(attempt);
    if (attempt.submitted === null) this.tally();
    else this.ended("This exam was submitted in another tab.");
  }

  toggleFlag() {
    const { attempt } = this;
    const flag = !answerOf(attempt, attempt.items[attempt.at]).flag;
    this.record({ flag });
    this.live.textContent = flag ? "Flagged." : "Flag removed.";
  }

  go(step) {
    const to = this.attempt.at + step;
    if (to < 0 || to >= this.attempt.items.length) return;
    this.say("");
    this.show(to);
  }

  tally() {
    const { attempt } = this;
    const flagged = answerOf(attempt, attempt.items[attempt.at]).flag;
    this.flag.textContent = flagged ? "⚑ Flagged" : "⚐ Flag";
    this.flag.setAttribute("aria-pressed", String(flagged));
    this.mapButton.setAttribute("aria-expanded", String(!this.map.hidden));
    const tally = { answered: 0, incomplete: 0, unanswered: 0 };
    const cells = attempt.items.map((item, n) => {
      const state = stateOf(attempt, item);
      const { flag } = answerOf(attempt, item);
      tally[state] += 1;
      return h("li", {}, h("button.lbx-cell", {
        type: "button", onclick: () => this.show(n), "data-state": state, "aria-current": n === attempt.at && "step",
        "aria-label": `Question ${n + 1}, ${state}${flag ? ", flagged" : ""}`,
      }, h("span", {}, String(n + 1)), h("span.lbx-sign", {}, SIGNS[state] + (flag ? "⚑" : ""))));
    });
    this.map.replaceChildren(
      h("p", {}, `${tally.answered} answered (✓), ${tally.incomplete} incomplete (◐), ${tally.unanswered} unanswered (·). `
        + "⚑ is flagged; the current question has a frame."),
      h("ol", {}, cells));
  }

  toggleMap() {
    this.map.hidden = !this.map.hidden;
    this.tally();
    (this.map.hidden ? this.mapButton : this.map.querySelector("[aria-current]")).focus();
  }

  /* -- the keyboard: single keys can be switched off, as WCAG 2.1.4 asks -- */

  keyboardHelp() {
    const box = h("input", { type: "checkbox", id: "lbx-keys", onchange: () => {
      this.shortcuts = box.checked;
      store.set(SHORTCUTS, box.checked ? "on" : "off");
    } });
    box.checked = this.shortcuts;
    const keys = [["A–E or 1–5", "choose an option"], ["N or →", "next question"], ["P or ←", "previous question"],
      ["F", "flag the question"], ["M", "open or close the question map"]];
    return h("details.lbx-help", {}, h("summary", {}, "Keyboard"),
      h("p", {}, box, " ", h("label", { for: "lbx-keys" }, "Single-key shortcuts")),
      h("dl", {}, keys.map(([name, does]) => [h("dt", {}, name), h("dd", {}, does)])),
      h("p", {}, "While an option has the focus, the arrow keys move between the options."));
  }

  key(event) {
    if (this.root.dataset.screen !== "question" || !this.shortcuts || document.querySelector("dialog[open]")) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const options = [...this.app.querySelectorAll(".lbx-option input")];
    const choosing = options.includes(event.target);
    if (!choosing && event.target.closest("input, textarea, select, [contenteditable]")) return;
    const key = event.key.toLowerCase();
    const step = { n: 1, p: -1, arrowright: choosing ? 0 : 1, arrowleft: choosing ? 0 : -1 }[key];
    const option = options[key.length === 1 ? Math.max("abcde".indexOf(key), "12345".indexOf(key)) : -1];
    if (step) this.go(step);
    else if (key === "f") this.toggleFlag();
    else if (key === "m") this.toggleMap();
    else if (option) {
      option.focus();
      option.click();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /* -- the clock and the end -- */

  tick() {
    const { attempt } = this;
    if (!attempt || attempt.submitted !== null) return;
    attempt.seen = now(attempt);
    const left = attempt.ends - attempt.seen;
    if (left <= 0) {
      this.submit("time");
      return;
    }
    this.timer.textContent = clock(left);
    const warning = WARNINGS.find(([minutes]) => left <= minutes * 60000);
    if (!warning) return;
    this.timer.dataset.late = "";
    if (warning[0] < this.warned) this.say(warning[1]);
    this.warned = Math.min(this.warned, warning[0]);
  }

  finish() {
    const { attempt } = this;
    const open = attempt.items.flatMap((item, n) => (stateOf(attempt, item) === "answered" ? [] : [n + 1]));
    const text = open.length ? `${count(open.length, "question")} without a complete answer: ${open.join(", ")}. `
      + "What is not answered counts as wrong." : "All questions are answered.";
    this.ask("Submit the exam?", text, "Submit", "Keep working", () => this.submit("you"));
  }

  ask(title, text, yes, no, act) {
    const close = () => { dialog.close(); dialog.remove(); };
    const dialog = h("dialog.lbx.lbx-dialog", { "aria-labelledby": "lbx-ask", "aria-describedby": "lbx-ask-text",
      oncancel: () => dialog.remove() },
    h("p.lbx-h", { id: "lbx-ask" }, title), h("p", { id: "lbx-ask-text" }, text),
    h("div.lbx-bar", {}, button(no, close), button(yes, () => { close(); act(); }, ".lbx-main")));
    this.root.append(dialog);
    dialog.showModal();
  }

  submit(by) {
    const { attempt } = this;
    attempt.submitted = by === "time" ? attempt.ends : now(attempt);
    attempt.by = by;
    attempts.write(attempt);
    const met = score(attempt).marks.filter(({ item }) => attempt.answers[item.id]);
    memory.note(met.map(({ item, correct }) => ({ id: item.id, hash: item.hash, correct, at: attempt.answers[item.id].at })));
    this.ended(by === "time" ? "Time is up: the exam was submitted with the answers so far." : "The exam is submitted.");
  }

  ended(text) {
    this.root.querySelectorAll("dialog").forEach((dialog) => dialog.remove());
    this.map = null;
    this.say(text);
    reportView(this);
  }

  /* -- two tabs: the newest answer to each question counts, and the reader is told -- */

  otherTab(event) {
    const { attempt } = this;
    if (event.key !== null && !event.key.startsWith(ATTEMPT)) return;
    if (this.root.dataset.screen === "start") this.start();
    if (this.root.dataset.screen !== "question" || (event.key !== null && event.key !== ATTEMPT + attempt.id)) return;
    const stored = attempts.read(attempt.id);
    if (!stored) {
      this.start();
      this.say("This exam was deleted in another tab.");
      return;
    }
    merge(attempt, stored);
    if (attempt.submitted !== null) {
      this.ended("This exam was submitted in another tab.");
      return;
    }
    const item = attempt.items[attempt.at];
    const question = this.questions.get(item.id);
    if (question) question.pick(answerOf(attempt, item).picked);
    this.tally();
    this.say("This exam is open in another tab as well; the newest answer to each question counts.");
  }
}
