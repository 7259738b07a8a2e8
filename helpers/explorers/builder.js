// The network builder: layers of a convolutional network put together by hand, with
// volumes, parameters, multiplications and receptive fields, and the code for Keras.
//
// mount(root, settings) replaces what is in root. settings: {preset: a name of PRESETS}.
// The numbers are Keras's own: tests build the copied code and compare.

const conv = (filters, size, more) => ({
  kind: "Conv2D", filters, size, stride: 1, padding: "same", bias: true,
  activation: "relu", ...more,
});
const pooling = (kind) => (size, stride = size, padding = "valid") =>
  ({ kind, size, stride, padding });
const maxPool = pooling("MaxPooling2D");
const averagePool = pooling("AveragePooling2D");
const globalPool = () => ({ kind: "GlobalAveragePooling2D" });
const flatten = () => ({ kind: "Flatten" });
const dense = (units, activation = "relu", bias = true) =>
  ({ kind: "Dense", units, bias, activation });

// What the buttons add.
const NEW = {
  Conv2D: () => conv(16, 3),
  MaxPooling2D: () => maxPool(2),
  AveragePooling2D: () => averagePool(2),
  GlobalAveragePooling2D: globalPool,
  Flatten: flatten,
  Dense: () => dense(10, "none"),
};

const tanh = { padding: "valid", activation: "tanh" };
const PRESETS = {
  "LeNet-5": () => ({
    input: [32, 32, 1],
    layers: [
      conv(6, 5, tanh), averagePool(2), conv(16, 5, tanh), averagePool(2),
      flatten(), dense(120, "tanh"), dense(84, "tanh"), dense(10, "none"),
    ],
  }),
  "The course's CNN": () => ({
    input: [80, 60, 1],
    layers: [
      conv(16, 3), maxPool(2), conv(32, 3), maxPool(2), conv(64, 3), maxPool(4),
      flatten(), dense(64), dense(55, "none"),
    ],
  }),
  "AlexNet": () => ({
    input: [227, 227, 3],
    layers: [
      conv(96, 11, { stride: 4, padding: "valid" }), maxPool(3, 2),
      conv(256, 5), maxPool(3, 2),
      conv(384, 3), conv(384, 3), conv(256, 3), maxPool(3, 2),
      flatten(), dense(4096), dense(4096), dense(1000, "softmax"),
    ],
  }),
  "VGG16": () => ({
    input: [224, 224, 3],
    layers: [
      ...[[64, 2], [128, 2], [256, 3], [512, 3], [512, 3]].flatMap(
        ([filters, times]) => [
          ...Array.from({ length: times }, () => conv(filters, 3)), maxPool(2)]),
      flatten(), dense(4096), dense(4096), dense(1000, "softmax"),
    ],
  }),
};
const OWN = "Own network";
const MOST_LAYERS = 40;

// What can be set: name: [label, least, greatest] or [label, choices]. The greatest
// keep every number below 2^53, up to which JavaScript counts exactly.
const KERNEL = ["Kernel", 1, 11];
const POOL = ["Pool", 1, 32];
const FIELDS = {
  height: ["Height", 1, 512],
  width: ["Width", 1, 512],
  channels: ["Channels", 1, 512],
  filters: ["Filters", 1, 2048],
  units: ["Units", 1, 10000],
  size: KERNEL,
  stride: ["Stride", 1, 32],
  padding: ["Padding", ["valid", "same"]],
  bias: ["Bias", ["yes", "no"]],
  activation: ["Activation", ["none", "relu", "tanh", "sigmoid", "softmax"]],
};

// Arithmetic ------------------------------------------------------------------

const isPool = ({ kind }) => /^(Max|Average)/.test(kind);
const shapeText = (shape) =>
  (shape.length === 1 ? whole(shape[0]) : shape.join(" x "));

// Why Keras refuses `layer` on an input of this shape, as a sentence; "" if it does not.
function refusalOf({ kind, size, stride, padding }, shape) {
  if (shape.length === 1 && !["Flatten", "Dense"].includes(kind)) {
    return `${kind} needs a volume of height x width x channels, but what arrives is a `
      + `vector of ${whole(shape[0])} numbers: rows and columns are gone. Move it before `
      + "the layer that made the vector.";
  }
  if (padding !== "valid") return "";
  const short = shape.slice(0, 2).some(
    (n) => outputSize(n, { kernel: size, stride, padding }) < 1);
  const what = isPool({ kind }) ? "pool" : "kernel";
  return short
    ? `a ${what} of ${size} x ${size} does not fit into ${shapeText(shape.slice(0, 2))}. `
      + `Choose a smaller ${what}, padding "same", or less pooling before it.` : "";
}

