// Adds earlier turns above the first one without moving the text being read, and focuses the line between them.
let anchor = null;

const findEarlierLink = (event) => event.target.closest?.("#turns-earlier");

// Shows an error, and replaces the link with one without htmx, so that the browser shows what is wrong.
function giveUp(place) {
  const link = place.querySelector("a");
  const plain = link.cloneNode(true);
  for (const name of plain.getAttributeNames()) if (name.startsWith("hx-")) plain.removeAttribute(name);
  link.replaceWith(plain);
  place.querySelector("[role=alert]").hidden = false;
  plain.focus();
}

document.addEventListener("htmx:before:swap", (event) => {
  const place = findEarlierLink(event);
  if (!place) return;
  if (event.detail.tasks.some((task) => task.fragment?.querySelector(".turns-joint"))) {
    anchor = { first: place.nextElementSibling, top: place.nextElementSibling.getBoundingClientRect().top };
  } else {
    // A sign-in page, or an error page by this site or a proxy.
    event.preventDefault();
    giveUp(place);
  }
});

document.addEventListener("htmx:after:swap", () => {
  const joint = anchor?.first.previousElementSibling;
  if (!joint?.matches(".turns-joint")) return;
  for (const old of document.querySelectorAll(".turns-joint")) if (old !== joint) old.remove();
  window.scrollBy({ top: anchor.first.getBoundingClientRect().top - anchor.top, behavior: "instant" });
  joint.focus({ preventScroll: true });
  anchor = null;
});

document.addEventListener("htmx:error", (event) => {
  const place = findEarlierLink(event);
  if (place) giveUp(place);
});
