import type { Ref } from "react";

const KEYS = [
  ["j k or ↓ ↑", "Move through the incidents"],
  ["← →", "Fold and unfold what hangs below an incident"],
  ["Enter", "Open the selected incident"],
  ["a", "Acknowledge the selected or opened incident"],
  ["h", "Hand-over of the opened incident; there c copies it as text"],
  ["x", "Mark the selected incident; * marks all that are shown"],
  ["b", "Go to what can be done with the marked ones"],
  ["/", "Search"],
  ["Escape", "Leave the search, wall mode or this help; unmark all"],
  ["w", "Wall mode: large type, no controls"],
  ["t", "Colours: system, light, dark"],
  ["?", "This help"],
] as const;

export function HelpDialog({ ref }: { ref: Ref<HTMLDialogElement> }) {
  return (
    <dialog ref={ref} className="help" aria-labelledby="help-title">
      <h2 id="help-title">Keyboard</h2>
      <dl>
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
