// The live stream over fetch: the key travels in a header, never in a URL, and a 503 is tried again
// (a browser's EventSource gives up for good after one).

const FIRST = 500;
const LONGEST = 30000;
// The server beats every few seconds; so long a silence means a dead connection that nobody has closed.
const SILENCE = 20000;

export class Stream {
  constructor({ key, query, after, on }) {
    this.key = key;
    this.query = query;
    this.after = after;
    this.on = on;
    this.tries = 0;
    this.stopped = false;
    this.abort = null;
    this.run();
  }

  stop() {
    this.stopped = true;
    if (this.abort) this.abort.abort();
  }

  async run() {
    while (!this.stopped) {
      try {
        await this.listen();
      } catch (error) {
        if (this.stopped) return;
        if (error instanceof Denied) {
          this.on.denied(error.status);
          return;
        }
      }
      if (this.stopped) return;
      this.tries += 1;
      this.on.lost(this.tries);
      // Half of the pause is chance, so that a room full of desks does not come back in one instant.
      const pause = Math.min(LONGEST, FIRST * 2 ** Math.min(this.tries - 1, 10));
      await new Promise((wake) => setTimeout(wake, pause * (0.5 + Math.random() / 2)));
    }
  }

  async listen() {
    const abort = (this.abort = new AbortController());
    const query = new URLSearchParams(this.query);
    if (this.after !== null) query.set("after", String(this.after));
    let watch = setTimeout(() => abort.abort(), SILENCE);
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      const answer = await fetch(`/v1/stream?${query}`, {
        headers: { Authorization: `Bearer ${this.key}`, Accept: "text/event-stream" },
        signal: abort.signal,
        cache: "no-store",
      });
      if (answer.status === 401 || answer.status === 403) throw new Denied(answer.status);
      if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`);
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = blocks.pop();
        this.take(blocks);
      }
    } finally {
      clearTimeout(watch);
      abort.abort();
    }
  }

  take(blocks) {
    const events = [];
    for (const block of blocks) {
      const fields = { event: "message", data: "" };
      for (const line of block.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
      if (fields.data === "") continue;
      const data = JSON.parse(fields.data);
      if (fields.id !== undefined) this.after = Number(fields.id);
      if (fields.event === "live" || fields.event === "heartbeat") this.tries = 0;
      events.push({ event: fields.event, position: this.after, data });
    }
    if (events.length) this.on.events(events);
  }
}

export class Denied extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}
