// Follows the streams of answers that are being written, and reconnects when a connection fails (ADR 33).

const FIRST_WAIT = 500;
const MAX_WAIT = 15_000;
// With the waits above this is about a minute. Then the page says so, and tries again when it is shown.
const MAX_FAILURES = 8;
// The server sends something every three seconds. A connection that is silent for this long is dead.
const MAX_SILENCE = 20_000;
// A change of the wait is announced no more often than this.
const ANNOUNCE_EVERY = 30_000;

/** @typedef {{id: string, name: string, data: string, isComment: boolean}} StreamEvent */
/** @typedef {"done" | "again" | "signed-out" | "gone"} StreamEnd */

/** @type {Map<Element, TurnStream>} */
const streams = new Map();

/** The stream of one answer. Its address is the `data-stream` of the answer's element. */
class TurnStream {
  /** @param {HTMLElement} answer */
  constructor(answer) {
    this.answer = answer;
    this.address = new URL(answer.dataset.stream, location.href);
    this.usual = this.status?.cloneNode(true);
    this.failures = 0;
    this.heardAt = Date.now();
    this.announcedAt = 0;
    // Whether the status line differs from its usual text.
    this.isChanged = false;
    this.isClosed = false;
    this.controller = new AbortController();
    /** @type {() => void} */
    this.wake = () => {};
  }

  /** The status line of the answer. Swaps replace its content, and the last swap replaces the line. */
  get status() {
    return this.answer.querySelector(".turn-status");
  }

  get isOver() {
    return this.isClosed || !this.answer.isConnected;
  }

  async run() {
    while (!this.isOver) {
      const end = await this.read();
      if (this.isOver || end === "done") break;
      if (end === "gone") {
        this.say("gone");
        break;
      }
      this.failures += 1;
      if (end === "signed-out") this.say("signed-out");
      else if (this.failures > MAX_FAILURES) this.say("lost");
      else {
        if (this.failures === 2) this.say("trying");
        await this.pause(this.delay());
        continue;
      }
      await this.pause();
    }
    this.close();
  }

  /** @returns {number} milliseconds; doubled with every failure, with jitter of one third */
  delay() {
    const doubled = Math.min(FIRST_WAIT * 2 ** (this.failures - 1), MAX_WAIT);
    return doubled * (0.67 + 0.66 * Math.random());
  }

  /** @param {number} [milliseconds] if omitted, wait until the page is shown or online again */
  async pause(milliseconds) {
    await new Promise((resolve) => {
      this.wake = () => resolve(undefined);
      if (milliseconds !== undefined) setTimeout(resolve, milliseconds);
    });
    this.wake = () => {};
  }

  /** Reconnect now, because the page is shown or online again. */
  retry() {
    this.failures = 0;
    this.wake();
    if (Date.now() - this.heardAt > MAX_SILENCE / 2) this.controller.abort();
  }

  close() {
    this.isClosed = true;
    this.controller.abort();
    this.wake();
    if (streams.get(this.answer) === this) streams.delete(this.answer);
  }

  /** @returns {Promise<StreamEnd>} */
  async read() {
    this.controller = new AbortController();
    const { signal } = this.controller;
    this.heardAt = Date.now();
    const watch = setInterval(() => {
      if (Date.now() - this.heardAt > MAX_SILENCE) this.controller.abort();
    }, 1000);
    const address = this.address.href;
    const hadToken = this.dropToken();
    try {
      const headers = { Accept: "text/event-stream" };
      const response = await fetch(address, { signal, headers, cache: "no-store" });
      const isOurs = response.headers.has("Kitchen-Table");
      if (isOurs && response.status === 401) return "signed-out";
      // The token may be that of a session that has ended. Without it, the next try asks the session.
      if (isOurs && response.status === 404) return hadToken ? "again" : "gone";
      const type = response.headers.get("Content-Type") ?? "";
      if (!isOurs || !response.ok || !type.startsWith("text/event-stream")) return "again";
      return await this.apply(response.body);
    } catch {
      // A network error, or a connection that was silent for too long.
      return "again";
    } finally {
      clearInterval(watch);
      this.controller.abort();
    }
  }

