// The kernel explorer: what a 3x3 kernel does at each pixel of an image.
//
// Carried by helpers/explorers/__init__.py, which puts this file, after common.js, into
// a module script and calls mount. It needs nothing else: no library, no network, no
// Python. Photos of one's own stay in the page.

const KERNELS = {
  "Identity": [0, 0, 0, 0, 1, 0, 0, 0, 0],
  "Box blur": Array(9).fill(1 / 9),
  "Gaussian blur": [1, 2, 1, 2, 4, 2, 1, 2, 1].map((weight) => weight / 16),
  "Sharpen": [0, -1, 0, -1, 5, -1, 0, -1, 0],
  "Emboss": [-2, -1, 0, -1, 1, 1, 0, 1, 2],
  "Outline": [-1, -1, -1, -1, 8, -1, -1, -1, -1],
  "Prewitt Gx": [1, 1, 1, 0, 0, 0, -1, -1, -1],
  "Prewitt Gy": [-1, 0, 1, -1, 0, 1, -1, 0, 1],
  "Sobel Gx": [1, 2, 1, 0, 0, 0, -1, -2, -1],
  "Sobel Gy": [-1, 0, 1, -2, 0, 2, -1, 0, 1],
};
// Of 27 weights, the middle ones for red, green and blue; all others are 0. In colour,
// a kernel of the list above has a third of its weights for each channel.
const COLOURS = {
  "Yellow": [1, 1, -1], "Red": [1, 0, 0], "Green": [0, 1, 0], "Blue": [0, 0, 1],
};
const OWN = "Own kernel";
const CHANNELS = ["red", "green", "blue"];
const GREATEST_WEIGHT = 999; // so that nine products stay legible
const BACKING = 560; // pixels along a canvas, twice its size on the page
const MARK = "#D55E00"; // Okabe and Ito's vermilion: the current place
const GREATEST_BIAS = 9999;
const OWN_SIDE = 96; // pixels: of a photo of one's own, the longer side
const OWN_PHOTO = "your photo";
const SWEEP = 15000; // ms for a whole image
const ARROWS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

