// The parts of the tutor's page that htmx does not cover: replies that are not from this site, focus, announcements,
// and a page that comes back from the browser's cache (ADR 33).

/** @type {WeakSet<Element>} elements with a request in progress */
let sending = new WeakSet();
/** The last announcement of each turn on the page, by element id. @type {Map<string, string>} */
const known = new Map();
/** The text that the composer sent last, which must not reappear in its next form. */
let sentText = "";
/** @typedef {{focused: Element, question: HTMLTextAreaElement | null, text: string}} PageState the page before a swap */
/** @type {WeakMap<object, PageState>} by htmx's context of the swap */
const statesBefore = new WeakMap();

/** @returns {HTMLTextAreaElement | null} */
const questionField = () => document.querySelector("#composer textarea[name=question]");

/**
 * @param {Element | null} source
 * @returns {boolean} whether it is the form for the next question, also while the tutor rests
 */
const isComposer = (source) => Boolean(source?.matches("form") && source.querySelector("[name=question]"));

/** Whether a swap replies to a form. Links and streams have scripts of their own. */
const isFormReply = (ctx) => ctx.request?.method === "POST";

// --- Replies ---

document.addEventListener("htmx:config:request", (event) => {
  // Ignore a second press while the first request is in progress.
  if (sending.has(event.detail.ctx.sourceElement)) event.preventDefault();
});

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const source = ctx.sourceElement;
  sending.add(source);
  setBusy(source, true);
  if (isComposer(source)) sentText = questionField()?.value ?? "";
  for (const place of source.closest("form")?.querySelectorAll(".composer-error") ?? []) place.replaceChildren();
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  sending.delete(ctx.sourceElement);
  // A redirect keeps the button busy until it has left the page; `pageshow` handles a page that comes back.
  if (!ctx.hx?.redirect) setBusy(ctx.sourceElement, false);
});

document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  // A page by a proxy, or the sign-in page of a Wi-Fi network.
  if (ctx.response.headers.has("Kitchen-Table") || !isFormReply(ctx)) return;
  event.preventDefault();
  showTrouble(ctx.sourceElement, getErrorText(ctx.response.status));
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (!isFormReply(ctx)) return;
  if (ctx.hx.redirect) {
    // Without a session this leads to the sign-in page, which restores the form afterwards.
    if (!isComposer(ctx.sourceElement)) storeDraft();
    return;
  }
  const isPage = /^\s*<(!doctype|html)/i.test(ctx.text);
  const isError = ctx.response.status >= 400 && !ctx.hx.retarget;
  if (!isPage && !isError) return;
  event.preventDefault();
  const reply = new DOMParser().parseFromString(ctx.text, "text/html");
  const body = reply.body.childElementCount ? reply.body : null;
  const errorText = isPage ? reply.querySelector(".message-page-text") : body;
  if (errorText) showTrouble(ctx.sourceElement, ...errorText.childNodes);
  else showTrouble(ctx.sourceElement, getErrorText(ctx.response.raw.redirected ? 401 : ctx.response.status));
});

// The form's CSRF token was stale. The server sends a new one, so that a second press works.
document.addEventListener("form-token", ({ detail }) => {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = detail.token;
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  // A request without an answer and an answer that broke off both have no text.
  if (ctx?.request && ctx.text === undefined) showTrouble(ctx.sourceElement, copyText("not-sent"));
});

/**
 * @param {string} name
 * @returns {Node} a copy of a text from chat/script_texts.html
 */
function copyText(name) {
  return /** @type {HTMLTemplateElement} */ (document.getElementById(`text-${name}`)).content.cloneNode(true);
}

/** @param {number} status */
function getErrorText(status) {
  return copyText({ 401: "signed-out", 413: "too-long", 429: "too-often" }[status] ?? "not-sent");
}

/**
 * Show beside the form that its request failed. The typed text stays.
 * @param {Element} source
 * @param {...Node} nodes
 */
