/* Keeping attempts: the list, deleting, one file out, one file in. */

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
  const file = h("input.lbx-file", { type: "file", id: "lbx-import", accept: ".json,application/json",
    onchange: (event) => importFile(exam, event.target) });
  return h("div.lbx-history", {}, heading(2, "Your attempts"),
    rows.length ? table("Your attempts", ["Started", "Exam", "Result", "Actions"], rows)
      : h("p", {}, "None yet. They are kept in this browser, and nowhere else."),
    h("div.lbx-bar", {}, button("Export to a file", () => exportFile(exam), "", { disabled: !rows.length }),
      h("span.lbx-import", {}, h("label", { for: "lbx-import" }, "Import a file: "), file)));
}

const paperName = (attempt) => (attempt.mock ? `Mock exam ${attempt.mock}` : "A fresh one");

function drop(exam, attempt) {
  const text = `The attempt of ${day(attempt.started)} and its answers are removed from this browser.`;
  exam.ask("Delete this attempt?", text, "Delete", "Keep it", () => {
    store.remove(ATTEMPT + attempt.id);
    exam.start();
    exam.say("The attempt was deleted.");
  });
}

function exportFile(exam) {
  const reviews = store.keys(REVIEW).map((key) => [key.slice(REVIEW.length), store.json(key)]);
  const all = attempts.all();
  const data = { format: "lakebook", version: VERSION, exported: new Date().toISOString(), attempts: all,
    reviews: Object.fromEntries(reviews.filter(([, saved]) => isObject(saved))),
    memory: memory.read(), examDay: store.get(EXAM_DAY) };
  const blob = new Blob([JSON.stringify(data, null, 1)], { type: "application/json" });
  const link = h("a", { href: URL.createObjectURL(blob), download: `lakebook-${data.exported.slice(0, 10)}.json` });
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  exam.say(`${count(all.length, "attempt")} exported.`);
}

/* All of a file or nothing: it is judged before anything is written. */
function faultOf(data) {
  if (!isObject(data) || data.format !== "lakebook") return "is not an export of this book, or it is damaged";
  if (!isNumber(data.version) || !Array.isArray(data.attempts)) return "is damaged";
  if (data.version > VERSION) {
    return `was written by a newer edition of this book (version ${data.version}; this page reads ${VERSION})`;
  }
  if (data.memory !== undefined && !isMemory({ version: VERSION, cards: data.memory })) return "is damaged (its memory)";
  const bad = data.attempts.findIndex((attempt) => !isAttempt(attempt));
  return bad < 0 ? "" : `is damaged (attempt ${bad + 1} of ${data.attempts.length})`;
}

async function importFile(exam, input) {
  const [file] = input.files;
  if (!file) return;
  let data = null;
  try { data = JSON.parse(await file.text()); } catch (damaged) { /* faultOf says so */ }
  input.value = "";
  const fault = faultOf(data);
  if (fault) {
    exam.say(`“${file.name}” ${fault}. Nothing was changed.`);
    return;
  }
  const known = new Set(attempts.ids());
  data.attempts.forEach((attempt) => attempts.write(attempt));
  for (const [name, saved] of Object.entries(isObject(data.reviews) ? data.reviews : {})) {
    const mine = store.json(REVIEW + name);
    const newer = isObject(saved) && saved.version === VERSION && !(mine && mine.at >= saved.at);
    if (newer) store.set(REVIEW + name, JSON.stringify(saved));
  }
  memory.merge(data.memory || {});
  if (isText(data.examDay) && !store.get(EXAM_DAY)) store.set(EXAM_DAY, data.examDay);
  const added = data.attempts.filter((attempt) => !known.has(attempt.id)).length;
  exam.start();
  exam.say(`${count(added, "attempt")} added, ${data.attempts.length - added} merged with what was here.`);
}
