// A photo of one's own, from a file or from the camera, sent to Python as a JPEG:
// see helpers/explorers/camera.py.

const LONGEST = 1024; // pixels: a network sees far fewer

// Why there is no picture from a camera, by the name of the browser's error.
const NO_CAMERA = {
  NotFoundError: "This computer has no camera, or the browser does not see it.",
  NotAllowedError: "The camera was not allowed. The browser's address bar can allow it.",
  NotReadableError: "Another program is using the camera.",
};

function jpeg(source, width, height) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.9);
}

function render({ model, el }) {
  el.innerHTML = `
    <p>
      <label>A photo from a file: <input type="file" accept="image/*"></label>
      <button type="button">Camera</button>
    </p>
    <video muted playsinline hidden style="max-width: 320px"></video>
    <p role="status"></p>`;
  const [file, button, video, status] = ["input", "button", "video", "[role]"]
    .map((part) => el.querySelector(part));
  let stream = null;

  const say = (text) => { status.textContent = text; };
  const send = (photo) => {
    say("");
    model.set("photo", photo);
    model.save_changes();
  };
  model.on("change:said", () => say(model.get("said")));

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.hidden = true;
    button.textContent = "Camera";
  }

  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    try {
      const bitmap = await createImageBitmap(chosen); // upright, as the camera was held
      send(jpeg(bitmap, bitmap.width, bitmap.height));
    } catch {
      say(`The browser cannot read ${chosen.name}: choose a JPEG or PNG file.`);
    }
    file.value = ""; // the same file can be chosen again
  });

  button.addEventListener("click", async () => {
    if (stream) {
      send(jpeg(video, video.videoWidth, video.videoHeight));
      return stop();
    }
    if (!navigator.mediaDevices) {
      return say("The browser gives this page no camera: open the notebook at localhost "
        + "or over https.");
    }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch (error) {
      return say(NO_CAMERA[error.name] ?? `There is no camera: ${error.message}`);
    }
    video.srcObject = stream;
    video.hidden = false;
    await video.play();
    button.textContent = "Take the photo";
    say("");
  });

  return stop; // when the cell is run again
}

export default { render };
