// The query page: point at an image and see its nearest neighbours, in several spaces.
//
// mount(root, settings) replaces what is in root. settings:
//   sheet    all images in one picture, as a data address
//   columns  how many lie beside each other in it
//   tile     [height, width] of one of them there, in pixels
//   labels   for each image, the name of its class
//   font     Chinese glyphs, as a data address, where labels need some
//   spaces   [{name, near}]: for each image, the numbers of its nearest, nearest first
// Nothing is computed here but who is of the same class.

const LARGE = 56; // CSS pixels: the height of a neighbour
const SMALL = 36; // of an image on the wall
const QUERY = 60; // of the image that is asked for

const STYLE = `
.cvn { container-type: inline-size; box-sizing: border-box; max-width: 1240px;
  --back: #fff; --text: #1b1f24; --soft: #4a5056; --line: #d5d8dc; --edge: #767d85;
  --same: #0072b2; --other: #b34a00; --focus: #0072b2; --field: #fff;
  padding: 10px 14px; border: 1px solid var(--line); border-radius: 10px;
  background: var(--back); color: var(--text); color-scheme: light; text-align: left;
  font: 15px/20px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; letter-spacing: normal; }
.cvn[data-dark] { --back: #1b1f24; --text: #eceff2; --soft: #b8bfc6; --line: #3b424a;
  --edge: #8b939c; --same: #56b4e9; --other: #ff9d57; --focus: #56b4e9;
  --field: #262c33; color-scheme: dark; }
.cvn, .cvn * { box-sizing: border-box; }
.cvn-grid { display: grid; gap: 4px 22px; align-items: start;
  grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); }
.cvn-wall { display: flex; flex-wrap: wrap; gap: 3px; align-content: flex-start;
  height: 352px; overflow-y: auto; padding: 4px; position: relative;
  border: 1px solid var(--line); border-radius: 6px; cursor: pointer; }
.cvn-tile { display: block; background-repeat: no-repeat; }
.cvn-wall [aria-selected="true"] { outline: 3px solid var(--other); outline-offset: 0; }
.cvn-query { display: flex; gap: 14px; align-items: center; min-height: ${QUERY}px; }
.cvn-said { font-size: 20px; line-height: 26px; }
.cvn-of { color: var(--soft); }
.cvn .cvn-space { margin: 5px 0 2px; padding: 0; }
.cvn-space b { font-weight: 600; }
.cvn-row { display: flex; flex-wrap: wrap; gap: 6px; }
.cvn button { font: inherit; color: inherit; margin: 0; cursor: pointer;
  background: none; border: 0; padding: 0; border-radius: 6px; box-shadow: none; }
.cvn .cvn-chance { border: 1px solid var(--edge); background: var(--field);
  padding: 0 8px; height: 30px; margin-top: 4px; }
.cvn-frame { display: block; border: 3px solid var(--same); border-radius: 5px;
  padding: 1px; }
.cvn-other .cvn-frame { border: 3px dashed var(--other); }
.cvn-name { display: block; font-size: 14px; line-height: 18px; text-align: center;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--same); }
.cvn-other .cvn-name { color: var(--other); }
.cvn-foot { display: flex; flex-wrap: wrap; gap: 2px 16px; align-items: center; }
.cvn-key { color: var(--soft); font-size: 14px; margin: 0; }
.cvn :focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.cvn-live { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; }
@container (max-width: 760px) {
  .cvn-grid { grid-template-columns: minmax(0, 1fr); }
  .cvn-wall { height: 170px; }
}`;

const PAGE = `
<style>${STYLE}</style>
<div class="cvn" role="group" aria-label="Query page">
  <div class="cvn-grid">
    <div>
      <div class="cvn-wall" role="listbox" tabindex="0"
        aria-label="Images: arrow keys choose one"></div>
    </div>
    <div>
      <div class="cvn-query"><span class="cvn-asked"></span>
        <div><div class="cvn-said"></div><div class="cvn-of"></div></div></div>
      <div class="cvn-found"></div>
    </div>
  </div>
  <div class="cvn-foot"><button type="button" class="cvn-chance">Any image</button>
    <p class="cvn-key">Solid frame: of the same class. Dashed: of another one. Click a
    neighbour to ask for it.</p></div>
  <div class="cvn-live" aria-live="polite"></div>
</div>`;

