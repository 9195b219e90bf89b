// What htmx leaves to the tutor's page: replies that are not the site's own, where the focus goes, what is announced,
// and a page that comes back from the browser's cache (ADR 33).

/** @type {WeakSet<Element>} elements whose request is under way */
let sending = new WeakSet();
/** What each turn on the page was last announced as, by its id. @type {Map<string, string>} */
const known = new Map();
/** The text that the composer sent last, which its next form must not keep. */
let sentText = "";
/** @typedef {{focused: Element, question: HTMLTextAreaElement | null, text: string}} Before the page before a swap */
/** @type {WeakMap<object, Before>} by htmx's context of the swap */
const befores = new WeakMap();

/** @returns {HTMLTextAreaElement | null} */
const questionField = () => document.querySelector("#composer textarea[name=question]");

/**
 * @param {Element | null} source
 * @returns {boolean} whether it is the form for the next question, which a resting tutor has as well
 */
const isComposer = (source) => Boolean(source?.matches("form") && source.querySelector("[name=question]"));

/** Whether a swap replies to a form, rather than to a link or a stream, which have scripts of their own. */
const isPressed = (ctx) => ctx.request?.method === "POST";

// --- Replies ---

document.addEventListener("htmx:config:request", (event) => {
  // A second press while the first is under way.
  if (sending.has(event.detail.ctx.sourceElement)) event.preventDefault();
});

document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const source = ctx.sourceElement;
  sending.add(source);
  setBusy(source, true);
  if (isComposer(source)) sentText = questionField()?.value ?? "";
  for (const place of source.closest("form")?.querySelectorAll(".composer-trouble") ?? []) place.replaceChildren();
});

document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  sending.delete(ctx.sourceElement);
  // Until a redirect has left the page its button stays as it is; `pageshow` sees to a page that comes back.
  if (!ctx.hx?.redirect) setBusy(ctx.sourceElement, false);
});

document.addEventListener("htmx:before:response", (event) => {
  const { ctx } = event.detail;
  // A proxy's page, or that of the Wi-Fi's sign-in.
  if (ctx.response.headers.has("Kitchen-Table") || !isPressed(ctx)) return;
  event.preventDefault();
  showTrouble(ctx.sourceElement, wordsFor(ctx.response.status));
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (!isPressed(ctx)) return;
  if (ctx.hx.redirect) {
    // Without a session this leads to sign-in, and on from there to what the form held.
    if (!isComposer(ctx.sourceElement)) storeDraft();
    return;
  }
  const isPage = /^\s*<(!doctype|html)/i.test(ctx.text);
  const isFault = ctx.response.status >= 400 && !ctx.hx.retarget;
  if (!isPage && !isFault) return;
  event.preventDefault();
  const reply = new DOMParser().parseFromString(ctx.text, "text/html");
  const found = isPage ? reply.querySelector(".lost-words") : reply.body.childElementCount ? reply.body : null;
  if (found) showTrouble(ctx.sourceElement, ...found.childNodes);
  else showTrouble(ctx.sourceElement, wordsFor(ctx.response.raw.redirected ? 401 : ctx.response.status));
});

// The form's token was old. The server sends a new one along, so that a second press is taken.
document.addEventListener("form-token", ({ detail }) => {
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = detail.token;
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  // Neither a request that was never answered nor an answer that broke off has a text.
  if (ctx?.request && ctx.text === undefined) showTrouble(ctx.sourceElement, words("not-sent"));
});

/**
 * @param {string} name
 * @returns {Node} a copy of words from chat/page_words.html
 */
function words(name) {
  return /** @type {HTMLTemplateElement} */ (document.getElementById(`words-${name}`)).content.cloneNode(true);
}

/** @param {number} status */
function wordsFor(status) {
  return words({ 401: "signed-out", 413: "too-long", 429: "too-often" }[status] ?? "not-sent");
}

/**
 * Say beside the form that its request was not taken. What was typed in it stays.
 * @param {Element} source
 * @param {...Node} nodes
 */
