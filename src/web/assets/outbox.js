// Ratings on their way: kept in the browser until the bot has them, sent in order, again and again when it must be.
import { ask } from "./app.js";

const KEY = "mekiki.unsent";
let sending = false;
let told = () => {};
let wake = () => {};

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function write(list) {
  localStorage.setItem(KEY, JSON.stringify(list));
}

/** Faces whose ratings are not sent yet. */
export const unsent = () => read().map((one) => one.face);

/** `(rating, answer, error)` after each rating that was taken or refused; without a rating when others wait. */
export function onSent(listener) {
  told = listener;
}

/** `judgement: null` takes the rating back. */
export function put(face, judgement) {
  write([...read(), { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), face, judgement }]);
  send();
}

/** Sends what waits, also what an earlier visit left. */
export async function send() {
  if (sending) return wake();
  sending = true;
  let tries = 0;
  for (let one = read()[0]; one; one = read()[0]) {
    const path = `/api/faces/${one.face}/rating`;
    const body = JSON.stringify({ judgement: one.judgement, score_visible: false });
    let answer = null;
    let refused = null;
    try {
      answer = await (one.judgement ? ask(path, { method: "PUT", body }) : ask(path, { method: "DELETE" }));
    } catch (error) {
      // Refused for good: it would be refused again. All else may do the next time.
      if (error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status)) refused = error;
    }
    if (answer || refused) {
      tries = 0;
      write(read().filter((other) => other.id !== one.id));
      told(one, answer, refused);
    } else {
      tries += 1;
      told();
      await pause(Math.min(500 * 2 ** (tries - 1), 10000));
    }
  }
  sending = false;
}

/** Ends early when the connection is back or another rating comes. */
function pause(time) {
  return new Promise((resume) => {
    wake = resume;
    setTimeout(resume, time);
    addEventListener("online", resume, { once: true });
  });
}
