"use strict";
// The courier's actions are stored before they are sent, so that none is lost without a connection. Each is sent with the
// idempotency key of its form, so that a retry takes effect once. An action waits until the server has responded.

const KEPT = "courier-actions";
const LAST_COURIER = "courier";
const PAGES = "courier-pages"; // as courier-worker.js names them
const TOKEN = "form_token"; // valid only as long as the session, so an action is stored without it
const RETRY_MS = 10_000;
const TIMEOUT_MS = 20_000;
const AGE_EVERY_MS = 60_000;
const SETTLE_MS = 1200; // a button that has just replaced another ignores presses for this long

const courier = document.querySelector("meta[name=courier]").content;
const page = () => document.getElementById("page");

// The page has the texts in its language. What stands for a brace may be an element; `said` takes strings only.
const texts = document.getElementById("courier-texts").dataset;
const parts = (name, values = {}) => texts[name].split(/\{(\w+)\}/).map((part, index) => (index % 2 ? values[part] : part));
const said = (name, values) => parts(name, values).join("");

// An action: {key, address, fields, what, courier, pressedAt, dueAt, tried, refusal}; `refusal` is set once it was refused.
// Until `dueAt` it is not sent, and can be undone.

const allActions = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");
const mine = () => allActions().filter((action) => action.courier === courier);
const waiting = () => mine().filter((action) => !action.refusal);
const isDue = (action) => !(action.dueAt > Date.now());
const isSame = (one, other) => one.key === other.key && one.address === other.address;

function keep(action) {
  localStorage.setItem(KEPT, JSON.stringify([...allActions(), action]));
}

function forget(action) {
  localStorage.setItem(KEPT, JSON.stringify(allActions().filter((each) => !isSame(each, action))));
}

function note(action, change) {
  const changed = allActions().map((each) => (isSame(each, action) ? { ...each, ...change } : each));
  localStorage.setItem(KEPT, JSON.stringify(changed));
}

const addressOf = (form) => new URL(form.action).pathname;
const pageOf = (action) => action.address.slice(0, action.address.lastIndexOf("/"));
// Picking up all that waits at a warehouse includes the pickup of each shipment.
const pickupOf = (id) => `/courier/shipments/${id}/dispatch`;
const includes = (action, address) => action.address === address || Boolean(action.fields.shipments?.split(" ").some((id) => pickupOf(id) === address));

function actionOf(form, submitter) {
  const fields = Object.fromEntries(new FormData(form, submitter));
  delete fields[TOKEN];
  return { key: fields.key, address: addressOf(form), fields, what: form.dataset.action, courier, pressedAt: new Date().toISOString(), dueAt: Date.now() + undoMs() };
}

const undoMs = () => 1000 * document.querySelector("meta[name=undo-seconds]").content;

// Sending: one after the other, in order, by one tab at a time if the browser supports locks.

let isSending = false;
let isSignedOut = false;

async function sendAll() {
  const [first] = waiting();
  if (isSending || !first) return;
  if (!isDue(first)) {
    setTimeout(sendAll, first.dueAt - Date.now() + 1);
    return;
  }
  isSending = true;
  show();
  const send = async () => {
    let next;
    while ((next = waiting()[0]) && isDue(next)) if (!(await sendOne(next))) break;
  };
  try {
    if (navigator.locks) await navigator.locks.request(KEPT, send);
    else await send();
  } finally {
    isSending = false;
    show();
    if (waiting().some((action) => !isDue(action))) sendAll();
  }
}

// Whether the server responded; if not, the action keeps waiting.
async function sendOne(action) {
  const answer = await answerTo(action);
  if (!answer) {
    note(action, { tried: true });
    return false;
  }
  const doc = new DOMParser().parseFromString(answer.html, "text/html");
  if (answer.isDone) {
    forget(action);
    if (action.tried) announce(said("sent", action));
  } else note(action, { refusal: messageOf(doc) });
  await showAnswer(action, answer, doc);
  return true;
}

const tokenFields = (doc) => [...doc.querySelectorAll(`input[name=${TOKEN}]`)];

function post(action) {
  const body = new URLSearchParams({ ...action.fields, [TOKEN]: tokenFields(document)[0]?.value ?? "" });
  return fetch(action.address, { method: "POST", body, signal: AbortSignal.timeout(TIMEOUT_MS) });
}