// What is worth knowing of a layer that Keras accepts; "" for most.
function noteOf({ kind }, shape) {
  if (kind === "Dense" && shape.length === 3) {
    return "Dense on a volume works on the channels of each pixel alone, as a 1 x 1 "
      + "convolution does. A classifier needs Flatten or global pooling before it.";
  }
  if (kind === "Flatten" && shape.length === 1) {
    return "Flatten changes nothing here: its input is a vector already.";
  }
  return "";
}

// One object for each layer up to the first that Keras refuses: {shape, parameters,
// multiplications, sees, note}; and why that one is refused. Multiplications are those
// of weights with values, one example, padding included; pooling has none.
function compute({ input, layers }) {
  const rows = [];
  let shape = input;
  // The receptive field of one value, and the input pixels from one value to the next.
  let [field, step] = [1, 1];
  // For both axes and each place: the first and last pixel of the image that reaches it.
  let reach = input.slice(0, 2).map((n) => Array.from({ length: n }, (_, i) => [i, i]));
  let everything = null; // the rows and columns that reach the values of a vector
  for (const [index, layer] of layers.entries()) {
    const reason = refusalOf(layer, shape);
    if (reason) return { rows, refusal: `Layer ${index + 1}: ${reason}` };
    const note = noteOf(layer, shape);
    const [height, width, channels] = shape;
    let [weights, biases, times] = [0, 0, 0]; // times: each weight's multiplications
    if (layer.kind === "Conv2D" || isPool(layer)) {
      const settings = { kernel: layer.size, stride: layer.stride, padding: layer.padding };
      const sides = [height, width].map((n) => outputSize(n, settings));
      reach = reach.map((of, axis) => Array.from({ length: sides[axis] }, (_, place) => {
        const from = place * layer.stride - paddingOf(of.length, settings)[0];
        const last = Math.min(from + layer.size, of.length) - 1;
        return [of[Math.max(from, 0)][0], of[last][1]];
      }));
      field += (layer.size - 1) * step;
      step *= layer.stride;
      shape = [...sides, isPool(layer) ? channels : layer.filters];
      if (!isPool(layer)) {
        weights = layer.size ** 2 * channels * layer.filters;
        biases = layer.filters;
        times = sides[0] * sides[1];
      }
    } else if (layer.kind === "Dense") {
      times = shape.length === 3 ? height * width : 1;
      weights = shape.at(-1) * layer.units;
      biases = layer.units;
      shape = [...shape.slice(0, -1), layer.units];
    } else if (shape.length === 3) { // Flatten, global pooling
      everything = reach.map((of) => of.at(-1)[1] - of[0][0] + 1);
      shape = layer.kind === "Flatten" ? [height * width * channels] : [channels];
    }
    // A value of Flatten still sees what it saw in the volume.
    const still = layer.kind === "Flatten" && rows.at(-1)?.sees;
    rows.push({
      shape, note,
      parameters: weights + (layer.bias ? biases : 0),
      multiplications: weights * times,
      sees: still || (shape.length === 1 && everything) || [field, field],
    });
  }
  return { rows, refusal: "" };
}

// The line of Python that makes a layer.
function lineOf(layer) {
  const parts = [layer.filters ?? layer.units, layer.size].filter(Boolean);
  const { stride, padding, bias, activation } = layer;
  if (stride && stride !== (isPool(layer) ? layer.size : 1)) parts.push(`strides=${stride}`);
  if (padding === "same") parts.push('padding="same"');
  if (bias === false) parts.push("use_bias=False");
  if (activation && activation !== "none") parts.push(`activation="${activation}"`);
  return `${layer.kind}(${parts.join(", ")})`;
}

const codeOf = ({ input, layers }) => [
  "import keras", "from keras import layers", "",
  "model = keras.Sequential(", "    [",
  `        keras.Input((${input.join(", ")})),`,
  ...layers.map((layer) => `        layers.${lineOf(layer)},`),
  "    ]", ")", "model.summary()",
].join("\n");

// Drawing ---------------------------------------------------------------------

