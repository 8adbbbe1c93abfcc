/** The problems of one kind. */
interface ProblemKind {
  /** Where the first one is, such as 'line 3'. */
  readonly place: string;
  readonly problem: string;
  count: number;
}

/** Collects problems by kind, so that a file of a wrong format gives one message and not one for each of its lines. */
export class ImportProblems {
  readonly #kinds = new Map<string, ProblemKind>();
  readonly #skipped = new Map<string, number>();

  /** Adds the problem of a place, such as 'line 3'. */
  add(place: string, problem: string): void {
    const kind = kindOf(problem);
    const known = this.#kinds.get(kind);
    if (known === undefined) this.#kinds.set(kind, { place, problem, count: 1 });
    else known.count++;
  }

  /** Counts a value that holds no memory. */
  skip(what: string): void {
    this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + 1);
  }

  /** One message for each kind of problem, with its first place, and one for everything that was skipped. */
  messages(): string[] {
    const kinds = [...this.#kinds.values()].map(({ place, problem, count }) =>
      count === 1 ? `${place}: ${problem}` : `${place} and ${count - 1} more: ${problem}`,
    );
    const skipped = [...this.#skipped].map(([what, count]) => `${count} ${what}`);
    return skipped.length === 0 ? kinds : [...kinds, `Skipped: ${skipped.join(', ')}.`];
  }

  /** The number of values of each kind that hold no memory. */
  skippedCounts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#skipped);
  }
}

/** The problem without what differs from one value to the next: numbers, quoted texts, and the place in a line that is no JSON. */
function kindOf(problem: string): string {
  if (problem.startsWith('invalid JSON')) return 'invalid JSON';
  return problem
    .replace(/"[^"]*"/g, '""')
    .replace(/\d+/g, '0')
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'ID');
}