// Every rule is below .cvk, and sets what a notebook's theme might have set.
const STYLE = `
.cvk { container-type: inline-size; box-sizing: border-box; max-width: 1240px;
  --back: #fff; --text: #1b1f24; --soft: #4a5056; --zero: #6b7178; --line: #d5d8dc;
  --edge: #767d85; --error: #a34700; --wrong: #fdeee4; --focus: #0072b2;
  padding: 8px 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--back); color: var(--text); color-scheme: light; text-align: left;
  font: 15px/20px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; letter-spacing: normal; position: relative; }
.cvk[data-dark] { --back: #1b1f24; --text: #eceff2; --soft: #b8bfc6; --zero: #98a0a8;
  --line: #3b424a; --edge: #8b939c; --error: #ff9d57; --wrong: #43341f;
  --focus: #56b4e9; color-scheme: dark; }
.cvk[data-over] { outline: 3px dashed ${MARK}; }
.cvk *, .cvk *::before { box-sizing: border-box; }
.cvk [hidden] { display: none !important; }
.cvk select, .cvk input, .cvk button { font: inherit; color: inherit; margin: 0;
  background: var(--back); border: 1px solid var(--edge); border-radius: 6px;
  height: 30px; width: auto; box-shadow: none; }
.cvk select { padding: 0 4px; }
.cvk input[type="checkbox"] { width: 18px; height: 18px; accent-color: #0072B2; }
.cvk button { padding: 0 12px; cursor: pointer; }
.cvk button[aria-pressed="true"] { background: #0072B2; border-color: #0072B2;
  color: #fff; }
.cvk :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.cvk-controls { display: flex; flex-wrap: wrap; gap: 6px 16px;
  align-items: center; margin-bottom: 6px; }
.cvk label { display: flex; gap: 6px; align-items: center; margin: 0;
  font-weight: normal; }
.cvk-panels { display: flex; justify-content: space-between; gap: 16px; }
.cvk-side { flex: 1 1 0; max-width: 256px; min-width: 0; }
.cvk-head { margin-bottom: 4px; white-space: nowrap; display: flex; gap: 6px;
  justify-content: space-between; height: 24px; align-items: center; }
.cvk b { font-weight: 600; }
.cvk-frame { display: flex; justify-content: center; }
.cvk canvas { display: block; height: auto; cursor: crosshair;
  touch-action: none; border-radius: 2px;
  box-shadow: 0 0 0 1px var(--edge); } /* white pixels have an edge, too */
.cvk-note { font-size: 14px; line-height: 18px; margin-top: 6px;
  color: var(--soft); }
.cvk-scale { height: 8px; margin-top: 6px; border: 1px solid var(--edge); }
.cvk-ends { display: flex; justify-content: space-between; font-size: 14px;
  line-height: 18px; }
.cvk .cvk-greys { height: 24px; font-size: 14px; }
.cvk-middle { flex: none; display: flex; flex-direction: column;
  align-items: center; padding-top: 3px; }
.cvk-sums { display: flex; align-items: flex-end; gap: 12px;
  text-align: center; --high: 48px; }
.cvk-pair { display: flex; align-items: flex-end; gap: 12px; }
.cvk-pair b { display: block; margin-bottom: 5px; }
.cvk-sign { height: calc(3 * var(--high) + 4px); display: flex;
  align-items: center; font-size: 24px; }
.cvk-grid { display: grid; grid-template-columns: repeat(3, auto); gap: 2px; }
.cvk-grid > * { width: 46px; height: var(--high); display: flex;
  align-items: center; justify-content: center; font-size: 16px;
  border: 1px solid var(--line); border-radius: 3px; }
.cvk-patch { outline: 3px solid ${MARK}; outline-offset: 1px; }
.cvk .cvk-kernel > input { width: 54px; height: var(--high); padding: 0 2px;
  text-align: center; border-radius: 3px; font-size: 16px; }
.cvk input[aria-invalid="true"] { border: 2px solid ${MARK};
  background: var(--wrong); }
.cvk-products > * { width: 68px; }
.cvk-products > .cvk-zero { color: var(--zero); }
.cvk-colour .cvk-sums { --high: 26px; margin-bottom: 8px; }
.cvk-colour .cvk-sums ~ .cvk-sums .cvk-pair b { display: none; }
.cvk-channel { align-self: center; width: 46px; text-align: right; }
.cvk-sums:first-child > .cvk-channel { padding-top: 24px; }
.cvk-total { display: flex; flex-wrap: wrap; gap: 4px 16px;
  align-items: center; justify-content: center; margin-top: 28px;
  font-size: 18px; }
.cvk-colour .cvk-total { margin-top: 8px; }
.cvk-sum { font-size: 34px; line-height: 44px; font-weight: 600;
  padding: 2px 18px; border-radius: 6px; border: 3px solid ${MARK}; }
.cvk-error { margin-top: 8px; max-width: 290px; font-size: 14px;
  line-height: 18px; color: var(--error); text-align: center; }
.cvk-more { margin-top: 2px; }
.cvk-more summary { cursor: pointer; width: fit-content; color: inherit; }
.cvk-rows { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
  gap: 8px 28px; margin-top: 6px; }
.cvk-line { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center;
  margin-bottom: 8px; }
.cvk .cvk-bias { width: 78px; padding: 0 6px; text-align: right; }
.cvk .cvk-file { flex-wrap: wrap; min-width: 0; }
.cvk input[type="file"] { border: 0; height: auto; width: 250px; max-width: 100%;
  padding: 0; background: none; }
.cvk-trouble { color: var(--error); }
.cvk pre { font: 14px/18px ui-monospace, Consolas, Menlo, monospace; margin: 0 0 6px;
  padding: 8px 10px; overflow: auto; max-height: 190px; color: inherit;
  background: none; border: 1px solid var(--line); border-radius: 6px; }
.cvk-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
@container (max-width: 1110px) {
  .cvk-sums { --high: 34px; flex-direction: column; align-items: center;
    gap: 6px; }
  .cvk-colour .cvk-sums { --high: 24px; gap: 3px; }
  .cvk-sums > .cvk-channel, .cvk-sums:first-child > .cvk-channel { width: auto;
    padding: 0; font-weight: 600; }
  .cvk-grid > *, .cvk .cvk-kernel > input { font-size: 15px; }
  .cvk-patch > * { width: 34px; }
  .cvk .cvk-kernel > input { width: 46px; }
  .cvk-products > * { width: 64px; }
  .cvk-pair { gap: 9px; }
  .cvk-pair b { margin-bottom: 3px; }
  .cvk-total { margin-top: 10px; max-width: 290px; gap: 4px 8px;
    font-size: 14px; }
  .cvk-sum { font-size: 24px; line-height: 30px; padding: 0 10px; }
}
@container (max-width: 800px) {
  .cvk-head { flex-direction: column; align-items: start; height: 48px;
    justify-content: flex-end; gap: 2px; }
  .cvk-rows { grid-template-columns: minmax(0, 1fr); }
}
@container (max-width: 600px) {
  .cvk-panels { display: grid; grid-template-columns: 1fr 1fr;
    justify-items: center; }
  .cvk-side { width: 100%; }
  .cvk-middle { grid-area: 2 / 1 / 3 / 3; }
  .cvk-pair { gap: 6px; }
  .cvk .cvk-kernel > input { width: clamp(41px, 13cqi, 46px); }
}
`;

