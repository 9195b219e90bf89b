// Shows the print button in place of the sentence that tells how to print without it.
for (const line of document.querySelectorAll("[data-print]")) {
  line.hidden = false;
  line.querySelector("button").addEventListener("click", () => window.print());
}
for (const hint of document.querySelectorAll("[data-print-hint]")) hint.hidden = true;