function showTrouble(source, ...nodes) {
  const form = source.isConnected ? source.closest("form") : document.getElementById("composer");
  if (!form) return;
  let place = form.querySelector(".composer-trouble");
  if (!place) {
    place = document.createElement("div");
    place.className = "composer-trouble";
    place.setAttribute("role", "alert");
    form.append(place);
  }
  place.replaceChildren(...nodes);
  place.scrollIntoView({ block: "nearest" });
}

/**
 * Not `disabled`, which takes the focus away and is kept in the browser's cache.
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

// --- Focus, and what is announced ---

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  const question = questionField();
  befores.set(ctx, { focused: document.activeElement, question, text: question?.value ?? "" });
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const before = befores.get(ctx);
  keepDraft(before, isComposer(ctx.sourceElement));
  const place = newPlace(isPressed(ctx), ctx.request?.method === "GET");
  const isLost = document.activeElement === document.body && !before.focused.isConnected;
  if (place) moveFocus(place);
  else if (isLost) successor(before.focused)?.focus({ preventScroll: true });
});

document.addEventListener("tutor:announce", (event) => announce(event.detail));

/** @param {string} text */
function announce(text) {
  const region = document.getElementById("tutor-status");
  region.textContent = "";
  // A region that is emptied and filled at once says nothing.
  setTimeout(() => (region.textContent = text.trim()), 100);
}

/**
 * Announce every turn that stands otherwise than before.
 * @param {boolean} isReply to something that was pressed, and not from a stream
 * @param {boolean} isOld whether turns are only shown that were there before
 * @returns {HTMLElement | null} where the focus goes
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
  announce(words("card").textContent);
  return card;
}

/** @param {HTMLElement} place */
function moveFocus(place) {
  place.focus({ preventScroll: true });
  place.scrollIntoView({ block: place.matches(".report-made") ? "nearest" : "start" });
}

/**
 * @param {Element} lost the focused element that was replaced
 * @returns {HTMLElement | null} what has taken its place
 */
function successor(lost) {
  const turn = lost.closest(".turn")?.id;
  const place = document.getElementById(lost.id) ?? document.getElementById(turn ?? "");
  // A retry that came to nothing better makes way for the turn that it was to replace.
  const others = turn ? document.querySelectorAll("#turns > .turn") : [];
  return place ?? [...others].at(-1) ?? questionField() ?? document.getElementById("composer");
}

/**
 * What was typed stays in the composer that replaces it. If it was sent, only what was typed since does.
 * @param {Before} before
 * @param {boolean} isSent
 */
function keepDraft({ question, text }, isSent) {
  const field = questionField();
  if (!field || field === question) return;
  if (isSent ? text !== sentText : !field.value) field.value = text;
}

// --- A page that comes back ---

// Other pages may have changed the conversation while this one was not looked at, but not within seconds.
const REFRESH_AFTER = 10_000;
let refreshedAt = Date.now();

addEventListener("pageshow", (event) => {
  const [visit] = performance.getEntriesByType("navigation");
  if (event.persisted || visit?.type === "back_forward") revive();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - refreshedAt > REFRESH_AFTER) refresh().catch(() => {});
});

/** After Back, whatever is typed is a new question, and its button works. */
async function revive() {
  sending = new WeakSet();
  for (const button of document.querySelectorAll("button[aria-disabled]")) setBusy(button, false);
  for (const place of document.querySelectorAll(".composer-trouble")) place.replaceChildren();
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#composer [name=turn_id]"));
  if (field) field.value = newId();
  const response = await refresh().catch(() => null);
  // Streams were closed when the page was left.
  document.dispatchEvent(new Event("tutor:refreshed"));
  if (!response?.redirected) return;
  // Signed out: what the browser kept of the page is not for the next person at this screen.
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

/** Bring the turns and the composer up to date with the server. What is typed stays. */
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
  // One that is being written is brought up to date by its stream.
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

// --- A page that is loaded again ---

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-keep-draft]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  storeDraft();
  if (!link.matches("[data-show-answer]")) return;
  // The address is that of this page: following it would only scroll.
  event.preventDefault();
  history.replaceState(null, "", link.href);
  location.reload();
});

/** Keep what is typed for the page that is loaded next in this tab. */
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
