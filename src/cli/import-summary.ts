import type { NewMemory } from '../index';
import type { ImportReport } from './import-lines';

const sampleSize = 3;
const sampleCharacters = 200;

/** What an import would store: how many memories in which namespaces and sessions, of which time, and the first of them. */
export class ImportSummary {
  readonly #namespaces = new Map<string, number>();
  readonly #sessions = new Set<string>();
  readonly #sample: object[] = [];
  #earliest: string | undefined;
  #latest: string | undefined;

  /** Adds a memory. */
  add({ text, namespace = [], sessionId, validFrom, metadata }: NewMemory): void {
    const path = JSON.stringify(namespace);
    this.#namespaces.set(path, (this.#namespaces.get(path) ?? 0) + 1);
    if (sessionId !== undefined) this.#sessions.add(sessionId);
    if (typeof validFrom === 'string') {
      if (this.#earliest === undefined || Date.parse(validFrom) < Date.parse(this.#earliest))
        this.#earliest = validFrom;
      if (this.#latest === undefined || Date.parse(validFrom) > Date.parse(this.#latest)) this.#latest = validFrom;
    }
    if (this.#sample.length < sampleSize)
      this.#sample.push({ text: shortened(text), namespace, sessionId, validFrom, metadata });
  }

  /** The summary as one line of JSON. */
  line({ totals, skipped }: ImportReport): string {
    return JSON.stringify({
      dryRun: true,
      ...totals,
      skipped,
      namespaces: [...this.#namespaces].map(([path, count]) => ({ namespace: JSON.parse(path), count })),
      sessions: this.#sessions.size,
      earliest: this.#earliest,
      latest: this.#latest,
      sample: this.#sample,
    });
  }
}

function shortened(text: string): string {
  return text.length <= sampleCharacters ? text : `${text.slice(0, sampleCharacters)}…`;
}
