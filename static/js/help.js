// The quick exit (safeguarding.quick_exit), and the offline copy of the help lines (safeguarding.offline).

const AWAY = "away=1";
const NEUTRAL_PAGE = readMeta("neutral-page");
const OFFLINE_HELP = readMeta("offline-help");
// Set by a person who does not want a copy on this device.
const NO_COPY = "no-offline-help";

/** @param {string} name */
function readMeta(name) {
  return /** @type {HTMLMetaElement | null} */ (document.querySelector(`meta[name=${name}]`))?.content ?? "";
}

// --- Quick exit ---

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-exit]");
  if (!link) return;
  event.preventDefault();
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${AWAY}; Path=/; SameSite=Lax${secure}`;
  // Nothing is seen while the other site loads.
  document.documentElement.hidden = true;
  document.title = new URL(link.dataset.exit).host;
  location.replace(link.dataset.exit);
});

/** On a private page after a quick exit in any tab: show the neutral page. */
function leaveIfAway() {
  if (!NEUTRAL_PAGE || !document.cookie.split("; ").includes(AWAY)) return;
  document.documentElement.hidden = true;
  location.replace(NEUTRAL_PAGE);
}

leaveIfAway();
// A page from the browser's cache, and one in another tab.
addEventListener("pageshow", leaveIfAway);
document.addEventListener("visibilitychange", leaveIfAway);
addEventListener("focus", leaveIfAway);

// --- Offline copy ---

const place = document.getElementById("offline-copy");

async function keepCopy() {
  if (!OFFLINE_HELP || !("serviceWorker" in navigator) || localStorage.getItem(NO_COPY)) return;
  await navigator.serviceWorker.register(OFFLINE_HELP, { scope: "/" });
  place?.removeAttribute("hidden");
}

async function removeCopy() {
  localStorage.setItem(NO_COPY, "1");
  for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
  for (const name of await caches.keys()) if (name.startsWith("help-")) await caches.delete(name);
}

place?.querySelector("button")?.addEventListener("click", async () => {
  await removeCopy();
  place.replaceChildren(...place.querySelectorAll("[data-removed]"));
  place.querySelector("[data-removed]")?.removeAttribute("hidden");
});

// Without it the site works as well.
keepCopy().catch(() => {});
