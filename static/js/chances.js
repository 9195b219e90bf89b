// The sliders of What comes next: reshapes the bars on the page as labs/drawing.py does, without asking the server.

const LENGTH = 1000;
const MIN_LENGTH = 4;
const MAX_ROWS = 10;

/**
 * @param {number[]} logprobs the likeliest first
 * @param {number} temperature
 * @param {number} topP
 * @returns {number[]} the chance of each piece to be drawn
 */
export function reshapeChances(logprobs, temperature, topP) {
  const chances = logprobs.map(Math.exp);
  if (temperature === 1 && topP === 1) return chances;
  const kept = countKept(chances, topP);
  const weights = logprobs.map((logprob, index) => {
    if (index >= kept) return 0;
    if (temperature === 0) return index === 0 ? 1 : 0;
    return Math.exp((logprob - logprobs[0]) / temperature);
  });
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

/** @param {number[]} numbers */
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/**
 * @param {number[]} chances
 * @param {number} topP
 */
function countKept(chances, topP) {
  const wanted = topP * sum(chances);
  let reached = 0;
  for (let count = 1; count <= chances.length; count++) {
    reached += chances[count - 1];
    if (reached >= wanted) return count;
  }
  return chances.length;
}

/** @param {number} chance */
function formatChance(chance) {
  const language = document.documentElement.lang;
  const digits = chance >= 0.1 ? 0 : 1;
  if (chance > 0 && chance < 0.001) return `<${(0.1).toLocaleString(language)}%`;
  const number = (chance * 100).toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${number}%`;
}

function redraw() {
  const table = document.getElementById("chances");
  const temperature = document.getElementById("id_temperature");
  const topP = document.getElementById("id_top_p");
  if (!table) return;
  const logprobs = table.dataset.logprobs.split(" ").map(Number);
  const isNeutral = Number(temperature.value) === 1 && Number(topP.value) === 1;
  const drawn = reshapeChances(logprobs, Number(temperature.value), Number(topP.value));
  const shown = drawn.slice(0, MAX_ROWS);
  const rest = isNeutral ? Math.max(0, 1 - sum(shown)) : sum(drawn.slice(MAX_ROWS));
  const rows = table.querySelectorAll("tbody tr");
  [...shown, rest].forEach((chance, index) => {
    const row = rows[index === shown.length ? rows.length - 1 : index];
    const length = chance > 0 ? Math.max(MIN_LENGTH, Math.round(Math.min(chance, 1) * LENGTH)) : 0;
    row.querySelector(".bar-drawn").setAttribute("width", String(length));
    row.querySelector("[data-drawn]").textContent = formatChance(chance);
  });
  for (const slider of [temperature, topP]) {
    const language = document.documentElement.lang;
    document.querySelector(`output[for=${slider.id}]`).textContent = Number(slider.value).toLocaleString(language);
  }
}

/** The button is for pages without a script. */
function hideButton() {
  const button = document.getElementById("redraw");
  if (button) button.hidden = true;
}

document.addEventListener("input", ({ target }) => {
  if (target.matches?.("#id_temperature, #id_top_p")) redraw();
});
document.addEventListener("lab:shown", hideButton);
hideButton();