const MARKUP = `
<style>${STYLE}</style>
<div class="cvk" role="group" aria-label="Kernel explorer">
  <div class="cvk-controls">
    <label>Image <select class="cvk-image"></select></label>
    <label>Kernel <select class="cvk-preset"></select></label>
    <label>Stride <select class="cvk-stride">
      <option>1</option><option>2</option><option>3</option></select></label>
    <label>Padding <select class="cvk-padding">
      <option>0</option><option>1</option><option>2</option></select></label>
    <button type="button" class="cvk-flip" aria-pressed="false">Flip kernel</button>
    <span class="cvk-mode"></span>
  </div>
  <div class="cvk-panels">
    <div class="cvk-side">
      <div class="cvk-head"><span><b>Image</b> <span class="cvk-size"></span></span></div>
      <div class="cvk-frame"><canvas class="cvk-input" tabindex="0"
        role="application"></canvas></div>
      <div class="cvk-note"><span class="cvk-padded"></span> Point at a pixel,
        click to stay there, or use the arrow keys.</div>
    </div>
    <div class="cvk-middle">
      <div class="cvk-grids"></div>
      <div class="cvk-total">
        <span class="cvk-place"></span>
        <span class="cvk-sum"></span></div>
      <div class="cvk-error" role="alert"></div>
    </div>
    <div class="cvk-side">
      <div class="cvk-head"><span><b>Output</b> <span class="cvk-shape"></span></span>
        <select class="cvk-greys" aria-label="Greys">
          <option value="true">true greys</option>
          <option value="stretched">stretched</option>
          <option value="size">without sign</option></select></div>
      <div class="cvk-frame"><canvas class="cvk-map" tabindex="0"
        role="application"></canvas></div>
      <div class="cvk-scale"></div>
      <div class="cvk-ends"></div>
      <div class="cvk-note cvk-range"></div>
    </div>
  </div>
  <details class="cvk-more">
    <summary>More: bias and ReLU, colour, a sweep, your own photo, Python</summary>
    <div class="cvk-rows">
      <div>
        <div class="cvk-line">
          <label>Bias <input class="cvk-bias" value="0" autocomplete="off"
            maxlength="12"></label>
          <label><input type="checkbox" class="cvk-relu"> ReLU</label>
          <label><input type="checkbox" class="cvk-rgb"> Colour, 27 weights</label>
          <button type="button" class="cvk-sweep" aria-pressed="false">Sweep</button>
        </div>
        <div class="cvk-line">
          <label class="cvk-file">Your photo
            <input type="file" accept="image/*"></label>
          <button type="button" class="cvk-camera" aria-pressed="false">Webcam</button>
        </div>
        <div class="cvk-note">Or drop a picture here, or paste one. It is made small and
          stays in this page: nothing is sent.</div>
        <div class="cvk-note cvk-trouble" role="alert"></div>
      </div>
      <div><pre class="cvk-python" tabindex="0"></pre>
        <button type="button" class="cvk-copy">Copy</button></div>
    </div>
  </details>
  <div class="cvk-live" aria-live="polite"></div>
</div>`;

// Numbers as text -------------------------------------------------------------

// Whole numbers as they are, others with four significant digits.
function shortNumber(value) {
  const digits = Math.abs(value) < 1000
    ? Number(value.toPrecision(4)) : Number(value.toFixed(1));
  return String(digits).replace("-", "\u2212");
}

// A weight: as a fraction where its four digits are not exact, as in 1/9.
function weightText(value) {
  for (let below = 2; Number(value.toPrecision(4)) !== value && below < 100; below++) {
    const above = Math.round(value * below);
    if (above / below === value) return shortNumber(above) + "/" + below;
  }
  return shortNumber(value);
}

// The number that somebody typed, also 0,5 and 1/9; null if it is none.
function typedNumber(text, greatest) {
  const plain = text.trim().replaceAll("\u2212", "-").replaceAll(",", ".");
  const parts = plain.split("/");
  if (parts.length > 2) return null;
  if (!parts.every((part) => /^[+-]?(\d+\.?\d*|\.\d+)$/.test(part))) return null;
  const value = Number(parts[0]) / Number(parts[1] ?? 1);
  return Math.abs(value) <= greatest ? value : null;
}

// A weight as Python writes it, exact.
function pythonNumber(value) {
  const short = weightText(value).replace("\u2212", "-");
  return typedNumber(short, Infinity) === value ? short : String(value);
}

// Convolution -----------------------------------------------------------------

function padded(image, padding) {
  const width = image[0].length + 2 * padding;
  const rows = (count) => Array.from({ length: count }, () => Array(width).fill(0));
  const zeros = Array(padding).fill(0);
  const middle = image.map((row) => [...zeros, ...row, ...zeros]);
  return [...rows(padding), ...middle, ...rows(padding)];
}

// The nine pixels below the kernel at a place, row by row.
function patchAt(pixels, stride, [row, column]) {
  return pixels.slice(row * stride, row * stride + 3).flatMap(
    (line) => line.slice(column * stride, column * stride + 3));
}

