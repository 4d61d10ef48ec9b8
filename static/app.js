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

document.addEventListener("DOMContentLoaded", () => {
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
  const typing = page.contains(document.activeElement) && document.activeElement.matches("input:not([type=hidden]), textarea, select");
  const filled = [...page.querySelectorAll("[data-holds]")].some((field) => field.value !== field.defaultValue);
  if (typing || filled || page.querySelector(".refusal")) event.preventDefault();
});

const line = () => document.getElementById("connection");
document.addEventListener("htmx:sse:error", () => { if (line()) line().hidden = false; });
document.addEventListener("htmx:sse:after:connection", () => { if (line()) line().hidden = true; });
