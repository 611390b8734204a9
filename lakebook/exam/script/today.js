/* Today: what is due, where you are weak, what to do next until the day of the exam. */

const FRESH = 7;  // days after which another mock exam says something new

/* What is known of each objective: questions answered, right when last answered, due, labs done. */
function standing(rules) {
  const cards = memory.read();
  const progress = (window.lakebook && window.lakebook.progress) || null;
  return Object.entries(rules.objectives).map(([id, objective]) => {
    const known = objective.questions.map((question) => memory.of(cards, question));
    const answered = known.filter(Boolean);
    const written = objective.labs.filter((lab) => lab.href);
    const done = written.filter((lab) => progress && progress[lab.id] && progress[lab.id].of
      && progress[lab.id].passed.length >= progress[lab.id].of);
    return { id, ...objective, of: known.length, seen: answered.length, right: answered.filter((card) => card.last).length,
      due: answered.filter(isDue).length, written, undone: written.filter((lab) => !done.includes(lab)), done: done.length };
  });
}

/* Exercises of labs that are due, as { lab, number, href }; the workspace remembers those it judged. */
function dueExercises(rules) {
  const hrefs = new Map(Object.values(rules.objectives).flatMap(({ labs }) => labs.map((lab) => [lab.id, lab.href])));
  return Object.entries(memory.read()).filter(([id, card]) => id.includes("#") && isDue(card))
    .sort((a, b) => a[1].due - b[1].due).map(([id]) => {
      const [lab, number] = id.split("#");
      return { lab, number, href: hrefs.get(lab) };
    }).filter(({ href }) => href);
}

/* Of what was asked, as if one more had been right and one wrong: few answers say little. */
const strength = (objective) => (objective.right + 1) / (objective.seen + 2);

/* The next three things, the most useful first. */
function nextSteps(rules, found, sat) {
  const steps = [];
  const due = found.reduce((sum, objective) => sum + objective.due, 0);
  if (due) steps.push([`Answer ${count(due, "question")} that ${due === 1 ? "is" : "are"} due`, `${rules.practice}#which=due`]);
  const [again] = dueExercises(rules);
  if (again) steps.push([`Solve exercise ${again.number} of the lab ${again.lab} once more`, again.href]);
  const weak = found.filter((objective) => objective.seen && objective.right < objective.seen)
    .sort((a, b) => strength(a) - strength(b));
  for (const objective of weak) {
    const [lab] = objective.undone;
    if (lab) steps.push([`Do the lab ${lab.id}, for ${objective.id} ${objective.title}`, lab.href]);
    else steps.push([`Practise ${objective.id} ${objective.title}`, `${rules.practice}#which=all&from=${objective.id}`]);
  }
  const newest = sat.find((attempt) => attempt.submitted !== null);
  const seen = found.reduce((sum, objective) => sum + objective.seen, 0);
  const all = found.reduce((sum, objective) => sum + objective.of, 0);
  if (seen * 2 >= all && !(newest && Date.now() - newest.submitted < FRESH * DAY)) {
    steps.splice(Math.min(1, steps.length), 0, ["Sit a mock exam", rules.mock]);
  }
  const unseen = found.filter((objective) => objective.seen < objective.of).sort((a, b) => a.seen / a.of - b.seen / b.of);
  for (const objective of unseen) {
    steps.push([`Meet ${objective.id} ${objective.title}`, `${rules.practice}#which=unseen&from=${objective.id}`]);
  }
  steps.push(["Sit a mock exam", rules.mock]);
  const links = new Set();
  return steps.filter(([, href]) => !links.has(href) && links.add(href)).slice(0, 3);
}

function today(root) {
  const rules = JSON.parse(root.querySelector(".lbx-rules").textContent);
  const app = h("div.lbx-app");
  const notice = h("p.lbx-notice", { role: "status" });
  root.append(notice, app);
  store.onfail = () => { notice.textContent = "This browser stores nothing: the day of your exam is forgotten when you leave."; };
  const page = { say: (text) => { notice.textContent = text; }, refresh: () => show() };

  function plan(found) {
    const date = examDay.read().day;
    const input = h("input", { type: "date", id: "lbx-day", value: date, onchange: () => {
      examDay.write(input.value);
      record.save();
      show();
      document.getElementById("lbx-day").focus();
    } });
    const left = Math.ceil((Date.parse(`${date}T00:00:00`) - Date.now()) / DAY);
    const unseen = found.reduce((sum, objective) => sum + objective.of - objective.seen, 0);
    const pace = Math.ceil(unseen / Math.max(1, left - 2));
    let text = "Enter the day of your exam, if you have one, for a plan.";
    if (date && left < 0) text = "That day is past. Enter another one for a new plan.";
    else if (date && left < 3) text = "It is nearly here: repeat what is due, and rest.";
    else if (date && unseen) text = `${left} days left. ${count(pace, "new question")} a day, and you have met all of them two days before.`;
    else if (date) text = `${left} days left, and you have met every question. Repeat what is due; sit a mock exam each week.`;
    return h("div.lbx-plan", {}, h("p.lbx-field", {}, h("label", { for: "lbx-day" }, "Day of your exam"), " ", input), h("p", {}, text));
  }

  function show() {
    const found = standing(rules);
    const due = found.reduce((sum, objective) => sum + objective.due, 0);
    const again = dueExercises(rules);
    const labs = Boolean(window.lakebook && window.lakebook.progress);
    const steps = nextSteps(rules, found, attempts.all()).map(([text, href]) => h("li", {}, h("a", { href }, text)));
    const rows = found.map((objective) => [
      h("span", {}, objective.href ? h("a", { href: objective.href }, objective.id) : objective.id, ` ${objective.title}`),
      `${objective.seen} of ${objective.of}`, objective.seen ? `${objective.right} of ${objective.seen}` : "–", String(objective.due),
      ...(labs ? [objective.written.length ? `${objective.done} of ${objective.written.length}` : "–"] : []),
    ]);
    app.replaceChildren(
      heading(2, "What to do next"), h("ol.lbx-next", {}, steps),
      h("p", {}, due || again.length ? `Due today: ${count(due, "question")}${again.length ? `, ${count(again.length, "exercise")} of labs` : ""}.`
        : "Nothing is due today."),
      heading(2, "Until the exam"), plan(found),
      heading(2, "Where you stand"),
      h("p", {}, "This counts what you have done here, and when it is due again. It does not say whether you will pass."),
      table("Where you stand", ["Objective", "Answered", "Right, last time", "Due", ...(labs ? ["Labs done"] : [])], rows),
      heading(2, "Your record"),
      h("p", {}, `Answers, attempts and the day of the exam are kept ${whereKept()}. They are one file of yours: take it out, `
        + "bring it in elsewhere (it is merged with what is there), or print this page."),
      recordBar(page, "lbx-import"));
  }

  window.addEventListener("storage", show);
  record.onmerge = () => { if (!app.contains(document.activeElement)) show(); };
  show();
  root.dataset.ready = "";
}
