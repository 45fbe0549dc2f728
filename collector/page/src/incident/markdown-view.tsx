/** Parsed Markdown as elements. */
import { createElement, Fragment, type ReactNode } from "react";
import type { Block, Inline, Item } from "./markdown.ts";

/** A parsed text never changes its order: its parts are children by position and need no keys. */
const inOrder = <T,>(parts: readonly T[], view: (part: T, index: number) => ReactNode): ReactNode =>
  createElement(Fragment, null, ...parts.map(view));

/** Shows an item of the text's own numbered lists; lists inside an item are plain. */
type StepView = (item: Item, number: number) => ReactNode;

export function Blocks({ blocks, step = null }: { blocks: readonly Block[]; step?: StepView | null }) {
  return inOrder(blocks, (block) => <BlockView block={block} step={step} />);
}

function BlockView({ block, step }: { block: Block; step: StepView | null }): ReactNode {
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
      return <ListView list={block} step={step} />;
  }
}

function ListView({ list, step }: { list: Extract<Block, { type: "list" }>; step: StepView | null }) {
  if (!list.ordered) return <ul>{inOrder(list.items, plainItem)}</ul>;
  if (step === null) return <ol start={list.start}>{inOrder(list.items, plainItem)}</ol>;
  return (
    <ol className="steps" start={list.start}>
      {inOrder(list.items, (item, index) => step(item, list.start + index))}
    </ol>
  );
}

function plainItem(item: Item): ReactNode {
  return (
    <li>
      {inlines(item.children)}
      <Blocks blocks={item.blocks} />
    </li>
  );
}

export const inlines = (children: readonly Inline[]): ReactNode => inOrder(children, inlineView);

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
