// Shows an event's time in the visitor's time zone if the page does not know it, and sends the zone with the form.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const language = document.documentElement.lang;

for (const field of document.querySelectorAll("input[name=time_zone]")) {
  field.value ||= zone;
}

for (const clock of document.querySelectorAll(".event-clock")) {
  const time = clock.querySelector("time");
  const begins = new Date(time.dateTime);
  const shown = time.dateTime.slice(0, 16);
  const here = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short" }).format(begins);
  if (shown === here.replace(" ", "T")) continue;
  const words = new Intl.DateTimeFormat(language, {
    weekday: "long", year: "numeric", month: "long", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short",
  }).format(begins);
  const yours = document.createElement("span");
  yours.className = "event-yours";
  yours.textContent = clock.dataset.template.replace("{}", words);
  clock.append(" ", yours);
}
