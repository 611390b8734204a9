/* The report of a submitted attempt. */

function reportView(exam) {
  const { attempt, rules } = exam;
  const result = score(attempt);
  const minutes = Math.max(1, Math.round((attempt.submitted - attempt.started) / 60000));
  const title = heading(2, `Your result: ${result.right} of ${result.of}, ${percent(result.share)}`, { tabindex: "-1" });
  const wrong = result.marks.filter((mark) => !mark.correct);
  const sections = ranked(result.sections, rules.sections.map((section) => section.id));
  const objectives = ranked(result.objectives, Object.keys(rules.objectives));
  const row = (name, { right, of }) => [name, `${right} of ${of}`, percent(right / of), interval(right, of)];
  exam.screen("report", title,
    h("p", {}, `${paperName(attempt)}, started ${day(attempt.started)}, finished after ${count(minutes, "minute")}. With ${result.of} questions, `
      + `${percent(result.share)} is compatible with ${interval(result.right, result.of)} in the long run (95 % interval, Wilson).`),
    h("p", {}, `The exam's pass mark is not published; our target is ${rules.target} %. `
      + (result.share * 100 >= rules.target ? "You have reached it." : "You are below it.")),
    heading(3, "By section"),
    table("By section", ["Section", "Right", "Share", "95 % interval"],
      sections.map(([id, sum]) => row(attempt.sections[id] || id, sum))),
    heading(3, "What to study next"),
    studyList(exam, result, objectives),
    h("details", {}, h("summary", {}, "By objective"),
      table("By objective", ["Objective", "Right", "Share", "95 % interval"],
        objectives.map(([id, sum]) => row(`${id} ${titleOf(exam, id)}`, sum)))),
    wrong.length > 0 && heading(3, `${count(wrong.length, "question")} to look at again`),
    ...wrong.map(({ item }) => h("div.lbx-stage", { "data-item": item.id })),
    h("div.lbx-bar", {},
      button("All attempts", () => { exam.say(""); exam.start(); exam.app.querySelector(".lbx-h").focus(); }, ".lbx-main"),
      button("Print", () => window.print()), button("Export to a file", () => exportFile(exam))));
  const stages = exam.app.querySelectorAll(".lbx-stage");
  wrong.forEach(({ item, picked }, n) => {
    const at = attempt.items.indexOf(item) + 1;
    const shown = exam.present(item, stages[n], `Question ${at} · ${item.objective} ${titleOf(exam, item.objective)}`);
    if (shown.question) shown.question.reveal(picked, false);
  });
  letScroll(exam.app);
  title.focus();
}

/* In the order of the guide; what the guide no longer has comes last. */
function ranked(groups, order) {
  const place = (id) => (order.includes(id) ? order.indexOf(id) : order.length);
  return [...groups].sort((a, b) => place(a[0]) - place(b[0]));
}

function titleOf(exam, objective) {
  const known = exam.rules.objectives[objective];
  const item = exam.attempt.items.find((one) => one.objective === objective);
  return (known && known.title) || (item && item.title) || "";
}

/* The weakest objectives first; between equals, those of the weakest section. */
function studyList(exam, result, objectives) {
  const share = ({ right, of }) => right / of;
  const sectionOf = (id) => exam.attempt.items.find((item) => item.objective === id).section;
  const weak = objectives.filter(([, sum]) => sum.right < sum.of).sort((a, b) => share(a[1]) - share(b[1])
    || share(result.sections.get(sectionOf(a[0]))) - share(result.sections.get(sectionOf(b[0]))));
  if (!weak.length) return h("p", {}, "Nothing was wrong. Sit another one in a few days.");
  const rows = weak.slice(0, 10).map(([id]) => {
    const { labs, href } = exam.rules.objectives[id] || { labs: [] };
    const name = `${id} ${titleOf(exam, id)}`;
    const links = labs.map((lab) => h("li", {}, lab.href ? h("a", { href: lab.href }, `Lab ${lab.id}`) : `planned: ${lab.id}`));
    return h("li", {}, href ? h("a", { href }, name) : name, links.length > 0 && h("ul", {}, links));
  });
  return h("div.lbx-study", {}, h("ol", {}, rows),
    weak.length > 10 && h("p", {}, `And ${count(weak.length - 10, "more objective")}: see the table below.`));
}
