// The timeline that can be zoomed. It draws on a canvas what the record beside it says; without it the page shows a still picture.
(() => {
"use strict";
const source = document.getElementById("record");
const viewer = document.getElementById("viewer");
if (!source || !viewer) return;
const record = JSON.parse(source.textContent);
const canvas = document.getElementById("canvas");
const context = canvas.getContext("2d");
const panel = document.getElementById("selected");
const range = document.getElementById("range");
const note = document.getElementById("level");
const find = document.getElementById("find");

const ROWS_MAX = 100, OK = 0, NO = 1, UNKNOWN = 2, NEMESIS = -1;
// Bars closer than this many pixels each, on average, are drawn as shares.
const CROWDED = 3;
const END = Math.max(record.end, 1);
const rows = Math.min(record.workers, ROWS_MAX);

// ---- the record, from its columns

const events = decode(record.events);
const lanes = Array.from({ length: rows }, () => ({ events: [], holds: [], flights: [] }));
const nemesis = [];
fillLanes();
for (const lane of lanes) prepare(lane);

function decode(columns) {
  const count = columns.time.length;
  const time = new Float64Array(count), partner = new Int32Array(count).fill(-1), value = new Int32Array(count).fill(-1);
  let now = 0;
  for (let place = 0; place < count; place++) time[place] = now += columns.time[place];
  columns.at.forEach((place, number) => { value[place] = columns.value[number]; });
  const each = Array.isArray(columns.index);
  return {
    count, time, partner, value,
    process: Int32Array.from(columns.process),
    rest: Int32Array.from(columns.rest),
    rests: columns.rests,
    heads: columns.rests.map((rest) => JSON.parse("{" + rest)),
    values: columns.values,
    index: (place) => each ? columns.index[place] : columns.index + place,
    place: (index) => {
      const place = each ? lower(columns.index, index) : index - columns.index;
      const known = Number.isInteger(place) && place >= 0 && place < count;
      return known && (!each || columns.index[place] === index) ? place : -1;
    },
  };
}

function rowOf(process) { return process < 0 ? -1 : process % record.workers; }

function fillLanes() {
  const open = new Map();
  for (let place = 0; place < events.count; place++) {
    const process = events.process[place], head = events.heads[events.rest[place]], row = rowOf(process);
    if (process === NEMESIS) nemesis.push(place);
    if (row < 0) continue;
    const lane = lanes[row];
    if (lane) lane.events.push(place);
    if (head.type === "invoke") { open.set(process, place); continue; }
    const invoke = open.get(process);
    if (invoke === undefined) continue;
    open.delete(process);
    events.partner[place] = invoke;
    events.partner[invoke] = place;
    if (lane && head.f !== "lost") {
      const sort = head.type === "ok" ? OK : head.type === "fail" ? NO : UNKNOWN;
      lane.flights.push({ begin: events.time[invoke], end: events.time[place], sort });
    }
  }
  for (const [process, invoke] of open) {
    const lane = lanes[rowOf(process)];
    if (lane) lane.flights.push({ begin: events.time[invoke], end: END, sort: UNKNOWN });
  }
  const columns = record.holds;
  let begin = 0;
  for (let hold = 0; hold < columns.begin.length; hold++) {
    begin += columns.begin[hold];
    const lane = lanes[rowOf(columns.process[hold])];
    if (!lane) continue;
    lane.holds.push({ begin, end: begin + columns.length[hold], confirmed: begin + columns.confirmed[hold], key: columns.key[hold] });
  }
}

function prepare(lane) {
  lane.flights.sort((one, other) => one.begin - other.begin);
  lane.times = Float64Array.from(lane.events, (place) => events.time[place]);
  lane.holdBegins = Float64Array.from(lane.holds, (hold) => hold.begin);
  lane.holdEnds = latest(lane.holds);
  lane.flightBegins = Float64Array.from(lane.flights, (flight) => flight.begin);
  lane.flightEnds = latest(lane.flights);
  lane.believed = union(lane.holds, (hold) => hold.end);
  lane.confirmed = union(lane.holds, (hold) => hold.confirmed);
  lane.busy = [OK, NO, UNKNOWN].map((sort) => union(lane.flights.filter((flight) => flight.sort === sort), (flight) => flight.end));
}

// The latest end of all up to each place: it only rises, so it can be searched.
function latest(spans) {
  let last = -Infinity;
  return Float64Array.from(spans, (span) => last = Math.max(last, span.end));
}

// Spans in the order of their beginnings as spans that do not touch, with the length of all before each.
function union(spans, end) {
  const begins = [], ends = [];
  for (const span of spans) {
    const until = end(span);
    if (until <= span.begin) continue;
    if (ends.length && span.begin <= ends[ends.length - 1]) ends[ends.length - 1] = Math.max(until, ends[ends.length - 1]);
    else { begins.push(span.begin); ends.push(until); }
  }
  const before = new Float64Array(begins.length + 1);
  begins.forEach((begin, place) => { before[place + 1] = before[place] + ends[place] - begin; });
  return { begins: Float64Array.from(begins), ends: Float64Array.from(ends), before };
}

// How much of the time before this is covered.
function covered(spans, time) {
  const count = upper(spans.begins, time);
  if (!count) return 0;
  return spans.before[count - 1] + Math.min(time, spans.ends[count - 1]) - spans.begins[count - 1];
}

function lower(sorted, wanted) {
  let low = 0, high = sorted.length;
  while (low < high) { const middle = (low + high) >> 1; if (sorted[middle] < wanted) low = middle + 1; else high = middle; }
  return low;
}

function upper(sorted, wanted) {
  let low = 0, high = sorted.length;
  while (low < high) { const middle = (low + high) >> 1; if (sorted[middle] <= wanted) low = middle + 1; else high = middle; }
  return low;
}

// ---- what is shown

const view = { begin: 0, end: END };
let selected = -1, row = 0, colours = readColours(), asked = false, size = { width: 0, height: 0, left: 0 };
const rowHeight = rows <= 12 ? 34 : 20;
const TOP = 4, VIOLATED = record.incidents.length ? 22 : 0, FAULTS = record.faults.length ? 22 : 0, AXIS = 26;
const rowsTop = TOP + VIOLATED + FAULTS;
const rowsBottom = rowsTop + rows * rowHeight;

function readColours() {
  const style = getComputedStyle(viewer);
  const variable = (name) => style.getPropertyValue("--" + name).trim();
  const probe = document.createElement("i");
  viewer.append(probe);
  const hue = (name) => { probe.className = name; return getComputedStyle(probe).color; };
  const read = {
    paper: variable("paper"), ink: variable("ink"), muted: variable("muted"), line: variable("line"), violated: variable("violated"),
    keys: [0, 1, 2, 3, 4, 5].map((place) => hue("hue-" + place)),
    faults: record.faults.map((fault) => hue(fault.class)),
    busy: [variable("busy-ok"), variable("busy-no"), variable("busy-unknown")],
  };
  probe.remove();
  return read;
}

function x(time) { return size.left + (time - view.begin) / (view.end - view.begin) * (size.width - size.left); }
function timeAt(place) { return view.begin + (place - size.left) / (size.width - size.left) * (view.end - view.begin); }
function top(place) { return rowsTop + place * rowHeight; }

function show(begin, end) {
  const length = Math.min(Math.max(end - begin, 100), END);
  view.begin = Math.min(Math.max(begin, 0), END - length);
  view.end = view.begin + length;
  redraw();
}

function zoom(factor, around = (view.begin + view.end) / 2) {
  const length = Math.min(Math.max((view.end - view.begin) * factor, 100), END);
  const part = (around - view.begin) / (view.end - view.begin);
  show(around - length * part, around + length * (1 - part));
}

function pan(part) {
  const length = view.end - view.begin;
  const begin = Math.min(Math.max(view.begin + part * length, 0), END - length);
  show(begin, begin + length);
}

// ---- drawing

function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; draw(); });
}

