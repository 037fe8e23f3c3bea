// The page's script: keeps cards up to date, and wires up uploading and rating. Everything also works without it.
import { startUploads } from "./upload.js";
import { startRating } from "./rating.js";
import { send } from "./outbox.js";

export const words = JSON.parse(document.querySelector("meta[name=words]").content);
const cards = document.querySelector("#cards");

/** Asks the API; a failure throws an Error whose message is in words, with the answer's status if there was one. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { headers: { "content-type": "application/json" }, ...options });
  } catch {
    throw new Error(words.offline);
  }
  const body = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw Object.assign(new Error(body?.error?.message ?? words.offline), { status: answer.status });
  return body;
}

let toastTimer;
export function toast(text) {
  const box = document.querySelector("#toast");
  box.textContent = text;
  box.classList.add("on");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("on"), 4000);
}

export function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

/** Times in the visitor's own zone and manner. */
function localTimes(root) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time:not([data-local])")) {
    time.dataset.local = "";
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

// ---- live cards ----

const drawn = new Map(); // post id → HTML as last drawn, so that an unchanged card is left alone

export function showStanding(standing) {
  const old = document.querySelector("#standing");
  if (!old || drawn.get("standing") === standing.html) return;
  drawn.set("standing", standing.html);
  old.replaceWith(element(standing.html));
}

/** Faces stay where they were first seen: when scores change, no button may move away under a finger. */
function keepOrder(old, fresh) {
  const places = [...fresh.querySelectorAll(".face[data-face]")];
  const seen = [...old.querySelectorAll(".face[data-face]")].map((face) => places.find((place) => place.id === face.id));
  if (seen.length !== places.length || seen.includes(undefined)) return;
  const marks = places.map((face) => {
    const mark = document.createComment("");
    face.replaceWith(mark);
    return mark;
  });
  marks.forEach((mark, i) => mark.replaceWith(seen[i]));
}

/** Replaces a card; what the visitor had opened, revealed, selected or focused stays so. */
function replaceCard(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : null;
  const checked = [...old.querySelectorAll(".reveal:checked")].map((box) => box.id);
  const open = [...old.querySelectorAll("details[open]")].map((d) => d.className);
  const on = [...old.querySelectorAll(".face.on")].map((face) => face.id);
  // A picture that is already there must not flash while it loads anew.
  for (const image of fresh.querySelectorAll("img")) {
    const same = [...old.querySelectorAll("img")].find((i) => i.getAttribute("src") === image.getAttribute("src"));
    if (same) {
      same.alt = image.alt;
      image.replaceWith(same);
    }
  }
  keepOrder(old, fresh);
  old.replaceWith(fresh);
  for (const id of checked) fresh.querySelector(`#${id}`)?.click();
  for (const name of open) {
    const details = fresh.querySelector(`details.${name}`);
    if (details) details.open = true;
  }
  for (const id of on) fresh.querySelector(`#${id}`)?.classList.add("on");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function show(post) {
  if (drawn.get(post.id) === post.html) return;
  drawn.set(post.id, post.html);
  const fresh = element(post.html);
  localTimes(fresh);
  const old = document.getElementById(`post-${post.id}`);
  if (old) {
    replaceCard(old, fresh);
  } else {
    document.querySelector(".nothing")?.remove();
    document.querySelector("#drop.tall")?.classList.remove("tall");
    fresh.classList.add("fresh");
    // Highest id first, like the server.
    const next = [...cards.children].find((card) => Number(card.dataset.post) < post.id);
    cards.insertBefore(fresh, next ?? null);
  }
}

const ids = (selector) => [...cards.querySelectorAll(selector)].map((card) => Number(card.dataset.post));

/** Brings cards up to date: all that are shown, or only those still under way; on the first page also new ones. */
export async function refresh(all = false) {
  if (!cards) return null;
  const shown = ids(all ? "[data-post]" : "[data-settled=false]").slice(0, 200);
  const query = new URLSearchParams({ ids: shown.join(","), view: cards.dataset.view });
  if ("live" in cards.dataset) query.set("after", Math.max(0, ...ids("[data-post]")));
  const answer = await ask(`/api/posts?${query}`);
  for (const post of answer.posts) show(post);
  for (const id of answer.gone) document.getElementById(`post-${id}`)?.remove();
  showStanding(answer.standing);
  return answer;
}

let pollTimer;
let quietRounds = 0;
/** Looks again soon, sooner while something is under way. */
export function poll(soon = false) {
  if (soon) quietRounds = 0;
  clearTimeout(pollTimer);
  const pending = cards?.querySelector("[data-settled=false]");
  const pause = pending || soon ? Math.min(500 * 1.15 ** quietRounds, 3000) : 15000;
  pollTimer = setTimeout(async () => {
    quietRounds += 1;
    if (!document.hidden) await refresh().catch(() => {});
    poll();
  }, pause);
}

/** After a rating the taste is fitted in the background: looks until it changed, then shows the new scores. */
let settling = 0;
export async function settle(version) {
  const round = ++settling;
  for (const pause of [250, 400, 600, 900, 1300, 2000, 3000, 4000]) {
    await new Promise((resume) => setTimeout(resume, pause));
    if (round !== settling) return;
    const answer = await refresh(true).catch(() => null);
    if (answer && answer.standing.version !== version) return;
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.action.endsWith("/remove")) return;
  event.preventDefault();
  if (!confirm(words.remove)) return;
  const card = form.closest("[data-post]");
  try {
    await ask(`/api/posts/${card.dataset.post}`, { method: "DELETE" });
    if (cards.dataset.view === "large") location.assign("/");
    card.remove();
  } catch (error) {
    toast(error.message);
  }
});

document.documentElement.classList.add("lively");
document.querySelector("#help-button").hidden = false;
localTimes(document);
if (cards) {
  startRating();
  poll();
  document.addEventListener("visibilitychange", () => document.hidden || poll(true));
}
startUploads();
document.querySelector("#help-button").addEventListener("click", () => document.querySelector("#help").showModal());
if (document.querySelector("#asking")) import("./asking.js").then((page) => page.startAsking());
else send();
if (document.querySelector("#editor")) import("./boxes.js").then((page) => page.startBoxes());
