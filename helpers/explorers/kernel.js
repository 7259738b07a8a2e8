// The kernel explorer: what a 3x3 kernel does at each pixel of a grey image.
//
// Carried by helpers/explorers/__init__.py, which puts this file into a module
// script and calls mount. It needs nothing else: no library, no network, no Python.

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
const OWN = "Own kernel";
const GREATEST_WEIGHT = 999; // so that nine products stay legible
const BACKING = 560; // pixels along a canvas, twice its size on the page
const MARK = "#D55E00"; // vermilion: the current place
const NEGATIVE = [86, 180, 233]; // sky blue; both of Okabe and Ito's palette
const ARROWS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

// Every rule is below .cvk, and sets what a notebook's theme might have set.
const STYLE = `
.cvk { container-type: inline-size; box-sizing: border-box; max-width: 1240px;
  padding: 10px 14px; border: 1px solid #d5d8dc; border-radius: 10px;
  background: #fff; color: #1b1f24; color-scheme: light; text-align: left;
  font: 15px/20px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; letter-spacing: normal; }
.cvk *, .cvk *::before { box-sizing: border-box; }
.cvk select, .cvk input, .cvk button { font: inherit; color: inherit; margin: 0;
  background: #fff; border: 1px solid #868d95; border-radius: 6px; height: 30px;
  width: auto; box-shadow: none; }
.cvk select { padding: 0 4px; }
.cvk button { padding: 0 12px; cursor: pointer; }
.cvk button[aria-pressed="true"] { background: #0072B2; border-color: #0072B2;
  color: #fff; }
.cvk :is(select, input, button, canvas):focus-visible {
  outline: 3px solid #0072B2; outline-offset: 2px; }
.cvk-controls { display: flex; flex-wrap: wrap; gap: 6px 16px;
  align-items: center; margin-bottom: 10px; }
.cvk-controls label { display: flex; gap: 6px; align-items: center; margin: 0;
  font-weight: normal; }
.cvk-panels { display: flex; justify-content: space-between; gap: 16px; }
.cvk-side { flex: 1 1 0; max-width: 264px; min-width: 0; }
.cvk-head { margin-bottom: 4px; white-space: nowrap; }
.cvk b { font-weight: 600; }
.cvk-frame { display: flex; justify-content: center; }
.cvk canvas { display: block; height: auto; cursor: crosshair;
  touch-action: none; border-radius: 2px;
  box-shadow: 0 0 0 1px #868d95; } /* white pixels have an edge, too */
.cvk-note { font-size: 14px; line-height: 18px; margin-top: 6px;
  color: #4a5056; }
.cvk-scale { height: 8px; margin-top: 6px; border: 1px solid #868d95; }
.cvk-ends { display: flex; justify-content: space-between; font-size: 14px;
  line-height: 18px; }
.cvk-middle { flex: none; display: flex; flex-direction: column;
  align-items: center; }
.cvk-sums { display: flex; align-items: flex-end; gap: 12px;
  text-align: center; --high: 48px; }
.cvk-pair { display: flex; align-items: flex-end; gap: 12px; }
.cvk-pair b { display: block; margin-bottom: 5px; }
.cvk-sign { height: calc(3 * var(--high) + 4px); display: flex;
  align-items: center; font-size: 24px; }
.cvk-grid { display: grid; grid-template-columns: repeat(3, auto); gap: 2px; }
.cvk-grid > * { width: 46px; height: var(--high); display: flex;
  align-items: center; justify-content: center; font-size: 16px;
  border: 1px solid #c3c8ce; border-radius: 3px; }
.cvk-patch { outline: 3px solid ${MARK}; outline-offset: 1px; }
.cvk .cvk-kernel > input { width: 54px; height: var(--high); padding: 0 2px;
  text-align: center; border-radius: 3px; font-size: 16px; }
.cvk .cvk-kernel > input[aria-invalid="true"] { border: 2px solid ${MARK};
  background: #fdeee4; }
.cvk-products > * { width: 68px; }
.cvk-products > .cvk-zero { color: #6b7178; }
.cvk-total { display: flex; flex-wrap: wrap; gap: 4px 16px;
  align-items: center; justify-content: center; margin-top: 28px;
  font-size: 18px; }
.cvk-sum { font-size: 34px; line-height: 44px; font-weight: 600;
  padding: 2px 18px; border-radius: 6px; border: 3px solid ${MARK}; }
.cvk-error { margin-top: 8px; max-width: 270px; font-size: 14px;
  line-height: 18px; color: #a34700; text-align: center; }
.cvk-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
@container (max-width: 1110px) {
  .cvk-sums { --high: 34px; flex-direction: column; align-items: center;
    gap: 6px; }
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
@container (max-width: 600px) {
  .cvk-panels { display: grid; grid-template-columns: 1fr 1fr;
    justify-items: center; }
  .cvk-side { width: 100%; }
  .cvk-middle { grid-area: 2 / 1 / 3 / 3; }
  .cvk-head { white-space: normal; }
  .cvk-pair { gap: 6px; }
  .cvk .cvk-kernel > input { width: clamp(41px, 13cqi, 46px); }
}
`;