function draw() {
  const began = performance.now();
  fit();
  context.clearRect(0, 0, size.width, size.height);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  drawGrid();
  drawFaults();
  let shares = false;
  lanes.forEach((lane, place) => { shares = drawLane(lane, place) || shares; });
  drawIncidents();
  drawSelected();
  range.textContent = `${seconds(view.begin)} to ${seconds(view.end)} s`;
  note.hidden = !shares;
  canvas.dataset.level = shares ? "shares" : "bars";
  canvas.dataset.rows = `${size.left},${rowsTop},${rowHeight},${record.workers}`;
  canvas.dataset.view = `${view.begin},${view.end}`;
  canvas.dataset.drawn = (performance.now() - began).toFixed(2);
  canvas.dataset.draws = Number(canvas.dataset.draws || 0) + 1;
}

function fit() {
  const width = canvas.clientWidth, height = rowsBottom + AXIS, scale = window.devicePixelRatio || 1;
  size = { width, height, left: width < 600 ? 58 : 82 };
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.style.height = height + "px";
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
}

function drawGrid() {
  context.lineWidth = 1;
  context.strokeStyle = colours.line;
  context.fillStyle = colours.ink;
  context.textAlign = "right";
  const short = size.left < 70;
  if (VIOLATED) context.fillText("violated", size.left - 6, TOP + VIOLATED / 2);
  if (FAULTS) context.fillText("faults", size.left - 6, TOP + VIOLATED + FAULTS / 2);
  for (let place = 0; place <= rows; place++) {
    line(size.left, top(place), size.width, top(place));
    if (place < rows) context.fillText((short ? "w " : "worker ") + place, size.left - 6, top(place) + rowHeight / 2);
  }
  context.textAlign = "center";
  const step = roundStep((view.end - view.begin) / Math.max(2, Math.floor((size.width - size.left) / 120)));
  for (let time = Math.ceil(view.begin / step) * step; time <= view.end; time += step) {
    const place = Math.round(x(time)) + 0.5;
    line(place, rowsTop, place, rowsBottom + 4);
    context.fillText(tick(time, step), Math.min(Math.max(place, size.left + 20), size.width - 26), rowsBottom + 15);
  }
}