function products(patch, weights) {
  return patch.map((pixel, i) => pixel * weights[i]);
}

// Images ----------------------------------------------------------------------

// Rows of greys, or of [red, green, blue], as {grey: rows, colour: [rows, rows, rows]}.
function imageOf(rows) {
  const channels = (value) => (Array.isArray(value) ? value : [value, value, value]);
  return {
    grey: rows.map((row) => row.map((value) => Math.floor(sum(channels(value)) / 3))),
    colour: [0, 1, 2].map((i) => rows.map((row) => row.map((value) => channels(value)[i]))),
  };
}

// A picture from a file or a camera as rows of [red, green, blue], made small.
function rowsOf(source, width, height) {
  const scale = Math.min(1, OWN_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff"; // below what is transparent
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(source, 0, 0, canvas.width, canvas.height);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: canvas.height }, (_, y) =>
    Array.from({ length: canvas.width }, (_, x) =>
      [...data.slice(4 * (y * canvas.width + x), 4 * (y * canvas.width + x) + 3)]));
}

// Greys of a feature map -------------------------------------------------------

// How values become greys. True greys: a kernel with the sum 1 keeps the brightness, so
// its values are greys as they are; of others 0 is the middle, and both sides have the
// same scale. {low, high: of the values; ends: values along the scale from black to
// white; grey: a function}
function scaleOf(values, kernelSum, how) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const most = Math.max(-low, high) || 1;
  const keeps = Math.abs(kernelSum - 1) < 1e-9;
  let ends = keeps ? [0, 255] : [-most, 0, most];
  if (how === "stretched") ends = [low, high];
  if (how === "size") ends = [0, most];
  const [black, white] = [ends[0], ends.at(-1)];
  const grey = (value) => {
    const size = how === "size" ? Math.abs(value) : value;
    const share = white > black ? (size - black) / (white - black) : 0.5;
    return Math.round(255 * Math.min(Math.max(share, 0), 1));
  };
  return { low, high, ends, keeps, grey };
}

function rgb(parts) {
  return `rgb(${parts.map(Math.round).join(" ")})`;
}

