// Makes a lab live: sends its form in the background and shows the outcome in place. Without it, the form loads a page.

const PAUSE = 450;
const form = /** @type {HTMLFormElement} */ (document.getElementById("lab-form"));
const status = document.getElementById("lab-status");
let timer = 0;
/** @type {AbortController | null} the run in progress */
let running = null;

/**
 * @param {HTMLElement | null} submitter
 * @param {boolean} isSubmitted whether someone pressed a button rather than typed
 */
async function run(submitter, isSubmitted) {
  clearTimeout(timer);
  running?.abort();
  const own = (running = new AbortController());
  const outcome = document.getElementById("lab-outcome");
  outcome.setAttribute("aria-busy", "true");
  if (isSubmitted) status.textContent = form.dataset.working;
  try {
    const reply = await fetch(form.getAttribute("action"), {
      method: "POST",
      headers: { "Lab-Reply": form.dataset.reply },
      body: new FormData(form, submitter),
      signal: own.signal,
    });
    if (own !== running) return;
    // The page to sign in, or one of a proxy.
    if (reply.redirected) return location.assign(reply.url);
    if (!reply.headers.has("Kitchen-Table")) throw new Error("not from this site");
    if (reply.headers.get("Content-Type") === "application/x-ndjson") return await showParts(reply);
    const text = await reply.text();
    if (own === running) show(parse(text), isSubmitted);
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = isWriting() ? form.dataset.broken : form.dataset.failed;
    status.classList.toggle("visually-hidden", error.name === "AbortError");
  } finally {
    if (own === running) {
      running = null;
      document.getElementById("lab-outcome")?.removeAttribute("aria-busy");
    }
  }
}

/** @param {string} text */
const parse = (text) => new DOMParser().parseFromString(text, "text/html");

const isWriting = () => document.querySelector("#lab-outcome [data-writing]") !== null;

/**
 * Shows the outcome before its first word, the answers as far as they are written, and last the whole outcome.
 * @param {Response} reply lines of JSON
 */
async function showParts(reply) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    // An empty line keeps the connection open.
    for (const line of lines.filter(Boolean)) showLine(JSON.parse(line));
  }
  if (isWriting()) throw new Error("the run did not end");
}

/** @param {{ outcome?: string, part?: number, html: string }} line */
function showLine({ outcome, part, html }) {
  if (outcome === undefined) {
    const place = document.querySelector(`#lab-outcome [data-part="${part}"]`);
    place?.replaceChildren(...parse(html).body.childNodes);
    return;
  }
  // The focus moves to the heading at the first outcome. At the last one it moves only if it would be lost.
  const isFirst = !isWriting();
  const wasWithin = document.getElementById("lab-outcome").contains(document.activeElement);
  show(parse(outcome), isFirst || wasWithin);
  document.getElementById("lab-outcome")?.toggleAttribute("aria-busy", false);
}

/**
 * @param {Document} page the reply
 * @param {boolean} isSubmitted
 */
function show(page, isSubmitted) {
  const outcome = page.getElementById("lab-outcome");
  status.classList.add("visually-hidden");
  if (!outcome) {
    // A card with help lines, or an error page, replaces this page.
    document.title = page.title;
    document.getElementById("main").replaceChildren(...page.getElementById("main").childNodes);
    document.getElementById("main").focus();
    scrollTo(0, 0);
    return;
  }
  if (isSubmitted) takeOverFields(page);
  for (const element of outcome.querySelectorAll("[autofocus]")) element.removeAttribute("autofocus");
  document.getElementById("lab-outcome").replaceWith(outcome);
  status.textContent = outcome.dataset.announce;
  document.dispatchEvent(new CustomEvent("lab:shown"));
  if (!isSubmitted) return;
  const heading = outcome.querySelector("[role=alert], h2");
  heading?.focus({ preventScroll: true });
  heading?.scrollIntoView({ block: "nearest" });
}

/**
 * A run may change the form: a picked piece is now part of the text.
 * @param {Document} page
 */
function takeOverFields(page) {
  for (const field of page.querySelectorAll("#lab-form [data-carried]")) {
    const own = document.getElementById(field.id);
    if (own?.matches("button")) own.textContent = field.textContent;
    else if (own) own.value = field.value;
  }
}

document.addEventListener("submit", (event) => {
  if (event.target !== form) return;
  event.preventDefault();
  run(/** @type {HTMLElement | null} */ (event.submitter), true);
});

document.addEventListener("input", ({ target }) => {
  const number = target.id && document.querySelector(`.lab-slider output[for="${target.id}"]`);
  if (number) number.textContent = target.value;
  if (!("live" in form.dataset) || target.form !== form) return;
  clearTimeout(timer);
  if (form.checkValidity()) timer = setTimeout(() => run(null, false), PAUSE);
});
