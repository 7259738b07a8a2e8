// The editor of labels: one image large, all of them small, and three decisions.
//
// Carried by helpers/explorers/editor.py as an anywidget. Each decision goes to Python, which
// writes it into a table and answers with all decisions: the page shows what is in the file.

const FONT = "Course Chinese";
const PATIENCE = 4000; // ms without an answer before the page says so
const SIGNS = { keep: "✓", delete: "✗", relabel: "→" };
const WORDS = { keep: "keep", delete: "delete", relabel: "relabel as" };

// Every rule is below .cve, and sets what a notebook's theme might have set.
const STYLE = `
.cve { container-type: inline-size; box-sizing: border-box; max-width: 960px;
  padding: 10px 14px; border: 1px solid #d5d8dc; border-radius: 10px;
  background: #fff; color: #1b1f24; color-scheme: light; text-align: left;
  font: 15px/20px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  letter-spacing: normal; }
.cve *, .cve *::before { box-sizing: border-box; }
.cve [lang], .cve select { font-family: "${FONT}", system-ui, sans-serif; }
.cve select, .cve button { font-size: 15px; line-height: 20px; color: inherit; margin: 0;
  background: #fff; border: 1px solid #868d95; border-radius: 6px; height: 34px;
  width: auto; box-shadow: none; padding: 0 12px; }
.cve button { font-family: inherit; cursor: pointer; }
.cve select { padding: 0 4px; font-size: 18px; }
.cve button:hover { background: #eef4f9; }
.cve :is(select, button, .cve-all):focus-visible {
  outline: 3px solid #0072B2; outline-offset: 2px; }
.cve-top { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 8px 24px; }
.cve-large { display: block; width: 180px; height: 240px; border: 1px solid #868d95;
  image-rendering: pixelated; }
.cve-facts { font-size: 18px; line-height: 30px; }
.cve-facts b { font: 30px/36px "${FONT}", system-ui, sans-serif; }
.cve-buttons { display: flex; flex-wrap: wrap; gap: 8px 10px; align-items: center;
  margin: 10px 0; }
.cve-buttons label { display: flex; gap: 6px; align-items: center; margin: 0;
  font-weight: normal; }
.cve-note { font-size: 14px; line-height: 18px; color: #4a5056; }
.cve-error { color: #a33c00; font-weight: 600; }
.cve-all { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 12px; padding-top: 10px;
  border-top: 1px solid #d5d8dc; }
.cve button.cve-one { width: 52px; height: auto; padding: 2px; line-height: 16px;
  font-size: 14px; border-color: #d5d8dc; }
.cve button.cve-one canvas { display: block; width: 46px; height: 61px; margin: auto; }
.cve button.cve-one[aria-pressed="true"] { border: 2px solid #0072B2; padding: 1px; }
.cve button.cve-one[data-decision="delete"] canvas { opacity: 0.3; }
.cve-sign { display: block; height: 16px; white-space: nowrap; }
@container (max-width: 480px) {
  .cve-top { grid-template-columns: 96px minmax(0, 1fr); gap: 8px 12px; }
  .cve-large { width: 96px; height: 128px; }
}
`;

const MARKUP = `
<style>${STYLE}</style>
<div class="cve" role="group" aria-label="Editor of labels" data-prevent-swipe>
  <div class="cve-top">
    <canvas class="cve-large" role="img"></canvas>
    <div>
      <div class="cve-facts"></div>
      <div class="cve-buttons">
        <button type="button" class="cve-keep">Keep</button>
        <button type="button" class="cve-delete">Delete</button>
        <button type="button" class="cve-other"></button>
        <label>Other label <select class="cve-names"><option value="">which?</option></select></label>
        <button type="button" class="cve-undo">Take back</button>
      </div>
      <div class="cve-state" role="status" aria-live="polite"></div>
      <div class="cve-error" role="alert"></div>
      <div class="cve-note">Keys: K keeps, D deletes, R relabels, Z takes back, arrows go to
        another image. No file is changed: decisions go to a table.</div>
    </div>
  </div>
  <div class="cve-all" role="group" aria-label="All images"></div>
</div>`;

// Let the page draw with the glyphs that Python sent, once.
function addFont(bytes) {
  if ([...document.fonts].some((font) => font.family.includes(FONT))) return;
  const font = new FontFace(FONT, bytes);
  document.fonts.add(font);
  font.load().catch(() => document.fonts.delete(font)); // the system's will do
}

