/* The lesson review at the end of a chapter: feedback when the reader asks for it. */

function review(root) {
  const questions = [...root.querySelectorAll(".lbx-q")].map((element) => new Question(element));
  const key = REVIEW + root.dataset.quiz;
  const status = h("p.lbx-score", { role: "status", tabindex: "-1" });
  const check = button("Check answers", () => {
    grade();
    save(true);
    const at = Date.now();
    memory.note(questions.filter((q) => q.picked().length).map((q) => ({ id: q.id, hash: q.hash, correct: same(q.picked(), q.right), at })));
    status.focus();
  }, ".lbx-main");
  const again = button("Start over", () => {
    show(null);
    save(false);
    questions[0].options[0].input.focus();
  });
  root.append(h("div.lbx-bar", {}, check, again), status);

  function save(checked) {
    const answers = Object.fromEntries(questions.map((q) => [q.id, { hash: q.hash, picked: q.picked() }]));
    store.set(key, JSON.stringify({ version: VERSION, checked, at: Date.now(), answers }));
  }

  function grade() {
    const right = questions.filter((q) => q.reveal(q.picked(), true)).length;
    status.textContent = `${right} of ${questions.length} right.`;
    check.hidden = true;
    letScroll(root);
  }

  function show(saved) {
    const answers = saved && saved.version === VERSION ? saved.answers || {} : {};
    // An answer to another wording of the question is no answer to this one.
    const kept = questions.filter((q) => {
      q.reset();
      q.onpick = () => save(false);
      const answer = answers[q.id];
      const fits = answer && answer.hash === q.hash && Array.isArray(answer.picked);
      if (fits) q.pick(answer.picked);
      return fits;
    });
    status.textContent = "";
    check.hidden = false;
    if (saved && saved.checked && kept.length === questions.length) grade();
  }

  store.onfail = () => { status.textContent = "This browser stores nothing: answers last until you leave."; };
  window.addEventListener("storage", (event) => { if (event.key === key) show(store.json(key)); });
  show(store.json(key));
  root.dataset.ready = "";
}
