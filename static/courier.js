"use strict";
// The courier's presses: kept before they are sent, so that none is lost where there is no connection, and sent with
// the key of their form, so that sending one again takes effect once. A press waits until it is answered.

const KEPT = "courier-presses";
const LAST_COURIER = "courier";
const PAGES = "courier-pages"; // as courier-worker.js names them
const TOKEN = "form_token"; // shows a form to be ours; it is worth as long as the session, so a press waits without one
const RETRY_MS = 10_000;
const ANSWER_WITHIN_MS = 20_000;
const SETTLE_MS = 1200; // a button that has just appeared under the thumb takes no press meant for the one before

const courier = document.querySelector("meta[name=courier]").content;
const page = () => document.getElementById("page");

// A press: {key, address, fields, what, about, courier, pressedAt, tried, refusal}; refusal once it was refused.

const everybodys = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");
const mine = () => everybodys().filter((press) => press.courier === courier);
const waiting = () => mine().filter((press) => !press.refusal);
const isSame = (one, other) => one.key === other.key && one.address === other.address;

function keep(press) {
  localStorage.setItem(KEPT, JSON.stringify([...everybodys(), press]));
}

function forget(press) {
  localStorage.setItem(KEPT, JSON.stringify(everybodys().filter((each) => !isSame(each, press))));
}

function note(press, change) {
  const changed = everybodys().map((each) => (isSame(each, press) ? { ...each, ...change } : each));
  localStorage.setItem(KEPT, JSON.stringify(changed));
}

const addressOf = (form) => new URL(form.action).pathname;
const pageOf = (press) => press.address.slice(0, press.address.lastIndexOf("/"));
const nameOf = (press) => `${press.what} of order ${press.about}`;

function pressOf(form) {
  const fields = Object.fromEntries(new FormData(form));
  delete fields[TOKEN];
  const { press: what, about } = form.dataset;
  return { key: fields.key, address: addressOf(form), fields, what, about, courier, pressedAt: new Date().toISOString() };
}

// Sending: one after the other, in the order pressed, by one tab at a time where the browser has locks.

let isSending = false;
let isSignedOut = false;

async function sendAll() {
  if (isSending || waiting().length === 0) return;
  isSending = true;
  show();
  const send = async () => {
    let next;
    while ((next = waiting()[0])) if (!(await sendOne(next))) break;
  };
  try {
    if (navigator.locks) await navigator.locks.request(KEPT, send);
    else await send();
  } finally {
    isSending = false;
    show();
  }
}

// Whether it was answered; if not, it goes on waiting.
async function sendOne(press) {
  const answer = await answerTo(press);
  if (!answer) {
    note(press, { tried: true });
    return false;
  }
  const doc = new DOMParser().parseFromString(answer.html, "text/html");
  if (answer.isDone) {
    forget(press);
    if (press.tried) announce(`${nameOf(press)} was sent.`);
  } else note(press, { refusal: wordsOf(doc) });
  await showAnswer(press, answer, doc);
  return true;
}

const tokenFields = (doc) => [...doc.querySelectorAll(`input[name=${TOKEN}]`)];