function render({ model, el }) {
  el.innerHTML = MARKUP;
  const card = el.querySelector(".cve");
  const part = (name) => el.querySelector(`.cve-${name}`);
  addFont(model.get("font"));
  const [height, width] = model.get("size");
  const labels = model.get("labels");
  const readings = model.get("readings");
  const files = model.get("files");
  const bytes = model.get("images");

  let now = 0; // the image that is shown large
  let number = Math.floor(Math.random() * 2 ** 30); // no two views have the same wishes
  let waiting = null; // the number of the wish that has no answer yet
  let timer;

  const decisions = () => model.get("answer").decisions;

  function paint(canvas, image) {
    canvas.width = width;
    canvas.height = height;
    const picture = new ImageData(width, height);
    for (let i = 0; i < width * height; i++) {
      picture.data.fill(bytes.getUint8(image * width * height + i), 4 * i, 4 * i + 3);
      picture.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }

  const chinese = (text) => {
    const span = document.createElement("span");
    span.lang = "zh-Hans";
    span.textContent = text;
    return span;
  };

  const bold = (text) => {
    const b = document.createElement("b");
    b.lang = "zh-Hans";
    b.textContent = text;
    return b;
  };

  for (const name of model.get("names")) {
    const option = new Option(name, name);
    option.lang = "zh-Hans";
    part("names").append(option);
  }
  const small = labels.map((label, image) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cve-one";
    const canvas = document.createElement("canvas");
    paint(canvas, image);
    const sign = document.createElement("span");
    sign.className = "cve-sign";
    sign.lang = "zh-Hans";
    button.append(canvas, sign);
    button.addEventListener("click", () => go(image));
    part("all").append(button);
    return button;
  });

  // What is seen -----------------------------------------------------------------

  function words(image) {
    const [decision, label] = decisions()[image];
    return decision ? `${WORDS[decision]} ${label}`.trim() : "not decided";
  }

  function draw() {
    const made = decisions();
    paint(part("large"), now);
    part("large").setAttribute("aria-label", `Image ${now + 1}, ${files[now]}`);
    part("facts").replaceChildren(
      `${now + 1} of ${labels.length}: label `, bold(labels[now]), ", like ", bold(readings[now]));
    part("other").hidden = readings[now] === labels[now];
    part("other").replaceChildren("Relabel as ", chinese(readings[now]));
    const count = made.filter(([decision]) => decision).length;
    part("state").replaceChildren(
      "This image: ", chinese(words(now)), `. Decided: ${count} of ${labels.length}.`);
    small.forEach((button, image) => {
      const [decision, label] = made[image];
      button.dataset.decision = decision;
      button.setAttribute("aria-pressed", String(image === now));
      button.setAttribute("aria-label",
        `Image ${image + 1}, label ${labels[image]}, ${words(image)}`);
      button.lastChild.textContent = decision
        ? `${SIGNS[decision]} ${label || labels[image]}` : labels[image];
    });
    part("names").value = made[now][0] === "relabel" ? made[now][1] : "";
    card.dataset.image = now;
    card.dataset.decided = count;
    card.dataset.waiting = waiting !== null;
  }

  function go(image) {
    now = (image + labels.length) % labels.length;
    draw();
  }

  // To Python and back -------------------------------------------------------------

  // One wish at a time: what is pressed while Python has not answered does nothing.
  function decide(decision, label = "") {
    if (waiting !== null) return;
    number += 1;
    waiting = number;
    model.set("wish", { number, image: now, decision, label });
    model.save_changes();
    card.dataset.waiting = true;
    timer = setTimeout(() => {
      part("error").textContent = "No answer: Python is busy, or its kernel has "
        + "stopped. Then run the cell above again.";
    }, PATIENCE);
  }

  function answered() {
    const { number: of, text } = model.get("answer");
    const ours = of === waiting;
    if (ours) {
      clearTimeout(timer);
      waiting = null;
      part("error").textContent = text;
      const wish = model.get("wish");
      // On to the next image that is not decided, if there is one.
      if (!text && wish.decision && wish.image === now) {
        const after = labels.map((_, i) => (now + 1 + i) % labels.length);
        now = after.find((image) => !decisions()[image][0]) ?? now;
      }
    }
    draw();
  }

  model.on("change:answer", answered);

  const keep = () => decide("keep");
  const remove = () => decide("delete");
  const other = () => readings[now] !== labels[now] && decide("relabel", readings[now]);
  const undo = () => decide("");
  part("keep").addEventListener("click", keep);
  part("delete").addEventListener("click", remove);
  part("other").addEventListener("click", other);
  part("undo").addEventListener("click", undo);
  part("names").addEventListener("change", (event) => {
    if (event.target.value) decide("relabel", event.target.value);
  });

  const KEYS = {
    k: keep, d: remove, r: other, z: undo,
    arrowleft: () => go(now - 1), arrowright: () => go(now + 1),
  };
  card.addEventListener("keydown", (event) => {
    const plain = !event.altKey && !event.ctrlKey && !event.metaKey;
    const action = KEYS[event.key.toLowerCase()];
    if (plain && action && event.target.tagName !== "SELECT") {
      action();
      event.preventDefault();
    }
    // Slides and notebooks listen to keys too. These may turn pages, nothing else.
    const turns = ["PageUp", "PageDown", "Escape"].includes(event.key);
    if (!turns && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  // JupyterLab would take keys for itself unless what has the focus forbids it.
  for (const piece of el.querySelectorAll("select, button")) {
    piece.dataset.lmSuppressShortcuts = "true";
  }

  draw();
  return () => {
    clearTimeout(timer);
    model.off("change:answer", answered);
  };
}

export default { render };
