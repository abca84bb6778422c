// Time by the server's clock: the reader's own may be wrong by hours.

let offset = 0;
let known = false;

export function learn(serverNow) {
  const seen = Date.parse(serverNow) - Date.now();
  if (Number.isNaN(seen)) return;
  // The answer with the shortest way tells the clock best; a way only ever makes the server look earlier.
  offset = known ? (seen > offset ? seen : offset + (seen - offset) * 0.05) : seen;
  known = true;
}

export const now = () => Date.now() + offset;

const two = (number) => String(number).padStart(2, "0");

export function clockText(at, seconds = true) {
  const date = new Date(at);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${text}:${two(date.getSeconds())}` : text;
}

export function dayText(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

// Today only the time; another day the day too.
export function momentText(at) {
  const today = dayText(now());
  const day = dayText(at);
  return day === today ? clockText(at) : `${day.slice(5)} ${clockText(at, false)}`;
}

export function spanText(milliseconds, t) {
  const total = Math.floor(Math.abs(milliseconds) / 1000);
  const days = Math.floor(total / 86400);
  const hours = Math.floor((total % 86400) / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  if (days > 0) return t("span.days", { days, hours });
  if (hours > 0) return `${hours}:${two(minutes)}:${two(total % 60)}`;
  return `${two(minutes)}:${two(total % 60)}`;
}

// What is left of a clock: how long, what share has passed, and how grave that is.
export function left(clock, t) {
  if (clock.still) {
    // The case is held: what is left stays what it is, and never turns late.
    const kept = (clock.left_seconds !== undefined ? clock.left_seconds : clock.seconds_left) * 1000;
    return { text: t(kept < 0 ? "left.still.over" : "left.still", { span: spanText(kept, t) }), share: 0, kind: "still" };
  }
  const due = Date.parse(clock.due_at);
  const whole = due - Date.parse(clock.started_at);
  const rest = due - now();
  const share = whole > 0 ? 1 - rest / whole : 1;
  if (rest <= 0) return { text: t("left.over", { span: spanText(rest, t) }), share: 1, kind: "over" };
  return { text: t("left.rest", { span: spanText(rest, t) }), share, kind: share >= 0.8 ? "soon" : "" };
}
