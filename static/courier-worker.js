"use strict";
// Opens the courier's pages without a connection: those visited before, as they were then, and the files they need.

const PAGES = "courier-pages";
const FILES = "courier-files";
const MOST_PAGES = 200;
const MOST_FILES = 30;
const PATIENCE_MS = 4000; // on a bad connection: after this the page as it was, while the new one is still awaited

const NOTHING_KEPT = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>No connection</title></head>
<body><h1>No connection</h1><p>This page was not opened before, so it can't be shown now. It will be once you are connected.</p>
<p><a href="/courier">All shipments</a></p></body></html>`;

const isFile = (url) => /^\/static\/[0-9a-f]{12}\//.test(url.pathname);
const isPage = (url) => url.pathname === "/courier" || url.pathname.startsWith("/courier/");

async function keep(name, most, url, answer) {
  const cache = await caches.open(name);
  await cache.put(url, answer);
  const kept = await cache.keys();
  await Promise.all(kept.slice(0, Math.max(0, kept.length - most)).map((old) => cache.delete(old)));
}

async function kept(name, url) {
  return (await caches.open(name)).match(url, { ignoreVary: true });
}

// Its name changes with its content, so what is kept is right for ever.
async function file(request) {
  const known = await kept(FILES, request.url);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) await keep(FILES, MOST_FILES, request.url, answer.clone());
  return answer;
}

// Addresses must not outlive the session: who is sent away to sign in takes what was kept along.
async function freshPage(request) {
  const answer = await fetch(request);
  if (answer.type === "opaqueredirect" || answer.redirected) await caches.delete(PAGES);
  else if (answer.ok) await keep(PAGES, MOST_PAGES, request.url, answer.clone());
  else if (answer.status === 404) await (await caches.open(PAGES)).delete(request.url, { ignoreVary: true });
  return answer;
}

async function page(request, fresh) {
  const old = await kept(PAGES, request.url);
  if (!old) return fresh.catch(() => new Response(NOTHING_KEPT, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } }));
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, old));
  return Promise.race([fresh, patience]).catch(() => old);
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (isFile(url)) event.respondWith(file(request));
  else if (isPage(url)) {
    const fresh = freshPage(request);
    event.waitUntil(fresh.catch(() => {}));
    // What a page asks for to become current must not be what it was.
    event.respondWith(request.mode === "navigate" ? page(request, fresh) : fresh);
  }
});

// The first page was loaded before this worker was there.
self.addEventListener("message", (event) => {
  const asked = event.data.keep.map((address) => new Request(address));
  const keeping = asked.map((request) => (isFile(new URL(request.url)) ? file(request) : freshPage(request)));
  event.waitUntil(Promise.allSettled(keeping));
});
