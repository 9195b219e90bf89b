// A form whose result follows its numbers. Without this script its button does the same.
// `data-live` on a form names the elements that are replaced by those in the answer; `data-slider` on a number field is
// the largest number of a slider that is put below it. With `data-keeps-address`, the page's address stays as it is.

const WAIT_MS = 200;

for (const form of document.querySelectorAll("form[data-live]")) {
  let timer = 0;
  let asked = 0;
  // It is there before it speaks: a screen reader ignores a live region that arrives with its words.
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.append(status);

  const update = async () => {
    const query = new URLSearchParams(new FormData(form));
    const address = `${form.getAttribute("action")}?${query}`;
    const number = ++asked;
    let page;
    try {
      const answer = await fetch(address, { credentials: "same-origin" });
      // A wrong number is answered with the page as well; anything else is not ours.
      if (![200, 422].includes(answer.status) || answer.redirected) return;
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      // Offline: the button still works, and says so.
      return;
    }
    // An older answer may arrive after a newer one.
    if (number !== asked) return;
    for (const id of form.dataset.live.split(" ")) {
      const fresh = page.getElementById(id);
      if (!fresh) return;
      const spoken = fresh.querySelector("[data-announce]");
      if (spoken) status.textContent = spoken.textContent.replace(/\s+/g, " ").trim();
      document.getElementById(id).replaceChildren(...fresh.childNodes);
    }
    if ("keepsAddress" in form.dataset) return;
    history.replaceState(history.state, "", address);
  };

  for (const field of form.querySelectorAll("input[data-slider]")) {
    const slider = document.createElement("input");
    slider.type = "range";
    slider.min = field.min || "0";
    // A number may be typed, or come from a case, that is larger than the slider is long.
    slider.max = Math.max(Number(field.dataset.slider), Number(field.value));
    slider.step = field.step;
    slider.value = field.value;
    slider.className = "live-slider";
    slider.setAttribute("aria-label", form.querySelector(`label[for="${field.id}"]`)?.textContent.trim() ?? "");
    slider.addEventListener("input", () => {
      field.value = slider.value;
    });
    field.addEventListener("input", () => {
      slider.value = field.value;
    });
    field.after(slider);
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(update, WAIT_MS);
  });
}
