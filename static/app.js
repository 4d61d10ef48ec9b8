"use strict";
// What pages do better with JavaScript: times by the reader's clock, countdowns, and telling that the line is down.

const shortTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const timeWithSeconds = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const format = "seconds" in time.dataset ? timeWithSeconds : shortTime;
    time.textContent = format.format(new Date(time.dateTime));
    time.dataset.local = "";
  }
}

function countDown() {
  for (const output of document.querySelectorAll("[data-until]")) {
    const seconds = Math.max(0, Math.round((Date.parse(output.dataset.until) - Date.now()) / 1000));
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    output.textContent = (h ? `${h} h ` : "") + (h || m ? `${m} min ` : "") + `${s} s`;
  }
}

function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer && text && announcer.textContent !== text) announcer.textContent = text;
}

// What a page would have a screen reader say when it changed by itself stands in its [data-announce].
const saying = () => document.querySelector("#page [data-announce]")?.dataset.announce;
let said;

function announceChange() {
  if (saying() !== said) announce(saying());
  said = saying();
}

// What courier-worker.js keeps is for who is signed in. This page may be nobody's: somebody has signed out, from wherever.
function forgetKeptPages() {
  if (!document.querySelector("form.who") && "caches" in window) caches.delete("courier-pages");
}

document.addEventListener("DOMContentLoaded", () => {
  forgetKeptPages();
  localise(document);
  countDown();
  setInterval(countDown, 1000);
  said = saying();
});

document.addEventListener("htmx:after:swap", () => {
  localise(document);
  countDown();
  announceChange();
});

// A page that shows a refusal, or is being filled in, is not replaced under its reader's hands.
document.addEventListener("htmx:before:request", (event) => {
  const page = event.target;
  if (page.id !== "page") return;
  const differs = (field) => field.matches("select, textarea") || (field.matches("input") && field.value !== field.defaultValue);
  const typing = page.contains(document.activeElement) && (document.activeElement.matches("[data-holds]") || differs(document.activeElement));
  const filled = [...page.querySelectorAll("[data-holds]")].some(differs);
  if (typing || filled || page.querySelector(".refusal")) event.preventDefault();
});

// The line: lost while the stream is broken or silent, while the page could not be asked for, or without any network.
// What rang meanwhile is asked for once it is back.
const SILENCE_MS = 25_000; // the server says something every 10 s
const AGAIN_MS = 2_000;
const broken = { stream: false, page: false };
let connection = null;
let heardAt = Date.now();

function showLine() {
  const line = document.getElementById("connection");
  const live = document.getElementById("live");
  if (line && live) line.hidden = navigator.onLine && !broken.stream && !broken.page;
}

function setBroken(change) {
  Object.assign(broken, change);
  showLine();
}

function askAgain() {
  const live = document.getElementById("live");
  if (live && navigator.onLine) htmx.trigger(live, "changed");
}

document.addEventListener("htmx:sse:error", () => setBroken({ stream: true }));
document.addEventListener("htmx:sse:after:connection", (event) => {
  connection = event.detail.connection;
  heardAt = Date.now();
  setBroken({ stream: false });
});
document.addEventListener("htmx:sse:after:message", () => { heardAt = Date.now(); });
document.addEventListener("htmx:error", (event) => {
  if (event.target.id !== "page") return;
  setBroken({ page: true });
  setTimeout(askAgain, AGAIN_MS);
});
document.addEventListener("htmx:after:swap", () => setBroken({ page: false }));
addEventListener("offline", showLine);
addEventListener("online", () => {
  showLine();
  askAgain();
});

// A network that went away without a word breaks nothing by itself: silence does.
setInterval(() => {
  if (!connection || document.hidden || Date.now() - heardAt < SILENCE_MS) return;
  heardAt = Date.now();
  setBroken({ stream: true });
  connection.reader?.cancel();
}, 5_000);
