// Looks at a page from inside, for look.test.ts: injected into every page as `look`.
globalThis.look = (() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

  /** Any CSS colour as red, green, blue (0 to 255) and alpha (0 to 1). */
  function rgba(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }

  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];

  /** What stands behind an element's text: the backgrounds of all it lies in. */
  function ground(element) {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255, 1]);
  }

  /** WCAG 2.2, relative luminance. */
  function luminance([r, g, b]) {
    const [R, G, B] = [r, g, b].map((byte) => {
      const share = byte / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  }

  function ratio(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  const isShown = (element) => {
    const box = element.getBoundingClientRect();
    return (
      box.width > 1 && box.height > 1 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    );
  };

  /** Texts whose contrast is below what WCAG AA asks: 4.5, or 3 for large ones. Disabled controls are exempt. */
  function faintTexts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent.trim();
      if (text === "" || !isShown(element) || element.closest("script, style, :disabled, .visually-hidden")) continue;
      const style = getComputedStyle(element);
      const size = Number.parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const behind = ground(element);
      const contrast = ratio(over(rgba(style.color), behind), behind);
      if (contrast < (large ? 3 : 4.5)) found.push(`${contrast.toFixed(2)} "${text}"`);
    }
    return found;
  }

  /** Elements that stick out of the window to the right, when the page scrolls sideways. */
  function overflowing() {
    if (document.documentElement.scrollWidth <= window.innerWidth) return [];
    return [...document.querySelectorAll("body *")]
      .filter((element) => isShown(element) && element.getBoundingClientRect().right > window.innerWidth + 1)
      .map((element) => `${element.tagName.toLowerCase()}.${element.className}`)
      .slice(0, 10);
  }

  const describe = (element) => {
    const name = element.getAttribute("aria-label") ?? element.textContent.trim();
    return `${element.tagName.toLowerCase()} ${element.getAttribute("name") ?? ""} "${name.slice(0, 40)}"`;
  };

  const CONTROLS = "a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']";

  /** What Tab should come by: of a group of radio buttons one. The skip link shows itself when it has the focus. */
  function controls() {
    const groups = new Set();
    return [...document.querySelectorAll(CONTROLS)].filter((element) => {
      if (element.closest("dialog:not([open])") || element.tabIndex < 0) return false;
      if (!element.checkVisibility({ visibilityProperty: true })) return false;
      if (element.type === "radio") {
        if (groups.has(element.name)) return false;
        groups.add(element.name);
      }
      return true;
    });
  }

  /** As it was called when it was first seen: some say how long ago something was. */
  const known = new WeakMap();
  function keyOf(element) {
    if (!known.has(element)) known.set(element, element.type === "radio" ? `radio ${element.name}` : describe(element));
    return known.get(element);
  }
  const names = () => controls().map(keyOf);

  /** A hidden radio button shows its focus on the label's text. */
  const marks = (element) => (element.classList.contains("visually-hidden") ? element.nextElementSibling : element);
  const appearance = (element) => {
    const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } =
      getComputedStyle(element);
    return JSON.stringify({ outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor });
  };

  /** The element that has the focus, and whether one sees that it has. */
  function focused() {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const with_ = appearance(marks(element));
    element.blur();
    const without = appearance(marks(element));
    element.focus({ focusVisible: true });
    return { key: keyOf(element), visible: with_ !== without };
  }

  /** Is the threshold's colour dashed across a row of the chart? Text in that colour fills no quarter of the width. */
  function hasThreshold() {
    const plot = document.querySelector('[data-testid="chart"] canvas');
    const style = getComputedStyle(plot.closest(".chart"));
    const wanted = rgba(style.getPropertyValue("--chart-threshold"));
    const { data, width, height } = plot.getContext("2d").getImageData(0, 0, plot.width, plot.height);
    const near = (at) =>
      data[at + 3] > 100 && wanted.slice(0, 3).every((byte, i) => Math.abs(byte - data[at + i]) < 12);
    for (let y = 0; y < height; y++) {
      let hits = 0;
      for (let x = 0; x < width; x++) if (near((y * width + x) * 4)) hits++;
      if (hits > width / 4) return true;
    }
    return false;
  }

  return { hasThreshold, faintTexts, overflowing, names, focused };
})();
