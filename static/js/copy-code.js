// Puts a button under each finished block of code that copies it. Without this script code is selected by hand.
// Its words are attributes of its own tag, so that they are in the page's language.
const words = document.currentScript.dataset;

// Regions that are announced have to be there, empty, before they say something.
const said = document.createElement("p");
said.className = "visually-hidden";
said.setAttribute("role", "status");

/** @param {string} text */
function say(text) {
  said.textContent = "";
  setTimeout(() => (said.textContent = text), 100);
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
    // At home a site may have no certificate, and browsers then offer the old way only.
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
    button.textContent = words.copy;
    block.append(button);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.(".copy-code");
  if (!button) return;
  const copied = await copy(button.parentElement.querySelector("code"));
  const told = copied ? words.copied : words.failed;
  button.textContent = told;
  say(told);
  setTimeout(() => (button.textContent = words.copy), 3000);
});

document.addEventListener("DOMContentLoaded", () => {
  document.body.append(said);
  addButtons();
});
document.addEventListener("htmx:after:swap", addButtons);