function showTrouble(source, ...nodes) {
  const form = source.isConnected ? source.closest("form") : document.getElementById("composer");
  if (!form) return;
  let place = form.querySelector(".composer-error");
  if (!place) {
    place = document.createElement("div");
    place.className = "composer-error";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.replaceChildren(...nodes);
  place.scrollIntoView({ block: "nearest" });
}

/**
 * Uses aria-disabled: `disabled` would remove the focus and persist in the browser's cache.
 * @param {Element} source
 * @param {boolean} isBusy
 */
function setBusy(source, isBusy) {
  const buttons = source.matches("button") ? [source] : source.querySelectorAll("button");
  for (const button of buttons) {
    if (isBusy) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

// --- Focus and announcements ---

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  const question = questionField();
  statesBefore.set(ctx, { focused: document.activeElement, question, text: question?.value ?? "" });
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const before = statesBefore.get(ctx);
  restoreDraft(before, isComposer(ctx.sourceElement));
  const place = newPlace(isFormReply(ctx), ctx.request?.method === "GET");
  const isLost = document.activeElement === document.body && !before.focused.isConnected;
  if (place) moveFocus(place);
  else if (isLost) findSuccessor(before.focused)?.focus({ preventScroll: true });
});

document.addEventListener("tutor:announce", (event) => announce(event.detail));

/** @param {string} text */
function announce(text) {
  const region = document.getElementById("tutor-status");
  region.textContent = "";
  // Screen readers ignore a region that is emptied and filled at once.
  setTimeout(() => (region.textContent = text.trim()), 100);
}

/**
 * Announce every turn that has changed.
 * @param {boolean} isReply whether this follows a form, and not a stream
 * @param {boolean} isOld whether only earlier turns were added
 * @returns {HTMLElement | null} the element to focus
 */
function newPlace(isReply, isOld) {
  let place = null;
  for (const turn of document.querySelectorAll(".turn")) {
    const text = turn.dataset.announce ?? "";
    const last = known.get(turn.id);
    if (last === text) continue;
    known.set(turn.id, text);
    if (isOld) continue;
    announce(text);
    const card = turn.querySelector(".card-crisis");
    if (last === undefined) place = card ?? (isReply ? turn : null);
    else place = isReply ? turn.querySelector(".report-made") : card;
  }
  const card = document.querySelector("#help-card > .card-crisis:not([data-shown])");
  if (!card) return place;
  card.toggleAttribute("data-shown", true);
  announce(copyText("card").textContent);
  return card;
}

/** @param {HTMLElement} place */
function moveFocus(place) {
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: place.matches(".report-made") ? "nearest" : "start" });
}

/**
 * @param {Element} replaced the focused element that was replaced
 * @returns {HTMLElement | null} the element that has taken its place
 */
function findSuccessor(replaced) {
  const turn = replaced.closest(".turn")?.id;
  const place = document.getElementById(replaced.id) ?? document.getElementById(turn ?? "");
  // A retry that was not better gives way to the turn that it retried.
  const others = turn ? document.querySelectorAll("#turns > .turn") : [];
  return place ?? [...others].at(-1) ?? questionField() ?? document.getElementById("composer");
}

/**
 * Keep the typed text in the composer that replaces the old one. If it was sent, keep only text typed since then.
 * @param {PageState} before
 * @param {boolean} isSent
 */
function restoreDraft({ question, text }, isSent) {
  const field = questionField();
  if (!field || field === question) return;
  if (isSent ? text !== sentText : !field.value) field.value = text;
}

// --- A page that comes back ---

// Another page may have changed the conversation while this one was hidden for longer than this (in milliseconds).
const REFRESH_AFTER = 10_000;
let refreshedAt = Date.now();

addEventListener("pageshow", (event) => {
  const [visit] = performance.getEntriesByType("navigation");
  if (event.persisted || visit?.type === "back_forward") revive();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - refreshedAt > REFRESH_AFTER) refresh().catch(() => {});
});

