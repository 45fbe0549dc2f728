import type { ReactNode } from "react";

type SegmentsProps<T extends string | null> = {
  /** Said to who can't see that they belong together; also the name of the radio group. */
  readonly label: string;
  readonly options: readonly T[];
  readonly chosen: T;
  readonly choose: (option: T) => void;
  readonly show: (option: T) => ReactNode;
};

/** One of a few, all of them in sight. */
export function Segments<T extends string | null>({ label, options, chosen, choose, show }: SegmentsProps<T>) {
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option ?? "all"}>
          <input
            type="radio"
            name={label.toLowerCase()}
            className="visually-hidden"
            checked={chosen === option}
            onChange={() => choose(option)}
          />
          <span>{show(option)}</span>
        </label>
      ))}
    </fieldset>
  );
}

type SelectProps = {
  readonly label: string;
  /** What no choice is called: `All kinds`. */
  readonly all: string;
  readonly options: readonly string[];
  readonly chosen: string | null;
  readonly choose: (option: string | null) => void;
  readonly show: (option: string) => string;
};

/** One of many, or all. */
export function SelectOrAll({ label, all, options, chosen, choose, show }: SelectProps) {
  return (
    <label>
      <span className="visually-hidden">{label}</span>
      <select value={chosen ?? ""} onChange={(event) => choose(event.target.value || null)}>
        <option value="">{all}</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {show(option)}
          </option>
        ))}
      </select>
    </label>
  );
}
