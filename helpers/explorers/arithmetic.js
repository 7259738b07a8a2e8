// The convolution-arithmetic explorer: sliders for a convolutional layer, the
// places of its kernel drawn, and the sizes and costs in numbers.
//
// mount(root, settings) replaces what is in root. settings: start values, any
// of size, kernel, padding ("valid", "same", "full" or 0 to 5), stride,
// dilation, channels, filters, layers. The formulas and their rounding are
// those of helpers/convolution.py, for square images and kernels.

const CHANNEL_STEPS = [1, 2, 3, 4, 8, 16, 32, 64, 128, 256, 512];

const START = {
  size: 6, kernel: 3, padding: "valid", stride: 1, dilation: 1,
  channels: 1, filters: 32, layers: 1,
};

// name, label, least, greatest: each a slider.
const SLIDERS = [
  ["size", "Input size n", 3, 64],
  ["kernel", "Kernel k", 1, 11],
  ["amount", "Padding p", 0, 5],
  ["stride", "Stride s", 1, 4],
  ["dilation", "Dilation d", 1, 4],
  ["channels", "Input channels", 1, 512],
  ["filters", "Filters", 1, 512],
  ["layers", "Layers in a row", 1, 6],
];

const PADDINGS = ["valid", "same", "full", "explicit p"];

// Colours that colour-blind people can tell apart (Okabe and Ito).
const BLUE = "#0072B2";
const VERMILION = "#D55E00";
const GREY = "#767676"; // at least 3 to 1 beside every fill
const PIXEL = "#c9dcea";
const VALUE = "#f7dfce";
const ADDED = "#ececec"; // and its hatching
const HATCHING = "#b4b4b4";
const BETWEEN = "#fff";

// What these are on a dark page.
const DARK = {
  [BLUE]: "#56b4e9", [VERMILION]: "#ff9d57", [GREY]: "#a4acb5", [PIXEL]: "#35566b",
  [VALUE]: "#5a4030", [ADDED]: "#2a3037", [HATCHING]: "#5a626b", [BETWEEN]: "#1b1f24",
};

// The drawing's own units, near CSS pixels.
const DRAWING = { width: 440, height: 220, gap: 48, largestPixel: 26 };

