// The drawing pad: strokes go to Python, which answers with what the network sees.
//
// Carried by helpers/explorers/pad.py as an anywidget. While an answer is on its way nothing
// more is sent; then only the newest state is, so that bars never lag behind a queue.

const SIDE = 100; // units along a side of the canvas; strokes are kept in these
const BACKING = 800; // pixels along it, twice its size on the page
const PENS = { Thin: 2, Medium: 3.5, Thick: 5.5 }; // units
const STEP = 2; // units that an arrow key moves the cross-hair; with Shift:
const LONG_STEP = 10;
const PAUSE = 60; // ms after an answer, while the pen moves: the end of a stroke
// then seldom has to wait for an answer to its middle
const PATIENCE = 4000; // ms without an answer before the page says so
const FONT = "Course Chinese";
const ARROWS = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
};
const INK = "#1b1f24";
const MARK = "#D55E00"; // vermilion: the cross-hair

// Every rule is below .cvp, and sets what a notebook's theme might have set.
const STYLE = `
.cvp { container-type: inline-size; box-sizing: border-box; max-width: 960px;
  padding: 10px 14px; border: 1px solid #d5d8dc; border-radius: 10px;
  background: #fff; color: #1b1f24; color-scheme: light; text-align: left;
  font: 15px/20px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; letter-spacing: normal; }
.cvp *, .cvp *::before { box-sizing: border-box; }
.cvp select, .cvp button { font: inherit; color: inherit; margin: 0;
  background: #fff; border: 1px solid #868d95; border-radius: 6px; height: 32px;
  width: auto; box-shadow: none; padding: 0 12px; }
.cvp select { padding: 0 4px; font-family: system-ui, "${FONT}", sans-serif; }
.cvp button { cursor: pointer; }
.cvp button:hover { background: #eef4f9; }
.cvp :is(select, button, canvas):focus-visible {
  outline: 3px solid #0072B2; outline-offset: 2px; }
.cvp-controls { display: flex; flex-wrap: wrap; gap: 6px 12px;
  align-items: center; margin-bottom: 10px; }
.cvp label { display: flex; gap: 6px; align-items: center; margin: 0;
  font-weight: normal; }
.cvp-parts { display: grid; gap: 8px 28px; align-items: start;
  grid-template-columns: minmax(0, 400px) auto minmax(220px, 1fr); }
.cvp-canvas { display: block; width: 100%; height: auto; cursor: crosshair;
  touch-action: none; border: 1px solid #868d95; border-radius: 4px; }
.cvp-head { font-weight: 600; margin-bottom: 6px; }
.cvp-seen { display: block; width: 180px; height: 240px;
  image-rendering: pixelated; border: 1px solid #868d95; }
.cvp-bar { display: grid; grid-template-columns: 40px 1fr 48px; gap: 8px;
  align-items: center; height: 44px; }
.cvp-name { font: 30px/40px "${FONT}", system-ui, sans-serif;
  text-align: center; white-space: nowrap; }
.cvp-track { height: 22px; background: #eceff2; border-radius: 3px; }
.cvp-fill { height: 100%; width: 0; background: #0072B2; border-radius: 3px; }
.cvp-share { text-align: right; }
.cvp-note { font-size: 14px; line-height: 18px; margin-top: 8px;
  color: #4a5056; }
.cvp-save { border-top: 1px solid #d5d8dc; margin-top: 10px; padding-top: 10px;
  display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; }
.cvp-error { color: #a33c00; font-weight: 600; }
.cvp-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
@container (max-width: 760px) {
  .cvp-parts { grid-template-columns: minmax(0, 340px) minmax(180px, 1fr); }
  .cvp-right { grid-column: 1 / 3; }
}
@container (max-width: 560px) {
  .cvp-parts { grid-template-columns: 96px minmax(0, 1fr); gap: 8px 14px; }
  .cvp-parts > :first-child { grid-column: 1 / 3; max-width: 400px; }
  .cvp-right { grid-column: 2; }
  .cvp-seen { width: 90px; height: 120px; }
  .cvp-bar { grid-template-columns: 32px 1fr 42px; gap: 6px; }
}
`;