// A cached page may be from an earlier session: replace the token of its forms.
async function renewToken() {
  const response = await fetch("/courier", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const doc = new DOMParser().parseFromString(await response.text(), "text/html");
  const [fresh] = tokenFields(doc);
  if (fresh) for (const field of tokenFields(document)) field.value = fresh.value;
}

async function answerTo(action) {
  try {
    let response = await post(action);
    if (response.status === 403) {
      await renewToken();
      response = await post(action);
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

function messageOf(doc) {
  const refusals = [...doc.querySelectorAll("#page .refusal")];
  const parts = refusals.length ? refusals : [...doc.querySelectorAll("#page h1, #page h1 ~ p:not(:has(a))")];
  return parts.map((each) => each.textContent.trim().replace(/\s+/g, " ")).join(" ") || said("noReason");
}

// On the page of the action, the response replaces the page; elsewhere the outbox shows it.
async function showAnswer(action, answer, doc) {
  if (pageOf(action) !== location.pathname) return;
  const next = new URL(answer.address);
  if (answer.isDone && next.pathname + next.search !== location.pathname + location.search) {
    location.assign(next);
    return;
  }
  forget(action);
  await htmx.swap({ text: answer.html, sourceElement: page(), target: "#page", select: "#page", swap: "outerMorph" });
  if (!doc.querySelector("#page .refusal")) return;
  page().focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

// Display: waiting and refused actions above the page, and the state of the page's buttons.

const outbox = document.createElement("section");
outbox.className = "outbox";
outbox.setAttribute("aria-label", said("outbox"));

function element(name, content, attributes = {}) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function button(text, act) {
  const made = element("button", text, { type: "button" });
  made.addEventListener("click", act);
  return made;
}

function entryOf(action) {
  const at = element("time", "", { datetime: action.pressedAt });
  const { what, refusal: why } = action;
  if (!why && !isDue(action)) {
    const undo = () => { if (!isDue(action)) { forget(action); announce(said("undone", action)); } show(); };
    return element("li", [element("span", what), button(said("undo"), undo)], { class: "notice slim" });
  }
  if (!why) return element("li", element("span", parts("entry", { what, time: at })));
  const dismiss = () => { forget(action); show(); };
  const text = element("span", parts("entryRefused", { what, time: at, why }));
  return element("li", [text, button(said("dismiss"), dismiss)], { class: "refusal" });
}

function showOutbox() {
  const shown = mine().filter((action) => action.refusal || action.tried || !navigator.onLine || !isDue(action));
  const isWaiting = shown.some((action) => !action.refusal && isDue(action));
  const isUndoable = shown.every((action) => !action.refusal && !isDue(action));
  outbox.replaceChildren();
  outbox.hidden = shown.length === 0;
  if (outbox.hidden) return;
  outbox.classList.toggle("undoable", isUndoable);
  const heading = said(isUndoable ? "soon" : isWaiting ? "waiting" : "refused");
  outbox.append(element("h2", heading), element("ul", shown.map(entryOf)));
  if (isSignedOut) outbox.append(element("p", parts("ended", { link: element("a", said("signIn"), { href: "/" }) })));
  else if (isWaiting) outbox.append(button(said("tryNow"), sendAll));
  localise(outbox);
}

// The waiting action that does what the form would do, or a part of it.
function pressOf(form) {
  const addresses = form.elements.shipments?.value.split(" ").map(pickupOf) ?? [addressOf(form)];
  return waiting().find((action) => addresses.some((address) => includes(action, address)));
}

function showForm(form) {
  const pressed = pressOf(form);
  for (const control of form.querySelectorAll("button")) showButton(control, pressed);
  if (form.dataset.after) form.hidden = !waiting().some((action) => includes(action, form.dataset.after) && (action.tried || !navigator.onLine));
}

function showButton(control, pressed) {
  control.dataset.label ??= control.textContent;
  const isPressed = pressed && (pressed.fields[control.name] ?? "") === control.value;
  const isIdle = pressed && (pressed.tried || !navigator.onLine);
  control.textContent = !isPressed ? control.dataset.label : said(isIdle ? "buttonWaits" : "sending", control.dataset);
  control.disabled = Boolean(pressed);
}

// The first button at the bottom. When another one replaces it, presses are ignored for a moment.
let current = null;
let settledAt = 0; // by performance.now()
const nextForm = () => document.querySelector(".act form:not([hidden]):has(button:not([disabled]))");
const isSettling = (form) => performance.now() < settledAt && form === nextForm();

function settle() {
  const form = nextForm();
  const now = form ? addressOf(form) : "";
  if (current !== null && now && now !== current) {
    settledAt = performance.now() + SETTLE_MS;
    setTimeout(settle, SETTLE_MS + 50);
  }
  current = now;
  form?.querySelector("button").toggleAttribute("data-settling", isSettling(form));
}

// A page that courier-worker.js had stored says how old it is, until it was refreshed.
const age = element("p", "", { id: "age", class: "notice", role: "status" });

function showAge() {
  const { storedAt } = document.documentElement.dataset;
  age.hidden = !storedAt;
  if (!storedAt) return;
  const minutes = Math.max(1, Math.round((Date.now() - Number(storedAt)) / 60_000));
  const text = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  age.textContent = said("age", { age: text });
}

function show() {
  showAge();
  showCamera();
  showOutbox();
  document.querySelectorAll("form[data-action]").forEach(showForm);
  settle();
}

async function deletePages() {
  if ("caches" in window) await caches.delete(PAGES);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (addressOf(form) === "/sign-out") {
    event.preventDefault();
    deletePages().finally(() => form.submit());
  } else if (form.dataset.action) {
    event.preventDefault();
    if (isSettling(form) || pressOf(form)) return;
    const action = actionOf(form, event.submitter);
    keep(action);
    show();
    if (!navigator.onLine) announce(said("waits", action));
    sendAll();
  }
});

// All stops of the run are stored before the connection is lost, not only those that were opened.
function keepRound() {
  const round = [...document.querySelectorAll("#page a[href^='/courier/shipments/']")].map((link) => link.href);
  round.push(new URL("/courier/offline", location.href).href);
  if (navigator.onLine) navigator.serviceWorker?.controller?.postMessage({ round });
}

document.addEventListener("htmx:after:swap", () => {
  delete document.documentElement.dataset.storedAt;
  show();
  keepRound();
});
document.addEventListener("htmx:sse:after:connection", sendAll);
document.addEventListener("visibilitychange", () => { if (!document.hidden) sendAll(); });
addEventListener("online", sendAll);
addEventListener("offline", show);
addEventListener("storage", show);
setInterval(sendAll, RETRY_MS);
setInterval(showAge, AGE_EVERY_MS);

// Scanning: the camera reads a label's number, where browser and device can. A scanner that types needs no script.

async function readNumber(form) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const view = element("video", "", { autoplay: "", playsinline: "" });
  const box = element("dialog", [view, button(said("stop"), () => box.close())], { class: "camera", "aria-label": said("camera") });
  box.addEventListener("close", () => {
    for (const track of stream.getTracks()) track.stop();
    box.remove();
  });
  document.body.append(box);
  box.showModal();
  view.srcObject = stream;
  const detector = new BarcodeDetector();
  while (box.open) {
    const [label] = view.readyState < HTMLMediaElement.HAVE_CURRENT_DATA ? [] : await detector.detect(view);
    if (label && box.open) {
      form.elements.number.value = label.rawValue;
      form.requestSubmit();
      box.close();
    }
    await new Promise(requestAnimationFrame);
  }
}

document.addEventListener("click", (event) => {
  const pressed = event.target.closest?.("button.camera");
  if (pressed) readNumber(pressed.form).catch(() => announce(said("noCamera")));
});

function showCamera() {
  const canScan = "BarcodeDetector" in window && navigator.mediaDevices;
  for (const each of document.querySelectorAll("button.camera")) each.hidden = !canScan;
}

// Do not show one courier's cached pages to the next one on the same phone.
async function start() {
  if (localStorage.getItem(LAST_COURIER) !== courier) await deletePages();
  localStorage.setItem(LAST_COURIER, courier);
  page().before(age, outbox);
  show();
  sendAll();
  if (!("serviceWorker" in navigator)) return;
  const isFirst = !navigator.serviceWorker.controller;
  await navigator.serviceWorker.register("/courier-worker.js", { scope: "/courier" });
  const worker = (await navigator.serviceWorker.ready).active;
  const files = [...document.querySelectorAll("script[src], link[rel=stylesheet]")].map((each) => each.src || each.href);
  const drawings = document.querySelector("use")?.getAttribute("href").split("#")[0];
  if (drawings) files.push(new URL(drawings, location.href).href);
  if (isFirst) worker.postMessage({ keep: [location.href.split("#")[0], ...files] });
  if (isFirst) navigator.serviceWorker.addEventListener("controllerchange", keepRound, { once: true });
  keepRound();
}

start();
