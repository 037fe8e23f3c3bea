// Uploading by drop (anywhere on the page), paste or the file picker, two files at a time, each with its progress.
import { poll, refresh, words } from "./app.js";

const AT_ONCE = 2;
const TRIES_WHEN_BUSY = 6;
const form = document.querySelector("#drop");
const list = form?.querySelector("#uploads ul");
const jobs = [];

export function startUploads() {
  if (!form) return;
  const picker = form.querySelector("input[type=file]");
  picker.addEventListener("change", () => {
    add([...picker.files]);
    picker.value = "";
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) {
      event.preventDefault();
      add(files.map((file) => ({ file, name: file.name === "image.png" ? `${words.pasted}.png` : file.name })));
    }
  });
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const dragging = (on) => document.documentElement.classList.toggle("dragging", on);
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    dragging(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || dragging(false));
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    dragging(false);
    add([...event.dataTransfer.files]);
  });
}

function add(files) {
  for (const entry of files) {
    const file = entry.file ?? entry;
    const job = { file, name: entry.name, share: 0, state: "waiting", tries: 0 };
    job.row = document.createElement("li");
    jobs.push(job);
    list.append(job.row);
    draw(job);
    if (file.size > words.limit) fail(job, words.tooLarge, false);
  }
  next();
}

function draw(job) {
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = job.name;
  const state = document.createElement("span");
  state.className = "quiet";
  state.textContent = words[job.state] ?? "";
  job.row.replaceChildren(name, state);
  if (job.state === "failed") {
    const error = document.createElement("p");
    error.className = "error";
    error.textContent = job.error;
    if (job.mayRetry) error.append(button(words.retry, () => ((job.tries = 0), (job.state = "waiting"), draw(job), next())));
    error.append(button(words.dismiss, () => forget(job)));
    job.row.append(error);
  } else {
    job.bar = document.createElement("progress");
    job.bar.max = 1;
    job.bar.value = job.share;
    job.bar.ariaLabel = job.name;
    job.row.append(job.bar);
  }
  drawTotal();
}

function button(label, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", act);
  return button;
}

function drawTotal() {
  form.querySelector("#uploads").hidden = jobs.length === 0;
  const live = jobs.filter((job) => job.state !== "failed");
  const bytes = live.reduce((sum, job) => sum + job.file.size, 0);
  const sent = live.reduce((sum, job) => sum + job.file.size * job.share, 0);
  const done = live.filter((job) => job.state === "taken").length;
  form.querySelector(".total").hidden = live.length === 0;
  form.querySelector("#total").value = bytes ? sent / bytes : 0;
  form.querySelector("label[for=total]").textContent = words.total.replace("{done}", done).replace("{n}", live.length);
}

function forget(job) {
  jobs.splice(jobs.indexOf(job), 1);
  job.row.remove();
  drawTotal();
}

function fail(job, error, mayRetry) {
  Object.assign(job, { state: "failed", error, mayRetry, share: 0 });
  draw(job);
}

function next() {
  const running = jobs.filter((job) => job.state === "sending").length;
  for (const job of jobs.filter((job) => job.state === "waiting").slice(0, AT_ONCE - running)) send(job);
  // The list clears itself once nothing is under way; errors stay until they are read.
  if (jobs.every((job) => job.state === "taken" || job.state === "failed")) {
    const taken = jobs.filter((job) => job.state === "taken");
    setTimeout(() => taken.forEach((job) => jobs.includes(job) && forget(job)), 1500);
  }
}

// XMLHttpRequest, because fetch does not tell how much has been sent.
function send(job) {
  job.state = "sending";
  draw(job);
  const data = new FormData();
  for (const field of ["author", "author_link", "link"]) data.append(field, form.elements[field].value);
  data.append("picture", job.file, job.name);
  const request = new XMLHttpRequest();
  request.open("POST", "/api/pictures");
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => {
    job.share = event.lengthComputable ? event.loaded / event.total : 0;
    job.bar.value = job.share;
    drawTotal();
  });
  request.addEventListener("error", () => (fail(job, words.offline, true), next()));
  request.addEventListener("load", () => {
    const error = request.response?.error ?? request.response?.results?.[0]?.error;
    if (request.status === 201) {
      Object.assign(job, { state: "taken", share: 1 });
      draw(job);
      refresh().catch(() => {});
      poll(true);
      next();
    } else if (request.status === 503 && job.tries < TRIES_WHEN_BUSY) {
      Object.assign(job, { state: "busy", share: 0, tries: job.tries + 1 });
      draw(job);
      setTimeout(() => ((job.state = "waiting"), draw(job), next()), 1000 * job.tries);
    } else {
      fail(job, error?.message ?? words.offline, request.status === 503 || request.status >= 500 || !error);
      next();
    }
  });
  request.send(data);
}