  /**
   * Remove the token from the address: it opens the stream once, without asking the database (ADR 58).
   * @returns {boolean} whether there was one
   */
  dropToken() {
    const hadToken = this.address.searchParams.has("token");
    this.address.searchParams.delete("token");
    this.answer.dataset.stream = this.address.href;
    return hadToken;
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @returns {Promise<StreamEnd>}
   */
  async apply(body) {
    for await (const event of readEvents(body)) {
      if (this.isOver) return "done";
      this.heardAt = Date.now();
      if (event.name === "done" || event.name === "again") return event.name;
      if (event.isComment || event.id) this.failures = 0;
      if (event.id || (event.isComment && this.status?.dataset.problem)) this.restoreStatus();
      const place = { sourceElement: this.answer, target: this.answer, swap: "none" };
      const before = this.status?.textContent.trim();
      if (event.data) await htmx.swap({ ...place, text: event.data });
      if (event.id) {
        this.address.searchParams.set("after", event.id);
        this.answer.dataset.stream = this.address.href;
      } else if (event.data && this.answer.dataset.stream && !this.isOver) {
        if (this.status?.textContent.trim() !== before) this.announceStatus(event.name === "withdrawn");
      }
    }
    return "again";
  }

  restoreStatus() {
    if (this.isChanged) this.status?.replaceWith(this.usual.cloneNode(true));
    this.isChanged = false;
  }

  /** @param {boolean} isUrgent whether it may follow another announcement at once */
  announceStatus(isUrgent) {
    this.isChanged = true;
    if (!isUrgent && Date.now() - this.announcedAt < ANNOUNCE_EVERY) return;
    this.announcedAt = Date.now();
    announce(this.status.textContent);
  }

  /** @param {string} name of the text in chat/script_texts.html */
  say(name) {
    const text = /** @type {HTMLTemplateElement} */ (document.getElementById(`text-${name}`));
    if (!this.status || this.status.dataset.problem === name) return;
    this.status.replaceChildren(text.content.cloneNode(true));
    this.status.dataset.problem = name;
    this.isChanged = true;
    const turn = this.answer.closest(".turn");
    for (const link of this.status.querySelectorAll("a[data-show-answer]")) link.hash = turn.id;
    announce(this.status.textContent);
  }
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<StreamEvent>}
 */
async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) yield parseEvent(block);
  }
}

/**
 * @param {string} block
 * @returns {StreamEvent}
 */
function parseEvent(block) {
  const event = { id: "", name: "", data: "", isComment: block.startsWith(":") };
  const data = [];
  for (const line of block.split("\n")) {
    const [, field, value] = line.match(/^(\w+): ?(.*)$/) ?? [];
    if (field === "data") data.push(value);
    if (field === "event") event.name = value;
    if (field === "id") event.id = value;
  }
  event.data = data.join("\n");
  return event;
}

/** @param {string} text */
function announce(text) {
  document.dispatchEvent(new CustomEvent("tutor:announce", { detail: text }));
}

function followAll() {
  for (const [answer, stream] of streams) if (!answer.isConnected) stream.close();
  for (const answer of document.querySelectorAll("[data-stream]")) {
    if (streams.has(answer)) continue;
    const stream = new TurnStream(/** @type {HTMLElement} */ (answer));
    streams.set(answer, stream);
    stream.run();
  }
}

function retryAll() {
  for (const stream of streams.values()) stream.retry();
}

document.addEventListener("htmx:after:process", followAll);
document.addEventListener("tutor:refreshed", followAll);
addEventListener("online", retryAll);
document.addEventListener("visibilitychange", () => document.hidden || retryAll());
// Browsers do not cache a page with an open connection for Back.
addEventListener("pagehide", () => streams.forEach((stream) => stream.close()));
// htmx may have processed the page before this script was loaded.
followAll();