function mount(root, settings) {
  root.innerHTML = PAGE;
  const { sheet, columns, labels, spaces, tile: [high, wide] } = settings;
  const card = root.querySelector(".cvn");
  const part = (name) => card.querySelector(`.cvn-${name}`);
  const wall = part("wall");
  const mark = `cvn${Math.random().toString(36).slice(2)}`; // ids differ on a page
  const chinese = /[\u3400-\u9fff]/;
  const count = labels.length;
  let asked = 0;
  keepKeys(card);
  followTheme(card);

  // The sheet once, as a rule of style: it is not repeated for each tile.
  const rule = document.createElement("style");
  rule.textContent = `.${mark} { background-image: url("${sheet}"); }`;
  if (settings.font) {
    rule.textContent += `@font-face { font-family: "${mark}"; src: url("${settings.font}"); }`;
    card.style.fontFamily =
      `"${mark}", system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif`;
  }
  card.before(rule);

  // An image of the sheet, so many pixels tall.
  function tile(number, height) {
    const scale = height / high;
    const element = document.createElement("span");
    element.className = `cvn-tile ${mark}`;
    const [row, column] = [Math.floor(number / columns), number % columns];
    Object.assign(element.style, {
      width: `${wide * scale}px`,
      height: `${height}px`,
      backgroundSize: `${columns * wide * scale}px auto`,
      backgroundPosition: `${-column * wide * scale}px ${-row * height}px`,
    });
    return element;
  }

  function named(element, number) {
    element.textContent = labels[number];
    if (chinese.test(labels[number])) element.lang = "zh-Hans";
    return element;
  }

  for (let number = 0; number < count; number++) {
    const image = tile(number, SMALL);
    image.id = `${mark}-${number}`;
    image.dataset.number = number;
    image.title = labels[number];
    image.setAttribute("role", "option");
    image.setAttribute("aria-label", `${number + 1}: ${labels[number]}`);
    image.setAttribute("aria-selected", "false");
    wall.append(image);
  }

  // A neighbour: its image, framed by whether it is of the class asked for, and its name.
  function neighbour(number) {
    const same = labels[number] === labels[asked];
    const button = document.createElement("button");
    button.type = "button";
    button.className = same ? "cvn-same" : "cvn-other";
    button.dataset.number = number;
    button.dataset.lmSuppressShortcuts = "true";
    button.setAttribute(
      "aria-label", `${labels[number]}, ${same ? "the same" : "another"} class: ask for it`);
    const frame = document.createElement("span");
    frame.className = "cvn-frame";
    frame.append(tile(number, LARGE));
    const name = named(document.createElement("span"), number);
    name.className = "cvn-name";
    name.style.width = `${Math.max(LARGE * wide / high + 8, 40)}px`;
    button.append(frame, name);
    return button;
  }

  function ask(number) {
    wall.children[asked].setAttribute("aria-selected", "false");
    asked = number;
    const chosen = wall.children[asked];
    chosen.setAttribute("aria-selected", "true");
    wall.setAttribute("aria-activedescendant", chosen.id);
    seeChosen(chosen);
    part("asked").replaceChildren(tile(asked, QUERY));
    named(part("said"), asked);
    part("of").textContent = `asked for, image ${asked + 1} of ${count}`;
    const said = [];
    part("found").replaceChildren(...spaces.flatMap(({ name, near }) => {
      const right = near[asked].filter((each) => labels[each] === labels[asked]).length;
      const words = `${right} of ${near[asked].length} of the same class`;
      said.push(`${name}: ${words}`);
      const heading = document.createElement("p");
      heading.className = "cvn-space";
      const strong = document.createElement("b");
      strong.textContent = name;
      heading.append("nearest by ", strong, `: ${words}`);
      const row = document.createElement("div");
      row.className = "cvn-row";
      row.append(...near[asked].map(neighbour));
      return [heading, row];
    }));
    part("live").textContent = `${labels[asked]}. ${said.join("; ")}.`;
  }

  // Scroll the wall, and nothing else, to the chosen image.
  function seeChosen(chosen) {
    const bottom = chosen.offsetTop + chosen.offsetHeight + 6;
    wall.scrollTop = Math.max(
      bottom - wall.clientHeight, Math.min(wall.scrollTop, chosen.offsetTop - 6));
  }

  // How many images lie beside each other on the wall.
  function across() {
    const top = wall.children[0].offsetTop;
    const next = [...wall.children].findIndex((each) => each.offsetTop > top);
    return next < 0 ? count : next;
  }

  wall.addEventListener("click", (event) => {
    const image = event.target.closest("[data-number]");
    if (image) ask(Number(image.dataset.number));
  });
  part("found").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    ask(Number(button.dataset.number));
    wall.focus({ preventScroll: true }); // the button is gone
  });
  part("chance").addEventListener("click", () => ask(Math.floor(Math.random() * count)));
  wall.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across(),
      Home: -count, End: count,
    }[key];
    if (!by) return;
    ask(Math.min(Math.max(asked + by, 0), count - 1));
    event.preventDefault();
    event.stopPropagation();
  });

  ask(settings.start ?? 0);
}
