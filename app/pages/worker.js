// The service worker: shows messages, tells that they were shown or opened, and renews the subscription.
"use strict";
const NAME = "Хабаршы";
const home = new URL("my", registration.scope).href;

addEventListener("install", () => skipWaiting());
addEventListener("activate", event => event.waitUntil(clients.claim()));
addEventListener("push", event => event.waitUntil(show(event.data)));
addEventListener("notificationclick", event => {
  const { page, seen, actions = [] } = event.notification.data || {};
  const chosen = actions.find(each => each.action === event.action);
  event.notification.close();
  event.waitUntil(Promise.all([open(chosen ? chosen.url : page || home), report(seen, "opened")]));
});
addEventListener("pushsubscriptionchange", event => event.waitUntil(renew(event)));

const FRESH = 60_000; // milliseconds: what is sent is shown at once

async function show(data) {
  let told = {};
  try {
    told = data.json();
  } catch {
    // Browsers demand a notification for each push; this one leads to the messages.
  }
  const { title = NAME, body = "", lang = "", tag = "", page, seen, actions = [], timestamp = Date.now() } = told;
  if (Date.now() - timestamp > FRESH && await removed()) return;
  await registration.showNotification(title, {
    body,
    lang,
    tag,
    dir: "auto",
    timestamp,
    icon: new URL("static/icon-192.png", registration.scope).href,
    badge: new URL("static/badge-96.png", registration.scope).href,
    actions: actions.map(({ action, title }) => ({ action, title })),
    data: { page, seen, actions },
  });
  await report(seen, "displayed");
}

// What waited at the push service is not shown on a device that was removed meanwhile: it may be lost or sold.
async function removed() {
  const { token } = await kept();
  if (!token) return false;
  try {
    const answer = await post("devices/known", token, {}, AbortSignal.timeout(5000));
    if (answer.status !== 410) return false;
  } catch {
    return false;
  }
  await leave();
  return true;
}

async function leave() {
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  await caches.delete("device");
}

async function kept() {
  const found = await (await caches.open("device")).match(new URL("kept", registration.scope));
  return found ? found.json() : {};
}

function post(path, token, fields, signal) {
  const [body, headers] = [new URLSearchParams(fields), { "Device-Token": token }];
  return fetch(new URL(path, registration.scope), { method: "POST", credentials: "omit", headers, body, signal });
}

async function open(address) {
  const windows = await clients.matchAll({ type: "window" });
  const there = windows.find(each => each.url === address);
  return there ? there.focus() : clients.openWindow(address);
}

async function report(seen, what) {
  if (!seen) return;
  try {
    await fetch(`${seen}?what=${what}`, { method: "POST", credentials: "omit", keepalive: true });
  } catch {
    // Silence only means that the message may come by another channel too.
  }
}

// By the token that the page kept: there may be no cookie any more, and nobody is looking.
async function renew(event) {
  const { token, key } = await kept();
  if (!token) return;
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const made = event.newSubscription || await registration.pushManager.subscribe(options);
  const answer = await post("devices/renew", token, { subscription: JSON.stringify(made) });
  if (answer.status === 410) await leave(); // the device was removed meanwhile
}
