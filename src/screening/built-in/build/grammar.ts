/** Sentences with slots in braces, and what the slots can be: alternatives with bars between them, which can have slots themselves. */
export interface Grammar {
  readonly slots: Record<string, string>;
  /** Sentences by kind. */
  readonly lines: Record<string, readonly string[]>;
}

/** Makes a sentence of a kind. Braces around a name that is no slot stay as they are, as in code. */
export function fill(grammar: Grammar, kind: string, random: () => number): string {
  let text = chosen(grammar.lines[kind] ?? [], random);
  for (let depth = 0; depth < 6; depth++) {
    const filled = text.replaceAll(/\{(\w+)\}/g, (slot, name: string) => {
      const alternatives = grammar.slots[name];
      return alternatives === undefined ? slot : chosen(alternatives.split('|'), random);
    });
    if (filled === text) break;
    text = filled;
  }
  return text;
}

function chosen(from: readonly string[], random: () => number): string {
  return from[Math.floor(random() * from.length)] ?? '';
}
