/**
 * A wider fault takes narrower ones in (`absorbs`): while it fires, those are put down to it and call nobody. It reaches
 * the device that it is about, or with `scope: site` everything there; one about a component reaches that component.
 * Outside of its own hours it calls nobody and takes nothing in: else nobody would be called at all.
 */
import { joinSubject } from "@aislewatch/contract";
import { isOpen } from "./fault.ts";
import type { Planned } from "./planned.ts";
import { type Active, type JudgedSubject, subjectOf } from "./subjects.ts";
import type { Rule } from "./types.ts";

export class Absorbers {
  /** Which wider rules absorb a rule. */
  #byRule: ReadonlyMap<string, readonly string[]> = new Map();

  /** A shadow rule is only tried out: it hides nothing. */
  useRules(rules: readonly Rule[]): void {
    const byRule = new Map<string, string[]>();
    for (const { id, absorbs, mode } of rules) {
      if (mode === "shadow") continue;
      for (const narrow of absorbs) byRule.set(narrow, [...(byRule.get(narrow) ?? []), id]);
    }
    this.#byRule = byRule;
  }

  useOf(other: Absorbers): void {
    this.#byRule = other.#byRule;
  }

  /** What the fault of this rule on this subject is put down to: `rule:<id>@<site>` or `rule:<id>@<site>/<device>`. */
  absorberOf(subject: JudgedSubject, { id }: Rule, planned: Planned, at: number): string | null {
    const wider = this.#byRule.get(id);
    if (wider === undefined) return null;
    const { owner } = subject;
    const ofSite = owner.is === "device" ? owner.site.active : [];
    for (const active of [...owner.active, ...ofSite]) {
      const rule = ruleOf(active);
      if (rule === undefined || !wider.includes(rule.id) || !isAbsorbing(active, subject)) continue;
      if (planned.isActiveAt(active.subject.owner, rule, at)) return `rule:${rule.id}@${nameOf(active.subject)}`;
    }
    return null;
  }
}

const ruleOf = ({ subject, local }: Active): Rule | undefined => subject.shape.bindings[local]?.compiled.rule;

/** Does it stand, about the subject or what that is part of? */
function isAbsorbing({ subject, fault }: Active, narrow: JudgedSubject): boolean {
  if (!isOpen(fault)) return false;
  return subject.owner !== narrow.owner || subject.component === null || subject.component === narrow.component;
}

/** `site`, `site/device` or `site/device#component`. */
function nameOf(judged: JudgedSubject): string {
  const { site, device, component } = subjectOf(judged);
  return device === null ? site : `${site}/${joinSubject(device, component)}`;
}
