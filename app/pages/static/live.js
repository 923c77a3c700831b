// Keeps what changes on a page up to date; without it the page is as of when it was opened.
"use strict";
setInterval(async () => {
  const live = document.getElementById("live");
  if (document.hidden || !live || live.contains(document.activeElement)) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (fresh) live.replaceWith(fresh);
  } catch {
    // the next turn tries again
  }
}, 5000);
