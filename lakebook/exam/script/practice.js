/* Practice: one question after the other, with the reasons at once. */

const WHICH = {
  due: ["due", "Due today", (card) => isDue(card)],
  unseen: ["unseen", "Not yet answered", (card) => !card],
  wrong: ["wrong", "Wrong when last answered", (card) => Boolean(card) && !card.last],
  all: ["all", "All", () => true],
};

class Practice {
  constructor(root) {
    this.root = root;
    this.rules = JSON.parse(root.querySelector(".lbx-rules").textContent);
    this.bank = root.querySelector(".lbx-bank");
    this.bank.hidden = true;
    this.questions = [...this.bank.querySelectorAll(".lbx-q")].map((element) => new Question(element));
    this.notice = h("p.lbx-notice", { role: "status" });
    this.app = h("div.lbx-app");
    root.append(this.notice, this.app);
    store.onfail = () => { this.notice.textContent = "This browser stores nothing: what you answer is forgotten when you leave."; };
    this.wanted = { which: "", from: "", difficulty: "", ...this.asked() };
    window.addEventListener("hashchange", () => { Object.assign(this.wanted, this.asked()); this.start(); });
    record.onmerge = () => { if (root.dataset.screen === "start" && !this.app.contains(document.activeElement)) this.start(); };
    this.start();
    root.dataset.ready = "";
  }

  /* practice.html#which=due&from=MD-10 */
  asked() {
    const given = new URLSearchParams(window.location.hash.slice(1));
    return Object.fromEntries(["which", "from", "difficulty"].map((key) => [key, given.get(key)]).filter(([, value]) => value));
  }

  home() {
    for (const question of this.questions) {
      question.reset();
      if (question.root.parentNode !== this.bank) this.bank.append(question.root);
    }
  }

  matching({ which, from, difficulty }) {
    const cards = memory.read();
    const [, , fits] = WHICH[which];
    return this.questions.filter((q) => fits(memory.of(cards, q))
      && (!from || from === q.section || from === q.objective)
      && (!difficulty || difficulty === q.difficulty));
  }

  start() {
    const { rules, wanted } = this;
    this.home();
    if (!WHICH[wanted.which]) wanted.which = this.matching({ which: "due" }).length ? "due" : "unseen";
    const names = new Set(rules.sections.flatMap((section) => [section.id, ...section.objectives]));
    if (!names.has(wanted.from)) wanted.from = "";
    const choose = (label, id, key, options) => {
      const box = h("select", { id, onchange: () => { wanted[key] = box.value; refresh(); } }, options);
      box.value = wanted[key];
      return h("p.lbx-field", {}, h("label", { for: id }, label), " ", box);
    };
    const option = (value, text) => h("option", { value }, text);
    const tally = h("p", { role: "status" });
    const go = button("Begin", () => this.begin(), ".lbx-main");
    const refresh = () => {
      const found = this.matching(wanted).length;
      tally.textContent = found ? `${count(found, "question")} of ${this.questions.length}.` : "No question is like that.";
      go.disabled = !found;
    };
    this.root.dataset.screen = "start";
    this.app.replaceChildren(
      heading(2, "Practise", { tabindex: "-1" }),
      choose("Questions", "lbx-which", "which", Object.values(WHICH).map(([value, text]) => option(value, text))),
      choose("From", "lbx-from", "from", [option("", "the whole exam"), ...rules.sections.map((section) =>
        h("optgroup", { label: section.name }, option(section.id, `All of ${section.name}`),
          section.objectives.map((id) => option(id, `${id} ${rules.objectives[id].title}`))))]),
      choose("Difficulty", "lbx-difficulty", "difficulty", [option("", "any"), ...["easy", "medium", "hard"].map((d) => option(d, d))]),
      tally, h("div.lbx-bar", {}, go));
    refresh();
  }

  begin() {
    this.pile = shuffled(this.matching(this.wanted), random(entropy()[0]));
    this.right = 0;
    this.missed = [];
    this.show(0);
  }

  show(at) {
    const question = this.pile[at];
    this.home();
    question.arrange(shuffled(question.home, random(entropy()[0])));
    question.heading.textContent = `Question ${at + 1} of ${this.pile.length} · ${question.objective} ${this.rules.objectives[question.objective].title}`;
    question.heading.setAttribute("tabindex", "-1");
    const stage = h("div.lbx-stage", {}, question.root);
    const check = button("Check", () => this.check(question, check, next), ".lbx-main", { disabled: true });
    const last = at === this.pile.length - 1;
    const next = button(last ? "To the result" : "Next", () => (last ? this.result() : this.show(at + 1)), ".lbx-main", { hidden: true });
    question.onpick = () => { check.disabled = question.picked().length !== question.select; };
    this.root.dataset.screen = "question";
    this.app.replaceChildren(stage, h("div.lbx-bar", {}, check, next, button("Stop", () => this.result())));
    letScroll(stage);
    question.heading.focus();
  }

  check(question, check, next) {
    const correct = question.reveal(question.picked(), true);
    memory.note([{ id: question.id, hash: question.hash, correct, at: Date.now() }]);
    if (correct) this.right += 1;
    else this.missed.push(question);
    this.done = this.right + this.missed.length;
    check.hidden = true;
    next.hidden = false;
    letScroll(this.app);
    next.focus();
  }

  result() {
    const done = this.right + this.missed.length;
    const title = heading(2, done ? `${this.right} of ${done} right` : "Nothing answered", { tabindex: "-1" });
    const objectives = [...new Set(this.missed.map((question) => question.objective))];
    const { rules } = this;
    const rows = objectives.map((id) => {
      const { title: name, href, labs } = rules.objectives[id];
      const links = labs.filter((lab) => lab.href).map((lab) => h("li", {}, h("a", { href: lab.href }, `Lab ${lab.id}`)));
      return h("li", {}, href ? h("a", { href }, `${id} ${name}`) : `${id} ${name}`, links.length > 0 && h("ul", {}, links));
    });
    this.home();
    this.root.dataset.screen = "result";
    this.app.replaceChildren(title,
      rows.length > 0 && h("p", {}, "To look at again; what was wrong returns tomorrow:"),
      rows.length > 0 && h("ul.lbx-study", {}, rows),
      h("div.lbx-bar", {}, button("Practise more", () => { this.start(); this.app.querySelector(".lbx-h").focus(); }, ".lbx-main")));
    title.focus();
  }
}