const MARKUP = `
<style>${STYLE}</style>
<div class="cvp" role="group" aria-label="Drawing pad" data-prevent-swipe>
  <div class="cvp-controls">
    <label>Pen <select class="cvp-pen"></select></label>
    <button type="button" class="cvp-undo">Undo</button>
    <button type="button" class="cvp-clear">Clear</button>
    <span class="cvp-error" role="alert"></span>
  </div>
  <div class="cvp-parts">
    <div>
      <canvas class="cvp-canvas" width="${BACKING}" height="${BACKING}"
        tabindex="0" role="application"
        aria-label="Paper: arrow keys move, Space lowers and lifts the pen"
        ></canvas>
      <div class="cvp-note">Write with mouse, pen or finger. Or with keys: arrows
        (with Shift: far), Space lowers and lifts the pen, Z undoes, C
        clears.</div>
    </div>
    <div>
      <div class="cvp-head">The network sees</div>
      <canvas class="cvp-seen" width="60" height="80" role="img"
        aria-label="The drawing as an image of 80 x 60 pixels"></canvas>
      <div class="cvp-note">80 x 60 pixels</div>
    </div>
    <div class="cvp-right">
      <div class="cvp-head">Top five</div>
      <div class="cvp-bars"></div>
      <div class="cvp-note"><span class="cvp-label"></span>
        <span class="cvp-time"></span></div>
      <div class="cvp-save">
        <label>I wrote <select class="cvp-truth">
          <option value="">which?</option></select></label>
        <button type="button" class="cvp-keep">Save</button>
        <span class="cvp-kept" role="status"></span>
      </div>
    </div>
  </div>
  <div class="cvp-live" aria-live="polite"></div>
</div>`;

// The message to Python: 32-bit numbers, a version, then for each stroke the width of
// the pen, how many points it has, and x and y of each.
function message(version, strokes) {
  const numbers = [version];
  for (const { width, points } of strokes) {
    numbers.push(width, points.length, ...points.flat());
  }
  const bytes = new DataView(new ArrayBuffer(4 * numbers.length));
  numbers.forEach((number, i) => bytes.setFloat32(4 * i, number, true));
  return bytes;
}

// Let the page draw with the glyphs that Python sent, once.
function addFont(bytes) {
  if ([...document.fonts].some((font) => font.family.includes(FONT))) return;
  const font = new FontFace(FONT, bytes);
  document.fonts.add(font);
  font.load().catch(() => document.fonts.delete(font)); // the system's will do
}

function drawPaper(pen) {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, SIDE, SIDE);
  pen.strokeStyle = "#dfe3e8";
  pen.lineWidth = 0.4;
  pen.setLineDash([1.5, 1.5]);
  pen.beginPath();
  for (const [x0, y0, x1, y1] of [
    [50, 0, 50, 100], [0, 50, 100, 50], [0, 0, 100, 100], [100, 0, 0, 100]]) {
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
  }
  pen.stroke();
  pen.setLineDash([]);
}

function drawStroke(pen, { width, points }) {
  pen.strokeStyle = pen.fillStyle = INK;
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(...points[0]);
  for (const point of points.slice(1)) pen.lineTo(...point);
  if (points.length === 1) pen.lineTo(...points[0]); // a dot
  pen.stroke();
}

function drawCross(pen, [x, y], lowered) {
  pen.strokeStyle = MARK;
  pen.lineWidth = 0.6;
  pen.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    pen.moveTo(x + 2 * dx, y + 2 * dy);
    pen.lineTo(x + 6 * dx, y + 6 * dy);
  }
  pen.stroke();
  pen.beginPath();
  pen.arc(x, y, 2, 0, 2 * Math.PI);
  pen.fillStyle = MARK;
  if (lowered) pen.fill();
  else pen.stroke();
}

