/* The list of attempts at the mock exam, and deleting one. */

const whereKept = () => (window.lakebook && window.lakebook.record ? "in your workspace, on this machine"
  : "in this browser, and nowhere else");

function historyView(exam, known) {
  const rows = known.map((attempt) => {
    const when = day(attempt.started);
    const open = attempt.submitted === null;
    const result = score(attempt);
    const say = (text, act) => button(text, act, "", { "aria-label": `${text} the attempt of ${when}` });
    return [when, paperName(attempt), open ? "under way" : `${result.right} of ${result.of} (${percent(result.share)})`,
      h("div.lbx-acts", {}, open ? say("Resume", () => exam.resume(attempt.id)) : say("Open", () => exam.open(attempt.id)),
        say("Delete", () => drop(exam, attempt)))];
  });
  return h("div.lbx-history", {}, heading(2, "Your attempts"),
    rows.length ? table("Your attempts", ["Started", "Exam", "Result", "Actions"], rows)
      : h("p", {}, `None yet. They are kept ${whereKept()}.`),
    recordBar(exam, "lbx-import"));
}

const paperName = (attempt) => (attempt.mock ? `Mock exam ${attempt.mock}` : "A fresh one");

function drop(exam, attempt) {
  const text = `The attempt of ${day(attempt.started)} and its answers are removed. What you remember of its questions stays.`;
  exam.ask("Delete this attempt?", text, "Delete", "Keep it", () => {
    record.remove(attempt.id);
    exam.start();
    exam.say("The attempt was deleted.");
  });
}
