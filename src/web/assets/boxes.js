// The box editor: draw, move, resize and remove boxes with mouse, finger or keyboard. Coordinates are the picture's own
// pixels throughout; a box is {x1, y1, x2, y2, ignored}.
import { ask, toast, words } from "./app.js";

const LEAST = 6; // a drag shorter than this in screen pixels draws nothing
const form = document.querySelector("#editor");
const svg = document.querySelector("#drawing");
const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
const undone = []; // states before each change
let boxes = read(JSON.parse(form.elements.labels.value));
let on = -1; // the box in hand
let saving = false;

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
const tenths = (value) => Math.round(value * 10) / 10;
/** Picture pixels a screen pixel. */
const unit = () => width / Math.max(svg.getBoundingClientRect().width, 1);

function read(labels) {
  const made = (ignored) => ([x1, y1, x2, y2]) => ({ x1, y1, x2, y2, ignored });
  return [...labels.boxes.map(made(false)), ...(labels.ignore ?? []).map(made(true))];
}

function labels() {
  const plain = (ignored) => boxes.filter((b) => b.ignored === ignored).map((b) => [b.x1, b.y1, b.x2, b.y2].map(tenths));
  return { boxes: plain(false), ignore: plain(true) };
}

export function startBoxes() {
  svg.addEventListener("pointerdown", onDown);
  document.addEventListener("keydown", onKey);
  form.addEventListener("submit", (event) => (event.preventDefault(), save()));
  form.addEventListener("click", (event) => {
    const what = event.target.closest("[data-do]")?.dataset.do;
    if (what && what !== "save") act(what);
  });
  new ResizeObserver(draw).observe(svg);
  addEventListener("beforeunload", (event) => undone.length && !saving && event.preventDefault());
  draw();
}

// ---- drawing ----

const NAMES = ["nw", "ne", "sw", "se"];

