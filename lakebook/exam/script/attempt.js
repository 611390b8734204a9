/* Attempts at the mock exam: drawing, reading, merging, scoring. Data only, no page. */

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isList = (value, test) => Array.isArray(value) && value.every(test);
const isNumber = (value) => Number.isInteger(value) && value >= 0;
const isText = (value) => typeof value === "string";
const isName = (value) => isText(value) && /^[\w/#-]{1,80}$/.test(value);  // also day3/01_cross_validation#2

function isItem(item) {
  return isObject(item) && isName(item.id)
    && [item.objective, item.section, item.hash, item.stem].every(isText)
    && isList(item.options, isText) && isList(item.reasons, isText) && item.reasons.length === item.options.length
    && [item.order, item.right].every((list) => isList(list, (n) => isNumber(n) && n < item.options.length)
      && new Set(list).size === list.length)
    && item.order.length === item.options.length && item.select === item.right.length && item.select > 0;
}

const isAnswer = (x) => isObject(x) && isList(x.picked, isNumber) && typeof x.flag === "boolean" && isNumber(x.at);

function isAttempt(a) {
  return isObject(a) && a.version === VERSION && isName(a.id)
    && [a.seed, a.minutes, a.started, a.ends, a.at].every(isNumber)
    && (a.submitted === null || isNumber(a.submitted))
    && isList(a.items, isItem) && a.items.length > 0
    && (a.mock === undefined || a.mock === null || isNumber(a.mock))
    && isObject(a.sections) && isObject(a.answers) && Object.values(a.answers).every(isAnswer);
}

/* Two records of one attempt become one: a submitted one stands, else the newest answer wins. */
function merge(mine, other) {
  if (other.submitted !== null && (mine.submitted === null || other.submitted < mine.submitted)) {
    Object.assign(mine, { submitted: other.submitted, by: other.by, answers: other.answers });
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
  /* Another tab may have written since: its answers are merged in, never overwritten. */
  write(attempt) {
    const stored = this.read(attempt.id);
    if (stored) merge(attempt, stored);
    store.set(ATTEMPT + attempt.id, JSON.stringify(attempt));
  },
  ids() { return store.keys(ATTEMPT).map((key) => key.slice(ATTEMPT.length)); },
  all() {
    const found = this.ids().map((id) => this.read(id)).filter(Boolean);
    return found.sort((a, b) => b.started - a.started);
  },
  unreadable() { return this.ids().filter((id) => !this.read(id)).length; },
  open() { return this.all().find((attempt) => attempt.submitted === null); },
  /* The questions that were on the page of an attempt, as far as it went. */
  seen() {
    return new Set(this.all().flatMap((attempt) => attempt.items
      .filter((item, n) => attempt.submitted !== null || n <= attempt.at || attempt.answers[item.id])
      .map((item) => item.id)));
  },
};

/* A clock that is set back does not give time back. */
const now = (attempt) => Math.max(Date.now(), attempt.seen || 0);

const answerOf = (attempt, item) => attempt.answers[item.id] || { picked: [], flag: false, at: 0 };

function stateOf(attempt, item) {
  const chosen = answerOf(attempt, item).picked.length;
  return chosen === 0 ? "unanswered" : chosen < item.select ? "incomplete" : "answered";
}

/* By quota of each section, one question of each objective before a second of any, and those that
   `seen` does not name before others; order and options shuffled. The same seed on the same bank,
   with the same questions seen, draws the same exam. */
function draw(rules, questions, seed, seen = new Set()) {
  const next = random(seed);
  const drawn = rules.sections.flatMap((section) => {
    const groups = new Map();
    for (const question of questions) {
      if (question.section !== section.id) continue;
      if (!groups.has(question.objective)) groups.set(question.objective, []);
      groups.get(question.objective).push(question);
    }
    const piles = shuffled([...groups.values()], next).map((pile) => {
      const mixed = shuffled(pile, next);
      return [...mixed.filter((q) => !seen.has(q.id)), ...mixed.filter((q) => seen.has(q.id))];
    });
    const rounds = Math.max(...piles.map((pile) => pile.length));
    const ranked = Array.from({ length: rounds }, (_, n) => piles.map((pile) => pile[n]).filter(Boolean)).flat();
    return ranked.slice(0, section.quota);
  });
  return shuffled(drawn, next).map((question) => ({
    id: question.id, objective: question.objective, title: rules.objectives[question.objective].title,
    section: question.section, select: question.select, right: question.right, hash: question.hash,
    order: shuffled(question.home.slice().sort(), next),
    lab: question.lab, source: question.source, ...question.snapshot(),
  }));
}

/* All or nothing; blanks are wrong. */
function score(attempt) {
  const marks = attempt.items.map((item) => {
    const { picked } = answerOf(attempt, item);
    return { item, picked, correct: same(picked, item.right) };
  });
  const by = (key) => {
    const groups = new Map();
    for (const { item, correct } of marks) {
      const sum = groups.get(item[key]) || { right: 0, of: 0 };
      groups.set(item[key], { right: sum.right + (correct ? 1 : 0), of: sum.of + 1 });
    }
    return groups;
  };
  const right = marks.filter((mark) => mark.correct).length;
  return { marks, right, of: marks.length, share: right / marks.length, sections: by("section"), objectives: by("objective") };
}
