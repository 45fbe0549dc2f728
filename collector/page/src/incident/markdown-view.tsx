import { createElement, Fragment, type ReactNode, useState } from "react";
import { store, stored } from "../ui/preference.ts";
import { type Block, type Inline, type Item, parseMarkdown } from "./markdown.ts";
import { readTicked, toggleStep, writeTicked } from "./steps.ts";

const KEY = "aislewatch.steps";

/** The runbook of an incident; its numbered steps can be ticked off. */
export function Runbook({ incident, title, markdown }: { incident: string; title: string; markdown: string }) {
  const [ticked, setTicked] = useState(() => readTicked(stored(KEY)));
  const steps: Steps = {
    done: ticked.get(incident) ?? [],
    toggle: (step) => {
      // Another tab may have ticked meanwhile: its ticks are kept.
      const next = toggleStep(readTicked(stored(KEY)), incident, step);
      store(KEY, writeTicked(next));
      setTicked(next);
    },
  };
  const blocks = withoutTitle(parseMarkdown(markdown), title);
  return (
    <section className="panel runbook" data-testid="runbook" aria-labelledby="runbook-title">
      <h2 id="runbook-title">
        Runbook <span className="panel-note">{title}</span>
      </h2>
      <Blocks blocks={blocks} steps={steps} />
    </section>
  );
}

/** The file's own title stands in the panel's already. */
function withoutTitle(blocks: readonly Block[], title: string): readonly Block[] {
  const [first, ...rest] = blocks;
  return first?.type === "heading" && (first.level === 1 || plain(first.children) === title) ? rest : blocks;
}

type Steps = { readonly done: readonly string[]; readonly toggle: (step: string) => void };

/** A parsed text never changes its order: its parts are children by position and need no keys. */
const inOrder = <T,>(parts: readonly T[], view: (part: T, index: number) => ReactNode): ReactNode =>
  createElement(Fragment, null, ...parts.map(view));

/** Only the runbook's own numbered list is for ticking off, not a list inside a step. */
function Blocks({ blocks, steps }: { blocks: readonly Block[]; steps: Steps | null }) {
  return inOrder(blocks, (block) => <BlockView block={block} steps={steps} />);
}

function BlockView({ block, steps }: { block: Block; steps: Steps | null }): ReactNode {
  switch (block.type) {
    case "heading": {
      // The page's title is h1 and the panel's h2: a runbook's headings come below.
      const Heading = block.level <= 2 ? "h3" : "h4";
      return <Heading>{inlines(block.children)}</Heading>;
    }
    case "paragraph":
      return <p>{inlines(block.children)}</p>;
    case "code":
      return <pre>{block.text}</pre>;
    case "list":
      return <ListView list={block} steps={steps} />;
  }
}

function ListView({ list, steps }: { list: Extract<Block, { type: "list" }>; steps: Steps | null }) {
  if (!list.ordered) return <ul>{inOrder(list.items, plainItem)}</ul>;
  if (steps === null) return <ol start={list.start}>{inOrder(list.items, plainItem)}</ol>;
  return (
    <ol className="steps" start={list.start}>
      {inOrder(list.items, (item, index) => (
        <Step item={item} number={list.start + index} steps={steps} />
      ))}
    </ol>
  );
}

function plainItem(item: Item): ReactNode {
  return (
    <li>
      {inlines(item.children)}
      <Blocks blocks={item.blocks} steps={null} />
    </li>
  );
}

/** Long enough to tell steps apart. */
const STEP_KEY_MAX = 120;

function Step({ item, number, steps }: { item: Item; number: number; steps: Steps }) {
  // By its words: an edited runbook unticks what it changed and nothing else.
  const step = plain(item.children).slice(0, STEP_KEY_MAX);
  const done = steps.done.includes(step);
  return (
    <li data-done={done}>
      <label>
        <input type="checkbox" checked={done} onChange={() => steps.toggle(step)} />
        <span className="step-number" aria-hidden="true">
          {number}
        </span>
        <span>{inlines(item.children)}</span>
      </label>
      {item.blocks.length > 0 && (
        <div className="step-more">
          <Blocks blocks={item.blocks} steps={null} />
        </div>
      )}
    </li>
  );
}

const inlines = (children: readonly Inline[]): ReactNode => inOrder(children, inlineView);

function inlineView(inline: Inline): ReactNode {
  switch (inline.type) {
    case "text":
      return inline.text;
    case "code":
      return <code>{inline.text}</code>;
    case "strong":
      return <strong>{inlines(inline.children)}</strong>;
    case "em":
      return <em>{inlines(inline.children)}</em>;
    case "link": {
      const outside = !inline.href.startsWith("/");
      return (
        <a href={inline.href} {...(outside && { target: "_blank", rel: "noopener noreferrer" })}>
          {inlines(inline.children)}
        </a>
      );
    }
  }
}

function plain(children: readonly Inline[]): string {
  return children.map((inline) => ("text" in inline ? inline.text : plain(inline.children))).join("");
}
