/* Spaced repetition by Leitner's boxes, over reviews, practice, mock exams and, in the workspace, the
   exercises of labs. Data only, no page.
   A right answer moves a question that is new or due one box up, a wrong one back to the first; a
   right answer before it is due moves nothing, for what was read an hour ago is not remembered yet.
   After an answer a question is due again in as many days as its box says. */

const MEMORY = "lakebook:memory";
const BOXES = [1, 3, 7, 16, 35];  // days
const DAY = 86400000;

const isCard = (x) => isObject(x) && isText(x.hash) && isNumber(x.box) && x.box < BOXES.length
  && [x.at, x.due, x.right, x.wrong].every(isNumber) && typeof x.last === "boolean";
const isMemory = (x) => isObject(x) && isNumber(x.version) && isObject(x.cards)
  && Object.entries(x.cards).every(([id, card]) => isName(id) && isCard(card));

/* The card after an answer. A reworded question is a new one; a clock set back is not believed. */
function learned(card, hash, correct, time) {
  const known = card && card.hash === hash ? card : null;
  const at = Math.max(time, known ? known.at : 0);
  const ripe = !known || at >= known.due;
  let box = known ? known.box : 0;
  if (!correct) box = 0;
  else if (ripe) box = Math.min((known ? known.box : 0) + 1, BOXES.length - 1);
  const due = correct && !ripe ? known.due : at + BOXES[box] * DAY;
  const { right, wrong } = known || { right: 0, wrong: 0 };
  return { hash, box, at, due, right: right + (correct ? 1 : 0), wrong: wrong + (correct ? 0 : 1), last: correct };
}

const memory = {
  /* What cannot be read is kept aside, under a name of its own, before anything is written. */
  read() {
    const found = store.json(MEMORY);
    if (isMemory(found) && found.version === VERSION) return found.cards;
    const text = store.get(MEMORY);
    if (text) store.set(`${MEMORY}:unread`, text);
    return {};
  },
  write(cards) { store.set(MEMORY, JSON.stringify({ version: VERSION, cards })); },
  note(answers) {
    const cards = this.read();
    for (const { id, hash, correct, at } of answers) cards[id] = learned(cards[id], hash, correct, at);
    this.write(cards);
    record.save();
  },
  /* Of two records of one question the newer stands. */
  merge(others) {
    const cards = this.read();
    const newer = Object.entries(others).filter(([id, card]) => !cards[id] || card.at > cards[id].at);
    if (newer.length) this.write({ ...cards, ...Object.fromEntries(newer) });
  },
  /* The card of a question as it is worded now, or null if it was never answered. */
  of(cards, question) {
    const card = cards[question.id];
    return card && card.hash === question.hash ? card : null;
  },
};

const isDue = (card) => Boolean(card) && Date.now() >= card.due;