// Which colour a layer has; none is the input.
function family(layer) {
  if (!layer) return "plain";
  return { Conv2D: "conv", Dense: "dense", Flatten: "plain" }[layer.kind] ?? "pool";
}

const TALL = 104; // units, near CSS pixels: the tallest volume
const LONG = [430, 250, 120]; // all channels beside each other: the first that fits
const BROAD = 1130; // the drawing, on a slide
const SLANT = 0.35; // of the width, to the right and up

// Volumes to scale: height and width share one scale, channels have another, and
// vectors are bars with a third. Returns the SVG's inside and its size.
function drawingOf(network, rows, selected) {
  const drawings = LONG.map((long) => drawn(network, rows, selected, long));
  return drawings.find(({ width }) => width <= BROAD) ?? drawings.at(-1);
}

function drawn({ input, layers }, rows, selected, long) {
  const shapes = [input, ...rows.map(({ shape }) => shape)];
  const volumes = shapes.filter((shape) => shape.length === 3);
  const most = Math.max(...volumes.map(([height, width]) => height + SLANT * width));
  const pixel = Math.min(TALL / most, 8);
  const channel = Math.min(long / sum(volumes.map((shape) => shape[2])), 4);
  const vector = TALL / Math.max(...shapes.filter((shape) => shape.length === 1).flat(), 1);
  let x = 6;
  let before = "";
  let svg = "";
  for (const [index, shape] of shapes.entries()) {
    const flat = shape.length === 1;
    const [height, width, depth] = flat ? [0, 0, 0] : [
      Math.max(shape[0] * pixel, 2), Math.max(shape[1] * pixel * SLANT, 1),
      Math.max(shape[2] * channel, 2)];
    const label = flat ? [whole(shape[0])] : [`${shape[0]} x ${shape[1]}`, `x ${shape[2]}`];
    const named = label.join() !== before;
    before = label.join();
    const solid = flat ? 9 : depth + width;
    const room = Math.max(solid, named ? 8 * Math.max(...label.map((l) => l.length)) : 0);
    const left = x + (room - solid) / 2;
    let parts;
    if (flat) {
      const tall = Math.max(shape[0] * vector, 2);
      parts = `<rect x="${left}" y="${TALL - tall}" width="9" height="${tall}"/>`;
    } else {
      const top = TALL - height;
      parts = `<rect x="${left}" y="${top}" width="${depth}" height="${height}"/>`
        + `<path class="cvb-top" d="M${left} ${top}l${width} ${-width}h${depth}`
        + `l${-width} ${width}z"/><path class="cvb-end" d="M${left + depth} ${top}`
        + `l${width} ${-width}v${height}l${-width} ${width}z"/>`;
    }
    const words = named ? label.map((line, i) =>
      `<text x="${x + room / 2}" y="${TALL + 17 + 16 * i}">${line}</text>`).join("") : "";
    svg += `<g class="cvb-${family(layers[index - 1])}" data-layer="${index}"`
      + `${index === selected ? ' data-selected=""' : ""}><rect class="cvb-hit" `
      + `x="${x - 4}" y="0" width="${room + 8}" height="${TALL + 40}"/>${parts}${words}</g>`;
    x += room + 9;
  }
  return { svg, width: Math.ceil(x), height: TALL + 42 };
}

// The page --------------------------------------------------------------------