const STYLE = `
.conv-arith, .conv-arith * { box-sizing: border-box; }
.conv-arith {
  --back: #fff; --text: #1a1a1a; --soft: #555; --line: #d5d9de; --edge: #767d85;
  --number: ${BLUE}; --hover: #eef4f9; --refusal: #a33c00;
  container-type: inline-size; color-scheme: light; margin: 4px 0;
  background: var(--back); color: var(--text);
  border: 1px solid var(--line); border-radius: 8px;
  font: 14px/1.4 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; text-align: left;
}
.conv-arith[data-dark] {
  --back: #1b1f24; --text: #eceff2; --soft: #b8bfc6; --line: #3b424a;
  --edge: #8b939c; --number: #7cc4ee; --hover: #2b333b; --refusal: #ff9d57;
  color-scheme: dark;
}
${Object.entries(DARK).map(([light, dark]) => `
.conv-arith[data-dark] svg [fill="${light}"] { fill: ${dark}; }
.conv-arith[data-dark] svg [stroke="${light}"] { stroke: ${dark}; }`).join("")}
.conv-arith-grid {
  display: grid; gap: 4px 24px; padding: 12px 16px;
  grid-template-columns: 244px minmax(0, 1fr);
  grid-template-rows: auto 1fr auto;
  grid-template-areas: "controls drawing" "controls results" "notes notes";
}
.conv-arith-controls { grid-area: controls; }
.conv-arith-drawing { grid-area: drawing; }
.conv-arith-results { grid-area: results; }
.conv-arith-notes { grid-area: notes; }
.conv-arith-row {
  display: grid; grid-template-columns: 108px minmax(0, 1fr) 40px; gap: 6px;
  align-items: center; height: 29px;
}
.conv-arith-row label { display: contents; }
.conv-arith-row output { text-align: right; font-weight: 600; padding: 0; }
.conv-arith-row select, .conv-arith-row [name=place] { grid-column: 2 / 4; }
.conv-arith input {
  font: inherit; width: 100%; margin: 0; accent-color: ${BLUE};
}
.conv-arith select, .conv-arith button {
  font: inherit; color: inherit; background: var(--back);
  border: 1px solid var(--edge);
  border-radius: 5px; height: 28px; padding: 0 6px; margin: 0; min-width: 0;
}
.conv-arith button { cursor: pointer; width: 54px; }
.conv-arith button:disabled { cursor: default; color: var(--soft); }
.conv-arith button:hover { background: var(--hover); }
.conv-arith :focus-visible { outline: 3px solid var(--number); outline-offset: 2px; }
.conv-arith-drawing svg:focus-visible { outline-offset: -3px; }
.conv-arith-place {
  border-top: 1px solid var(--line); margin-top: 6px; padding-top: 6px;
}
.conv-arith-buttons {
  display: flex; gap: 8px; align-items: center; height: 32px;
  white-space: nowrap;
}
.conv-arith-captions {
  display: flex; justify-content: space-around; gap: 12px; min-height: 20px;
}
.conv-arith-captions > :last-child { flex: none; }
.conv-arith-drawing svg {
  display: block; width: 100%; height: 180px; border-radius: 4px;
  touch-action: none; cursor: crosshair;
}
.conv-arith-pair { display: flex; flex-wrap: wrap; gap: 0 24px; }
.conv-arith-line { display: flex; gap: 8px; padding: 1px 0; }
.conv-arith-line > :first-child { color: var(--soft); }
.conv-arith-line > :last-child { min-width: 0; }
.conv-arith-line [data-label=Size] { display: none; }
.conv-arith-whole, .conv-arith b { white-space: nowrap; }
.conv-arith b { font-weight: 700; color: var(--number); }
.conv-arith p { margin: 0 0 4px; padding: 0; }
.conv-arith .conv-arith-refusal { color: var(--refusal); font-weight: 600; }
.conv-arith [hidden] { display: none; }
.conv-arith-spoken {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
@container (max-width: 520px) {
  .conv-arith-grid {
    grid-template-columns: minmax(0, 1fr); grid-template-rows: none;
    grid-template-areas: "controls" "drawing" "results" "notes";
  }
  .conv-arith-line { flex-direction: column; gap: 0; }
}
@container (min-width: 1040px) {
  .conv-arith-grid {
    grid-template-columns: 264px minmax(0, 1fr) minmax(0, 1fr);
    grid-template-rows: auto 1fr;
    grid-template-areas: "controls drawing results" "controls drawing notes";
    min-height: 390px;
  }
  .conv-arith-row { height: 32px; }
  .conv-arith-captions { margin-top: 5px; }
  .conv-arith-drawing svg { height: 270px; }
  .conv-arith-results, .conv-arith-notes { font-size: 16px; line-height: 1.35; }
  .conv-arith-line { flex-direction: column; gap: 0; padding: 2px 0; }
  .conv-arith-line > :first-child { font-size: 14px; }
  .conv-arith-line [data-label=Size] { display: block; }
  .conv-arith-pair b { font-size: 20px; }
}`;

// The layers ----------------------------------------------------------------

// One object for each layer, up to the first that does not fit; why that does
// not; and the first layer, which has parameters even where it does not fit.
function stack(values) {
  const { kernel, stride, dilation, filters } = values;
  const span = footprint(kernel, dilation);
  const layers = [];
  let [n, channels] = [values.size, values.channels];
  let [field, step] = [1, 1]; // step: input pixels between neighbouring values
  for (let number = 1; number <= values.layers; number += 1) {
    const [before, after] = paddingOf(n, values);
    const weights = kernel * kernel * channels * filters;
    field += (span - 1) * step;
    step *= stride;
    const layer = {
      n, before, after, span, channels, field, parameters: weights + filters,
    };
    const padded = n + before + after;
    if (padded < span) {
      const spread = dilation > 1
        ? `, spread to ${span} by dilation ${dilation},` : "";
      const room = `${n} pixels${padded > n ? ` padded to ${padded}` : ""}`;
      const refusal = `Layer ${number}: a kernel of size ${kernel}${spread} `
        + `does not fit into ${room}.`;
      return { layers, refusal, first: layers[0] ?? layer };
    }
    layer.out = outputSize(n, values);
    layer.multiplications = layer.out * layer.out * weights;
    layers.push(layer);
    [n, channels] = [layer.out, filters];
  }
  return { layers, refusal: "", first: layers[0] };
}

