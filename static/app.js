"use strict";
// Enhancements of all pages: local times, countdowns, and a notice when the connection is lost.

// In the page's language, as the reader's country writes it; in the chosen time zone, else the browser's.
const { lang, dataset: { zone: timeZone } } = document.documentElement;
const locale = navigator.languages.find((name) => name.split("-")[0] === lang) ?? lang;
const shortTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", timeZone });
const timeWithSeconds = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone });

const clockTime = new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone });
const longDate = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone });
const date = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone });
const ago = new Intl.RelativeTimeFormat(locale, { style: "narrow", numeric: "always" });
const DAY_S = 86_400;

// How long ago, or at what time it comes, and beyond a day the date.
function briefly(at) {
  const seconds = (Date.now() - at) / 1000;
  if (Math.abs(seconds) > DAY_S) return date.format(at);
  if (seconds < 0) return clockTime.format(at);
  return seconds < 3600 ? ago.format(-Math.floor(seconds / 60), "minute") : ago.format(-Math.floor(seconds / 3600), "hour");
}

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const at = new Date(time.dateTime);
    const format = "seconds" in time.dataset ? timeWithSeconds : "clock" in time.dataset ? clockTime : shortTime;
    time.textContent = "short" in time.dataset ? briefly(at) : format.format(at);
    time.dataset.local = "";
  }
}

// The server groups a trail by days in UTC; the reader's days begin at another time.
function regroup(root) {
  for (const trail of root.querySelectorAll(".trail:has(> [data-day])")) {
    const heading = trail.querySelector("[data-day]");
    for (const day of trail.querySelectorAll("[data-day]")) day.remove();
    let last = "";
    for (const entry of [...trail.children]) {
      const text = longDate.format(new Date(entry.querySelector("time").dateTime));
      if (text === last) continue;
      last = text;
      entry.before(Object.assign(heading.cloneNode(), { textContent: text }));
    }
  }
}

function enhance() {
  localise(document);
  regroup(document);
  countDown();
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
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

// A page's [data-announce] is read out by screen readers after an automatic refresh.
const announcement = () => document.querySelector("#page [data-announce]")?.dataset.announce;
let lastAnnouncement;

function announceChange() {
  if (announcement() !== lastAnnouncement) announce(announcement());
  lastAnnouncement = announcement();
}

// Pages cached by courier-worker.js belong to the signed-in courier: delete them once nobody is signed in.
function deleteCachedPages() {
  if (!("signedIn" in document.body.dataset) && "caches" in window) caches.delete("courier-pages");
}

function nameZone() {
  for (const output of document.querySelectorAll("[data-zone-name]")) output.textContent = shortTime.resolvedOptions().timeZone;
}

document.addEventListener("DOMContentLoaded", () => {
  nameZone();
  deleteCachedPages();
  enhance();
  setInterval(countDown, 1000);
  lastAnnouncement = announcement();
});

document.addEventListener("htmx:after:swap", () => {
  enhance();
  announceChange();
});

// Do not refresh a page that shows a refusal or has a form being filled in.
document.addEventListener("htmx:before:request", (event) => {
  const page = event.target;
  if (page.id !== "page") return;
  const isEdited = (field) => field.matches("select")
    ? [...field.options].some((option) => option.selected !== option.defaultSelected)
    : field.matches("input, textarea") && field.value !== field.defaultValue;
  const typing = page.contains(document.activeElement) && (document.activeElement.matches("[data-holds]") || isEdited(document.activeElement));
  const filled = [...page.querySelectorAll("[data-holds]")].some(isEdited);
  if (typing || filled || page.querySelector(".refusal")) event.preventDefault();
});

// The connection counts as lost while the stream is broken or silent, a refresh fails, or the browser is offline.
// Once it is back, the page is refreshed.
const SILENCE_MS = 25_000; // the server sends an event at least every 10 s
const REFRESH_AFTER_MS = 2_000;
const broken = { stream: false, page: false };
let connection = null;
let receivedAt = Date.now();

function showConnection() {
  const notice = document.getElementById("connection");
  const live = document.getElementById("live");
  if (notice && live) notice.hidden = ended || (navigator.onLine && !broken.stream && !broken.page);
}

function setBroken(change) {
  Object.assign(broken, change);
  showConnection();
}

function refresh() {
  const live = document.getElementById("live");
  if (live && navigator.onLine && !ended) htmx.trigger(live, "changed");
}

// A session that has ended is no lost connection: say so, lead back here after signing in, and stop trying.
let ended = false;

function sessionEnded() {
  const notice = document.getElementById("ended");
  if (!notice) return;
  ended = true;
  showConnection();
  notice.querySelector("a").href = `/?next=${encodeURIComponent(location.pathname + location.search)}`;
  notice.hidden = false;
}

document.addEventListener("htmx:sse:before:connection", (event) => { if (ended) event.preventDefault(); });
document.addEventListener("htmx:response:error", (event) => {
  if (event.target.id === "page" && event.detail.ctx.response.status === 401) sessionEnded();
});
document.addEventListener("htmx:sse:error", (event) => {
  if (event.detail.status === 401) sessionEnded();
  else setBroken({ stream: true });
});
document.addEventListener("htmx:sse:after:connection", (event) => {
  connection = event.detail.connection;
  receivedAt = Date.now();
  setBroken({ stream: false });
});
document.addEventListener("htmx:sse:after:message", () => { receivedAt = Date.now(); });
document.addEventListener("htmx:error", (event) => {
  if (event.target.id !== "page") return;
  setBroken({ page: true });
  setTimeout(refresh, REFRESH_AFTER_MS);
});
document.addEventListener("htmx:after:swap", () => setBroken({ page: false }));
addEventListener("offline", showConnection);
addEventListener("online", () => {
  showConnection();
  refresh();
});

// A network that disappears silently raises no error, so watch for silence.
setInterval(() => {
  if (!connection || document.hidden || Date.now() - receivedAt < SILENCE_MS) return;
  receivedAt = Date.now();
  setBroken({ stream: true });
  connection.reader?.cancel();
}, 5_000);

// Menus of the bar close when something else is pressed, or by Escape, which returns the focus.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
// A link to a field opens the form that it is folded into, and leads to it.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]');
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  const form = field.closest("details");
  if (form) form.open = true;
  link.closest("details.menu")?.removeAttribute("open");
  if (field.matches("input, textarea")) {
    event.preventDefault();
    field.focus();
    field.scrollIntoView({ block: "center" });
  }
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  announce(`${button.ariaLabel}: ✓`);
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});
