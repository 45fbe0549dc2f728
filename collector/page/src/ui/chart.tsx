/** One series over time on uPlot: mean line, band from least to greatest, threshold, markers. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Series } from "../api/types.ts";
import { shownFrom, toColumns, valueRange } from "./chart-data.ts";
import { measure, timeText } from "./format.ts";
import { useTheme } from "./preference.ts";
import "./chart.css";

export type Marker = { readonly at: number; readonly label: string; readonly bad: boolean };

type Props = {
  series: Pick<Series, "points" | "unit" | "type">;
  /** What the chart shows, for those who don't see it. */
  title: string;
  from: number;
  to: number;
  threshold?: number | null;
  markers?: readonly Marker[];
  timeZone?: string | undefined;
  height?: number;
};

const NO_MARKERS: readonly Marker[] = [];

export function Chart({
  series,
  title,
  from,
  to,
  threshold = null,
  markers = NO_MARKERS,
  timeZone,
  height = 240,
}: Props) {
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const theme = useTheme();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme means new colours, which are read from the page.
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const onsets = markers.map(({ at }) => at);
    const options = plotOptions({
      series,
      threshold,
      markers,
      from: shownFrom(series.points, { from, to, ...(onsets.length > 0 && { until: Math.min(...onsets) }) }),
      to,
      timeZone,
      width: Math.max(200, element.clientWidth),
      height,
      colours: readColours(element),
      onCursor: (index) => {
        if (readout.current !== null) readout.current.textContent = describe(series, index, timeZone);
      },
    });
    const plot = new uPlot(options, toColumns(series.points), element);
    const observer = new ResizeObserver(() => {
      if (element.clientWidth > 0) plot.setSize({ width: element.clientWidth, height });
    });
    observer.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = (): void => {
      Object.assign(options.shared, readColours(element));
      plot.redraw();
    };
    dark.addEventListener("change", recolour);
    return () => {
      dark.removeEventListener("change", recolour);
      observer.disconnect();
      plot.destroy();
    };
  }, [series, threshold, markers, from, to, timeZone, height, theme]);

  return (
    <figure className="chart" data-testid="chart" aria-label={`${title}. ${describe(series, null, timeZone)}`}>
      <div ref={box} className="chart-box" style={{ minHeight: height }} />
      <p ref={readout} className="chart-readout" aria-hidden="true">
        {describe(series, null, timeZone)}
      </p>
    </figure>
  );
}

/** The value under the cursor, or the last one. */
function describe(series: Props["series"], index: number | null, timeZone: string | undefined): string {
  const point = index === null ? series.points.at(-1) : nearestAt(series, index);
  if (point === undefined) return "No readings in this time.";
  const say = (value: number): string =>
    series.type === "boolean" ? measure(value >= 0.5, "") : measure(value, series.unit);
  const spread = point.min === point.max ? "" : ` (${say(point.min)} to ${say(point.max)})`;
  const when = timeText(point.at, Date.now(), timeZone);
  return `${index === null ? "Last: " : ""}${say(point.mean)}${spread} at ${when}`;
}

/** uPlot counts the columns, which hold gaps that the points don't. */
function nearestAt(series: Props["series"], index: number): Series["points"][number] | undefined {
  const seconds = toColumns(series.points)[0][index];
  return seconds === undefined ? undefined : series.points.findLast(({ at }) => at <= seconds * 1000);
}

type Colours = {
  ground: string;
  line: string;
  band: string;
  grid: string;
  text: string;
  bad: string;
  good: string;
  threshold: string;
};

function readColours(element: Element): Colours {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(`--chart-${name}`).trim();
  return {
    ground: colour("ground"),
    line: colour("line"),
    band: colour("band"),
    grid: colour("grid"),
    text: colour("text"),
    bad: colour("bad"),
    good: colour("good"),
    threshold: colour("threshold"),
  };
}

type PlotInput = {
  series: Props["series"];
  threshold: number | null;
  markers: readonly Marker[];
  from: number;
  to: number;
  timeZone: string | undefined;
  width: number;
  height: number;
  colours: Colours;
  onCursor: (index: number | null) => void;
};

const FONT = "12px system-ui, sans-serif";