const MARKUP = `
<style>${STYLE}</style>
<div class="cvk" role="group" aria-label="Kernel explorer" data-prevent-swipe>
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
      <div class="cvk-head"><b>Image</b> <span class="cvk-size"></span></div>
      <div class="cvk-frame"><canvas class="cvk-input" tabindex="0"
        role="application"></canvas></div>
      <div class="cvk-note"><span class="cvk-padded"></span> Point at a pixel,
        click to stay there, or use the arrow keys.</div>
    </div>
    <div class="cvk-middle">
      <div class="cvk-sums">
        <div class="cvk-pair">
          <div><b>Patch</b><div class="cvk-grid cvk-patch"></div></div>
          <div class="cvk-sign">\u00d7</div>
          <div><b>Kernel</b><div class="cvk-grid cvk-kernel"></div></div>
        </div>
        <div class="cvk-pair">
          <div class="cvk-sign">=</div>
          <div><b>Products</b><div class="cvk-grid cvk-products"></div></div>
        </div>
      </div>
      <div class="cvk-total">
        <span class="cvk-place"></span><span class="cvk-sum"></span></div>
      <div class="cvk-error" role="alert"></div>
    </div>
    <div class="cvk-side">
      <div class="cvk-head"><b>Output</b> <span class="cvk-shape"></span></div>
      <div class="cvk-frame"><canvas class="cvk-map" tabindex="0"
        role="application"></canvas></div>
      <div class="cvk-scale"></div>
      <div class="cvk-ends"></div>
      <div class="cvk-note cvk-range"></div>
    </div>
  </div>
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
function typedNumber(text) {
  const plain = text.trim().replaceAll("\u2212", "-").replaceAll(",", ".");
  const parts = plain.split("/");
  if (parts.length > 2) return null;
  if (!parts.every((part) => /^[+-]?(\d+\.?\d*|\.\d+)$/.test(part))) return null;
  const value = Number(parts[0]) / Number(parts[1] ?? 1);
  return Math.abs(value) <= GREATEST_WEIGHT ? value : null;
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

function products(patch, kernel) {
  return patch.map((pixel, i) => pixel * kernel[i]);
}

function total(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}

// Grey from the lowest value, black, to the highest, white. With negative values
// zero is black, and these are blue, on the same scale.
function colouring(values) {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const most = Math.max(-low, high);
  const signed = low < 0;
  const colour = (value) => {
    if (value < 0) return rgb(NEGATIVE.map((part) => (part * -value) / most));
    const share = signed ? value / most : (value - low) / (high - low);
    return rgb(Array(3).fill(255 * (low === high ? 0.5 : share)));
  };
  return { low, high, most, signed, colour };
}

function rgb(parts) {
  return `rgb(${parts.map(Math.round).join(" ")})`;
}

// Drawing ---------------------------------------------------------------------

// Draw rows of values as squares; returns the side of a square.
function drawPixels(canvas, rows, colour) {
  const longest = Math.max(rows.length, rows[0].length);
  const side = Math.floor(BACKING / longest);
  canvas.width = side * rows[0].length;
  canvas.height = side * rows.length;
  canvas.style.width = `${(100 * rows[0].length) / longest}%`;
  const pen = canvas.getContext("2d");
  rows.forEach((row, y) => row.forEach((value, x) => {
    pen.fillStyle = colour(value);
    pen.fillRect(x * side, y * side, side, side);
  }));
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
// settings: {images: {name: [[grey from 0 to 255, ...], ...]}, kernel: 3x3 numbers}
function mount(root, settings) {
  root.innerHTML = MARKUP;
  const part = (name) => root.querySelector(`.cvk-${name}`);
  const make = (tag, text = "") => {
    const element = document.createElement(tag);
    element.textContent = text;
    return element;
  };

  let kernel = settings.kernel.flat();
  let pixels, map, colours; // of the whole image; follow from the controls
  let last = {}; // stride and padding for which `place` was chosen
  let place; // row and column of the feature map; at the start its middle
  let pointed = null; // the same while the mouse only points

  for (const name of Object.keys(settings.images)) {
    part("image").append(make("option", name));
  }
  for (const name of [...Object.keys(KERNELS), OWN]) {
    part("preset").append(make("option", name));
  }
  const cells = (name, tag) => Array.from({ length: 9 }, () => {
    const cell = make(tag);
    part(name).append(cell);
    return cell;
  });
  const patchCells = cells("patch", "div");
  const productCells = cells("products", "div");
  const weightInputs = cells("kernel", "input");
  weightInputs.forEach((input, i) => {
    const name = `Kernel row ${Math.floor(i / 3) + 1}, column ${(i % 3) + 1}`;
    input.setAttribute("aria-label", name);
    input.maxLength = 12;
    input.autocomplete = "off";
  });

  const stride = () => Number(part("stride").value);
  const padding = () => Number(part("padding").value);
  const flipped = () => part("flip").getAttribute("aria-pressed") === "true";

  function within([row, column]) {
    const between = (number, count) => Math.min(Math.max(number, 0), count - 1);
    return [between(row, map.length), between(column, map[0].length)];
  }

  // Compute the feature map from the controls, then show everything.
  function update() {
    pixels = padded(settings.images[part("image").value], padding());
    const places = (size) => Math.floor((size - 3) / stride()) + 1;
    map = Array.from({ length: places(pixels.length) }, (_, row) =>
      Array.from({ length: places(pixels[0].length) }, (_, column) =>
        total(products(patchAt(pixels, stride(), [row, column]), kernel))));
    colours = colouring(map.flat());
    // As near as can be to the pixels where it was.
    const moved = (i) => Math.round(
      (i * last.stride - last.padding + padding()) / stride());
    place = within(place?.map(moved) ?? [map.length >> 1, map[0].length >> 1]);
    last = { stride: stride(), padding: padding() };
    pointed = null;
    showWhole();
    showPlace();
  }

  // What is the same at each place: sizes and the colour scale.
  function showWhole() {
    const image = settings.images[part("image").value];
    const size = (rows) => `${rows.length} x ${rows[0].length}`;
    part("size").textContent = size(image);
    part("padded").textContent = padding() ? `Padded to ${size(pixels)}.` : "";
    part("shape").textContent = size(map);
    part("mode").textContent = flipped() ? "Convolution" : "Correlation";
    const { low, high, most, signed } = colours;
    part("input").setAttribute("aria-label", `Image ${part("image").value}, `
      + `${size(pixels)}: arrow keys move the kernel`);
    part("map").setAttribute("aria-label", `Feature map, ${size(map)}, values `
      + `${shortNumber(low)} to ${shortNumber(high)}: arrow keys move the place`);
    const blue = rgb(NEGATIVE);
    part("scale").style.background =
      `linear-gradient(to right, ${signed ? blue + ", " : ""}#000, #fff)`;
    const ends = signed ? [-most, 0, most] : [low, high];
    part("ends").replaceChildren(
      ...ends.map((value) => make("span", shortNumber(value))));
    const range = part("range");
    range.textContent = `Feature map: values ${shortNumber(low)} to ${shortNumber(high)}.`
      + (signed ? " Blue is negative." : "");
    range.dataset.low = low;
    range.dataset.high = high;
  }

  // What belongs to the current place.
  function showPlace() {
    const [row, column] = pointed ?? place;
    const patch = patchAt(pixels, stride(), [row, column]);
    const terms = products(patch, kernel);
    const sum = total(terms);
    patch.forEach((pixel, i) => {
      const cell = patchCells[i];
      cell.textContent = cell.dataset.value = pixel;
      cell.style.background = rgb([pixel, pixel, pixel]);
      // Black on 119 has a contrast of 4.7 to 1, white only 4.48.
      cell.style.color = pixel < 119 ? "#fff" : "#000";
    });
    terms.forEach((term, i) => {
      productCells[i].textContent = shortNumber(term);
      productCells[i].classList.toggle("cvk-zero", term === 0);
    });
    part("place").textContent = `Sum at row ${row + 1}, column ${column + 1}`;
    part("sum").textContent = shortNumber(sum);
    part("sum").dataset.value = sum;

    let side = drawPixels(part("input"), pixels, (grey) => rgb([grey, grey, grey]));
    if (padding()) drawPadding(part("input"), side, padding());
    drawFrame(part("input"), side, column * stride(), row * stride(), 3);
    side = drawPixels(part("map"), map, colours.colour);
    drawFrame(part("map"), side, column, row, 1);

    if (pointed) return; // who only points would be read a sentence at each pixel
    const rows = [0, 3, 6].map((i) => patch.slice(i, i + 3).join(" ")).join(", ");
    part("live").textContent = `Row ${row + 1}, column ${column + 1} of `
      + `${map.length} x ${map[0].length}: patch ${rows}; sum ${shortNumber(sum)}.`;
  }

  // The kernel's nine fields --------------------------------------------------

  function writeKernel() {
    weightInputs.forEach((input, i) => {
      input.value = weightText(kernel[i]);
      input.removeAttribute("aria-invalid");
    });
    part("error").textContent = "";
    namePreset();
  }

  function namePreset() {
    const plain = flipped() ? [...kernel].reverse() : kernel;
    const same = ([, weights]) => weights.every((w, i) => w === plain[i]);
    part("preset").value = Object.entries(KERNELS).find(same)?.[0] ?? OWN;
  }

  weightInputs.forEach((input, i) => {
    input.addEventListener("input", () => {
      const value = typedNumber(input.value);
      if (value === null) return; // perhaps not typed to its end
      kernel[i] = value;
      input.removeAttribute("aria-invalid");
      part("error").textContent = "";
      namePreset();
      update();
    });
    input.addEventListener("change", () => {
      if (typedNumber(input.value) !== null) return;
      input.setAttribute("aria-invalid", "true");
      part("error").textContent = `"${input.value}" is not a number from `
        + `\u2212${GREATEST_WEIGHT} to ${GREATEST_WEIGHT}: the kernel keeps `
        + `${weightText(kernel[i])} there.`;
    });
  });

  part("preset").addEventListener("change", () => {
    const weights = KERNELS[part("preset").value];
    if (weights) kernel = flipped() ? [...weights].reverse() : [...weights];
    writeKernel();
    update();
  });

  part("flip").addEventListener("click", () => {
    part("flip").setAttribute("aria-pressed", String(!flipped()));
    kernel.reverse(); // both axes of 3x3 turned: the nine in reverse
    writeKernel();
    update();
  });

  for (const name of ["image", "stride", "padding"]) {
    part(name).addEventListener("change", update);
  }

  // The place -----------------------------------------------------------------

  // The squares of `canvas` as [down, across], fractions kept.
  function squares(canvas, rows, event) {
    const box = canvas.getBoundingClientRect(); // slides are scaled
    const across = ((event.clientX - box.left) / box.width) * rows[0].length;
    const down = ((event.clientY - box.top) / box.height) * rows.length;
    return [down, across];
  }

  const under = {
    // A place's centre is 1.5 pixels from the corner of its patch.
    input: (event) => squares(part("input"), pixels, event).map(
      (pixel) => Math.round((Math.floor(pixel) - 1) / stride())),
    map: (event) => squares(part("map"), map, event).map(Math.floor),
  };

  for (const name of ["input", "map"]) {
    const canvas = part(name);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      place = within(under[name](event));
      pointed = null;
      showPlace();
    });
    canvas.addEventListener("pointermove", (event) => {
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
      const [row, column] = pointed ?? place;
      place = within([row + step[0], column + step[1]]);
      pointed = null;
      showPlace();
    });
  }

  // Slides and notebooks listen to keys too. These may turn pages, nothing else.
  root.querySelector(".cvk").addEventListener("keydown", (event) => {
    const turns = ["PageUp", "PageDown", "Escape"].includes(event.key);
    if (!turns && !event.ctrlKey && !event.metaKey) event.stopPropagation();
    if (turns && root.closest(".reveal")) {
      event.preventDefault(); // a clicker turns pages, and no menu
      event.target.blur(); // for slides ignore what is typed into a field
    }
  });

  writeKernel();
  update();
}