function post(press) {
  const body = new URLSearchParams({ ...press.fields, [TOKEN]: tokenFields(document)[0]?.value ?? "" });
  return fetch(press.address, { method: "POST", body, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
}

// This page may be of an earlier session, kept by the worker: its forms take the token of the present one.
async function renewToken() {
  const response = await fetch("/courier", { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  const doc = new DOMParser().parseFromString(await response.text(), "text/html");
  const [fresh] = tokenFields(doc);
  if (fresh) for (const field of tokenFields(document)) field.value = fresh.value;
}

async function answerTo(press) {
  try {
    let response = await post(press);
    if (response.status === 403) {
      await renewToken();
      response = await post(press);
    }
    const html = await response.text();
    const { pathname } = new URL(response.url);
    isSignedOut = response.ok && !pathname.startsWith("/courier");
    const isRefused = response.status >= 400 && response.status < 500 && ![401, 408, 409, 425, 429].includes(response.status);
    return isSignedOut || !(response.ok || isRefused) ? null : { html, isDone: response.ok, address: response.url };
  } catch {
    return null; // no connection, or lost before the answer was whole
  }
}

function wordsOf(doc) {
  const said = [...doc.querySelectorAll("#page .refusal")];
  const told = said.length ? said : [...doc.querySelectorAll("#page h1, #page h1 ~ p:not(:has(a))")];
  return told.map((each) => each.textContent.trim().replace(/\s+/g, " ")).join(" ") || "It was refused.";
}

// On the page the press was made on, the answer takes its place; elsewhere the list of presses tells.
async function showAnswer(press, answer, doc) {
  if (pageOf(press) !== location.pathname) return;
  if (answer.isDone && new URL(answer.address).pathname !== location.pathname) {
    location.assign(answer.address);
    return;
  }
  forget(press);
  await htmx.swap({ text: answer.html, sourceElement: page(), target: "#page", select: "#page", swap: "outerMorph" });
  if (!doc.querySelector("#page .refusal")) return;
  page().focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

// Showing: what waits or was refused, above the page; and on the page, what its buttons stand at.

const outbox = document.createElement("section");
outbox.className = "outbox";
outbox.setAttribute("aria-label", "Presses that wait or were refused");

function element(name, content, attributes = {}) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function button(text, act) {
  const made = element("button", text, { type: "button", class: "quiet" });
  made.addEventListener("click", act);
  return made;
}

function entryOf(press) {
  const at = element("time", "", { datetime: press.pressedAt });
  if (!press.refusal) return element("li", element("span", [`${nameOf(press)}, pressed `, at]));
  const put = () => { forget(press); show(); };
  const text = element("span", [`${nameOf(press)}, pressed `, at, `, was refused. ${press.refusal}`]);
  return element("li", [text, button("Put away", put)], { class: "refusal" });
}

function showOutbox() {
  const told = mine().filter((press) => press.refusal || press.tried || !navigator.onLine);
  const isWaiting = told.some((press) => !press.refusal);
  outbox.replaceChildren();
  outbox.hidden = told.length === 0;
  if (outbox.hidden) return;
  outbox.append(element("h2", isWaiting ? "Waiting to be sent" : "Not carried out"), element("ul", told.map(entryOf)));
  if (isSignedOut) outbox.append(element("p", ["Your session has ended. ", element("a", "Sign in again", { href: "/" }), " to send what waits."]));
  else if (isWaiting) outbox.append(button("Try now", sendAll));
  localise(outbox);
}

function showForm(form) {
  const pressed = waiting().find((press) => press.address === addressOf(form));
  const control = form.querySelector("button");
  control.dataset.says ??= control.textContent;
  const isIdle = pressed && (pressed.tried || !navigator.onLine);
  control.textContent = !pressed ? control.dataset.says : isIdle ? `${control.dataset.says}: waiting to be sent` : "Sending …";
  control.disabled = Boolean(pressed);
  if (form.dataset.after) form.hidden = !waiting().some((press) => press.address === form.dataset.after && (press.tried || !navigator.onLine));
}

// Which button stands first at the bottom; when another takes its place, it settles before it can be pressed.
let standing = null;
let settledAt = 0; // by performance.now()
const nextForm = () => document.querySelector(".act form:not([hidden]):has(button:not([disabled]))");
const isSettling = (form) => performance.now() < settledAt && form === nextForm();

function settle() {
  const form = nextForm();
  const now = form ? addressOf(form) : "";
  if (standing !== null && now && now !== standing) {
    settledAt = performance.now() + SETTLE_MS;
    setTimeout(settle, SETTLE_MS + 50);
  }
  standing = now;
  form?.querySelector("button").toggleAttribute("data-settling", isSettling(form));
}

function show() {
  showOutbox();
  document.querySelectorAll("form[data-press]").forEach(showForm);
  settle();
}

async function forgetPages() {
  if ("caches" in window) await caches.delete(PAGES);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (addressOf(form) === "/sign-out") {
    event.preventDefault();
    forgetPages().finally(() => form.submit());
  } else if (form.dataset.press) {
    event.preventDefault();
    const press = pressOf(form);
    if (isSettling(form) || waiting().some((each) => each.address === press.address)) return;
    keep(press);
    show();
    if (!navigator.onLine) announce(`${nameOf(press)} is waiting to be sent.`);
    sendAll();
  }
});

document.addEventListener("htmx:after:swap", show);
document.addEventListener("htmx:sse:after:connection", sendAll);
document.addEventListener("visibilitychange", () => { if (!document.hidden) sendAll(); });
addEventListener("online", sendAll);
addEventListener("offline", show);
addEventListener("storage", show);
setInterval(sendAll, RETRY_MS);

// What was kept for one courier is not shown to the next on the same phone.
async function begin() {
  if (localStorage.getItem(LAST_COURIER) !== courier) await forgetPages();
  localStorage.setItem(LAST_COURIER, courier);
  page().before(outbox);
  show();
  sendAll();
  if (!("serviceWorker" in navigator)) return;
  const isFirst = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register("/courier-worker.js", { scope: "/courier" });
  const worker = (await navigator.serviceWorker.ready).active;
  const files = [...document.querySelectorAll("script[src], link[rel=stylesheet]")].map((each) => each.src || each.href);
  if (isFirst) worker.postMessage({ keep: [location.href.split("#")[0], ...files] });
}

begin();
