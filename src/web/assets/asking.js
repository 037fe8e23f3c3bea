// The rating page: a key rates and shows the next face at once. The next ones are fetched and drawn ahead, and ratings go
// out behind, so nobody waits for either.
import { ask, element, toast, words } from "./app.js";
import { onSent, put, send, unsent } from "./outbox.js";

const AT_ONCE = 20; // questions fetched in one call
const FEW = 12; // fewer than this and more are fetched
const READY = 3; // drawn ahead

const page = document.querySelector("#asking");
const stage = document.querySelector("#stage");
const queue = [...stage.querySelectorAll(".question")].map((node) => ({ face: Number(node.dataset.face), node }));
const done = []; // what was rated or skipped: the last one is undone first
const seen = new Set(queue.map((question) => question.face));
const skipped = [];
let fetching = false;
let dry = false;
let lastFace = null;

export function startAsking() {
  const form = document.querySelector("#votes");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    vote(event.submitter.value);
  });
  document.addEventListener("keydown", onKey);
  onSent(afterSending);
  send();
  show();
  fill();
}

function vote(what) {
  if (what === "undo") return undo();
  const question = queue.shift();
  if (!question) return;
  done.push({ question, what });
  if (what === "skip") {
    skipped.push(question.face);
    toast(page.dataset.skipped);
  } else {
    lastFace = question.face;
    put(question.face, what);
  }
  press(what);
  show();
  fill();
}

/** Takes the last rating or skip back, and shows its face again. */
function undo() {
  const last = done.pop();
  if (!last) return toast(words.nothingToUndo);
  if (last.what === "skip") skipped.splice(skipped.indexOf(last.question.face), 1);
  else put(last.question.face, null);
  queue.unshift(last.question);
  lastFace = null;
  document.querySelector("#last").hidden = true;
  toast(words.undone);
  show();
}

/** The first question is shown, the next few lie ready. */
function show() {
  const near = queue.slice(0, READY).map((question) => question.node);
  for (const node of [...stage.children]) if (!near.includes(node)) node.remove();
  near.forEach((node, i) => {
    node.classList.toggle("ready", i > 0);
    node.ariaHidden = i > 0 ? "true" : null;
    if (node.parentNode !== stage) stage.append(node);
  });
  const nothing = queue.length === 0;
  document.querySelector("#nothing-left").hidden = !(nothing && dry);
  for (const button of document.querySelectorAll("#votes [name=vote]:not([value=undo])")) button.disabled = nothing;
}

async function fill() {
  if (fetching || dry || queue.length >= FEW) return;
  fetching = true;
  const not = [...new Set([...queue.map((question) => question.face), ...unsent(), ...skipped.slice(-200)])];
  try {
    const answer = await ask(`/api/ask?${new URLSearchParams({ n: AT_ONCE, not: not.join(",") })}`);
    const fresh = answer.questions.filter((question) => !seen.has(question.face));
    for (const { face, html } of fresh) {
      seen.add(face);
      const node = element(html);
      queue.push({ face, node });
      for (const image of node.querySelectorAll("image")) new Image().src = image.getAttribute("href");
    }
    // Pictures may still be coming in: asked again after the next vote.
    dry = fresh.length === 0 && queue.length === 0;
    showMilestone(answer.standing);
  } catch {
    setTimeout(() => ((fetching = false), fill()), 2000);
    return;
  }
  fetching = false;
  show();
}

function afterSending(rating, answer, refused) {
  const waiting = unsent().length;
  const note = document.querySelector("#unsent");
  note.hidden = Boolean(rating) || waiting === 0;
  note.textContent = page.dataset.unsent.replace("{n}", waiting);
  if (refused) toast(refused.message);
  if (!answer) return;
  showMilestone(answer.standing);
  if (rating.judgement && rating.face === lastFace && answer.last) {
    const strip = document.querySelector("#last");
    strip.innerHTML = answer.last;
    strip.hidden = false;
  }
}

function showMilestone(standing) {
  document.querySelector("#milestone-box").innerHTML = standing.milestone;
  page.dataset.ratings = standing.ratings;
}

/** Shows on the buttons which key was heard. */
function press(what) {
  const button = document.querySelector(`#votes [value="${what}"]`);
  button?.classList.add("pressed");
  setTimeout(() => button?.classList.remove("pressed"), 150);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const keys = { u: "up", "+": "up", d: "down", "-": "down", "−": "down", s: "skip", z: "undo", ArrowRight: "skip", Backspace: "undo" };
  const what = /^[1-5]$/.test(key) ? key : keys[key];
  if (key === "?") return document.querySelector("#help").showModal();
  if (!what) return;
  event.preventDefault();
  // A key held down is one vote.
  if (!event.repeat) vote(what);
}
