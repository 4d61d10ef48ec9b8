"use strict";
// Serves the courier's pages offline: those visited before, as they were then, and their files.

const PAGES = "courier-pages";
const FILES = "courier-files";
const MAX_PAGES = 200;
const MAX_FILES = 30;
const MAX_AGE_MS = 8 * 3600_000; // a shift, after which sessions end by default
const STORED_AT = "Stored-At";
const TIMEOUT_MS = 4000; // on a bad connection the cached page is shown after this, while the new one still loads

const INSTEAD = "/courier/offline"; // a page in the reader's language, in place of those that are not stored

const isFile = (url) => /^\/static\/[0-9a-f]{12}\//.test(url.pathname);
const isPage = (url) => url.pathname === "/courier" || url.pathname.startsWith("/courier/");

async function store(name, max, url, response) {
  const cache = await caches.open(name);
  await cache.put(url, response);
  const keys = await cache.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - max)).map((old) => cache.delete(old)));
}

const cached = (cacheName, url) => caches.match(url, { cacheName, ignoreVary: true });

// A stored page says when it was stored: in a header for this worker, in an attribute for courier.js, which shows it.
async function storePage(request, response) {
  const now = String(Date.now());
  const headers = new Headers(response.headers);
  headers.set(STORED_AT, now);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  const html = (await response.text()).replace("<html ", `<html data-stored-at="${now}" `);
  await store(PAGES, MAX_PAGES, request.url, new Response(html, { headers }));
}

// Customers' addresses must not stay on a phone for days.
async function deleteOldPages() {
  if (!(await caches.has(PAGES))) return;
  const cache = await caches.open(PAGES);
  for (const request of await cache.keys()) {
    const age = Date.now() - Number((await cache.match(request, { ignoreVary: true }))?.headers.get(STORED_AT));
    if (!(age < MAX_AGE_MS)) await cache.delete(request, { ignoreVary: true });
  }
}

// A file's name changes with its content, so a cached one never becomes stale.
async function file(request) {
  const known = await cached(FILES, request.url);
  if (known) return known;
  const response = await fetch(request);
  if (response.ok) await store(FILES, MAX_FILES, request.url, response.clone());
  return response;
}

// Customers' addresses must not outlive the session: a redirect to the sign-in page empties the cache.
async function freshPage(request) {
  const response = await fetch(request);
  if (response.type === "opaqueredirect" || response.redirected) await caches.delete(PAGES);
  else if (response.ok) await storePage(request, response.clone());
  else if (response.status === 404) await (await caches.open(PAGES)).delete(request.url, { ignoreVary: true });
  return response;
}

async function page(request, fresh) {
  await deleteOldPages();
  const old = await cached(PAGES, request.url);
  if (!old) return fresh.catch(async () => (await cached(PAGES, INSTEAD)) ?? Response.error());
  const timeout = new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS, old));
  return Promise.race([fresh, timeout]).catch(() => old);
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(Promise.all([self.clients.claim(), deleteOldPages()])));

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (isFile(url)) event.respondWith(file(request));
  else if (isPage(url)) {
    const fresh = freshPage(request);
    event.waitUntil(fresh.catch(() => {}));
    // A page's own refresh must not be answered from the cache.
    event.respondWith(request.mode === "navigate" ? page(request, fresh) : fresh);
  }
});

// One after the other: the courier's own request goes first. What is stored already stays until it is visited.
async function storeRound(addresses) {
  await deleteOldPages();
  for (const address of addresses) if (!(await cached(PAGES, address))) await freshPage(new Request(address));
}

async function storeFirst(addresses) {
  const requests = addresses.map((address) => new Request(address));
  await Promise.allSettled(requests.map((request) => (isFile(new URL(request.url)) ? file(request) : freshPage(request))));
}

// The first page was loaded before this worker was installed.
self.addEventListener("message", (event) => {
  const { round, keep } = event.data;
  event.waitUntil(round ? storeRound(round).catch(() => {}) : storeFirst(keep));
});