function line(x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

function roundStep(least) {
  for (let power = 1; ; power *= 10) for (const factor of [1, 2, 5]) if (power * factor >= least) return power * factor;
}

function tick(time, step) {
  const digits = Math.min(9, Math.max(0, 9 - Math.floor(Math.log10(step))));
  return (time / 1e9).toFixed(digits) + " s";
}

function seconds(time) { return (time / 1e9).toFixed(6); }

function bar(begin, end, y, height) {
  const from = Math.max(x(begin), size.left), to = Math.min(x(end), size.width);
  context.fillRect(from, y, Math.max(to - from, 1), height);
  return to - from;
}

function isShown(span) { return span.begin <= view.end && (span.end ?? END) >= view.begin; }

function drawFaults() {
  record.faults.forEach((fault, place) => {
    if (!isShown(fault)) return;
    const end = fault.end ?? END, y = TOP + VIOLATED;
    context.fillStyle = colours.faults[place];
    context.globalAlpha = 0.2;
    for (const worker of fault.workers) if (worker < rows) bar(fault.begin, end, top(worker), rowHeight);
    context.globalAlpha = 0.55;
    const width = bar(fault.begin, end, y + 2, FAULTS - 4);
    context.globalAlpha = 1;
    context.fillStyle = colours.ink;
    context.textAlign = "left";
    if (width > context.measureText(fault.name).width + 8) {
      context.fillText(fault.name, Math.max(x(fault.begin), size.left) + 4, y + FAULTS / 2);
    }
  });
}

// Whether shares are drawn in place of bars.
function drawLane(lane, place) {
  const y = top(place), room = rowHeight - 11, strip = y + rowHeight - 7;
  const pixels = size.width - size.left;
  const firstHold = upper(lane.holdEnds, view.begin), lastHold = upper(lane.holdBegins, view.end);
  const crowdedHolds = (lastHold - firstHold) * CROWDED > pixels;
  if (crowdedHolds) {
    drawShare(lane.believed, colours.keys[0], 0.4, y + 3, room);
    drawShare(lane.confirmed, colours.keys[0], 1, y + 3, room);
  } else {
    for (let hold = firstHold; hold < lastHold; hold++) drawHold(lane.holds[hold], y + 3, room);
  }
  const firstFlight = upper(lane.flightEnds, view.begin), lastFlight = upper(lane.flightBegins, view.end);
  const crowdedFlights = (lastFlight - firstFlight) * CROWDED > pixels;
  if (crowdedFlights) lane.busy.forEach((spans, sort) => drawShare(spans, colours.busy[sort], 1, strip, 5));
  else for (let flight = firstFlight; flight < lastFlight; flight++) {
    const shown = lane.flights[flight];
    if (shown.end < view.begin) continue;
    context.fillStyle = colours.busy[shown.sort];
    bar(shown.begin, shown.end, strip, shown.sort === OK ? 3 : 5);
  }
  return crowdedHolds || crowdedFlights;
}

function drawHold(hold, y, height) {
  if (hold.end < view.begin) return;
  context.fillStyle = colours.keys[hold.key % colours.keys.length];
  context.globalAlpha = 0.4;
  bar(hold.begin, hold.end, y, height);
  context.globalAlpha = 1;
  if (hold.confirmed > hold.begin && hold.confirmed >= view.begin) bar(hold.begin, hold.confirmed, y, height);
}

// Pixel by pixel the share of the time that is covered, as height.
function drawShare(spans, colour, alpha, y, height) {
  if (!spans.begins.length) return;
  const bottom = y + height, step = (view.end - view.begin) / (size.width - size.left);
  context.beginPath();
  context.moveTo(size.left, bottom);
  let before = covered(spans, view.begin);
  for (let place = size.left; place < size.width; place++) {
    const now = covered(spans, view.begin + (place + 1 - size.left) * step);
    const level = bottom - height * Math.min((now - before) / step, 1);
    context.lineTo(place, level);
    context.lineTo(place + 1, level);
    before = now;
  }
  context.lineTo(size.width, bottom);
  context.closePath();
  context.fillStyle = colour;
  context.globalAlpha = alpha;
  context.fill();
  context.globalAlpha = 1;
}

function drawIncidents() {
  context.fillStyle = colours.violated;
  for (const incident of record.incidents) {
    if (!isShown(incident)) continue;
    bar(incident.begin, Math.max(incident.end, incident.begin + (view.end - view.begin) / size.width * 3), TOP + 3, VIOLATED - 6);
    context.globalAlpha = 0.12;
    bar(incident.begin, incident.end, rowsTop, rowsBottom - rowsTop);
    context.globalAlpha = 1;
  }
}

function drawSelected() {
  if (selected < 0) return;
  const time = events.time[selected];
  if (time < view.begin || time > view.end) return;
  const place = Math.round(x(time)) + 0.5, at = rowOf(events.process[selected]);
  context.strokeStyle = colours.ink;
  context.lineWidth = 1.5;
  line(place, TOP, place, rowsBottom);
  const y = at < 0 || at >= rows ? TOP + VIOLATED + FAULTS / 2 : top(at) + rowHeight / 2 - 4;
  context.beginPath();
  context.arc(place, y, 5, 0, 2 * Math.PI);
  context.fillStyle = colours.paper;
  context.fill();
  context.stroke();
}

// ---- selecting

function select(place, options = {}) {
  selected = place;
  if (place >= 0) {
    row = rowOf(events.process[place]);
    if (options.zoom) zoomTo(place);
    else if (events.time[place] < view.begin || events.time[place] > view.end) {
      const half = (view.end - view.begin) / 2;
      show(events.time[place] - half, events.time[place] + half);
    }
    remember("#event-" + events.index(place));
  } else remember("#viewer");
  describe();
  redraw();
}

// Where the page is shown inside of another, its address may not be changed.
function remember(fragment) {
  try { history.replaceState(null, "", fragment); } catch { /* it stays as it is */ }
}

// As far as the events around it, and the whole of its operation.
function zoomTo(place) {
  const around = 20, last = events.count - 1, other = events.partner[place];
  const times = [place, other < 0 ? place : other].map((each) => events.time[each]);
  let begin = Math.min(events.time[Math.max(place - around, 0)], ...times);
  let end = Math.max(events.time[Math.min(place + around, last)], ...times);
  const margin = Math.max((end - begin) * 0.1, 1000);
  show(begin - margin, end + margin);
}

function lineOf(place) {
  const process = events.process[place], name = process >= 0 ? process : process === NEMESIS ? '"nemesis"' : '"run"';
  const value = events.value[place];
  const rest = events.rests[events.rest[place]];
  const valued = value < 0 ? rest : rest.replace('"value":null', () => '"value":' + events.values[value]);
  return `{"index":${events.index(place)},"time":${events.time[place]},"process":${name},${valued}`;
}

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function describe() {
  panel.replaceChildren();
  if (selected < 0) return;
  const process = events.process[selected], at = rowOf(process);
  const who = at < 0 ? (process === NEMESIS ? "nemesis" : "run") : `worker ${at} (process ${process})`;
  panel.append(element("p", `Event ${events.index(selected)} at ${seconds(events.time[selected])} s, ${who}. Its line in the history:`));
  panel.append(element("pre", lineOf(selected), { id: "line" }));
  const other = events.partner[selected];
  if (other >= 0) {
    const length = Math.abs(events.time[other] - events.time[selected]);
    const index = events.index(other);
    const where = element("p", `The other end of this operation, ${seconds(length)} s ${other > selected ? "later" : "earlier"}: `);
    where.append(element("a", "event " + index, { href: "#event-" + index }));
    panel.append(where);
  }
}

// Where a name stands in the address, or what was typed.
function go(index, scroll) {
  const place = events.place(index);
  if (place < 0) {
    const all = `${record.first === 0 && events.count === record.total ? "the history has" : "this page holds"} the events ${events.index(0)} to ${events.index(events.count - 1)}`;
    panel.replaceChildren(element("p", events.count ? `There is no event ${index} here: ${all}.` : "The history has no events.", { role: "alert" }));
    return;
  }
  select(place, { zoom: true });
  if (scroll) viewer.scrollIntoView({ block: "start" });
}

function follow(fragment) {
  const found = /^#event-(\d+)$/.exec(fragment);
  if (found) go(Number(found[1]), true);
  return Boolean(found);
}

function neighbour(direction) {
  const places = row < 0 || !lanes[row] ? nemesis : lanes[row].events;
  if (!places.length) return;
  const at = selected < 0 ? (direction > 0 ? -1 : places.length) : lower(places, selected);
  const next = selected < 0 ? at + direction : places[at] === selected ? at + direction : direction > 0 ? at : at - 1;
  if (places[next] !== undefined) select(places[next]);
}

function incident(direction) {
  const here = selected < 0 ? (view.begin + view.end) / 2 : events.time[selected];
  const marked = record.incidents.filter((each) => each.event !== null).sort((one, other) => one.begin - other.begin);
  const next = direction > 0
    ? marked.find((each) => each.begin > here) ?? marked[0]
    : marked.findLast((each) => each.begin < here) ?? marked[marked.length - 1];
  if (next) go(next.event, false);
}

function pick(place, y) {
  const at = Math.floor((y - rowsTop) / rowHeight);
  const places = y < rowsTop ? nemesis : lanes[at] ? lanes[at].events : [];
  if (!places.length) return;
  const wanted = timeAt(place);
  let low = 0, high = places.length;
  while (low < high) { const middle = (low + high) >> 1; if (events.time[places[middle]] < wanted) low = middle + 1; else high = middle; }
  const after = places[low], before = places[low - 1];
  const isNearer = before !== undefined && (after === undefined || wanted - events.time[before] < events.time[after] - wanted);
  select(isNearer ? before : after);
}

// ---- hands on it

const actions = {
  in: () => zoom(0.5), out: () => zoom(2), all: () => show(0, END), left: () => pan(-0.25), right: () => pan(0.25),
  previous: () => neighbour(-1), next: () => neighbour(1), before: () => incident(-1), after: () => incident(1),
};

viewer.addEventListener("click", (click) => {
  const button = click.target.closest("button[data-do]");
  if (button) actions[button.dataset.do]();
});

const keys = {
  "+": actions.in, "=": actions.in, "-": actions.out, "_": actions.out, "0": actions.all,
  ArrowLeft: actions.left, ArrowRight: actions.right, Home: () => pan(-Infinity), End: () => pan(Infinity),
  n: actions.next, p: actions.previous, v: actions.after, ArrowUp: () => change(-1), ArrowDown: () => change(1), Escape: () => select(-1),
};

// To the event of the row above or below that is nearest in time.
function change(direction) {
  const next = Math.min(Math.max(row + direction, FAULTS ? -1 : 0), rows - 1);
  const time = selected < 0 ? (view.begin + view.end) / 2 : events.time[selected];
  pick(x(time), next < 0 ? TOP : top(next) + 1);
}

canvas.addEventListener("keydown", (press) => {
  const action = press.ctrlKey || press.metaKey || press.altKey ? undefined : keys[press.key];
  if (!action) return;
  press.preventDefault();
  action();
});

canvas.addEventListener("wheel", (wheel) => {
  if (document.activeElement !== canvas && !wheel.ctrlKey) return;
  wheel.preventDefault();
  const unit = wheel.deltaMode === 0 ? 1 : 30;
  if (wheel.shiftKey || Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY)) pan((wheel.deltaX || wheel.deltaY) * unit / (size.width - size.left));
  else zoom(Math.exp(Math.max(-300, Math.min(300, wheel.deltaY * unit)) * 0.002), timeAt(wheel.offsetX));
}, { passive: false });