const STYLE = `
.cvb { container-type: inline-size; box-sizing: border-box; max-width: 1240px;
  --back: #fff; --text: #1b1f24; --soft: #4a5056; --line: #d5d8dc; --edge: #767d85;
  --field: #fff; --mark: #b34a00; --focus: #0072b2; --now: #fdeee0;
  --conv: #9cc7e4; --pool: #f3c88f; --dense: #93d3bd; --plain: #d9dcdf;
  padding: 10px 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--back); color: var(--text); color-scheme: light; text-align: left;
  font: 15px/20px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; letter-spacing: normal; }
.cvb[data-dark] { --back: #1b1f24; --text: #eceff2; --soft: #b8bfc6; --line: #3b424a;
  --edge: #8b939c; --field: #262c33; --mark: #ff9d57; --focus: #56b4e9; --now: #43341f;
  --conv: #3f7ea6; --pool: #a3752f; --dense: #2f846a; --plain: #5a626b;
  color-scheme: dark; }
.cvb *, .cvb *::before { box-sizing: border-box; }
.cvb [hidden] { display: none !important; }
.cvb :is(select, input, button) { font: inherit; color: inherit; margin: 0; height: 30px;
  background: var(--field); border: 1px solid var(--edge); border-radius: 6px;
  width: auto; box-shadow: none; }
.cvb select { padding: 0 4px; }
.cvb button { padding: 0 7px; cursor: pointer; }
.cvb button:hover { border-color: var(--focus); }
.cvb button:disabled { color: var(--soft); cursor: default; border-style: dashed; }
.cvb :focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }
.cvb input[aria-invalid] { border: 2px solid var(--mark); }
.cvb-bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.cvb-bar label { display: flex; gap: 6px; align-items: center; margin: 0 6px 0 0; }
.cvb-drawing { overflow-x: auto; overflow-y: hidden; margin: 8px 0 4px; }
.cvb-drawing svg { display: block; margin: 0 auto; }
.cvb-drawing g { cursor: pointer; stroke: var(--edge); stroke-width: 1;
  stroke-linejoin: round; }
.cvb-drawing text { stroke: none; fill: var(--text); font-size: 14px;
  text-anchor: middle; }
.cvb-drawing .cvb-hit { fill: transparent; stroke: none; }
.cvb-drawing [data-selected] { stroke: var(--mark); stroke-width: 2; }
.cvb-drawing [data-selected] text { fill: var(--mark); font-weight: 600; }
.cvb-conv { fill: var(--conv); } .cvb-pool { fill: var(--pool); }
.cvb-dense { fill: var(--dense); } .cvb-plain { fill: var(--plain); }
.cvb-top { opacity: 0.75; } .cvb-end { opacity: 0.9; }
.cvb-body { display: grid; grid-template-columns: minmax(0, 1fr) 188px; gap: 0 14px; }
.cvb-row { display: grid; align-items: center; gap: 0 6px; padding: 0 6px 0 0;
  grid-template-columns: 14px 20px minmax(0, 1fr) 122px 92px 118px 104px; }
.cvb-row > :nth-child(n+4) { text-align: right; white-space: nowrap; }
.cvb-head { color: var(--soft); font-size: 14px; border-bottom: 1px solid var(--line); }
.cvb-table { max-height: 284px; overflow-y: auto; position: relative; }
.cvb-head, .cvb-total { position: sticky; background: var(--back); z-index: 1; }
.cvb-head { top: 0; } .cvb-total { bottom: 0; min-height: 26px; }
.cvb-list .cvb-row { cursor: pointer; border-radius: 4px; min-height: 26px;
  user-select: none; }
.cvb-list [aria-selected="true"] { background: var(--now); }
.cvb-grip { touch-action: none; cursor: grab; color: var(--soft); text-align: center;
  align-self: stretch; display: grid; place-items: center; }
.cvb-code { font: 14px/18px ui-monospace, Consolas, Menlo, monospace;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  border-left: 6px solid var(--kind, transparent); padding-left: 7px; }
.cvb-row.cvb-conv { --kind: var(--conv); } .cvb-row.cvb-pool { --kind: var(--pool); }
.cvb-row.cvb-dense { --kind: var(--dense); } .cvb-row.cvb-plain { --kind: var(--plain); }
.cvb-share { padding: 3px 0; background: linear-gradient(var(--edge) 0 0) no-repeat
  right bottom / var(--share, 0) 3px; }
.cvb-total { border-top: 1px solid var(--line); font-weight: 600;
  grid-template-columns: 14px 20px minmax(0, 1fr) 48px 164px 118px 104px; }
.cvb-refused { color: var(--mark); }
.cvb p { margin: 4px 0 0; }
.cvb-side b { display: block; margin-bottom: 4px; }
.cvb-fields label { display: grid; grid-template-columns: 78px minmax(0, 1fr);
  align-items: center; margin: 0 0 3px; }
.cvb-fields :is(input, select) { width: 100%; padding: 0 6px; }
.cvb-moves { display: flex; gap: 5px; margin-top: 4px; }
.cvb-error { color: var(--mark); font-size: 14px; }
.cvb-shares { float: right; }
.cvb details { margin-top: 4px; }
.cvb pre { clear: both; }
.cvb summary { cursor: pointer; width: fit-content; color: inherit; }
.cvb pre { font: 14px/19px ui-monospace, Consolas, Menlo, monospace; margin: 6px 0;
  padding: 8px 10px; overflow-x: auto; color: inherit; background: var(--field);
  border: 1px solid var(--line); border-radius: 6px; }
.cvb-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
@container (max-width: 1040px) {
  .cvb-code { white-space: normal; }
  .cvb-body { grid-template-columns: minmax(0, 1fr); gap: 8px; }
  .cvb-fields { display: grid; gap: 0 14px;
    grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); }
}
@container (max-width: 720px) {
  .cvb-table { max-height: 400px; }
  .cvb-row { display: flex; flex-wrap: wrap; gap: 0 12px; font-size: 14px;
    padding: 4px 0 4px 52px; }
  .cvb-list .cvb-row { position: relative; }
  .cvb-row > :nth-child(1), .cvb-row > :nth-child(2) { position: absolute; top: 4px;
    left: 26px; }
  .cvb-row > :nth-child(1) { left: 0; bottom: 4px; width: 24px; }
  .cvb-row > :nth-child(3) { width: 100%; }
  .cvb-row > [data-label]::before { content: attr(data-label) " "; font-weight: 400;
    color: var(--soft); }
  .cvb-share { background: none; padding: 0; }
  .cvb-head, .cvb-row > :empty { display: none; }
}`;

