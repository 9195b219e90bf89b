// Adds earlier turns above the first one without moving the text being read, and puts the focus where they end.
let kept = null;

const wayOf = (event) => event.target.closest?.("#turns-earlier");

// Says that they could not be had, and leaves a plain link: the browser shows itself what is wrong then.
function giveUp(way) {
  const link = way.querySelector("a");
  const plain = link.cloneNode(true);
  for (const name of plain.getAttributeNames()) if (name.startsWith("hx-")) plain.removeAttribute(name);
  link.replaceWith(plain);
  way.querySelector("[role=alert]").hidden = false;
  plain.focus();
}

document.addEventListener("htmx:before:swap", (event) => {
  const way = wayOf(event);
  if (!way) return;
  if (event.detail.tasks.some((task) => task.fragment?.querySelector(".turns-joint"))) {
    kept = { first: way.nextElementSibling, top: way.nextElementSibling.getBoundingClientRect().top };
  } else {
    // A sign-in page, or an error page of the site or of a proxy.
    event.preventDefault();
    giveUp(way);
  }
});

document.addEventListener("htmx:after:swap", () => {
  const joint = kept?.first.previousElementSibling;
  if (!joint?.matches(".turns-joint")) return;
  for (const old of document.querySelectorAll(".turns-joint")) if (old !== joint) old.remove();
  window.scrollBy({ top: kept.first.getBoundingClientRect().top - kept.top, behavior: "instant" });
  joint.focus({ preventScroll: true });
  kept = null;
});

document.addEventListener("htmx:error", (event) => {
  const way = wayOf(event);
  if (way) giveUp(way);
});
