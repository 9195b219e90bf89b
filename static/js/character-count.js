// Counts the characters in a text box with a limit (`data-limit`), as kit/texts.py does, and shows the count near the
// limit. Nothing is cut: the server rejects a text that is too long and returns it.

const NEAR = 0.9;
// Announced to screen readers after this pause in typing, and only when the state changes: near, over, or neither.
const PAUSE = 1000;
/** @type {WeakMap<Element, string>} the last announced state of each box */
const states = new WeakMap();
/** @type {WeakMap<Element, number>} */
const timers = new WeakMap();

/**
 * @param {string} text
 * @returns {number} the number of characters (code points) after normalization
 */
export function countCharacters(text) {
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
  const line = box.parentElement.querySelector(".character-count");
  if (!line) return "";
  const limit = Number(box.dataset.limit);
  // A text never has more characters than code units.
  const count = box.value.length < limit * NEAR ? 0 : countCharacters(box.value);
  const state = count > limit ? "over" : count >= limit * NEAR ? "near" : "";
  line.hidden = !state;
  line.classList.toggle("character-count-over", state === "over");
  line.textContent = state ? fill(line.dataset[state], { count, limit, over: count - limit }, line.dataset.separator) : "";
  return state;
}

/**
 * @param {string} text with names in braces
 * @param {Record<string, number>} numbers
 * @param {string} separator the thousands separator
 */
function fill(text, numbers, separator) {
  const format = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, separator);
  return text.replace(/\{(\w+)\}/g, (_, name) => format(numbers[name]));
}

/** @param {HTMLTextAreaElement} box */
function announce(box) {
  const state = show(box);
  if (state === (states.get(box) ?? "")) return;
  states.set(box, state);
  const line = box.parentElement.querySelector(".character-count");
  line.nextElementSibling.textContent = line.textContent;
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("textarea[data-limit]")) return;
  show(target);
  clearTimeout(timers.get(target));
  timers.set(target, setTimeout(() => announce(target), PAUSE));
});

/** Show the counts of boxes that the server or another script has filled in, without announcing them. */
function showAll() {
  for (const box of document.querySelectorAll("textarea[data-limit]")) states.set(box, show(box));
}

document.addEventListener("htmx:after:swap", showAll);
addEventListener("pageshow", showAll);
showAll();
