// Reads finished answers aloud with a voice of this device. Voices that work over the internet would send the answer to
// a company, so they are not used, and without another voice there is no button.

/** @type {HTMLButtonElement | null} the button of the answer that is being read */
let reading = null;
/** What is read differently from how it is written, or not at all. */
const SKIPPED = ".code-block, math, table, .visually-hidden";

/** @param {string} language */
function findVoice(language) {
  const voices = speechSynthesis.getVoices().filter((voice) => voice.localService);
  const [short] = language.split("-");
  return (
    voices.find((voice) => voice.lang.replace("_", "-") === language) ??
    voices.find((voice) => voice.lang.split(/[-_]/)[0] === short)
  );
}

/** @param {Element} button */
function findProse(button) {
  return document.getElementById(button.dataset.reads);
}

/** @param {HTMLElement} prose */
function getLanguage(prose) {
  return prose.closest("[lang]")?.lang || document.documentElement.lang;
}

function showButtons() {
  for (const button of document.querySelectorAll(".read-aloud")) {
    const prose = findProse(button);
    button.hidden = !prose || !findVoice(getLanguage(prose));
  }
}

/**
 * @param {HTMLElement} prose
 * @returns {string[]} its text in parts: some browsers stop in long ones
 */
function getParts(prose) {
  const copy = /** @type {HTMLElement} */ (prose.cloneNode(true));
  for (const skipped of copy.querySelectorAll(SKIPPED)) {
    // A formula in a sentence is read as it was typed.
    const typed = skipped.matches("math") ? skipped.getAttribute("alttext") : "";
    skipped.replaceWith(typed ?? "");
  }
  const blocks = copy.querySelectorAll("p, li, h2, h3, h4, h5, h6, blockquote > :not(p)");
  const texts = [...blocks].filter((block) => !block.querySelector("p, li")).map((block) => block.textContent);
  return texts.map((text) => text.replace(/\s+/g, " ").trim()).filter(Boolean);
}

function stop() {
  speechSynthesis.cancel();
  if (reading) [reading.textContent, reading.dataset.stop] = [reading.dataset.stop, reading.textContent];
  reading = null;
}

/** @param {HTMLButtonElement} button */
function start(button) {
  const prose = findProse(button);
  const parts = getParts(prose);
  if (!parts.length) return;
  const language = getLanguage(prose);
  reading = button;
  [button.textContent, button.dataset.stop] = [button.dataset.stop, button.textContent];
  for (const [index, part] of parts.entries()) {
    const utterance = new SpeechSynthesisUtterance(part);
    utterance.lang = language;
    utterance.voice = findVoice(language) ?? null;
    const end = () => reading === button && stop();
    utterance.onerror = end;
    if (index === parts.length - 1) utterance.onend = end;
    speechSynthesis.speak(utterance);
  }
}

if ("speechSynthesis" in window) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".read-aloud");
    if (!button) return;
    const isReading = button === reading;
    stop();
    if (!isReading) start(button);
  });
  // Voices are listed late in some browsers.
  speechSynthesis.addEventListener?.("voiceschanged", showButtons);
  document.addEventListener("htmx:after:swap", () => {
    if (reading && !reading.isConnected) stop();
    showButtons();
  });
  addEventListener("pagehide", stop);
  showButtons();
}
