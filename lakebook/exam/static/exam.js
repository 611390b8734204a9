/* Lesson reviews and mock exams. Classic, without dependencies; no request leaves the page, and only
   storage keys that begin with "lakebook:" are touched. Text from storage or files is never HTML. */
(function () {
  "use strict";

  const LETTERS = "ABCDEFGH";
  const SIGNS = { answered: "✓", incomplete: "◐", unanswered: "·" };
  const VERSION = 1;
  const ATTEMPT = "lakebook:attempt:";
  const REVIEW = "lakebook:review:";
  const SHORTCUTS = "lakebook:shortcuts";

  /* ---- small things ---------------------------------------------------------------------- */

  function h(spec, attributes, ...children) {
    const [tag, ...names] = spec.split(".");
    const made = document.createElement(tag);
    if (names.length) made.className = names.join(" ");
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value === true) made.setAttribute(key, "");
      else if (value !== false && value != null) made.setAttribute(key, value);
    }
    made.append(...children.flat().filter((child) => child != null));
    return made;
  }
  const button = (text, onclick, extra = "", attributes = {}) =>
    h("button.lbx-button" + extra, { type: "button", onclick, ...attributes }, text);
  const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
  const percent = (share) => `${Math.round(share * 100)} %`;
  const day = (time) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const same = (a, b) => a.length === b.length && a.every((value) => b.includes(value));

  function clock(milliseconds) {
    const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
    const two = (n) => String(n).padStart(2, "0");
    return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  }

  /* Mulberry32: small, seeded, and even enough to draw and shuffle. */
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }
  function shuffled(list, next) {
    const out = list.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1));
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }

  /* Wilson's score interval at 95 %: it stays within 0 and 1 and is honest for few questions. */
  function wilson(right, of) {
    if (!of) return [0, 1];
    const z = 1.959964;
    const p = right / of;
    const middle = p + (z * z) / (2 * of);
    const spread = z * Math.sqrt((p * (1 - p)) / of + (z * z) / (4 * of * of));
    const scale = 1 + (z * z) / of;
    return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
  }
  const interval = (right, of) => wilson(right, of).map((x) => Math.round(x * 100)).join("–") + " %";

  /* ---- storage: what cannot be stored is kept in memory, and the reader is told ------------- */

  const store = {
    memory: new Map(),
    onfail: () => {},
    get(key) {
      if (this.memory.has(key)) return this.memory.get(key);
      try { return window.localStorage.getItem(key); } catch (refused) { return null; }
    },
    set(key, text) {
      try {
        window.localStorage.setItem(key, text);
        this.memory.delete(key);
      } catch (refused) {
        this.memory.set(key, text);
        this.onfail();
      }
    },
    remove(key) {
      this.memory.delete(key);
      try { window.localStorage.removeItem(key); } catch (refused) { /* it was never there */ }
    },
    keys(prefix) {
      const found = new Set([...this.memory.keys()].filter((key) => key.startsWith(prefix)));
      try {
        for (let i = 0; i < window.localStorage.length; i++) {
          const key = window.localStorage.key(i);
          if (key.startsWith(prefix)) found.add(key);
        }
      } catch (refused) { /* memory only */ }
      return [...found];
    },
    json(key) {
      try { return JSON.parse(this.get(key)); } catch (damaged) { return undefined; }
    },
  };

  /* ---- one question on the page -------------------------------------------------------------- */

  class Question {
    constructor(root) {
      const { question, objective, section, select, right, hash, lab, source } = root.dataset;
      Object.assign(this, { root, id: question, objective, section, hash, lab, source });
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
      const item = this.root.querySelector(`.lbx-answer li[data-option="${index}"]`);
      const mark = h("p.lbx-mark", { hidden: true });
      const reason = h("div.lbx-why", { hidden: true }, item.querySelector(".lbx-reason"));
      row.append(mark, reason);
      row.addEventListener("click", (event) => {
        if (!event.target.closest("input, label, a, button, .lbx-why")) input.click();
      });
      input.addEventListener("change", () => this.changed(input));
      return { index, row, input, mark, reason, letter: row.querySelector(".lbx-letter") };
    }
    changed(input) {
      if (this.select > 1 && this.picked().length > this.select) {
        input.checked = false;
        this.verdict.textContent = `You have selected ${this.select} already; clear one first.`;
        return;
      }
      this.verdict.textContent = "";
      this.onpick(this);
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
    toggle(n) {
      const option = this.options[n];
      if (option && !option.input.disabled) { option.input.click(); option.input.focus(); }
    }
    /* Show what was right; with `all`, the reason of every option, else of the chosen and the right. */
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
        option.mark.textContent = [right ? "✓ Right answer" : "✗ Wrong", chosen ? "your choice" : ""]
          .filter(Boolean).join(", ");
        option.mark.hidden = option.reason.hidden = !(all || right || chosen);
      }
      this.links.hidden = false;
      return correct;
    }
    reset() {
      delete this.root.dataset.state;
      this.verdict.textContent = "";
      this.links.hidden = true;
      this.onpick = () => {};
      for (const option of this.options) {
        delete option.row.dataset.state;
        option.mark.hidden = option.reason.hidden = true;
      }
      this.pick([]);
      this.lock(false);
      this.arrange(this.home);
    }
    /* Plain text, so that an attempt stays readable when the bank has changed. */
    snapshot() {
      const text = (node) => node.innerText || node.textContent;
      const options = this.options.slice().sort((a, b) => a.index - b.index);
      const body = (o) => o.row.querySelector(".lbx-text");
      return {
        stem: text(this.root.querySelector(".lbx-stem")).trim(),
        options: options.map((o) => text(body(o)).trim()),
        reasons: options.map((o) => o.reason.textContent.trim()),
      };
    }
  }

  /* ---- lesson review ------------------------------------------------------------------------- */

  function review(root) {
    const questions = [...root.querySelectorAll(".lbx-q")].map((element) => new Question(element));
    const key = REVIEW + root.dataset.quiz;
    const status = h("p.lbx-score", { role: "status", tabindex: "-1" });
    const check = button("Check answers", () => { grade(); save(true); status.focus(); }, ".lbx-main");
    const again = button("Start over", () => {
      questions.forEach((q) => { q.reset(); q.onpick = () => save(false); });
      status.textContent = "";
      check.hidden = false;
      save(false);
      questions[0].options[0].input.focus();
    });
    root.append(h("div.lbx-bar", {}, check, again), status);

    function save(checked) {
      const answers = {};
      questions.forEach((q) => { answers[q.id] = { hash: q.hash, picked: q.picked() }; });
      store.set(key, JSON.stringify({ version: VERSION, checked, at: Date.now(), answers }));
    }
    function grade() {
      const right = questions.filter((q) => q.reveal(q.picked(), true)).length;
      status.textContent = `${right} of ${questions.length} right.`;
      check.hidden = true;
    }
    function restore() {
      const saved = store.json(key);
      let complete = Boolean(saved && saved.version === VERSION && saved.checked);
      for (const q of questions) {
        q.reset();
        q.onpick = () => save(false);
        const answer = saved && saved.version === VERSION && (saved.answers || {})[q.id];
        // An answer to another wording of the question is no answer to this one.
        if (answer && answer.hash === q.hash && Array.isArray(answer.picked)) q.pick(answer.picked);
        else complete = false;
      }
      status.textContent = "";
      check.hidden = false;
      if (complete) grade();
    }
    store.onfail = () => { status.textContent = "This browser stores nothing: answers last until you leave."; };
    window.addEventListener("storage", (event) => { if (event.key === key) restore(); });
    restore();
    root.dataset.ready = "";
  }

  /* ---- attempts: data only ------------------------------------------------------------------- */

  const isList = (value, test) => Array.isArray(value) && value.every(test);
  const isNumber = (value) => Number.isInteger(value) && value >= 0;
  const isText = (value) => typeof value === "string";
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  function isItem(item) {
    return isObject(item) && [item.id, item.objective, item.section, item.hash, item.stem].every(isText)
      && /^[\w-]{1,40}$/.test(item.id) && isNumber(item.select)
      && isList(item.options, isText) && isList(item.reasons, isText)
      && item.reasons.length === item.options.length
      && [item.order, item.right].every((l) => isList(l, (n) => isNumber(n) && n < item.options.length))
      && new Set(item.order).size === item.options.length;
  }
  function isAttempt(a) {
    return isObject(a) && a.version === VERSION && isText(a.id) && /^[\w-]{1,64}$/.test(a.id)
      && [a.seed, a.minutes, a.started, a.ends, a.at].every(isNumber)
      && (a.submitted === null || isNumber(a.submitted))
      && isList(a.items, isItem) && a.items.length > 0 && isObject(a.sections) && isObject(a.answers)
      && Object.values(a.answers).every((x) => isObject(x) && isList(x.picked, isNumber)
        && typeof x.flag === "boolean" && isNumber(x.at));
  }

  /* Two records of one attempt become one: a submitted one stands, else the newest answer wins. */
  function merge(mine, other) {
    if (other.submitted !== null && (mine.submitted === null || other.submitted < mine.submitted)) {
      mine.submitted = other.submitted;
      mine.by = other.by;
      mine.answers = other.answers;
    } else if (mine.submitted === null) {
      for (const [id, answer] of Object.entries(other.answers)) {
        if (!mine.answers[id] || answer.at > mine.answers[id].at) mine.answers[id] = answer;
      }
    }
    return mine;
  }

  const attempts = {
    read(id) {
      const found = store.json(ATTEMPT + id);
      return isAttempt(found) ? found : null;
    },
    write(attempt) {
      const stored = this.read(attempt.id);
      if (stored) merge(attempt, stored);
      store.set(ATTEMPT + attempt.id, JSON.stringify(attempt));
    },
    all() {
      const found = store.keys(ATTEMPT).map((key) => this.read(key.slice(ATTEMPT.length)));
      return found.filter(Boolean).sort((a, b) => b.started - a.started);
    },
    unreadable() {
      return store.keys(ATTEMPT).filter((key) => !this.read(key.slice(ATTEMPT.length))).length;
    },
  };

  const answerOf = (attempt, id) => attempt.answers[id] || { picked: [], flag: false, at: 0 };

  function stateOf(attempt, item) {
    const n = answerOf(attempt, item.id).picked.length;
    return n === 0 ? "unanswered" : n < item.select ? "incomplete" : "answered";
  }

  function score(attempt) {
    const marks = attempt.items.map((item) => {
      const picked = answerOf(attempt, item.id).picked;
      return { item, picked, correct: same(picked, item.right) };  // all or nothing, blanks wrong
    });
    const group = (key) => {
      const groups = new Map();
      for (const mark of marks) {
        const sum = groups.get(mark.item[key]) || { right: 0, of: 0 };
        sum.of += 1;
        sum.right += mark.correct ? 1 : 0;
        groups.set(mark.item[key], sum);
      }
      return groups;
    };
    const right = marks.filter((mark) => mark.correct).length;
    return { marks, right, of: marks.length, sections: group("section"), objectives: group("objective") };
  }

  /* ---- the mock exam ------------------------------------------------------------------------- */

  class Exam {
    constructor(root) {
      this.root = root;
      this.rules = JSON.parse(root.querySelector(".lbx-rules").textContent);
      this.bank = root.querySelector(".lbx-bank");
      this.bank.hidden = true;
      this.questions = new Map();
      for (const element of this.bank.querySelectorAll(".lbx-q")) {
        const question = new Question(element);
        this.questions.set(question.id, question);
      }
      this.notice = h("p.lbx-notice", { role: "status" });
      this.app = h("div.lbx-app");
      root.append(this.notice, this.app);
      this.attempt = null;
      this.shortcuts = store.get(SHORTCUTS) !== "off";
      store.onfail = () => this.say("This browser refuses to store more, so this exam is kept in memory only: "
        + "do not close the page, and export your attempts before you leave.");
      window.addEventListener("storage", (event) => this.otherTab(event));
      document.addEventListener("keydown", (event) => this.key(event), true);
      document.addEventListener("visibilitychange", () => this.tick());
      window.setInterval(() => this.tick(), 500);
      const late = attempts.all().find((a) => a.submitted === null && this.now(a) >= a.ends);
      if (late) {
        this.attempt = late;
        this.submit("time");
      } else this.start();
      const lost = attempts.unreadable();
      if (lost) this.say(`${count(lost, "saved attempt")} cannot be read by this page; nothing was deleted.`);
      root.dataset.ready = "";
    }

    say(text) { this.notice.textContent = text; }

    /* A clock that is set back does not give time back. */
    now(attempt) { return Math.max(Date.now(), (attempt && attempt.seen) || 0); }

    screen(name, ...children) {
      for (const question of this.questions.values()) {
        if (question.root.parentNode !== this.bank) { question.reset(); this.bank.append(question.root); }
      }
      this.root.dataset.screen = name;
      this.app.replaceChildren(...children.filter(Boolean));
    }

    /* -- start -- */

    start() {
      this.attempt = null;
      const { rules } = this;
      const known = attempts.all();
      const open = known.find((a) => a.submitted === null);
      const quotas = rules.sections.map((s) => h("li", {}, `${s.quota} from ${s.name}`));
      const go = open
        ? button("Resume the exam", () => this.resume(open.id), ".lbx-main")
        : button("Start the exam", () => this.begin(), ".lbx-main");
      const done = open && open.items.filter((item) => stateOf(open, item) === "answered").length;
      this.screen("start",
        h("p.lbx-h", { role: "heading", "aria-level": "2", tabindex: "-1" }, "Sit a mock exam"),
        h("p", {}, `${count(rules.questions, "question")} in ${rules.minutes} minutes, drawn from the bank by the `
          + `quotas of the exam guide (${rules.edition}):`),
        h("ul", {}, quotas),
        h("ul", {},
          h("li", {}, "The clock runs on when you close the page. Come back before the end and go on; "
            + "when time is up, the exam is submitted with the answers so far."),
          h("li", {}, "No feedback until the end. You may flag questions and return to them."),
          h("li", {}, "A blank counts as wrong. Where several options are to be selected, "
            + "all of them must be right and none too many."),
          h("li", {}, `The pass mark of the exam is not published; our target is ${rules.target} %.`)),
        open && h("p", {}, `An exam is under way: ${done} of ${open.items.length} answered, `
          + `${clock(open.ends - this.now(open))} left.`),
        h("p.lbx-bar", {}, go),
        this.history(known));
    }

    history(known) {
      const rows = known.map((a) => {
        const result = score(a);
        const state = a.submitted === null ? "under way" : `${result.right} of ${result.of} (${percent(result.right / result.of)})`;
        const open = a.submitted === null
          ? button("Resume", () => this.resume(a.id), "", { "aria-label": `Resume the exam of ${day(a.started)}` })
          : button("Report", () => this.open(a.id), "", { "aria-label": `Report of ${day(a.started)}` });
        const drop = button("Delete", () => this.drop(a), "", { "aria-label": `Delete the attempt of ${day(a.started)}` });
        return h("tr", {}, h("th", { scope: "row" }, day(a.started)), h("td", {}, state), h("td.lbx-acts", {}, open, drop));
      });
      const file = h("input.lbx-file", { type: "file", id: "lbx-import", accept: ".json,application/json",
        onchange: (event) => this.import(event.target) });
      return h("div.lbx-history", {},
        h("p.lbx-h", { role: "heading", "aria-level": "2" }, "Your attempts"),
        rows.length
          ? h("div.lbx-scroll", { role: "region", tabindex: "0", "aria-label": "Your attempts" },
            h("table.lbx-table", {}, h("thead", {}, h("tr", {}, ["Started", "Result", "Actions"].map((t) => h("th", { scope: "col" }, t)))),
              h("tbody", {}, rows)))
          : h("p", {}, "None yet. They are kept in this browser, and nowhere else."),
        h("div.lbx-bar", {},
          button("Export to a file", () => this.export(), "", { disabled: !rows.length }),
          h("span.lbx-import", {}, h("label", { for: "lbx-import" }, "Import a file: "), file)));
    }

    /* One question of each objective before a second of any; then the order is shuffled as well. */
    draw(seed) {
      const next = random(seed);
      const drawn = [];
      for (const section of this.rules.sections) {
        const groups = new Map();
        for (const question of this.questions.values()) {
          if (question.section !== section.id) continue;
          if (!groups.has(question.objective)) groups.set(question.objective, []);
          groups.get(question.objective).push(question);
        }
        const piles = shuffled([...groups.values()], next).map((pile) => shuffled(pile, next));
        const depth = Math.max(...piles.map((pile) => pile.length));
        const ranked = [];
        for (let n = 0; n < depth; n++) ranked.push(...piles.map((pile) => pile[n]).filter(Boolean));
        drawn.push(...ranked.slice(0, section.quota));
      }
      return shuffled(drawn, next).map((question) => ({
        id: question.id, objective: question.objective, section: question.section, select: question.select,
        hash: question.hash, lab: question.lab, source: question.source, right: question.right,
        title: (this.rules.objectives[question.objective] || {}).title || "",
        order: shuffled(question.home.slice().sort(), next), ...question.snapshot(),
      }));
    }

    begin() {
      const open = attempts.all().find((a) => a.submitted === null);
      if (open) {  // begun in another tab meanwhile
        this.say("An exam is under way already; this is it.");
        this.resume(open.id);
        return;
      }
      const words = window.crypto && window.crypto.getRandomValues
        ? window.crypto.getRandomValues(new Uint32Array(2)) : [Math.random() * 2 ** 32, Date.now()];
      const seed = Math.floor(words[0]) >>> 0;
      const started = Date.now();
      this.attempt = {
        version: VERSION, id: `${started.toString(36)}-${(Math.floor(words[1]) >>> 0).toString(36)}`, seed,
        edition: this.rules.edition, minutes: this.rules.minutes, started,
        ends: started + this.rules.minutes * 60000, submitted: null, by: null, at: 0, seen: started,
        sections: Object.fromEntries(this.rules.sections.map((s) => [s.id, s.name])),
        items: this.draw(seed), answers: {},
      };
      this.say("");
      this.warned = Infinity;
      attempts.write(this.attempt);
      this.show(0);
    }

    resume(id) {
      this.attempt = attempts.read(id);
      this.warned = Infinity;
      if (!this.attempt) this.start();
      else if (this.now(this.attempt) >= this.attempt.ends) this.submit("time");
      else this.show(Math.min(this.attempt.at, this.attempt.items.length - 1));
    }

    /* -- the question under the clock -- */

    show(at) {
      const { attempt } = this;
      const item = attempt.items[at];
      const last = attempt.items.length - 1;
      attempt.at = at;
      const shown = this.present(item, `Question ${at + 1} of ${last + 1}`);
      const mapOpen = this.map ? !this.map.hidden : false;
      this.timer = h("span.lbx-timer", { role: "timer", "aria-label": "Time left" });
      this.flag = button("", () => this.toggleFlag(), "", { "aria-pressed": "false" });
      this.mapButton = button("Question map", () => this.toggleMap(), "", { "aria-controls": "lbx-map" });
      this.map = h("nav.lbx-map", { id: "lbx-map", "aria-label": "Question map" });
      this.map.hidden = !mapOpen;
      this.screen("question",
        h("div.lbx-bar.lbx-top", {}, this.timer, this.mapButton,
          button("Submit the exam", () => this.confirmSubmit())),
        this.map, shown.node,
        h("div.lbx-bar", {},
          button("Previous", () => this.go(-1), "", { disabled: at === 0 }), this.flag,
          button("Next", () => this.go(1), ".lbx-main", { disabled: at === last })),
        this.help());
      shown.show();
      if (shown.question) {
        shown.question.pick(answerOf(attempt, item.id).picked);
        shown.question.onpick = (question) => this.record({ picked: question.picked() });
      }
      this.refresh();
      this.tick();
      attempts.write(attempt);
      shown.heading.focus();
    }

    /* An item as its question on the page; as plain text where the bank no longer has this wording. */
    present(item, heading) {
      const question = this.questions.get(item.id);
      if (question && question.hash === item.hash) {
        const node = h("div.lbx-stage");
        question.heading.setAttribute("tabindex", "-1");
        return { question, node, heading: question.heading, show: () => {
          question.arrange(item.order);
          question.heading.textContent = heading;
          node.append(question.root);
        } };
      }
      const title = h("p.lbx-n", { tabindex: "-1" }, heading);
      const note = question ? "This question has been reworded since; this is what was asked."
        : "This question is no longer in the bank; this is what was asked.";
      const picked = () => answerOf(this.attempt, item.id).picked;
      const name = `old-${item.id}`;
      const rows = item.order.map((index, n) => {
        const input = h("input", { type: item.select > 1 ? "checkbox" : "radio", name, value: index,
          id: `${name}-${index}`, onchange: () => this.record({ picked: read() }) });
        input.checked = picked().includes(index);
        input.disabled = this.attempt.submitted !== null;
        const row = h("div.lbx-option", {}, input,
          h("label.lbx-text.lbx-plain", { for: input.id }, `${LETTERS[n]}. ${item.options[index]}`));
        if (input.disabled && (item.right.includes(index) || input.checked)) {
          row.append(h("p.lbx-mark", {}, (item.right.includes(index) ? "✓ Right answer" : "✗ Wrong")
            + (input.checked ? ", your choice" : "")), h("div.lbx-why.lbx-plain", {}, item.reasons[index]));
        }
        return row;
      });
      const node = h("div.lbx-stage", {}, h("div.lbx-q", { role: "group", "data-old": item.id }, title,
        h("p.lbx-changed", {}, note), h("div.lbx-stem.lbx-plain", {}, item.stem),
        item.select > 1 ? h("p.lbx-select", {}, `Select ${item.select}.`) : null, h("div.lbx-options", {}, rows)));
      const read = () => [...node.querySelectorAll("input:checked")].map((i) => Number(i.value));
      return { question: null, node, heading: title, show: () => {} };
    }

    record(change) {
      const { attempt } = this;
      if (!attempt || attempt.submitted !== null) return;
      const item = attempt.items[attempt.at];
      attempt.answers[item.id] = { ...answerOf(attempt, item.id), ...change, at: this.now(attempt) };
      attempts.write(attempt);
      if (attempt.submitted !== null) this.report();  // submitted in another tab
      else this.refresh();
    }

    toggleFlag() {
      const { attempt } = this;
      const flag = !answerOf(attempt, attempt.items[attempt.at].id).flag;
      this.record({ flag });
      this.say(flag ? "Flagged." : "Flag removed.");
    }

    refresh() {
      const { attempt } = this;
      const flagged = answerOf(attempt, attempt.items[attempt.at].id).flag;
      this.flag.textContent = flagged ? "⚑ Flagged" : "⚐ Flag";
      this.flag.setAttribute("aria-pressed", String(flagged));
      this.mapButton.setAttribute("aria-expanded", String(!this.map.hidden));
      const focused = this.map.contains(document.activeElement) && document.activeElement.dataset.at;
      const tally = { answered: 0, incomplete: 0, unanswered: 0 };
      const cells = attempt.items.map((item, n) => {
        const state = stateOf(attempt, item);
        const { flag } = answerOf(attempt, item.id);
        tally[state] += 1;
        return h("li", {}, h("button.lbx-cell", {
          type: "button", onclick: () => this.show(n), "data-at": n, "data-state": state,
          "aria-label": `Question ${n + 1}, ${state}${flag ? ", flagged" : ""}`,
          "aria-current": n === attempt.at ? "step" : null,
        }, h("span", {}, String(n + 1)), h("span.lbx-sign", {}, SIGNS[state] + (flag ? "⚑" : ""))));
      });
      this.map.replaceChildren(
        h("p", {}, `${tally.answered} answered (✓), ${tally.incomplete} incomplete (◐), `
          + `${tally.unanswered} unanswered (·). ⚑ is flagged; the current question has a frame.`),
        h("ol", {}, cells));
      if (focused) this.map.querySelector(`[data-at="${focused}"]`).focus();
    }

    toggleMap() {
      this.map.hidden = !this.map.hidden;
      this.refresh();
      if (!this.map.hidden) this.map.querySelector("[aria-current]").focus();
    }

    go(step) {
      const to = this.attempt.at + step;
      if (to >= 0 && to < this.attempt.items.length) { this.say(""); this.show(to); }
    }

    help() {
      const box = h("input", { type: "checkbox", id: "lbx-keys", onchange: () => {
        this.shortcuts = box.checked;
        store.set(SHORTCUTS, box.checked ? "on" : "off");
      } });
      box.checked = this.shortcuts;
      const key = (name, text) => [h("dt", {}, name), h("dd", {}, text)];
      return h("details.lbx-help", {}, h("summary", {}, "Keyboard"),
        h("p", {}, box, " ", h("label", { for: "lbx-keys" }, "Single-key shortcuts")),
        h("dl", {}, key("A–E or 1–5", "choose an option"), key("N or →", "next question"), key("P or ←", "previous question"),
          key("F", "flag"), key("M", "question map")),
        h("p", {}, "The arrow keys move between options while one of them has the focus."));
    }

    key(event) {
      if (this.root.dataset.screen !== "question" || !this.shortcuts) return;
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      if (document.querySelector("dialog[open]")) return;
      const target = event.target;
      const choosing = target.matches("input[type=radio], input[type=checkbox]") && this.app.contains(target);
      if (!choosing && target.closest("input, textarea, select, [contenteditable]")) return;
      const pressed = event.key.toLowerCase();
      const arrow = { arrowright: 1, arrowleft: -1 }[pressed];
      const letter = "abcde".indexOf(pressed);
      const digit = "12345".indexOf(pressed);
      if (arrow && !choosing) this.go(arrow);
      else if (pressed === "n") this.go(1);
      else if (pressed === "p") this.go(-1);
      else if (pressed === "f") this.toggleFlag();
      else if (pressed === "m") this.toggleMap();
      else if (pressed.length === 1 && Math.max(letter, digit) >= 0) this.choose(Math.max(letter, digit));
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    }

    choose(n) {
      const inputs = this.app.querySelectorAll(".lbx-option input");
      if (inputs[n]) { inputs[n].focus(); inputs[n].click(); }
    }

    tick() {
      const { attempt } = this;
      if (!attempt || attempt.submitted !== null || this.root.dataset.screen !== "question") return;
      attempt.seen = this.now(attempt);
      const left = attempt.ends - attempt.seen;
      if (left <= 0) {
        this.submit("time");
        return;
      }
      this.timer.textContent = clock(left);
      for (const minutes of [1, 5]) {
        if (left <= minutes * 60000 && this.warned > minutes) {
          this.warned = minutes;
          this.timer.dataset.late = "";
          this.say(minutes === 1 ? "One minute left." : "Five minutes left.");
          break;
        }
      }
    }

    /* -- the end -- */

    confirmSubmit() {
      const { attempt } = this;
      const open = attempt.items.map((item, n) => [stateOf(attempt, item), n + 1]).filter(([state]) => state !== "answered");
      const text = open.length
        ? `${count(open.length, "question")} without a complete answer: ${open.map(([, n]) => n).join(", ")}. They count as wrong.`
        : "All questions are answered.";
      this.ask("Submit the exam?", text, "Submit", "Keep working", () => this.submit("you"));
    }

    ask(title, text, yes, no, act) {
      const close = () => { dialog.close(); dialog.remove(); };
      const dialog = h("dialog.lbx.lbx-dialog", { "aria-labelledby": "lbx-ask", "aria-describedby": "lbx-ask-text", oncancel: () => dialog.remove() },
        h("p.lbx-h", { id: "lbx-ask" }, title), h("p", { id: "lbx-ask-text" }, text),
        h("div.lbx-bar", {}, button(no, close), button(yes, () => { close(); act(); }, ".lbx-main")));
      this.root.append(dialog);
      dialog.showModal();
    }

    submit(by) {
      const { attempt } = this;
      document.querySelectorAll("dialog.lbx-dialog").forEach((dialog) => dialog.remove());
      attempt.submitted = by === "time" ? attempt.ends : this.now(attempt);
      attempt.by = by;
      attempts.write(attempt);
      this.report();
      this.say(by === "time" ? "Time is up: the exam was submitted with the answers so far." : "The exam is submitted.");
    }

    open(id) {
      this.attempt = attempts.read(id);
      this.say("");
      if (this.attempt) this.report();
      else this.start();
    }

    report() {
      const { attempt, rules } = this;
      const result = score(attempt);
      const share = result.right / result.of;
      const title = h("p.lbx-h", { role: "heading", "aria-level": "2", tabindex: "-1" }, `Your result: ${result.right} of ${result.of}, ${percent(share)}`);
      const wrong = result.marks.filter((mark) => !mark.correct);
      const later = [];
      const entry = (mark) => {
        const n = attempt.items.indexOf(mark.item) + 1;
        const shown = this.present(mark.item, `Question ${n} · ${mark.item.objective} ${mark.item.title || ""}`);
        later.push(() => { shown.show(); if (shown.question) shown.question.reveal(mark.picked, false); });
        return shown.node;
      };
      const heading = (text) => h("p.lbx-h", { role: "heading", "aria-level": "3" }, text);
      const seconds = (attempt.submitted - attempt.started) / 1000;
      this.screen("report", title,
        h("p", {}, `Started ${day(attempt.started)}, finished after ${Math.max(1, Math.round(seconds / 60))} minutes. `
          + `With ${result.of} questions, a share of ${percent(share)} is compatible with ${interval(result.right, result.of)} `
          + "in the long run (95 % Wilson interval)."),
        h("p", {}, `The exam's pass mark is not published; our target is ${rules.target} %. `
          + (share >= rules.target / 100 ? "You are at or above it." : "You are below it.")),
        heading("By section"),
        this.table("By section", ["Section", "Right", "Share", "95 % interval"], this.rank(result.sections, rules.sections.map((s) => s.id))
          .map(([id, sum]) => [attempt.sections[id] || id, `${sum.right} of ${sum.of}`, percent(sum.right / sum.of), interval(sum.right, sum.of)])),
        heading("What to study next"), this.study(result),
        h("details", {}, h("summary", {}, "By objective"),
          this.table("By objective", ["Objective", "Right", "95 % interval"], this.rank(result.objectives, Object.keys(rules.objectives))
            .map(([id, sum]) => [`${id} ${this.title(id)}`, `${sum.right} of ${sum.of}`, interval(sum.right, sum.of)]))),
        wrong.length ? heading(`${count(wrong.length, "question")} to look at again`) : null,
        ...wrong.map(entry),
        h("div.lbx-bar", {}, button("All attempts", () => { this.say(""); this.start(); this.app.querySelector(".lbx-h").focus(); }, ".lbx-main"),
          button("Print", () => window.print()), button("Export to a file", () => this.export())));
      later.forEach((show) => show());
      title.focus();
    }

    rank(groups, order) {
      const place = (id) => (order.includes(id) ? order.indexOf(id) : order.length);
      return [...groups].sort((a, b) => place(a[0]) - place(b[0]));
    }

    title(objective) {
      const known = this.rules.objectives[objective];
      const item = this.attempt.items.find((x) => x.objective === objective);
      return (known && known.title) || (item && item.title) || "";
    }

    /* The weakest objectives first; between equals, those of the weakest section. */
    study(result) {
      const sectionOf = (id) => this.attempt.items.find((item) => item.objective === id).section;
      const share = (sum) => sum.right / sum.of;
      const weak = this.rank(result.objectives, Object.keys(this.rules.objectives)).filter(([, sum]) => sum.right < sum.of)
        .sort((a, b) => share(a[1]) - share(b[1]) || share(result.sections.get(sectionOf(a[0]))) - share(result.sections.get(sectionOf(b[0]))));
      if (!weak.length) return h("p", {}, "Nothing was wrong. Sit another one in a few days.");
      const rows = weak.slice(0, 10).map(([id]) => {
        const known = this.rules.objectives[id] || { labs: [] };
        const name = `${id} ${this.title(id)}`;
        const labs = known.labs.map((lab) => h("li", {}, lab.href
          ? h("a", { href: lab.href }, `Lab ${lab.id}`) : `planned: ${lab.id}`));
        return h("li", {}, known.href ? h("a", { href: known.href }, name) : name, labs.length ? h("ul", {}, labs) : null);
      });
      return h("div.lbx-study", {}, h("ol", {}, rows),
        weak.length > 10 ? h("p", {}, `And ${count(weak.length - 10, "more objective")}; see the table by objective.`) : null);
    }

    table(label, head, rows) {
      return h("div.lbx-scroll", { role: "region", tabindex: "0", "aria-label": label },
        h("table.lbx-table", {}, h("thead", {}, h("tr", {}, head.map((t) => h("th", { scope: "col" }, t)))),
          h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((t) => h("td", {}, t)))))));
    }

    /* -- keeping: delete, export, import, other tabs -- */

    drop(attempt) {
      this.ask("Delete this attempt?", `The attempt of ${day(attempt.started)} and its answers are removed from this browser.`,
        "Delete", "Keep it", () => { store.remove(ATTEMPT + attempt.id); this.start(); this.say("The attempt was deleted."); });
    }

    export() {
      const reviews = Object.fromEntries(store.keys(REVIEW).map((key) => [key.slice(REVIEW.length), store.json(key)]).filter(([, v]) => isObject(v)));
      const text = JSON.stringify({ format: "lakebook", version: VERSION, exported: new Date().toISOString(), attempts: attempts.all(), reviews }, null, 1);
      const link = h("a", { href: URL.createObjectURL(new Blob([text], { type: "application/json" })),
        download: `lakebook-${new Date().toISOString().slice(0, 10)}.json` });
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      this.say(`${count(attempts.all().length, "attempt")} exported.`);
    }

    async import(input) {
      const [file] = input.files;
      if (!file) return;
      let data = null;
      try { data = JSON.parse(await file.text()); } catch (damaged) { /* refused below */ }
      input.value = "";
      const nothing = "Nothing was changed.";
      if (!isObject(data) || data.format !== "lakebook") return this.say(`“${file.name}” is not an export of this book, or it is damaged. ${nothing}`);
      if (data.version !== VERSION) return this.say(`“${file.name}” has version ${data.version}; this page reads version ${VERSION}. Open it in a newer edition of the book. ${nothing}`);
      const bad = Array.isArray(data.attempts) ? data.attempts.findIndex((a) => !isAttempt(a)) : 0;
      if (bad >= 0) return this.say(`“${file.name}” is damaged (attempt ${bad + 1}). ${nothing}`);
      const known = new Set(attempts.all().map((a) => a.id));
      data.attempts.forEach((attempt) => attempts.write(attempt));
      for (const [key, saved] of Object.entries(isObject(data.reviews) ? data.reviews : {})) {
        const mine = store.json(REVIEW + key);
        if (isObject(saved) && saved.version === VERSION && !(mine && mine.at >= saved.at)) store.set(REVIEW + key, JSON.stringify(saved));
      }
      const added = data.attempts.filter((a) => !known.has(a.id)).length;
      this.start();
      this.say(`${count(added, "attempt")} added, ${data.attempts.length - added} merged with what was here.`);
    }

    otherTab(event) {
      if (event.key !== null && !event.key.startsWith(ATTEMPT)) return;
      const { attempt } = this;
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
        this.report();
        this.say("This exam was submitted in another tab.");
        return;
      }
      const question = this.questions.get(attempt.items[attempt.at].id);
      if (question) question.pick(answerOf(attempt, question.id).picked);
      this.refresh();
      this.say("This exam is open in another tab as well; the newest answer to each question counts.");
    }
  }

  document.querySelectorAll(".lbx-quiz").forEach(review);
  document.querySelectorAll(".lbx-mock").forEach((root) => new Exam(root));
})();