/** After Back: make the form ask a new question, enable its button, and refresh the page. */
async function revive() {
  sending = new WeakSet();
  for (const button of document.querySelectorAll("button[aria-disabled]")) setBusy(button, false);
  for (const place of document.querySelectorAll(".composer-error")) place.replaceChildren();
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#composer [name=turn_id]"));
  if (field) field.value = newId();
  const response = await refresh().catch(() => null);
  // Streams are closed when a page is left.
  document.dispatchEvent(new Event("tutor:refreshed"));
  if (!response?.redirected) return;
  // Signed out: the cached page is not for the next person at this screen.
  storeDraft();
  location.reload();
}

/** @returns {string} a random UUID; `crypto.randomUUID` exists on secure pages only */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Update the turns and the composer from the server. The typed text stays. */
async function refresh() {
  refreshedAt = Date.now();
  const response = await fetch(location.pathname + location.search, { cache: "no-store" });
  if (!response.ok || response.redirected || !response.headers.has("Kitchen-Table")) return response;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const parts = [...fresh.querySelectorAll("#turns > .turn")].map(turnPart);
  const [now, next] = [document.getElementById("composer"), fresh.getElementById("composer")];
  const isForm = now.matches("form") && next.matches("form");
  const place = isForm ? "#composer-actions" : "#composer";
  parts.push(part(place, "outerHTML", fresh.querySelector(place)));
  await htmx.swap({ sourceElement: document.body, target: document.body, swap: "none", text: parts.join("") });
  return response;
}

/** @param {HTMLElement} fresh */
function turnPart(fresh) {
  const shown = document.getElementById(fresh.id);
  if (!shown) return part("#turns", "beforeend", fresh);
  // The stream updates a turn that is being written.
  if (shown.querySelector("[data-stream]") || shown.dataset.announce === fresh.dataset.announce) return "";
  return part(`#${fresh.id}`, "outerMorph", fresh);
}

/**
 * @param {string} target
 * @param {string} swap
 * @param {Element} element
 */
function part(target, swap, element) {
  return `<hx-partial hx-target="${target}" hx-swap="${swap}">${element.outerHTML}</hx-partial>`;
}

// --- Writing a question ---

// A keyboard without a touch screen: Enter on a phone's keyboard starts a new line.
const hasKeyboard = matchMedia("(hover: hover) and (pointer: fine)").matches;

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!hasKeyboard || event.isComposing || event.target !== questionField()) return;
  const button = /** @type {HTMLButtonElement | null} */ (document.querySelector("#composer-button"));
  // A button with an address of its own is Stop.
  if (!button || button.hasAttribute("formaction")) return;
  event.preventDefault();
  if (!button.hasAttribute("aria-disabled")) button.form?.requestSubmit(button);
});

function showEnterHint() {
  for (const hint of document.querySelectorAll(".enter-hint")) hint.hidden = !hasKeyboard;
}
showEnterHint();
document.addEventListener("htmx:after:swap", showEnterHint);

for (const type of ["paste", "drop"]) {
  document.addEventListener(type, (event) => {
    const field = questionField();
    if (!field || event.target !== field) return;
    const { types } = event.clipboardData ?? event.dataTransfer;
    // Text that is copied from an office program comes with a picture of itself.
    if (!types.includes("Files") || types.includes("text/plain")) return;
    event.preventDefault();
    showTrouble(field, copyText("picture"));
  });
}

// --- Reloading the page ---

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-keep-draft]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  storeDraft();
  if (!link.matches("[data-show-answer]")) return;
  // The link goes to this page: following it would only scroll.
  event.preventDefault();
  history.replaceState(null, "", link.href);
  location.reload();
});

/** Keep the typed text for the next page in this tab. */
function storeDraft() {
  const text = questionField()?.value;
  if (text) sessionStorage.setItem("draft", JSON.stringify({ path: location.pathname, text }));
}

const draft = JSON.parse(sessionStorage.getItem("draft") ?? "null");
if (draft?.path === location.pathname && questionField()) {
  sessionStorage.removeItem("draft");
  questionField().value ||= draft.text;
}

for (const turn of document.querySelectorAll(".turn")) {
  known.set(turn.id, turn.dataset.announce ?? "");
  if (turn.querySelector("[data-stream]")) announce(turn.dataset.announce);
}