// The rows of the padded input that row `place` of the last output depends on.
// Padding within the stack leads no further back; the first layer's is drawn.
function rowsSeen(place, layers, { kernel, stride, dilation }) {
  let seen = new Set([place]);
  for (const [index, { n, before }] of [...layers.entries()].reverse()) {
    const earlier = new Set();
    for (const row of seen) {
      for (let tap = 0; tap < kernel; tap += 1) {
        const at = row * stride - before + tap * dilation;
        if (index === 0 || (at >= 0 && at < n)) earlier.add(at);
      }
    }
    seen = earlier;
  }
  return [...seen].sort((a, b) => a - b);
}

// The middle of what row 0 of the last output sees, in rows of the input, and
// how many rows further the next one looks.
function centres(layers, { kernel, stride, dilation }) {
  let [first, step] = [0, 1];
  for (const { before } of layers) {
    first += step * ((footprint(kernel, dilation) - 1) / 2 - before);
    step *= stride;
  }
  return { first, step };
}

// The drawing --------------------------------------------------------------

// Sorted whole numbers as runs [start, length], to draw few rectangles.
function runs(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && last[0] + last[1] === number) last[1] += 1;
    else found.push([number, 1]);
  }
  return found;
}

const rectangle = (x, y, width, height, looks) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${looks}/>`;

// Lines between the pixels; none where they would hide them.
function gridLines(x, y, count, pixel) {
  if (pixel < 3) return "";
  let path = "";
  for (let line = 1; line < count; line += 1) {
    path += `M${x + line * pixel} ${y}v${count * pixel}`;
    path += `M${x} ${y + line * pixel}h${count * pixel}`;
  }
  return `<path d="${path}" stroke="${BETWEEN}" stroke-width="1" fill="none"/>`;
}

// Where a grid ends: its fill alone is too faint on white.
const edge = (x, y, side) =>
  rectangle(x, y, side, side, `fill="none" stroke="${GREY}"`);

// Grey with diagonal lines: zeros that were added.
function hatched(x, y, side) {
  let path = "";
  for (let t = 6; t < 2 * side; t += 6) {
    const [from, to] = [Math.max(0, t - side), Math.min(t, side)];
    path += `M${x + from} ${y + t - from}L${x + to} ${y + t - to}`;
  }
  return rectangle(x, y, side, side, `fill="${ADDED}"`)
    + `<path d="${path}" stroke="${HATCHING}" stroke-width="1" fill="none"/>`;
}

// An outline around rows and columns; tiny ones grow, to stay visible.
function outline(x, y, width, height, colour) {
  const grow = Math.max(0, 7 - width) / 2;
  return rectangle(
    x - grow, y - grow, width + 2 * grow, height + 2 * grow,
    `fill="none" stroke="${colour}" stroke-width="2.5" rx="1"`,
  );
}

// Where the two grids lie and how large a pixel is: the same in both.
function layout({ layers, first }) {
  const padded = first.n + first.before + first.after;
  const broad = Math.max(padded, first.span); // where the kernel does not fit
  const out = layers.at(-1)?.out ?? 0;
  const pixel = Math.min(
    DRAWING.largestPixel,
    (DRAWING.height - 10) / Math.max(broad, out),
    (DRAWING.width - DRAWING.gap - 10) / (broad + out),
  );
  const left = (DRAWING.width - DRAWING.gap - (broad + out) * pixel) / 2;
  return {
    padded, out, pixel,
    input: { x: left, y: (DRAWING.height - broad * pixel) / 2 },
    output: {
      x: left + broad * pixel + DRAWING.gap,
      y: (DRAWING.height - out * pixel) / 2,
    },
  };
}

// Places counted from 1, as a reader says them: "1 to 3", "1, 3, 5".
const listed = (places) => runs(places).map(([first, length]) =>
  (length > 1 ? `${first + 1} to ${first + length}` : first + 1)).join(", ");

// The drawing in words.
function wordsOf(values, { layers, first, refusal }, { row, column }) {
  if (!layers.length) return refusal;
  const inside = (place) => listed(
    rowsSeen(place, layers, values).filter((at) => at >= 0 && at < first.n));
  const [rows, columns] = [inside(row), inside(column)];
  const seen = rows && columns
    ? `rows ${rows} and columns ${columns} of the input` : "padding alone";
  return `Row ${row + 1}, column ${column + 1} of the output sees ${seen}.`;
}

function drawingOf(values, result, place) {
  const { first, layers } = result;
  const { padded, out, pixel, input, output } = layout(result);
  const inside = first.before * pixel;
  let svg = hatched(input.x, input.y, padded * pixel) + rectangle(
    input.x + inside, input.y + inside, first.n * pixel, first.n * pixel,
    `fill="${PIXEL}"`,
  );
  if (!layers.length) {
    const side = first.span * pixel;
    return svg + gridLines(input.x, input.y, padded, pixel)
      + edge(input.x, input.y, padded * pixel)
      + outline(input.x, input.y, side, side, VERMILION);
  }
  const onAxis = (row) =>
    rowsSeen(row, layers, values).map((at) => at + first.before);
  const [rows, columns] = [onAxis(place.row), onAxis(place.column)];
  let cells = "";
  for (const [row, height] of runs(rows)) {
    for (const [column, width] of runs(columns)) {
      cells += `M${input.x + column * pixel} ${input.y + row * pixel}`
        + `h${width * pixel}v${height * pixel}h${-width * pixel}z`;
    }
  }
  svg += `<path d="${cells}" fill="${BLUE}" data-rows="${
    rows.join(" ")}" data-columns="${columns.join(" ")}"/>`;
  svg += gridLines(input.x, input.y, padded, pixel)
    + edge(input.x, input.y, padded * pixel);
  if (cells) {
    svg += outline(
      input.x + columns[0] * pixel, input.y + rows[0] * pixel,
      (columns.at(-1) - columns[0] + 1) * pixel,
      (rows.at(-1) - rows[0] + 1) * pixel, BLUE,
    );
  }
  const middle = DRAWING.height / 2;
  const tip = output.x - 12;
  svg += `<path d="M${tip - 24} ${middle}H${tip}m-7 -5l7 5l-7 5" fill="none" `
    + `stroke="${GREY}" stroke-width="2"/>`;
  const side = out * pixel;
  svg += rectangle(output.x, output.y, side, side, `fill="${VALUE}"`);
  svg += gridLines(output.x, output.y, out, pixel)
    + edge(output.x, output.y, side);
  const x = output.x + place.column * pixel;
  const y = output.y + place.row * pixel;
  svg += rectangle(x, y, pixel, pixel, `fill="${VERMILION}"`);
  return svg + outline(x, y, pixel, pixel, VERMILION);
}

