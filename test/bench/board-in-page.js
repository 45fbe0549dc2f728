// What the board shows and when, measured inside the page; injected into every page as `boardWatch` (board.ts).
globalThis.boardWatch = (() => {
  const ROW = '[data-testid="incident-row"]';
  const nowMs = () => performance.timeOrigin + performance.now();

  /** After the frame that shows what the document is now: a message that is posted from within a frame follows its paint. */
  const painted = () =>
    new Promise((done) => {
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done(nowMs());
        port2.postMessage(null);
      });
    });

  /** Resolves with the time (Unix ms) of the frame that first shows what `holds` asks for. */
  const when = (holds) =>
    new Promise((done) => {
      if (holds()) {
        painted().then(done);
        return;
      }
      const observer = new MutationObserver(() => {
        if (!holds()) return;
        observer.disconnect();
        painted().then(done);
      });
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    });

  const countShown = () => document.querySelector(".board-count")?.textContent ?? "";
  const digits = (text) => Number(/[\d,.\s]+/.exec(text)?.[0].replace(/\D/g, ""));

  const firstRows = when(() => document.querySelector(ROW) !== null);
  /** When so many incidents are counted above the list. */
  const counted = (count) => when(() => digits(countShown()) === count);
  const row = (id, attribute, value) =>
    when(() => document.querySelector(`${ROW}[data-id="${id}"]`)?.getAttribute(attribute) === value);
  const rowSays = (id, text) =>
    when(() => document.querySelector(`${ROW}[data-id="${id}"]`)?.textContent.includes(text) === true);
  const shown = () =>
    [...document.querySelectorAll(ROW)]
      .filter((each) => {
        const box = each.getBoundingClientRect();
        return box.top >= 0 && box.bottom <= window.innerHeight;
      })
      .map((each) => each.dataset.id);

  let times = [];
  let recording = false;
  function frame(at) {
    times.push(at);
    if (recording) requestAnimationFrame(frame);
  }
  function startFrames() {
    times = [];
    recording = true;
    requestAnimationFrame(frame);
  }
  /** Milliseconds between one frame and the next since `startFrames`. */
  function stopFrames() {
    recording = false;
    return times.slice(1).map((at, index) => at - times[index]);
  }

  const busy = { ms: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) busy.ms += entry.duration;
  }).observe({ entryTypes: ["longtask"] });

  /** Scrolls down by so many pixels in so many steps, one a frame, and back to the top; resolves with the times between frames. */
  async function scroll(pixels, steps) {
    startFrames();
    let blank = 0;
    for (let step = 0; step <= steps; step++) {
      window.scrollTo({ top: (pixels * step) / steps, behavior: "instant" });
      await painted();
      if (shown().length === 0) blank++;
    }
    window.scrollTo({ top: 0, behavior: "instant" });
    await painted();
    return { frames: stopFrames(), blank };
  }
  const room = () => document.documentElement.scrollHeight - window.innerHeight;
  const selected = () => document.querySelector(`${ROW}[aria-current]`)?.dataset.id ?? null;

  return {
    when,
    firstRows,
    counted,
    row,
    rowSays,
    shown,
    scroll,
    room,
    selected,
    startFrames,
    stopFrames,
    busy,
    painted,
    nowMs,
  };
})();
