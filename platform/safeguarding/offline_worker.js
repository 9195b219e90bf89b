// Keeps the help lines in the browser, and shows them when a page cannot be loaded. Never keeps any other page.
// `KEPT` stands above: safeguarding.offline writes it.

const CACHE = `help-${KEPT.version}`;
// After this many milliseconds without an answer, the page of help lines comes from the copy.
const PATIENCE = 4000;

addEventListener("install", (event) => {
  event.waitUntil(keep());
  skipWaiting();
});

addEventListener("activate", (event) => {
  event.waitUntil(removeOldCopies().then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (pathname !== KEPT.leave) event.respondWith(openPage(request, pathname));
  } else if (KEPT.assets.includes(pathname)) {
    event.respondWith(fetch(request).catch(() => findCopy(pathname)));
  }
});

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...KEPT.pages, ...KEPT.assets].map((path) => new Request(path, { cache: "reload" })));
}

async function removeOldCopies() {
  for (const name of await caches.keys()) if (name.startsWith("help-") && name !== CACHE) await caches.delete(name);
}

/**
 * @param {Request} request
 * @param {string} pathname
 */
async function openPage(request, pathname) {
  const loading = fetch(request);
  // Its failure is handled below, unless the copy came first.
  loading.catch(() => {});
  try {
    return await (pathname === KEPT.help ? Promise.race([loading, failLater()]) : loading);
  } catch {
    return findCopy(KEPT.pages.includes(pathname) ? pathname : KEPT.page);
  }
}

function failLater() {
  return new Promise((_resolve, reject) => setTimeout(reject, PATIENCE));
}

/** @param {string} path */
async function findCopy(path) {
  const cache = await caches.open(CACHE);
  return (await cache.match(path)) ?? Response.error();
}