const PAGE = `
<style>${STYLE}</style>
<div class="cvb" role="group" aria-label="Network builder">
  <div class="cvb-bar">
    <label>Network <select class="cvb-preset"></select></label>
    <span>Add a layer:</span>
    ${Object.keys(NEW).map((kind) =>
      `<button type="button" data-add="${kind}">${kind}</button>`).join("")}
  </div>
  <div class="cvb-drawing" role="group" tabindex="0" aria-label="Volumes"></div>
  <div class="cvb-body">
    <div>
      <div class="cvb-table">
        <div class="cvb-row cvb-head" aria-hidden="true"><span></span><span></span>
          <span>Layer</span><span>Output</span><span>Parameters</span>
          <span>Multiplications</span><span>Receptive field</span></div>
        <div class="cvb-list" role="listbox" tabindex="0" aria-label="Layers: arrow
          keys choose, Alt and arrow keys move, Delete removes"></div>
        <div class="cvb-row cvb-total"></div>
      </div>
      <p class="cvb-refused" role="alert"></p>
      <p class="cvb-notes"></p>
    </div>
    <div class="cvb-side">
      <b class="cvb-name"></b>
      <div class="cvb-fields"></div>
      <div class="cvb-error" role="alert"></div>
      <div class="cvb-moves">
        <button type="button" class="cvb-up">Up</button>
        <button type="button" class="cvb-down">Down</button>
        <button type="button" class="cvb-remove">Remove</button>
      </div>
    </div>
  </div>
  <p class="cvb-shares"></p>
  <details><summary>Keras code</summary><pre tabindex="0"></pre>
    <button type="button" class="cvb-copy">Copy</button></details>
  <div class="cvb-live" aria-live="polite"></div>
</div>`;