// The numbers --------------------------------------------------------------

const shape = (...sides) => sides.join(" x ");
const bold = (text) => `<b>${text}</b>`;

function numbersOf(values, { layers, refusal, first }) {
  const { kernel: k, stride: s, dilation: d, filters } = values;
  const volume = `${k} · ${k} · ${first.channels}`;
  const numbers = {
    size: `floor((${first.n} + ${first.before} + ${first.after} `
      + `− ${d} · (${k} − 1) − 1) / ${s}) + 1`,
    parameters: `(${volume}) · ${filters} + ${filters} = ${
      bold(whole(first.parameters))}`,
    refusal,
  };
  if (first.out) {
    numbers.size += ` = ${bold(first.out)}`;
    numbers.output = bold(shape(first.out, first.out, filters));
    numbers.multiplications = `${first.out} · ${first.out} · ${filters} · (${
      volume}) = ${bold(whole(first.multiplications))}`;
    numbers.field = bold(shape(first.field, first.field));
  }
  const chain = [
    shape(values.size, values.size, values.channels),
    ...layers.map(({ out }) => shape(out, out, filters)),
  ];
  if (values.layers > 1) {
    numbers.which = `Layer 1 of ${values.layers}`;
    numbers.chain = [...chain, ...(refusal ? ["does not fit"] : [])]
      .map((sides) => `<span class="conv-arith-whole">${sides}</span>`)
      .join(" → ");
  }
  if (refusal) {
    numbers.spoken = refusal;
    return numbers;
  }
  const { field } = layers.at(-1);
  const totals = (mark) => [
    `${mark(whole(sum(layers.map((layer) => layer.parameters))))} parameters`,
    `${mark(whole(sum(layers.map((layer) => layer.multiplications))))}`
      + " multiplications",
    `receptive field ${mark(shape(field, field))}`,
  ].join(", ");
  if (values.layers > 1) {
    numbers.total = `All ${values.layers} layers: ${totals(bold)}.`;
  }
  numbers.spoken = `Output ${chain.at(-1)}, ${totals(String)}.`;
  return numbers;
}

