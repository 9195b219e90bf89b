// Counts the characters in a text box with a limit (`data-limit`) as kit/texts.py does, and shows the count near the limit.
// Nothing is cut: the server refuses a text that is too long and returns it.

const NEAR = 0.9;
// Announce to screen readers only when typing pauses and the limit comes near, is passed, or no longer is.
const PAUSE = 1000;
/** @type {WeakMap<Element, string>} each box's state as it was last announced */
const states = new WeakMap();
/** @type {WeakMap<Element, number>} */
const timers = new WeakMap();

/**
 * @param {string} text
 * @returns {number} its number of code points after normalization
 */
export function countLetters(text) {
  const normal = text
    .replace(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n")
    .replace(/[\u00ad\ufeff]/g, "")
    .replace(/[\0-\x08\x0e-\x1f\x7f-\x9f]/g, " ")
    .normalize("NFC")
    .trim();
  return [...normal].length;
}

/** @param {HTMLTextAreaElement} box */
function show(box) {
  const line = box.parentElement.querySelector(".letters");
  if (!line) return "";
  const limit = Number(box.dataset.limit);
  // A text never has more characters than code units.
  const count = box.value.length < limit * NEAR ? 0 : countLetters(box.value);
  const state = count > limit ? "over" : count >= limit * NEAR ? "near" : "";
  line.hidden = !state;
  line.classList.toggle("letters-over", state === "over");
  line.textContent = state ? filled(line.dataset[state], { count, limit, over: count - limit }, line.dataset.separator) : "";
  return state;
}

/**
 * @param {string} words a text with names in braces
 * @param {Record<string, number>} numbers
 * @param {string} separator the thousands separator
 */
function filled(words, numbers, separator) {
  const said = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, separator);
  return words.replace(/\{(\w+)\}/g, (_, name) => said(numbers[name]));
}

/** @param {HTMLTextAreaElement} box */
function announce(box) {
  const state = show(box);
  if (state === (states.get(box) ?? "")) return;
  states.set(box, state);
  const line = box.parentElement.querySelector(".letters");
  line.nextElementSibling.textContent = line.textContent;
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("textarea[data-limit]")) return;
  show(target);
  clearTimeout(timers.get(target));
  timers.set(target, setTimeout(() => announce(target), PAUSE));
});

/** Update the counters of boxes that the server or another script filled in, without an announcement. */
function showAll() {
  for (const box of document.querySelectorAll("textarea[data-limit]")) states.set(box, show(box));
}

document.addEventListener("htmx:after:swap", showAll);
addEventListener("pageshow", showAll);
showAll();