// Black or white, whichever reads better on a colour, as WCAG measures it.
function inkOn(parts) {
  const [red, green, blue] = parts.map((part) => (part / 255 <= 0.04045
    ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

// Drawing ---------------------------------------------------------------------

// Draw pixels as squares; returns the side of a square. colour(y, x): [red, green,
// blue], or null for one that is not there yet.
function drawPixels(canvas, height, width, colour) {
  const longest = Math.max(height, width);
  const side = Math.floor(BACKING / longest);
  canvas.width = side * width;
  canvas.height = side * height;
  canvas.style.width = `${(100 * width) / longest}%`;
  const small = new OffscreenCanvas(width, height);
  const picture = new ImageData(width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const parts = colour(y, x);
      if (parts) picture.data.set([...parts, 255], 4 * (y * width + x));
    }
  }
  small.getContext("2d").putImageData(picture, 0, 0);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (side >= 16) {
    pen.strokeStyle = "rgb(128 128 128 / 50%)";
    pen.beginPath();
    for (let x = side; x < canvas.width; x += side) {
      pen.moveTo(x, 0);
      pen.lineTo(x, canvas.height);
    }
    for (let y = side; y < canvas.height; y += side) {
      pen.moveTo(0, y);
      pen.lineTo(canvas.width, y);
    }
    pen.stroke();
  }
  return side;
}

// Padding looks different from black pixels: hatched, and apart from the image.
function drawPadding(canvas, side, padding) {
  const pen = canvas.getContext("2d");
  const edge = side * padding;
  const image = [edge, edge, canvas.width - 2 * edge, canvas.height - 2 * edge];
  const ring = new Path2D();
  ring.rect(0, 0, canvas.width, canvas.height);
  ring.rect(...image);
  pen.save();
  pen.clip(ring, "evenodd");
  pen.strokeStyle = "#6b7178";
  pen.lineWidth = 2;
  pen.beginPath();
  for (let x = -canvas.height; x < canvas.width; x += 12) {
    pen.moveTo(x, canvas.height);
    pen.lineTo(x + canvas.height, 0);
  }
  pen.stroke();
  pen.restore();
  pen.lineWidth = 2;
  pen.strokeStyle = "#fff";
  pen.strokeRect(...image);
}

// A frame around squares, with white on both sides so that it shows on any grey.
function drawFrame(canvas, side, x, y, squares) {
  const pen = canvas.getContext("2d");
  const thick = Math.min(6, 0.4 * side);
  for (const [width, colour] of [[2 * thick, "#fff"], [thick, MARK]]) {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.strokeRect(x * side, y * side, squares * side, squares * side);
  }
}

// The explorer ----------------------------------------------------------------

// Replace what is in `root` by an explorer.
// settings: {images: {name: rows of greys or of [red, green, blue], 0 to 255},
// kernel: 3x3 numbers, or 3x3x3 with the channels last; bias: a number; relu: a boolean}
function mount(root, settings) {
  root.innerHTML = MARKUP;
  const card = root.querySelector(".cvk");
  const part = (name) => card.querySelector(`.cvk-${name}`);
  const make = (tag, text = "") => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };
  keepKeys(card);
  followTheme(card);

  const images = Object.fromEntries(
    Object.entries(settings.images).map(([name, rows]) => [name, imageOf(rows)]));
  const middle = settings.kernel.flat();
  // One list of nine weights for each channel.
  let kernel = Array.isArray(middle[0])
    ? [0, 1, 2].map((i) => middle.map((weights) => weights[i])) : [middle];
  let bias = settings.bias ?? 0;
  let pixels, map, scale; // of the whole image; follow from the controls
  let last = {}; // stride and padding for which `place` was chosen
  let place; // row and column of the feature map; at the start its middle
  let pointed = null; // the same while the mouse only points
  let reached = null; // how many values a sweep has computed; null without one

  for (const name of Object.keys(images)) part("image").append(new Option(name));
  const greys = part("greys");
  const coloured = () => kernel.length === 3;
  const stride = () => Number(part("stride").value);
  const padding = () => Number(part("padding").value);
  const pressed = (name) => part(name).getAttribute("aria-pressed") === "true";
  const press = (name, on) => part(name).setAttribute("aria-pressed", String(on));
  const rectified = (value) => (part("relu").checked ? Math.max(value, 0) : value);

  // The grids of numbers, one line for each channel.
  let patchCells, productCells, weightInputs;

  function buildGrids() {
    const line = (channel) => {
      const sums = make("div");
      sums.className = "cvk-sums";
      sums.innerHTML = `${coloured() ? `<span class="cvk-channel">${channel}</span>` : ""}
        <div class="cvk-pair">
          <div><b>Patch</b><div class="cvk-grid cvk-patch"></div></div>
          <div class="cvk-sign">\u00d7</div>
          <div><b>Kernel</b><div class="cvk-grid cvk-kernel"></div></div>
        </div>
        <div class="cvk-pair">
          <div class="cvk-sign">=</div>
          <div><b>Products</b><div class="cvk-grid cvk-products"></div></div>
        </div>`;
      return sums;
    };
    part("grids").replaceChildren(...kernel.map((_, i) => line(CHANNELS[i])));
    part("middle").classList.toggle("cvk-colour", coloured());
    const cells = (name, tag) => [...card.querySelectorAll(`.cvk-${name}`)].map((grid) => {
      grid.replaceChildren(...Array.from({ length: 9 }, () => make(tag)));
      return [...grid.children];
    });
    patchCells = cells("patch", "div");
    productCells = cells("products", "div");
    weightInputs = cells("kernel", "input");
    weightInputs.forEach((inputs, channel) => inputs.forEach((input, i) => {
      const where = coloured() ? `, ${CHANNELS[channel]}` : "";
      input.setAttribute("aria-label",
        `Kernel row ${Math.floor(i / 3) + 1}, column ${(i % 3) + 1}${where}`);
      input.dataset.lmSuppressShortcuts = "true";
      input.maxLength = 12;
      input.autocomplete = "off";
      listenToWeight(input, channel, i);
    }));
    const names = [...Object.keys(KERNELS), ...(coloured() ? Object.keys(COLOURS) : []), OWN];
    part("preset").replaceChildren(...names.map((name) => new Option(name)));
    writeKernel();
  }

  function within([row, column]) {
    const between = (number, count) => Math.min(Math.max(number, 0), count - 1);
    return [between(row, map.length), between(column, map[0].length)];
  }

  // The weighted sum at a place, before bias and ReLU.
  const sumAt = (at) => sum(pixels.map((rows, channel) =>
    sum(products(patchAt(rows, stride(), at), kernel[channel]))));

  // Compute the feature map from the controls, then show everything.
  function update() {
    const image = images[part("image").value];
    pixels = (coloured() ? image.colour : [image.grey]).map((rows) => padded(rows, padding()));
    const places = (size) => Math.floor((size - 3) / stride()) + 1;
    map = Array.from({ length: places(pixels[0].length) }, (_, row) =>
      Array.from({ length: places(pixels[0][0].length) }, (_, column) =>
        rectified(sumAt([row, column]) + bias)));
    scale = scaleOf(map.flat(), sum(kernel.flat()), greys.value);
    // As near as can be to the pixels where it was.
    const moved = (i) => Math.round(
      (i * last.stride - last.padding + padding()) / stride());
    place = within(place?.map(moved) ?? [map.length >> 1, map[0].length >> 1]);
    last = { stride: stride(), padding: padding() };
    pointed = null;
    showWhole();
    showPlace();
  }

  // What is the same at each place: sizes, the scale of greys, and the code.
  function showWhole() {
    const { colour: [image] } = images[part("image").value];
    const size = (rows) => `${rows.length} x ${rows[0].length}`;
    part("size").textContent = size(image);
    part("padded").textContent = padding() ? `Padded to ${size(pixels[0])}.` : "";
    part("shape").textContent = size(map);
    part("mode").textContent = pressed("flip") ? "Convolution" : "Correlation";
    const { low, high, ends, keeps } = scale;
    part("input").setAttribute("aria-label", `Image ${part("image").value}, `
      + `${size(pixels[0])}: arrow keys move the kernel`);
    part("map").setAttribute("aria-label", `Feature map, ${size(map)}, values `
      + `${shortNumber(low)} to ${shortNumber(high)}: arrow keys move the place`);
    part("scale").style.background = "linear-gradient(to right, #000, #fff)";
    part("ends").replaceChildren(
      ...ends.map((value) => make("span", shortNumber(value))));
    const clipped = greys.value === "true" && keeps ? [
      ...(low < 0 ? ["Below 0 is black."] : []),
      ...(high > 255 ? ["Above 255 is white."] : [])] : [];
    const range = part("range");
    range.textContent = [`Feature map: values ${shortNumber(low)} to ${shortNumber(high)}.`,
      ...clipped].join(" ");
    range.dataset.low = low;
    range.dataset.high = high;
    part("python").textContent = pythonCode();
  }

  // What belongs to the current place.
  function showPlace() {
    const [row, column] = pointed ?? place;
    const patches = pixels.map((rows) => patchAt(rows, stride(), [row, column]));
    const terms = patches.map((patch, channel) => products(patch, kernel[channel]));
    patches.forEach((patch, channel) => patch.forEach((pixel, i) => {
      const cell = patchCells[channel][i];
      const colour = [0, 1, 2].map((c) => (coloured() && c !== channel ? 0 : pixel));
      cell.textContent = pixel;
      cell.style.background = rgb(colour);
      cell.style.color = inkOn(colour);
    }));
    terms.forEach((nine, channel) => nine.forEach((term, i) => {
      productCells[channel][i].textContent = shortNumber(term);
      productCells[channel][i].classList.toggle("cvk-zero", term === 0);
    }));
    const weighted = sum(terms.flat());
    const value = rectified(weighted + bias);
    const steps = stepsOf(weighted);
    part("place").textContent = `Sum at row ${row + 1}, column ${column + 1}`
      + (steps ? `: ${steps} =` : "");
    part("sum").textContent = shortNumber(value);
    part("sum").dataset.value = value;
    drawBoth([row, column]);

    if (pointed || reached !== null) return; // a sentence at each pixel is too many
    const rows = (patch) => [0, 3, 6].map((i) => patch.slice(i, i + 3).join(" ")).join(", ");
    const said = patches.map((patch, channel) =>
      (coloured() ? `${CHANNELS[channel]} ` : "") + rows(patch)).join("; ");
    part("live").textContent = `Row ${row + 1}, column ${column + 1} of `
      + `${map.length} x ${map[0].length}: patch ${said}; sum ${
        steps ? `${steps} = ` : ""}${shortNumber(value)}.`;
  }

  // What bias and ReLU do to a sum; "" without them.
  function stepsOf(weighted) {
    const sign = bias < 0 ? "\u2212" : "+";
    const added = `${shortNumber(weighted)} ${sign} ${shortNumber(Math.abs(bias))}`;
    if (!part("relu").checked) return bias ? added : "";
    return `ReLU of ${bias ? added : shortNumber(weighted)}`;
  }

  function drawBoth([row, column]) {
    const input = part("input");
    const [rows] = pixels;
    const [height, width] = [rows.length, rows[0].length];
    let side = drawPixels(input, height, width, (y, x) => (coloured()
      ? pixels.map((channel) => channel[y][x]) : Array(3).fill(rows[y][x])));
    if (padding()) drawPadding(input, side, padding());
    drawFrame(input, side, column * stride(), row * stride(), 3);
    side = drawPixels(part("map"), map.length, map[0].length, (y, x) => (
      reached === null || y * map[0].length + x < reached
        ? Array(3).fill(scale.grey(map[y][x])) : null));
    drawFrame(part("map"), side, column, row, 1);
  }

  // What is seen, as a layer of Keras: `image` becomes `feature_map`.
  function pythonCode() {
    const block = (nine, name) => `${name} = np.array([\n${[0, 3, 6].map((i) =>
      `    [${nine.slice(i, i + 3).map(pythonNumber).join(", ")}],\n`).join("")}])`;
    const around = padding();
    const width = coloured()
      ? `((${around}, ${around}), (${around}, ${around}), (0, 0))` : around;
    const shape = coloured() ? "image[None]" : "image[None, :, :, None]";
    const all = kernel.length;
    const options = [
      ...(stride() > 1 ? [`, strides=${stride()}`] : []),
      ...(part("relu").checked ? [', activation="relu"'] : [])].join("");
    return ["import numpy as np", "from keras import layers", "",
      ...(coloured() ? [...kernel.map((nine, i) => block(nine, CHANNELS[i])),
        `kernel = np.stack([${CHANNELS.join(", ")}], axis=-1)`]
        : [block(kernel[0], "kernel")]),
      `layer = layers.Conv2D(1, 3${options})`,
      `layer.build((None, None, None, ${all}))`,
      `bias = np.array([${pythonNumber(bias)}])`,
      `layer.set_weights([kernel.reshape(3, 3, ${all}, 1), bias])`,
      ...(around ? [`image = np.pad(image, ${width})`] : []),
      `feature_map = layer(${shape}.astype("float32"))[0, :, :, 0]`].join("\n");
  }

  // The kernel's fields ---------------------------------------------------------

  function writeKernel() {
    weightInputs.forEach((inputs, channel) => inputs.forEach((input, i) => {
      input.value = weightText(kernel[channel][i]);
      input.removeAttribute("aria-invalid");
    }));
    part("error").textContent = "";
    namePreset();
  }

  // The weights of a kernel of the lists, for one channel or three.
  function weightsOf(name) {
    if (!coloured()) return [[...KERNELS[name]]];
    const thirds = () => KERNELS[name].map((weight) => weight / 3);
    const middle = (weight) => [0, 0, 0, 0, weight, 0, 0, 0, 0];
    return COLOURS[name]?.map(middle) ?? CHANNELS.map(thirds);
  }

  const turned = (channels) => channels.map((nine) => [...nine].reverse());

  function namePreset() {
    const plain = (pressed("flip") ? turned(kernel) : kernel).flat();
    const same = ({ value }) => value !== OWN && weightsOf(value).flat().every(
      (weight, i) => Math.abs(weight - plain[i]) < 1e-12);
    part("preset").value = [...part("preset").options].find(same)?.value ?? OWN;
  }

  // Calls `use` with what is typed into a field as soon as it is a number.
  function listen(field, greatest, use, keeps) {
    field.addEventListener("input", () => {
      const value = typedNumber(field.value, greatest);
      if (value === null) return; // perhaps not typed to its end
      field.removeAttribute("aria-invalid");
      part("error").textContent = "";
      use(value);
      update();
    });
    field.addEventListener("change", () => {
      if (typedNumber(field.value, greatest) !== null) return;
      field.setAttribute("aria-invalid", "true");
      part("error").textContent = `"${field.value}" is not a number from `
        + `\u2212${greatest} to ${greatest}: ${keeps()}.`;
    });
  }

  function listenToWeight(input, channel, i) {
    listen(input, GREATEST_WEIGHT, (value) => {
      kernel[channel][i] = value;
      namePreset();
    }, () => `the kernel keeps ${weightText(kernel[channel][i])} there`);
  }

  part("preset").addEventListener("change", () => {
    const { value } = part("preset");
    if (value !== OWN) kernel = pressed("flip") ? turned(weightsOf(value)) : weightsOf(value);
    writeKernel();
    update();
  });

  part("flip").addEventListener("click", () => {
    press("flip", !pressed("flip"));
    kernel = turned(kernel); // both axes of 3x3 turned: the nine in reverse
    writeKernel();
    update();
  });

  // Bias, ReLU, colour ----------------------------------------------------------

  part("bias").value = weightText(bias);
  listen(part("bias"), GREATEST_BIAS, (value) => { bias = value; },
    () => `the bias stays ${weightText(bias)}`);

  part("relu").checked = Boolean(settings.relu);
  part("rgb").checked = coloured();
  part("rgb").addEventListener("change", () => {
    // The same greys as before: a third for each channel, and back again.
    kernel = part("rgb").checked
      ? CHANNELS.map(() => kernel[0].map((weight) => weight / 3))
      : [kernel[0].map((_, i) => Number(sum(kernel.map((nine) => nine[i])).toFixed(12)))];
    buildGrids();
    update();
  });

  for (const name of ["image", "stride", "padding", "relu"]) {
    part(name).addEventListener("change", update);
  }
  greys.addEventListener("change", update);
  part("image").addEventListener("change", stopCamera);

  // A sweep ---------------------------------------------------------------------

  let timer = 0;

  function stopSweep() {
    clearInterval(timer);
    reached = null;
    press("sweep", false);
  }

  function sweep() {
    const count = () => map.length * map[0].length;
    const pace = Math.max(60, Math.min(300, SWEEP / count())); // ms
    const stride = Math.max(1, Math.round(count() / (SWEEP / pace)));
    press("sweep", true);
    reached = 0;
    timer = setInterval(() => {
      reached = Math.min(reached + stride, count());
      const done = reached === count() || !card.isConnected;
      place = [Math.floor((reached - 1) / map[0].length), (reached - 1) % map[0].length];
      pointed = null;
      if (done) stopSweep();
      showPlace();
    }, pace);
  }

  part("sweep").addEventListener("click", () => {
    if (!pressed("sweep")) return sweep();
    stopSweep();
    showPlace();
  });
  // Whoever asked for less motion has the arrow keys.
  part("sweep").hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;

  // One's own photo -------------------------------------------------------------

  const trouble = (text) => { part("trouble").textContent = text; };

  function use(rows) {
    if (!images[OWN_PHOTO]) part("image").append(new Option(OWN_PHOTO));
    images[OWN_PHOTO] = imageOf(rows);
    part("image").value = OWN_PHOTO;
    update();
  }

  async function useFile(file) {
    stopCamera();
    let picture;
    try {
      picture = await createImageBitmap(file);
    } catch {
      trouble(`This browser cannot read ${file.name || "this"} as a picture: try a JPEG `
        + "or a PNG.");
      return;
    }
    const rows = rowsOf(picture, picture.width, picture.height);
    if (Math.min(rows.length, rows[0].length) < 3) {
      trouble("This picture is too narrow: a 3 x 3 kernel does not fit into it.");
      return;
    }
    trouble("");
    use(rows);
  }

  const chosen = card.querySelector("input[type=file]");
  chosen.addEventListener("change", () => {
    if (chosen.files.length) useFile(chosen.files[0]);
  });

  // Notebooks and browsers would open a dropped file, or make a cell of it.
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
    card.addEventListener(name, (event) => {
      if (!holds(event)) return;
      event.preventDefault();
      event.stopPropagation();
      const leaves = name === "dragleave" && !card.contains(event.relatedTarget);
      if (name === "drop" || leaves) card.removeAttribute("data-over");
      else card.setAttribute("data-over", "");
      if (name === "drop") useFile(event.dataTransfer.files[0]);
    });
  }
  card.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (!file) return; // text, for a field
    event.preventDefault();
    event.stopPropagation();
    useFile(file);
  });

  let stream = null;

  function stopCamera() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    press("camera", false);
    part("camera").textContent = "Webcam";
  }

  // Why there is no picture from a camera, by the name of the browser's error.
  const NO_CAMERA = {
    NotFoundError: "This computer has no camera, or the browser does not see it.",
    NotAllowedError: "The camera was not allowed. The browser's address bar can allow it.",
    NotReadableError: "Another program is using the camera.",
  };

  async function startCamera() {
    trouble("");
    if (!navigator.mediaDevices) {
      trouble("The browser gives this page no camera: open the notebook at localhost or "
        + "over https.");
      return;
    }
    press("camera", true);
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640 } });
    } catch (error) {
      stopCamera();
      trouble(NO_CAMERA[error.name] ?? `There is no picture from a camera: ${error.message}`);
      return;
    }
    part("camera").textContent = "Keep this picture";
    const video = document.createElement("video");
    video.muted = video.playsInline = true;
    video.srcObject = stream;
    const mine = stream;
    await video.play();
    const look = () => {
      if (stream !== mine) return; // stopped
      if (!card.isConnected) return stopCamera(); // the cell was run again
      if (video.videoWidth) use(rowsOf(video, video.videoWidth, video.videoHeight));
      setTimeout(look, 100);
    };
    look();
  }

  part("camera").addEventListener("click", () => (
    pressed("camera") ? stopCamera() : startCamera()));
  copies(part("copy"), part("python"));

  // The place -------------------------------------------------------------------

  // The squares of `canvas` as [down, across], fractions kept.
  function squares(canvas, rows, event) {
    const box = canvas.getBoundingClientRect(); // slides are scaled
    const across = ((event.clientX - box.left) / box.width) * rows[0].length;
    const down = ((event.clientY - box.top) / box.height) * rows.length;
    return [down, across];
  }

  const under = {
    // A place's centre is 1.5 pixels from the corner of its patch.
    input: (event) => squares(part("input"), pixels[0], event).map(
      (pixel) => Math.round((Math.floor(pixel) - 1) / stride())),
    map: (event) => squares(part("map"), map, event).map(Math.floor),
  };

  for (const name of ["input", "map"]) {
    const canvas = part(name);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      stopSweep();
      place = within(under[name](event));
      pointed = null;
      showPlace();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (reached !== null) return;
      const there = within(under[name](event));
      if (event.buttons) place = there;
      pointed = there;
      showPlace();
    });
    canvas.addEventListener("pointerleave", () => {
      pointed = null;
      showPlace();
    });
    canvas.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      stopSweep();
      const [row, column] = pointed ?? place;
      place = within([row + step[0], column + step[1]]);
      pointed = null;
      showPlace();
    });
  }

  buildGrids();
  update();
}
