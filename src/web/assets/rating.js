// Rating by click and by keyboard, with undo.
import { ask, poll, settle, showStanding, toast, words } from "./app.js";

const done = []; // what was rated, with what stood before: the last one is undone first
let current = null; // id of the face the keyboard is on; cards are replaced, ids stay

export function startRating() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".rating button");
    const box = event.target.closest(".boxes a");
    if (button) {
      event.preventDefault();
      const pressed = button.getAttribute("aria-pressed") === "true";
      rate(button.form, pressed ? null : button.dataset.judgement);
    } else if (box) {
      event.preventDefault();
      const face = box.closest(".post").querySelector(`.face[data-face="${box.dataset.face}"]`);
      if (face) select(face);
    }
  });
  for (const [kind, on] of [["mouseover", true], ["mouseout", false]]) {
    document.addEventListener(kind, (event) => {
      const face = event.target.closest?.(".face[data-face]");
      if (face) highlight(face, on || face.id === current);
    });
  }
  document.addEventListener("keydown", onKey);
}

async function rate(form, judgement, undoing = false) {
  const face = form.dataset.face;
  const before = form.dataset.standing || null;
  if (!undoing) done.push({ face, before });
  draw(face, judgement);
  const standing = document.querySelector("#standing");
  const version = standing?.dataset.version ? Number(standing.dataset.version) : null;
  try {
    const path = `/api/faces/${face}/rating`;
    const score_visible = form.elements.score_visible.value === "true";
    const answer = judgement
      ? await ask(path, { method: "PUT", body: JSON.stringify({ judgement, score_visible }) })
      : await ask(path, { method: "DELETE" });
    showStanding(answer.standing);
    toast(undoing ? words.undone : answer.message);
    poll(true);
    settle(version);
  } catch (error) {
    if (!undoing) done.pop();
    draw(face, before);
    toast(error.message);
  }
}

/** Shows the rating at once, in each place where the face is shown. */
function draw(face, judgement) {
  for (const form of document.querySelectorAll(`.rating[data-face="${face}"]`)) {
    form.dataset.standing = judgement ?? "";
    for (const button of form.querySelectorAll("button")) {
      const pressed = button.dataset.judgement === judgement;
      button.setAttribute("aria-pressed", pressed);
      button.value = pressed ? "none" : button.dataset.judgement;
    }
  }
}

function undo() {
  const last = done.pop();
  const form = last && document.querySelector(`.rating[data-face="${last.face}"]`);
  if (form) rate(form, last.before, true);
  else toast(words.nothingToUndo);
}

// ---- keyboard ----

function highlight(face, on) {
  face.closest(".post").querySelector(`.boxes a[data-face="${face.dataset.face}"]`)?.classList.toggle("on", on);
}

function select(face) {
  const old = current && document.getElementById(current);
  if (old) {
    old.classList.remove("on");
    highlight(old, false);
  }
  const hidden = face.closest("details:not([open])");
  if (hidden) hidden.open = true;
  current = face.id;
  face.classList.add("on");
  highlight(face, true);
  face.focus({ preventScroll: true });
  face.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const faces = [...document.querySelectorAll(".face[data-face]")];
  if (!faces.length) return;
  const inHand = document.activeElement.closest?.(".face[data-face]") ?? (current && document.getElementById(current));
  const at = faces.indexOf(inHand);
  // Without one in hand, begin at the first that can be seen.
  const seen = Math.max(0, faces.findIndex((f) => f.getBoundingClientRect().top >= 0));
  select(faces[at < 0 ? seen : Math.min(Math.max(at + step, 0), faces.length - 1)]);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
  const steps = { j: 1, ArrowDown: 1, ArrowRight: 1, k: -1, ArrowUp: -1, ArrowLeft: -1 };
  const judgements = { u: "up", "+": "up", d: "down", "-": "down", "−": "down" };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in steps) {
    // Up and down scroll the page until a face is in hand.
    if (key.startsWith("Arrow") && !current && (key === "ArrowUp" || key === "ArrowDown")) return;
    event.preventDefault();
    move(steps[key]);
  } else if (/^[1-5]$/.test(key) || key in judgements) {
    const face = document.activeElement.closest?.(".face[data-face]") ?? (current && document.getElementById(current));
    const form = face?.querySelector(".rating");
    if (!form) return;
    event.preventDefault();
    const judgement = judgements[key] ?? key;
    rate(form, form.dataset.standing === judgement ? null : judgement);
  } else if (key === "z") {
    undo();
  } else if (key === "?") {
    document.querySelector("#help").showModal();
  }
}
