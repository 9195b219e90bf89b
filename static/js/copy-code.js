// Adds a copy button under each finished block of code. Without this script people select the code by hand.
// The texts are attributes of the script's own tag, so that they are in the page's language.
const texts = document.currentScript.dataset;

// A live region must be on the page, empty, before it announces something.
const liveRegion = document.createElement("p");
liveRegion.className = "visually-hidden";
liveRegion.setAttribute("role", "status");

/** @param {string} text */
function announce(text) {
  liveRegion.textContent = "";
  setTimeout(() => (liveRegion.textContent = text), 100);
}

/**
 * @param {HTMLElement} code
 * @returns {Promise<boolean>} whether it is on the clipboard
 */
async function copy(code) {
  try {
    await navigator.clipboard.writeText(code.textContent.replace(/\n$/, ""));
    return true;
  } catch {
    // The clipboard API needs HTTPS, which a self-hosted site may not have.
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}

function addButtons() {
  for (const block of document.querySelectorAll(".prose:not(.prose-growing) .code-block")) {
    if (block.querySelector(".copy-code")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-quiet copy-code";
    button.textContent = texts.copy;
    block.append(button);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".copy-code");
  if (!button) return;
  const copied = await copy(button.parentElement.querySelector("code"));
  const result = copied ? texts.copied : texts.failed;
  button.textContent = result;
  announce(result);
  setTimeout(() => (button.textContent = texts.copy), 3000);
});

document.addEventListener("DOMContentLoaded", () => {
  document.body.append(liveRegion);
  addButtons();
});
document.addEventListener("htmx:after:swap", addButtons);
