// What is wrong, where and why, in a sentence; the six questions with their answers; and what is no fault, but worth to know.

import { byId, h, setSentence, setText } from "../dom.js";
import { t } from "../i18n.js";
import { pretty } from "../scale.js";
import { runName } from "../runnames.js";
import { runLabel, store } from "../state.js";
import { say, wordOf } from "../words.js";

export function verdicts() {
  const root = byId("verdict");
  /** @type {{card: HTMLElement, reason: HTMLElement, mark: HTMLElement, word: HTMLElement, phase: HTMLElement}[]} */
  let cards = [];
  const about = h("p", { class: "hint" });
  const questions = h("dl", { class: "answers" });
  const notes = h("dl", { class: "notes" });

  function build() {
    const runs = store.built?.runs ?? [];
    cards = runs.map((_, i) => {
      const mark = h("span", { class: "mark", "aria-hidden": "true" });
      // Only the word is announced: numbers that change every second would never let a screen reader finish.
      const word = h("strong", { "aria-live": "polite", "aria-atomic": "true" });
      const reason = h("span", {});
      const name = h("span", { class: `run-name run-${i}` }, runName(i));
      name.hidden = runs.length === 1;
      const phase = h("span", { class: "phase" });
      return { card: h("p", { class: "sentence" }, phase, mark, name, word, reason), reason, mark, word, phase };
    });
    root.replaceChildren(h("div", {}, ...cards.map(({ card }) => card)));
    byId("answers").replaceChildren(about, questions, notes);
  }

  function draw() {
    const { frame, selection } = store;
    if (!frame) return;
    frame.runs.forEach((run, i) => {
      const card = cards[i];
      if (!card) return;
      const { verdict } = run;
      card.card.classList.toggle("waits", !verdict);
      setText(card.phase, phaseOf(run));
      if (!verdict) return;
      const good = verdict.word === "healthy";
      card.card.classList.toggle("good", good);
      setText(card.mark, good ? "✓" : "!");
      const word = wordOf(verdict.word);
      setText(card.word, verdict.layer === null ? word : t("verdict.at", { word, layer: verdict.layer }));
      setSentence(card.reason, pretty(say(verdict.why)));
    });
    const run = frame.runs[selection.run];
    if (!run?.answers.length) return; // they come once a second
    const { answers } = run;
    const lost = !isFinite(run);
    setText(about, t("verdict.about", { run: runLabel(selection.run), step: run.report_step ?? 0 }));
    while (questions.children.length < 2 * answers.length) questions.append(h("dt"), h("dd"));
    answers.forEach((answer, i) => {
      const [question, reply] = [questions.children[2 * i], questions.children[2 * i + 1]];
      if (!(question instanceof HTMLElement && reply instanceof HTMLElement)) return;
      setText(question, say({ key: `question.${answer.key}`, numbers: {} }));
      // Where numbers have become infinite, that nothing is found to be wrong means nothing.
      const unknown = lost && answer.good;
      setSentence(reply, unknown ? t("verdict.nothing") : pretty(say(answer.said)));
      reply.className = unknown ? "unknown" : answer.good ? "good" : "bad";
    });
    list(run.notes);
  }

  /** @param {import("../protocol.js").Said[]} found */
  function list(found) {
    const texts = found.length ? [say({ key: "question.notes", numbers: {} }), ...found.map((note) => pretty(say(note)))] : [];
    while (notes.children.length > texts.length) notes.lastChild?.remove();
    while (notes.children.length < texts.length) notes.append(h(notes.children.length ? "dd" : "dt"));
    texts.forEach((text, i) => setSentence(notes.children[i], text));
    notes.hidden = !texts.length;
  }

  store.on("built", build);
  store.on(["language", "selection"], draw);
  return { draw };
}

/** @param {import("../protocol.js").RunNow} run */
function isFinite(run) {
  return run.loss !== null && run.layers.every(({ not_finite }) => !not_finite);
}

/** At the start a verdict says what is to be expected, later what happens; of which step it is stands with it. @param {import("../protocol.js").RunNow} run */
function phaseOf(run) {
  const step = run.report_step;
  if (step === null || !run.verdict) return t("verdict.phase.none");
  if (!isFinite(run)) return t("verdict.phase.lost", { step });
  if (run.verdict.why.key === "healthy.solved") return t("verdict.phase.solved", { step });
  return t(step === 0 ? "verdict.phase.start" : "verdict.phase.training", { step });
}