/** `shared` holds the colours that every drawing function looks up, so that a redraw recolours. */
function plotOptions(input: PlotInput): uPlot.Options & { shared: Colours } {
  const { series, from, to, threshold } = input;
  const { points, unit } = series;
  const shared = { ...input.colours };
  const bits = series.type === "boolean";
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const paths = bits && stepped ? { paths: stepped } : {};
  const axis = {
    stroke: () => shared.text,
    font: FONT,
    ticks: { show: false },
    grid: { stroke: () => shared.grid, width: 1 },
  };
  return {
    shared,
    width: input.width,
    height: input.height,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: [from / 1000, to / 1000] },
      y: { range: valueRange(series, threshold) },
    },
    axes: [
      {
        ...axis,
        space: 84,
        size: 30,
        values: (_plot, splits, _axis, _space, step) => timeLabels(splits, step, input.timeZone),
      },
      {
        ...axis,
        size: 74,
        ...(bits && { splits: () => [0, 1] }),
        values: (_plot, splits) =>
          distinct(splits.map((value) => (bits ? measure(value >= 0.5, "") : measure(value, unit)))),
      },
    ],
    series: [
      {},
      { stroke: () => shared.line, width: 2, points: { show: points.length < 3 }, ...paths },
      { show: true, stroke: "transparent", width: 0, points: { show: false }, ...paths },
      { show: true, stroke: "transparent", width: 0, points: { show: false }, ...paths },
    ],
    bands: [{ series: [3, 2], fill: () => shared.band }],
    hooks: {
      drawAxes: [(plot) => drawMarkers(plot, input, shared)],
      draw: [(plot) => drawThreshold(plot, input, shared)],
      setCursor: [(plot) => input.onCursor(plot.cursor.idx ?? null)],
    },
  };
}

/** A label that repeats the one below it, rounded as it is, says nothing. */
const distinct = (labels: readonly string[]): string[] =>
  labels.map((label, index) => (label === labels[index - 1] ? "" : label));

const DAY_S = 86_400;

function timeLabels(splits: readonly number[], stepSeconds: number, timeZone: string | undefined): string[] {
  const format = new Intl.DateTimeFormat(undefined, {
    ...(timeZone !== undefined && { timeZone }),
    hourCycle: "h23",
    ...(stepSeconds >= DAY_S
      ? { day: "numeric", month: "short" }
      : { hour: "2-digit", minute: "2-digit", ...(stepSeconds < 60 && { second: "2-digit" }) }),
  });
  return splits.map((seconds) => format.format(seconds * 1000));
}

function drawThreshold(plot: uPlot, { threshold, series: { unit } }: PlotInput, colours: Colours): void {
  if (threshold === null) return;
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(threshold, "y", true));
  ctx.save();
  ctx.strokeStyle = colours.threshold;
  ctx.fillStyle = colours.threshold;
  ctx.lineWidth = devicePixelRatio * 1.5;
  ctx.setLineDash([7 * devicePixelRatio, 4 * devicePixelRatio]);
  line(ctx, { x: bbox.left, y }, { x: bbox.left + bbox.width, y });
  ctx.setLineDash([]);
  label(ctx, `threshold ${measure(threshold, unit)}`, {
    x: bbox.left + 6 * devicePixelRatio,
    y: y - 5 * devicePixelRatio,
    align: "left",
    ground: colours.ground,
  });
  ctx.restore();
}

/** Below the line, so that the value stays readable. Labels take turns in height lest two close ones cover each other. */
function drawMarkers(plot: uPlot, { markers, from, to }: PlotInput, colours: Colours): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const [index, marker] of markers.entries()) {
    if (marker.at < from || marker.at > to) continue;
    const x = Math.round(plot.valToPos(marker.at / 1000, "x", true));
    const colour = marker.bad ? colours.bad : colours.good;
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = devicePixelRatio * 1.5;
    line(ctx, { x, y: bbox.top }, { x, y: bbox.top + bbox.height });
    const right = x > bbox.left + bbox.width * 0.8;
    label(ctx, marker.label, {
      x: x + (right ? -6 : 6) * devicePixelRatio,
      y: bbox.top + (14 + (index % 2) * 16) * devicePixelRatio,
      align: right ? "right" : "left",
      ground: colours.ground,
    });
  }
  ctx.restore();
}

type Point = { readonly x: number; readonly y: number };

function line(ctx: CanvasRenderingContext2D, from: Point, to: Point): void {
  ctx.beginPath();
  ctx.moveTo(from.x, from.y);
  ctx.lineTo(to.x, to.y);
  ctx.stroke();
}

function label(
  ctx: CanvasRenderingContext2D,
  text: string,
  at: Point & { align: CanvasTextAlign; ground: string },
): void {
  ctx.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = at.align;
  ctx.textBaseline = "alphabetic";
  // A rim in the ground's colour keeps the words readable over a line.
  ctx.lineWidth = 4 * devicePixelRatio;
  ctx.lineJoin = "round";
  ctx.strokeStyle = at.ground;
  ctx.strokeText(text, at.x, at.y);
  ctx.fillText(text, at.x, at.y);
}