// What Keras says about these settings.
function kerasOf({ padding, stride, dilation }, first) {
  const notes = [];
  if (stride > 1 && dilation > 1) {
    notes.push(
      "Keras refuses a stride above 1 together with a dilation above 1.",
    );
  }
  if (!["valid", "same"].includes(padding) && first.before > 0) {
    notes.push(
      `In Keras: ZeroPadding2D(${first.before}), then Conv2D with "valid".`,
    );
  }
  return notes.join(" ");
}

// The page -----------------------------------------------------------------

const sliderRow = ([name, label, least, greatest]) => `
  <div class="conv-arith-row"><label><span>${label}</span>
    <input type="range" name="${name}" min="${least}" max="${greatest}"></label>
    <output aria-hidden="true"></output></div>`; // the slider says it

const paddingRow = `
  <div class="conv-arith-row"><label><span>Padding</span>
    <select name="padding">${PADDINGS.map((text) =>
      `<option>${text}</option>`).join("")}</select></label></div>`;

const line = (name, label) => `
  <div class="conv-arith-line"><span data-label="${label}">${label}</span>
    <span data-result="${name}"></span></div>`;

const PAGE = `
<style>${STYLE}</style>
<div class="conv-arith-grid">
  <div class="conv-arith-controls">
    ${SLIDERS.slice(0, 2).map(sliderRow).join("")}
    ${paddingRow}
    ${SLIDERS.slice(2).map(sliderRow).join("")}
    <div class="conv-arith-place">
      <div class="conv-arith-row"><label><span>Place</span>
        <input type="range" name="place" min="1"></label></div>
      <div class="conv-arith-buttons">
        <button type="button" name="step">Step</button>
        <button type="button" name="play">Play</button>
        <span data-result="place" aria-live="polite"></span>
      </div>
    </div>
  </div>
  <div class="conv-arith-drawing">
    <div class="conv-arith-captions">
      <span data-result="input"></span><span data-result="last"></span>
    </div>
    <svg viewBox="0 0 ${DRAWING.width} ${DRAWING.height}" tabindex="0"
      role="application"></svg>
  </div>
  <div class="conv-arith-results">
    <p data-result="which"></p>
    ${line("size", "Size")}
    <div class="conv-arith-pair">
      ${line("output", "Output")} ${line("field", "Receptive field")}
    </div>
    ${line("parameters", "Parameters")}
    ${line("multiplications", "Multiplications")}
  </div>
  <div class="conv-arith-notes">
    <p data-result="chain"></p>
    <p data-result="total"></p>
    <p data-result="refusal" class="conv-arith-refusal"></p>
    <p data-result="keras"></p>
  </div>
</div>
<div class="conv-arith-spoken" aria-live="polite" data-result="spoken"></div>`;

