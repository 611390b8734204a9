/* The reader's record: attempts, memory, lesson reviews and the day of the exam. In one file out and
   in; in the workspace also on disk, by the server, so that nothing depends on this browser. */

const EXAM_DAY = "lakebook:exam-day";
const REMOVED = "lakebook:removed";  // attempts that were deleted, lest another copy bring them back

const isMoment = (x) => isObject(x) && isText(x.day) && isNumber(x.at);

const examDay = {
  read() {
    const found = store.json(EXAM_DAY);
    return isMoment(found) ? found : { day: store.get(EXAM_DAY) || "", at: 0 };
  },
  write(day, at = Date.now()) { store.set(EXAM_DAY, JSON.stringify({ day, at })); },
};

/* All of a file or nothing: it is judged before anything is written. */
function faultOf(data) {
  if (!isObject(data) || data.format !== "lakebook") return "is not an export of this book, or it is damaged";
  if (!isNumber(data.version) || !Array.isArray(data.attempts)) return "is damaged";
  if (data.version > VERSION) {
    return `was written by a newer edition of this book (version ${data.version}; this page reads ${VERSION})`;
  }
  if (data.memory !== undefined && !isMemory({ version: VERSION, cards: data.memory })) return "is damaged (its memory)";
  if (data.removed !== undefined && !isList(data.removed, isText)) return "is damaged (what it has removed)";
  const bad = data.attempts.findIndex((attempt) => !isAttempt(attempt));
  return bad < 0 ? "" : `is damaged (attempt ${bad + 1} of ${data.attempts.length})`;
}

const record = {
  removed() {
    const found = store.json(REMOVED);
    return isList(found, isText) ? found : [];
  },
  /* Remove an attempt here and, with the next merge, in every copy. */
  remove(id) {
    store.set(REMOVED, JSON.stringify([...new Set([...this.removed(), id])]));
    store.remove(ATTEMPT + id);
    this.save();
  },
  take() {
    const reviews = store.keys(REVIEW).map((key) => [key.slice(REVIEW.length), store.json(key)]);
    const { day, at } = examDay.read();
    return { format: "lakebook", version: VERSION, exported: new Date().toISOString(), attempts: attempts.all(),
      removed: this.removed(), reviews: Object.fromEntries(reviews.filter(([, saved]) => isObject(saved))),
      memory: memory.read(), examDay: day || at ? { day, at } : null };
  },
  /* Merge what has been judged; of two states of the same thing the newer stands. */
  merge(data) {
    const gone = new Set(this.removed());
    const known = new Set(attempts.ids());
    const wanted = data.attempts.filter((attempt) => !gone.has(attempt.id));
    for (const attempt of wanted) {
      const mine = attempts.read(attempt.id);
      const text = JSON.stringify(mine ? merge(mine, attempt) : attempt);
      if (text !== store.get(ATTEMPT + attempt.id)) store.set(ATTEMPT + attempt.id, text);
    }
    for (const [name, saved] of Object.entries(isObject(data.reviews) ? data.reviews : {})) {
      const mine = store.json(REVIEW + name);
      const newer = isObject(saved) && saved.version === VERSION && !(mine && mine.at >= saved.at);
      if (newer) store.set(REVIEW + name, JSON.stringify(saved));
    }
    memory.merge(data.memory || {});
    const day = isText(data.examDay) ? { day: data.examDay, at: 0 } : data.examDay;
    const mine = examDay.read();
    if (isMoment(day) && (day.at > mine.at || !mine.day && !mine.at)) examDay.write(day.day, day.at);
    return { added: wanted.filter((attempt) => !known.has(attempt.id)).length, of: wanted.length };
  },
  onmerge: () => {},
  /* Send the record to the workspace's server, if this page has one, and take what it has in return. */
  async save() {
    const home = window.lakebook && window.lakebook.record;
    if (!home) return;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(async () => {
      let said = "it does not answer";
      try {
        const answer = await fetch(home, { method: "POST", body: JSON.stringify(this.take()),
          headers: { "Content-Type": "application/json", "X-XSRFToken": window.lakebook.xsrf } });
        const data = await answer.json();
        if (answer.ok && !faultOf(data)) {
          (data.removed || []).filter((id) => store.get(ATTEMPT + id)).forEach((id) => store.remove(ATTEMPT + id));
          this.merge(data);
          this.onmerge();
          return;
        }
        said = data.message || said;
      } catch (unreachable) { /* as said */ }
      store.onrefuse(said);
    }, 200);
  },
};

/* One file out, one file in, and paper; `page` has say(text) and refresh(). */
function recordBar(page, id) {
  const file = h("input.lbx-file", { type: "file", id, accept: ".json,application/json",
    onchange: (event) => importFile(page, event.target) });
  return h("div.lbx-bar", {}, button("Export to a file", () => exportFile(page)), button("Print", () => window.print()),
    h("span.lbx-import", {}, h("label", { for: id }, "Import a file: "), file));
}

function exportFile(page) {
  const data = record.take();
  const blob = new Blob([JSON.stringify(data, null, 1)], { type: "application/json" });
  const link = h("a", { href: URL.createObjectURL(blob), download: `lakebook-${data.exported.slice(0, 10)}.json` });
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  page.say(`${count(data.attempts.length, "attempt")} exported, and ${count(Object.keys(data.memory).length, "remembered answer")}.`);
}

async function importFile(page, input) {
  const [file] = input.files;
  if (!file) return;
  let data = null;
  try { data = JSON.parse(await file.text()); } catch (damaged) { /* faultOf says so */ }
  input.value = "";
  const fault = faultOf(data);
  if (fault) {
    page.say(`“${file.name}” ${fault}. Nothing was changed.`);
    return;
  }
  // Whoever brings an attempt wants it, also if it was deleted once.
  const wanted = new Set(data.attempts.map((attempt) => attempt.id));
  if (record.removed().some((id) => wanted.has(id))) {
    store.set(REMOVED, JSON.stringify(record.removed().filter((id) => !wanted.has(id))));
  }
  const { added, of } = record.merge(data);
  record.save();
  page.refresh();
  page.say(`${count(added, "attempt")} added, ${of - added} merged with what was here.`);
}
