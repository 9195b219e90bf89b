// Says so when a question could not be sent at all. Without JavaScript the browser says it itself.
document.addEventListener("htmx:error", (event) => {
  const form = event.target.closest?.("#composer");
  if (form) form.querySelector("#line-broken").hidden = false;
});
document.addEventListener("htmx:before:request", (event) => {
  const form = event.target.closest?.("#composer");
  if (form) form.querySelector("#line-broken").hidden = true;
});