function shape(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function draw() {
  const focused = svg.contains(document.activeElement);
  const u = unit();
  svg.replaceChildren(...boxes.map((b, i) => {
    const words = (b.ignored ? form.dataset.ignored : form.dataset.box).replace("{n}", i + 1);
    const group = shape("g", { tabindex: 0, role: "button", "aria-label": words, "aria-pressed": i === on, "data-i": i });
    group.classList.toggle("on", i === on);
    const frame = { x: b.x1, y: b.y1, width: b.x2 - b.x1, height: b.y2 - b.y1, rx: 2 * u };
    group.append(shape("rect", { ...frame, class: "halo" }), shape("rect", { ...frame, class: b.ignored ? "box ignored" : "box" }));
    if (i === on) {
      for (const name of NAMES) {
        const [cx, cy] = [name.endsWith("w") ? b.x1 : b.x2, name.startsWith("n") ? b.y1 : b.y2];
        group.append(shape("circle", { cx, cy, r: 5 * u, class: "grip" }));
        group.append(shape("circle", { cx, cy, r: 14 * u, class: `reach ${name}`, "data-grip": name }));
      }
    }
    group.addEventListener("focus", () => i !== on && ((on = i), draw()));
    return group;
  }));
  form.elements.labels.value = JSON.stringify(labels());
  if (focused || svg.dataset.focus) svg.querySelector("g.on")?.focus({ preventScroll: true });
  delete svg.dataset.focus;
  const can = { remove: on >= 0, ignore: on >= 0, undo: undone.length > 0 };
  for (const [what, may] of Object.entries(can)) form.querySelector(`[data-do=${what}]`).disabled = !may;
}

/** Remembers how it was. */
function before(state = boxes.map((b) => ({ ...b }))) {
  undone.push(state);
}

function take(i) {
  on = i;
  svg.dataset.focus = "";
  draw();
}

// ---- mouse and finger ----

function at(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  return { x: clamp(point.x, 0, width), y: clamp(point.y, 0, height) };
}

function onDown(event) {
  if (event.button !== 0) return;
  event.preventDefault();
  const start = at(event);
  const grip = event.target.dataset.grip;
  const group = event.target.closest("g");
  const state = boxes.map((b) => ({ ...b }));
  if (group) take(Number(group.dataset.i));
  const box = group ? boxes[on] : { x1: start.x, y1: start.y, x2: start.x, y2: start.y, ignored: false };
  const old = { ...box };
  svg.setPointerCapture(event.pointerId);
  const far = (to) => Math.hypot(to.x - start.x, to.y - start.y) >= LEAST * unit();
  const move = (event) => {
    const to = at(event);
    if (!group && !boxes.includes(box)) {
      if (!far(to)) return;
      boxes.push(box);
      on = boxes.length - 1;
    }
    if (grip || !group) pull(box, old, grip ?? "se", to);
    else shift(box, old, to.x - start.x, to.y - start.y);
    draw();
  };
  const end = () => {
    svg.removeEventListener("pointermove", move);
    svg.removeEventListener("pointerup", end);
    svg.removeEventListener("pointercancel", end);
    if (JSON.stringify(state) !== JSON.stringify(boxes)) before(state);
    take(boxes.includes(box) ? boxes.indexOf(box) : -1);
  };
  svg.addEventListener("pointermove", move);
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
}

/** One corner goes to a point; past the opposite one the box turns over. */
function pull(box, old, grip, to) {
  const [ax, ay] = [grip.endsWith("w") ? old.x2 : old.x1, grip.startsWith("n") ? old.y2 : old.y1];
  Object.assign(box, { x1: Math.min(ax, to.x), y1: Math.min(ay, to.y), x2: Math.max(ax, to.x), y2: Math.max(ay, to.y) });
}

/** Moves within the picture, at the same size. */
function shift(box, old, dx, dy) {
  dx = clamp(dx, -old.x1, width - old.x2);
  dy = clamp(dy, -old.y1, height - old.y2);
  Object.assign(box, { x1: old.x1 + dx, y1: old.y1 + dy, x2: old.x2 + dx, y2: old.y2 + dy });
}

// ---- keyboard and buttons ----

function act(what) {
  if (what === "add") {
    before();
    const side = Math.min(width, height) / 5;
    const [cx, cy] = [width / 2, height / 2];
    boxes.push({ x1: cx - side / 2, y1: cy - side / 2, x2: cx + side / 2, y2: cy + side / 2, ignored: false });
    take(boxes.length - 1);
  } else if (what === "remove" && on >= 0) {
    before();
    boxes.splice(on, 1);
    take(Math.min(on, boxes.length - 1));
  } else if (what === "ignore" && on >= 0) {
    before();
    boxes[on].ignored = !boxes[on].ignored;
    take(on);
  } else if (what === "reset") {
    before();
    boxes = read({ boxes: JSON.parse(form.dataset.found) });
    take(-1);
  } else if (what === "undo") {
    const state = undone.pop();
    if (!state) return toast(words.nothingToUndo);
    boxes = state;
    take(Math.min(on, boxes.length - 1));
  }
}

function nudge(event, dx, dy) {
  const step = event.altKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 100));
  const box = boxes[on];
  // A key held down is one change to undo.
  if (!event.repeat) before();
  if (event.shiftKey) {
    box.x2 = clamp(box.x2 + dx * step, box.x1 + 2, width);
    box.y2 = clamp(box.y2 + dy * step, box.y1 + 2, height);
  } else {
    shift(box, { ...box }, dx * step, dy * step);
  }
  take(on);
}

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { a: "add", Delete: "remove", Backspace: "remove", i: "ignore", z: "undo", r: "reset" };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in STEPS) {
    // Without a box in hand the arrows scroll.
    if (on < 0) return;
    event.preventDefault();
    nudge(event, ...STEPS[key]);
  } else if (key === "n" || key === "p") {
    if (boxes.length) take((on + (key === "n" ? 1 : boxes.length - (on < 0 ? 0 : 1))) % boxes.length);
  } else if (key === "Enter" && !event.target.closest("button, a, summary")) {
    event.preventDefault();
    save();
  } else if (key === "Escape") {
    take(-1);
  } else if (key === "?") {
    document.querySelector("#help").showModal();
  } else if (KEYS[key]) {
    event.preventDefault();
    act(KEYS[key]);
  }
}

async function save() {
  if (saving) return;
  saving = true;
  try {
    const answer = await ask(`/api/boxes/${form.dataset.picture}`, { method: "PUT", body: JSON.stringify(labels()) });
    location.assign(answer.next);
  } catch (error) {
    saving = false;
    toast(`${error.message} ${form.dataset.leave}`);
  }
}
