// One report on its way over a bad line: sent again under the same key until it is answered for good.

const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);
const PATIENCE = 120_000;
const LONGEST_PAUSE = 30;

export class Stopped extends Error {}

// The final answer, {status, body}; `hooks.progress(percent)` and `hooks.waits(seconds, why)` say how it goes.
export async function deliver(parcel, hooks, signal) {
  for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    if (signal.aborted) throw new Stopped();
    if (navigator.onLine) {
      const answer = await once(parcel, hooks, signal);
      if (signal.aborted) throw new Stopped();
      if (answer && !comesAgain(answer)) return answer;
      const asked = answer ? Number(answer.retryAfter) || 0 : 0;
      const seconds = Math.max(pause, Math.min(asked, 600));
      hooks.waits(seconds, answer ? "busy" : "waits");
      await waited(seconds, signal);
    } else {
      hooks.waits(0, "offline");
      await online(signal);
      pause = 1;
    }
  }
}

// A 503 that names no time to wait means that this is not done here, and not that something is away.
const comesAgain = ({ status, retryAfter }) => AGAIN.has(status) && (status !== 503 || retryAfter !== null);

// Progress of an upload is told by XMLHttpRequest alone; null when nothing came back.
function once({ url, report, photos, key, token }, hooks, signal) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", photos.length ? url.withPhotos : url.plain);
    request.timeout = PATIENCE;
    request.setRequestHeader("Idempotency-Key", key);
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = (event) => event.lengthComputable && hooks.progress(Math.floor((100 * event.loaded) / event.total));
    request.onload = () => resolve({ status: request.status, body: parsed(request.responseText), retryAfter: request.getResponseHeader("Retry-After") });
    request.onerror = request.ontimeout = request.onabort = () => resolve(null);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    if (photos.length) {
      const form = new FormData();
      form.append("report", new Blob([JSON.stringify(report)], { type: "application/json" }), "report.json");
      photos.forEach((photo, number) => form.append("photo", photo, `photo-${number}.jpg`));
      request.send(form);
    } else {
      request.setRequestHeader("Content-Type", "application/json");
      request.send(JSON.stringify(report));
    }
  });
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return {}; }
}

function waited(seconds, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}

function online(signal) {
  return new Promise((resolve) => {
    const done = () => {
      removeEventListener("online", done);
      resolve();
    };
    addEventListener("online", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