function mount(root, settings) {
  root.innerHTML = PAGE;
  const card = root.querySelector(".cvb");
  const part = (name) => card.querySelector(`.cvb-${name}`);
  const list = part("list");
  const mark = `cvb${Math.random().toString(36).slice(2)}`; // ids differ on a page
  keepKeys(card);
  followTheme(card);

  for (const name of [...Object.keys(PRESETS), OWN]) part("preset").append(new Option(name));
  let network, selected, result;

  function load(name) {
    network = PRESETS[name]();
    selected = 1;
    part("preset").value = name;
    update();
    showFields();
    part("table").scrollTop = 0;
  }

  // After a change of the network: everything but the fields, which have the focus.
  function update() {
    result = compute(network);
    const { rows, refusal } = result;
    const count = network.layers.length;
    const totals = { parameters: 0, multiplications: 0 };
    for (const name of Object.keys(totals)) totals[name] = sum(rows.map((row) => row[name]));
    const lines = [row(0, { shape: network.input }, totals)];
    network.layers.forEach((_, i) => lines.push(row(i + 1, rows[i], totals)));
    list.innerHTML = lines.join("");
    list.setAttribute("aria-activedescendant", `${mark}-${selected}`);
    showTotal(rows, refusal, totals);
    part("refused").textContent = refusal;
    part("notes").textContent = [...new Set(rows.map(({ note }) => note))].join(" ").trim();
    const { svg, width, height } = drawingOf(network, rows, selected);
    const words = [network.input, ...rows.map(({ shape }) => shape)].map(shapeText);
    part("drawing").innerHTML = `<svg role="img" width="${width}" height="${height}" `
      + `aria-label="Volumes: ${words.join(", ")}">${svg}</svg>`;
    card.querySelector("pre").textContent = codeOf(network);
    for (const button of card.querySelectorAll("[data-add]")) {
      button.disabled = count >= MOST_LAYERS;
    }
    part("up").disabled = selected < 2;
    part("down").disabled = selected < 1 || selected >= count;
    part("remove").disabled = selected < 1;
    seeSelected();
  }

  // One line of the list; number 0 is the input. (Notebooks have looks of their own for
  // what is marked as code.)
  function row(number, values, totals) {
    const layer = network.layers[number - 1];
    const code = layer ? lineOf(layer) : `keras.Input((${network.input.join(", ")}))`;
    const { shape, parameters, multiplications, sees } = values ?? {};
    const bar = (name, value) => `<span data-label="${name}" class="cvb-share" style="`
      + `--share: ${100 * (value / totals[name.toLowerCase()] || 0)}%">`
      + `${value ? whole(value) : ""}</span>`;
    const missing = number === result.rows.length + 1 ? "impossible" : "no input";
    const said = [code, shape ? `output ${shapeText(shape)}` : missing];
    if (sees) {
      said.push(`${whole(parameters)} parameters`,
        `${whole(multiplications)} multiplications`, `receptive field ${shapeText(sees)}`);
    }
    return `<div class="cvb-row cvb-${family(layer)}" role="option" `
      + `id="${mark}-${number}" data-layer="${number}" aria-selected="${number === selected}" `
      + `aria-label="${number}: ${said.join(", ").replaceAll('"', "")}">`
      + `<span class="cvb-grip">${layer ? "\u2807" : ""}</span>`
      + `<span>${number || ""}</span><span class="cvb-code" title='${code}'>${code}</span>`
      + `<span data-label="Output">${shape ? shapeText(shape) : missing}</span>`
      + bar("Parameters", parameters) + bar("Multiplications", multiplications)
      + `<span data-label="Receptive field">${sees ? shapeText(sees) : ""}</span></div>`;
  }

  function showTotal(rows, refusal, totals) {
    const convolutions = (name) => Math.round(100 * sum(rows.map((each, i) =>
      (network.layers[i].kind === "Conv2D" ? each[name] : 0))) / totals[name]);
    part("shares").textContent = totals.parameters && !refusal
      ? `Convolutions hold ${convolutions("parameters")} % of the parameters and do `
        + `${convolutions("multiplications")} % of the multiplications.` : "";
    part("total").innerHTML = `<span></span><span></span><span>`
      + `${refusal ? "Total up to there" : "Total"}</span><span></span>`
      + `<span data-label="Parameters">${whole(totals.parameters)}</span>`
      + `<span data-label="Multiplications">${whole(totals.multiplications)}</span>`;
    const shape = rows.at(-1)?.shape ?? network.input;
    part("live").textContent = refusal || `Output ${shapeText(shape)}, `
      + `${whole(totals.parameters)} parameters, ${whole(totals.multiplications)} `
      + "multiplications.";
  }

  // Scroll the table, and nothing else, to the marked line.
  function seeSelected() {
    const table = part("table");
    const line = list.children[selected];
    const top = line.offsetTop - part("head").offsetHeight;
    const bottom = line.offsetTop + line.offsetHeight + part("total").offsetHeight;
    table.scrollTop = Math.max(
      bottom - table.clientHeight, Math.min(table.scrollTop, top));
  }

  // The fields of the marked layer ---------------------------------------------

  function showFields() {
    const layer = network.layers[selected - 1];
    part("name").textContent = layer ? `${selected}: ${layer.kind}` : "Input";
    part("error").textContent = "";
    const values = layer ?? Object.fromEntries(
      ["height", "width", "channels"].map((name, i) => [name, network.input[i]]));
    const fields = Object.keys(values).filter((name) => name !== "kind");
    part("fields").replaceChildren(...fields.map((name) => field(name, values, layer)));
  }

  function field(name, values, layer) {
    const [label, ...limits] = layer && isPool(layer) && name === "size" ? POOL : FIELDS[name];
    const choices = Array.isArray(limits[0]) ? limits[0] : null;
    const control = document.createElement(choices ? "select" : "input");
    control.dataset.lmSuppressShortcuts = "true";
    control.name = name;
    const value = name === "bias" ? choices[values.bias ? 0 : 1] : values[name];
    if (choices) control.append(...choices.map((choice) => new Option(choice)));
    else {
      control.type = "number";
      [control.min, control.max] = limits;
      control.autocomplete = "off";
    }
    control.value = value;
    control.addEventListener("input", () => {
      const number = Number(control.value);
      const good = choices
        || (Number.isInteger(number) && number >= limits[0] && number <= limits[1]);
      control.toggleAttribute("aria-invalid", !good);
      if (!good) control.setAttribute("aria-invalid", "true");
      part("error").textContent = good ? "" : `${label} takes a whole number from `
        + `${limits[0]} to ${limits[1]}: it stays ${set(name)}.`;
      if (good) set(name, choices ? control.value : number);
    });
    const row = document.createElement("label");
    row.append(label, control);
    return row;
  }

  // The value of a setting; with `value`, after setting it.
  function set(name, value) {
    const axis = ["height", "width", "channels"].indexOf(name);
    const layer = network.layers[selected - 1];
    if (value === undefined) return axis < 0 ? layer[name] : network.input[axis];
    if (axis >= 0) network.input[axis] = value;
    else {
      // A pool's stride is its size until somebody says otherwise, as in Keras.
      if (name === "size" && isPool(layer) && layer.stride === layer.size) {
        layer.stride = value;
        part("fields").querySelector("[name=stride]").value = value;
      }
      layer[name] = name === "bias" ? value === "yes" : value;
    }
    changed();
    return value;
  }

  // Choosing, moving, adding, removing -------------------------------------------

  function changed() {
    part("preset").value = OWN;
    update();
  }

  function select(number) {
    selected = Math.min(Math.max(number, 0), network.layers.length);
    update();
    showFields();
  }

  function moveTo(number) {
    if (selected < 1 || number < 1 || number > network.layers.length) return;
    const [layer] = network.layers.splice(selected - 1, 1);
    network.layers.splice(number - 1, 0, layer);
    selected = number;
    changed();
    showFields();
  }

  function remove() {
    if (selected < 1) return;
    network.layers.splice(selected - 1, 1);
    selected = Math.min(selected, network.layers.length);
    changed();
    showFields();
  }

  for (const button of card.querySelectorAll("[data-add]")) {
    button.addEventListener("click", () => {
      network.layers.splice(selected, 0, NEW[button.dataset.add]());
      selected += 1;
      changed();
      showFields();
    });
  }
  part("preset").addEventListener("change", () => {
    if (part("preset").value !== OWN) load(part("preset").value);
  });
  part("up").addEventListener("click", () => moveTo(selected - 1));
  part("down").addEventListener("click", () => moveTo(selected + 1));
  part("remove").addEventListener("click", remove);
  copies(part("copy"), card.querySelector("pre"));

  list.addEventListener("keydown", (event) => {
    const { key, altKey } = event;
    if (event.ctrlKey || event.metaKey) return;
    const by = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (by && altKey) moveTo(selected + by);
    else if (altKey) return;
    else if (by) select(selected + by);
    else if (key === "Home") select(0);
    else if (key === "End") select(network.layers.length);
    else if (key === "Delete" || key === "Backspace") remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  part("drawing").addEventListener("click", (event) => {
    const group = event.target.closest("[data-layer]");
    if (group) select(Number(group.dataset.layer));
  });

  // The list keeps the pointer: its lines are made anew at each move.
  let dragged = null;
  list.addEventListener("pointerdown", (event) => {
    const line = event.target.closest("[data-layer]");
    if (!line || event.button) return;
    select(Number(line.dataset.layer));
    // A finger on a line scrolls the list; on its grip it moves the layer.
    const grip = event.target.closest(".cvb-grip");
    if (selected < 1 || (event.pointerType === "touch" && !grip)) return;
    dragged = event.pointerId;
    list.setPointerCapture(dragged);
  });
  list.addEventListener("pointermove", (event) => {
    if (event.pointerId !== dragged) return;
    const over = [...list.children].findIndex((line) => {
      const { top, bottom } = line.getBoundingClientRect();
      return event.clientY >= top && event.clientY < bottom;
    });
    if (over > 0 && over !== selected) moveTo(over);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    list.addEventListener(name, () => { dragged = null; });
  }

  load(settings.preset);
}
