// Keeps the page fresh. Without it, the link "Refresh" does the same.
"use strict";

const PARTS = ["top", "events", "inbox", "phone", "mail"];
const EVERY = 1000;
const STILL = 2000;

const language = document.getElementById("main").dataset.language;
const pause = document.getElementById("pause");
const refresh = document.getElementById("refresh");
const news = document.getElementById("news");
const shown = new Map();
const pointedAt = new Map();
let paused = false;

/** A part stands still while a pointer moves in it or the keyboard is there: nothing may move under a finger. */
function inUse(part) {
  const pointed = performance.now() - (pointedAt.get(part.id) ?? -STILL) < STILL;
  return pointed || part.querySelector(":focus-visible") !== null;
}

function show(parts) {
  for (const name of PARTS) {
    const part = document.getElementById(name);
    if (shown.get(name) === parts[name] || inUse(part)) continue;
    part.innerHTML = parts[name]; // from our own server, which escapes every value
    shown.set(name, parts[name]);
  }
  return PARTS.every((name) => shown.get(name) === parts[name]);
}

async function update() {
  if (!paused) {
    try {
      const answer = await fetch(`/live?language=${encodeURIComponent(language)}`);
      const live = await answer.json();
      if (show(live.parts) && live.done) {
        news.textContent = "The year is over.";
        pause.hidden = true;
        return;
      }
    } catch {
      news.textContent = "The demo has ended.";
      refresh.hidden = false;
      pause.hidden = true;
      return;
    }
  }
  setTimeout(update, EVERY);
}

for (const name of PARTS.slice(1)) {
  for (const gesture of ["pointermove", "pointerdown"]) {
    document.getElementById(name).addEventListener(gesture, () => pointedAt.set(name, performance.now()));
  }
}
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Resume updates" : "Pause updates";
});
pause.hidden = false;
refresh.hidden = true;
setTimeout(update, EVERY);