function render({ model, el }) {
  el.innerHTML = MARKUP;
  const card = el.querySelector(".cvp");
  const part = (name) => el.querySelector(`.cvp-${name}`);
  const canvas = part("canvas");
  addFont(model.get("font"));

  let strokes = []; // {width, points: [[x, y], ...]} in units
  let pointer = null; // id of the pointer that draws
  let cross = null; // [x, y] while keys are used
  let lowered = false; // the keyboard's pen

  // Two pads on one page share what Python knows, so each counts on its own.
  let version = Math.floor(Math.random() * 2 ** 22); // exact in 32 bits
  let waiting = null; // the version that was sent, until its answer is here
  let newest = version; // the last one that was answered
  let likeliest; // [[name, probability], ...] of it
  let ended = null; // the version at the last stroke's end,
  let endTime; // and when that was, in ms
  let timer;
  let pause = null; // a timer, for some time after an answer
  let wish = 0; // a number for each drawing that is to be saved
  let wanted = false; // to be saved as soon as Python knows the newest strokes
  let kept = null; // version and character that were saved last

  for (const [name, width] of Object.entries(PENS)) {
    part("pen").append(new Option(name, width, false, name === "Medium"));
  }
  for (const name of model.get("names")) {
    const option = new Option(name, name);
    option.lang = "zh-Hans";
    part("truth").append(option);
  }
  const label = model.get("label");
  if (label) part("label").textContent = `Trained on ${label} handwriting.`;
  const bars = Array.from({ length: 5 }, () => {
    const bar = document.createElement("div");
    bar.className = "cvp-bar";
    bar.innerHTML = '<div class="cvp-name" lang="zh-Hans"></div><div class="cvp-track">'
      + '<div class="cvp-fill"></div></div><div class="cvp-share"></div>';
    part("bars").append(bar);
    return [...bar.querySelectorAll(".cvp-name, .cvp-fill, .cvp-share")];
  });

  // To Python and back ---------------------------------------------------------

  function send() {
    if (waiting !== null || newest === version) return;
    if (drawing() && pause !== null) return;
    waiting = version;
    model.set("drawn", message(version, strokes));
    model.save_changes();
    timer = setTimeout(() => {
      part("error").textContent = "No answer: Python is busy, or its kernel has "
        + "stopped. Then run the cell above again.";
    }, PATIENCE);
  }

  function answered() {
    const { version: of, top } = model.get("answer");
    if (of !== waiting) return; // of another view of this pad
    clearTimeout(timer);
    part("error").textContent = "";
    newest = waiting;
    waiting = null;
    showAnswer(top);
    if (ended === newest) {
      live();
      showTime();
    }
    clearTimeout(pause);
    pause = setTimeout(() => {
      pause = null;
      send();
    }, PAUSE);
    send();
    if (wanted) save();
    showState();
  }

  // Buttons are never disabled: with a disabled one, the keys' focus would be lost.
  function save() {
    const character = part("truth").value;
    const now = `${version} ${character}`;
    wanted = false;
    if (!strokes.length) say("Write a character first.");
    else if (!character) say("Choose first which character it is.");
    else if (kept === now) say("This drawing is saved already.");
    else if (newest !== version) wanted = true;
    else {
      kept = now;
      wish += 1 + Math.random(); // no two views wish the same
      model.set("wish", { number: wish, character });
      model.save_changes();
    }
  }

  function saved() {
    const { number, text, done } = model.get("saved");
    if (number !== wish) return;
    if (!done) kept = null;
    say(text, !done);
  }

  function say(text, bad = false) {
    part("kept").textContent = text;
    part("kept").classList.toggle("cvp-error", bad);
  }

  model.on("change:answer", answered);
  model.on("change:saved", saved);

  // What is seen ---------------------------------------------------------------

  function showAnswer(top) {
    likeliest = top;
    bars.forEach(([name, fill, share], i) => {
      const [text, value] = top[i] ?? ["", 0];
      name.textContent = text;
      fill.style.width = `${100 * value}%`;
      share.textContent = text && `${(100 * value).toFixed(0)} %`;
    });
    const seen = model.get("seen");
    const picture = new ImageData(60, 80);
    for (let i = 0; i < 4800; i++) {
      picture.data.fill(seen.getUint8(i), 4 * i, 4 * i + 3);
      picture.data[4 * i + 3] = 255;
    }
    part("seen").getContext("2d").putImageData(picture, 0, 0);
    card.dataset.answered = newest;
  }

  function live() {
    const words = likeliest.flatMap(([name, share]) => {
      const character = document.createElement("span");
      character.lang = "zh-Hans";
      character.textContent = name;
      return [character, ` ${Math.round(100 * share)} %. `];
    });
    part("live").replaceChildren(...(words.length ? words : ["Nothing is written."]));
  }

  // From the end of a stroke until its bars are on the screen.
  function showTime() {
    requestAnimationFrame(() => {
      const taken = performance.now() - endTime;
      card.dataset.milliseconds = taken;
      part("time").textContent = `Answered in ${Math.round(taken)} ms.`;
    });
  }

  function showState() {
    card.dataset.version = version;
    card.dataset.strokes = strokes.length;
  }

  function draw() {
    const pen = canvas.getContext("2d");
    pen.setTransform(BACKING / SIDE, 0, 0, BACKING / SIDE, 0, 0);
    drawPaper(pen);
    for (const stroke of strokes) drawStroke(pen, stroke);
    if (cross) drawCross(pen, cross, lowered);
  }

  // The strokes are others now.
  function changed() {
    version++;
    say("");
    send();
    showState();
  }

  // A stroke is complete, or one was taken back: from now on time counts.
  function finished() {
    ended = version;
    endTime = performance.now();
    if (newest === version) {
      live();
      showTime();
    } else send();
  }

  // Strokes --------------------------------------------------------------------

  const drawing = () => pointer !== null || lowered;

  function begin(point) {
    strokes.push({ width: Number(part("pen").value), points: [point] });
    draw();
    changed();
  }

  function goOn(points) {
    const stroke = strokes.at(-1);
    const last = stroke.points.at(-1);
    stroke.points.push(...points);
    if (cross) draw();
    else drawStroke(canvas.getContext("2d"), { ...stroke, points: [last, ...points] });
    changed();
  }

  function undo() {
    if (pointer !== null || strokes.length === 0) return;
    lowered = false;
    strokes.pop();
    draw();
    changed();
    finished();
  }

  function clear() {
    if (pointer !== null || strokes.length === 0) return;
    lowered = false;
    strokes = [];
    draw();
    changed();
    finished();
  }

  part("undo").addEventListener("click", undo);
  part("clear").addEventListener("click", clear);
  part("keep").addEventListener("click", save);

  // Mouse, pen, finger ---------------------------------------------------------

  function place(event) {
    const box = canvas.getBoundingClientRect(); // slides are scaled
    const edge = canvas.clientLeft * (box.width / canvas.offsetWidth);
    const inside = (position, start, length) => Math.min(SIDE, Math.max(
      0, (SIDE * (position - start - edge)) / (length - 2 * edge)));
    return [inside(event.clientX, box.left, box.width),
      inside(event.clientY, box.top, box.height)];
  }

  canvas.addEventListener("pointerdown", (event) => {
    // One pointer draws: a palm beside the pen, or a second finger, does not.
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    cross = null;
    lowered = false;
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    // All places since the last event, not only the latest.
    const all = event.getCoalescedEvents?.() ?? [];
    goOn((all.length ? all : [event]).map(place));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      finished();
    });
  }

  // Keys -----------------------------------------------------------------------

  function move([dx, dy], far) {
    const step = far ? LONG_STEP : STEP;
    const within = (position) => Math.min(SIDE, Math.max(0, position));
    cross ??= [SIDE / 2, SIDE / 2];
    cross = [within(cross[0] + step * dx), within(cross[1] + step * dy)];
    if (lowered) goOn([cross]);
    else draw();
  }

  function lowerOrLift() {
    cross ??= [SIDE / 2, SIDE / 2];
    lowered = !lowered;
    if (lowered) {
      begin(cross);
      part("live").textContent = "The pen is down.";
    } else {
      finished();
      draw();
    }
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || pointer !== null) return;
    if (ARROWS[event.key]) move(ARROWS[event.key], event.shiftKey);
    else if (event.key === " ") lowerOrLift();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("blur", () => {
    if (lowered) lowerOrLift();
    cross = null;
    draw();
  });

  card.addEventListener("keydown", (event) => {
    if (event.target.tagName !== "SELECT") {
      const key = event.key.toLowerCase();
      const plain = !event.altKey && !event.ctrlKey && !event.metaKey;
      const command = (event.ctrlKey || event.metaKey) && !event.shiftKey;
      if ((plain && (key === "z" || key === "backspace")) || (command && key === "z")) {
        undo();
        event.preventDefault();
        event.stopPropagation();
      } else if (plain && (key === "c" || key === "delete")) {
        clear();
      }
    }
    // Slides and notebooks listen to keys too. These may turn pages, nothing else.
    const turns = ["PageUp", "PageDown", "Escape"].includes(event.key);
    if (!turns && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  // JupyterLab would take keys for itself unless what has the focus forbids it.
  for (const piece of el.querySelectorAll("select, button, [tabindex]")) {
    piece.dataset.lmSuppressShortcuts = "true";
  }

  draw();
  showAnswer([]);
  showState();
  return () => {
    clearTimeout(timer);
    clearTimeout(pause);
    model.off("change:answer", answered);
    model.off("change:saved", saved);
  };
}

export default { render };
