// Counts what is typed into a box that has a limit (`data-limit`), as kit/texts.py does, and says so from near the
// limit on. Nothing is cut: the server refuses what is too long and gives the words back.

const NEAR = 0.9;
// A screen reader is told when typing pauses, and only that the limit is near, or passed, or no longer.
const PAUSE = 1000;
/** @type {WeakMap<Element, string>} each box's state as it was last announced */
const states = new WeakMap();
/** @type {WeakMap<Element, number>} */
const timers = new WeakMap();

/**
 * @param {string} text
 * @returns {number} its characters (code points) once it is normalised
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
  // No text has more characters than code units.
  const count = box.value.length < limit * NEAR ? 0 : countLetters(box.value);
  const state = count > limit ? "over" : count >= limit * NEAR ? "near" : "";
  line.hidden = !state;
  line.classList.toggle("letters-over", state === "over");
  line.textContent = state ? filled(line.dataset[state], { count, limit, over: count - limit }, line.dataset.separator) : "";
  return state;
}

/**
 * @param {string} words with names in braces
 * @param {Record<string, number>} numbers
 * @param {string} separator of thousands
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

/** Show what boxes have that were filled in by the server or by another script, which is no news to announce. */
function showAll() {
  for (const box of document.querySelectorAll("textarea[data-limit]")) states.set(box, show(box));
}

document.addEventListener("htmx:after:swap", showAll);
addEventListener("pageshow", showAll);
showAll();
