// Finds the browser's time zone in the list. Selects it for a new account; on other pages offers it if another one is
// selected. Without this script the list shows the server's guess.
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** @param {HTMLOptionElement} option */
const isOwn = (option) => option.value === own || option.dataset.oldNames?.split(" ").includes(own);

for (const list of document.querySelectorAll("select[data-zone]")) {
  const option = [...list.options].find(isOwn);
  if (!option) continue;
  const zoneField = list.form.elements.browser_zone;
  if (zoneField) zoneField.value = own;
  if (list.dataset.zone === "choose") option.selected = true;
  const offer = document.querySelector("[data-zone-offer]");
  if (list.dataset.zone !== "offer" || list.value === option.value || !offer) continue;
  const words = offer.querySelector("p");
  words.textContent = words.textContent.replace("{}", option.label);
  offer.hidden = false;
  offer.querySelector("button").addEventListener("click", () => {
    option.selected = true;
    offer.hidden = true;
    list.focus();
  });
}