let drag = null;
canvas.addEventListener("pointerdown", (press) => {
  if (press.button !== 0) return;
  drag = { x: press.offsetX, y: press.offsetY, begin: view.begin, end: view.end, moved: false };
  canvas.setPointerCapture(press.pointerId);
});
canvas.addEventListener("pointermove", (move) => {
  if (!drag || (!drag.moved && Math.abs(move.offsetX - drag.x) < 4)) return;
  drag.moved = true;
  const length = drag.end - drag.begin;
  const by = (drag.x - move.offsetX) / (size.width - size.left) * length;
  const begin = Math.min(Math.max(drag.begin + by, 0), END - length);
  show(begin, begin + length);
});
canvas.addEventListener("pointerup", (press) => {
  if (drag && !drag.moved) pick(press.offsetX, press.offsetY);
  drag = null;
});
canvas.addEventListener("pointercancel", () => { drag = null; });

find.addEventListener("submit", (submit) => {
  submit.preventDefault();
  const typed = find.elements.index.value.trim();
  if (/^\d+$/.test(typed)) go(Number(typed), false);
});

document.addEventListener("click", (click) => {
  const link = click.target.closest && click.target.closest('a[href^="#event-"]');
  if (!link || click.ctrlKey || click.metaKey || click.shiftKey) return;
  click.preventDefault();
  follow(link.getAttribute("href"));
});
window.addEventListener("hashchange", () => follow(location.hash));
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = readColours(); redraw(); });

viewer.hidden = false;
for (const part of document.querySelectorAll(".still")) part.classList.add("behind");
new ResizeObserver(redraw).observe(canvas);
draw();
if (!follow(location.hash)) describe();
})();
