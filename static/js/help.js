// The quick exit (safeguarding.quick_exit).

const AWAY = "away=1";
const NEUTRAL_PAGE = readMeta("neutral-page");

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