function mount(root, settings) {
  const card = document.createElement("div"); // a section would be a slide
  card.className = "conv-arith";
  card.setAttribute("role", "group");
  card.setAttribute("aria-label", "Convolution-arithmetic explorer");
  keepKeys(card);
  card.innerHTML = PAGE;

  const control = (name) => card.querySelector(`[name="${name}"]`);
  const show = (name, text) => {
    card.querySelector(`[data-result="${name}"]`).innerHTML = text ?? "none";
  };
  const drawing = card.querySelector("svg");
  const start = { ...START, ...settings };

  // Sliders of channels step through a list; a start value may add a step.
  const steps = {};
  for (const name of ["channels", "filters"]) {
    const all = new Set([...CHANNEL_STEPS, start[name]]);
    steps[name] = [...all].sort((a, b) => a - b);
    control(name).min = 0;
    control(name).max = steps[name].length - 1;
    control(name).value = steps[name].indexOf(start[name]);
  }
  for (const name of ["size", "kernel", "stride", "dilation", "layers"]) {
    control(name).value = start[name];
  }
  const explicit = typeof start.padding === "number";
  control("padding").value = explicit ? "explicit p" : start.padding;
  control("amount").value = explicit ? start.padding : 1;

  let values;
  let result;
  let place = { row: 0, column: 0 };

  function read() {
    values = {};
    for (const [name] of SLIDERS) {
      const at = Number(control(name).value);
      values[name] = steps[name]?.[at] ?? at;
      const row = control(name).closest(".conv-arith-row");
      row.querySelector("output").textContent = values[name];
      control(name).setAttribute("aria-valuetext", values[name]);
    }
    const { value } = control("padding");
    values.padding = value === "explicit p" ? values.amount : value;
    const explicitRow = control("amount").closest(".conv-arith-row");
    explicitRow.hidden = value !== "explicit p";
  }

  function showPlace() {
    const side = result.layers.at(-1)?.out ?? 0;
    const slider = control("place");
    const text = side
      ? `row ${place.row + 1}, column ${place.column + 1}` : "none";
    slider.disabled = control("step").disabled = control("play").disabled =
      side * side < 2;
    slider.max = Math.max(side * side, 1);
    slider.value = place.row * side + place.column + 1;
    slider.setAttribute("aria-valuetext", text);
    show("place", text);
    drawing.innerHTML = drawingOf(values, result, place);
    drawing.setAttribute("aria-label", `Drawing, arrow keys move the kernel. ${
      wordsOf(values, result, place)}`);
  }

  function moveTo(row, column) {
    const last = (result.layers.at(-1)?.out ?? 1) - 1;
    const within = (at) => Math.min(Math.max(at, 0), last);
    place = { row: within(row), column: within(column) };
    showPlace();
  }

  function update() {
    read();
    result = stack(values);
    const { first, layers } = result;
    for (const [name, text] of Object.entries({
      output: undefined, multiplications: undefined, field: undefined,
      which: "", chain: "", total: "",
      ...numbersOf(values, result),
      keras: kerasOf(values, first),
    })) show(name, text);
    const { n, before, after } = first;
    const added = before === after
      ? before : `${before} before, ${after} after`;
    show("input", `Input ${shape(n, n)}, padding ${added}`);
    const source = layers.length > 1 ? `Layer ${layers.length}:` : "Output";
    const { out } = layers.at(-1) ?? {};
    show("last", out ? `${source} ${shape(out, out)}` : "No output");
    moveTo(place.row, place.column);
  }

  // Playing ----------------------------------------------------------------
  const placeText = card.querySelector("[data-result=place]");
  let timer = 0;

  function pause() {
    clearInterval(timer);
    timer = 0;
    placeText.setAttribute("aria-live", "polite");
    control("play").textContent = "Play";
  }

  function step() {
    const side = result.layers.at(-1).out;
    const next = (place.row * side + place.column + 1) % (side * side);
    moveTo(Math.floor(next / side), next % side);
    return next;
  }

  function play() {
    const places = control("place").max;
    const pace = Math.min(500, Math.max(60, 20000 / places)); // ms
    control("play").textContent = "Pause";
    // Nobody can listen to a place every half second.
    placeText.setAttribute("aria-live", "off");
    timer = setInterval(() => {
      const gone = !card.isConnected;
      if (gone || step() === places - 1) pause();
    }, pace);
  }

  // Who asked for less motion gets single steps.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  control("play").hidden = calm.matches;
  control("play").addEventListener("click", () => (timer ? pause() : play()));
  control("step").addEventListener("click", () => {
    pause();
    step();
  });

  // Moving -----------------------------------------------------------------
  control("place").addEventListener("input", () => {
    pause();
    const side = result.layers.at(-1).out;
    const at = control("place").value - 1;
    moveTo(Math.floor(at / side), at % side);
  });

  drawing.addEventListener("keydown", (event) => {
    const [down, right] = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0],
      ArrowLeft: [0, -1], ArrowRight: [0, 1],
    }[event.key] ?? [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    pause();
    moveTo(place.row + down, place.column + right);
  });

  function point(event) {
    if (!result.layers.length) return;
    // In the drawing's units, also where the page is scaled.
    const at = new DOMPoint(event.clientX, event.clientY)
      .matrixTransform(drawing.getScreenCTM().inverse());
    const { input, output, pixel } = layout(result);
    pause();
    if (at.x > output.x - DRAWING.gap / 2) {
      moveTo(
        Math.floor((at.y - output.y) / pixel),
        Math.floor((at.x - output.x) / pixel),
      );
      return;
    }
    const { first, step: stride } = centres(result.layers, values);
    const nearest = (distance) => Math.round(
      (distance / pixel - 0.5 - result.first.before - first) / stride,
    );
    moveTo(nearest(at.y - input.y), nearest(at.x - input.x));
  }
  drawing.addEventListener("pointerdown", (event) => {
    drawing.setPointerCapture(event.pointerId);
    point(event);
  });
  drawing.addEventListener("pointermove", (event) => {
    if (event.buttons) point(event);
  });

  const settingsFields = "select, input:not([name=place])";
  for (const field of card.querySelectorAll(settingsFields)) {
    field.addEventListener("input", () => {
      pause();
      update();
    });
  }
  update();
  root.replaceChildren(card);
  followTheme(card);
}
