export interface ReaderLeasesDeps {
  /** How long a lease lasts from the moment at which its holder has asked for it. */
  readonly durationMs: number;
  elapsedMs(): number;
  /** The other members. Each may hold a lease from before this process began. */
  others(): readonly number[];
}

// Clocks that measure time spans differ by less.
const drift = 0.01;

/**
 * Which stores may answer reads from their own state, as the log says. A store asks for a lease with a message, and has it from the moment at
 * which it has applied that message. So whoever has applied an entry knows every lease whose holder may not have applied it.
 */
export class ReaderLeases {
  readonly #deps: ReaderLeasesDeps;
  readonly #until = new Map<number, number>();
  /** What the others have said that they have applied. */
  readonly #applied = new Map<number, number>();
  readonly #beforeStartUntil: number;

  constructor(deps: ReaderLeasesDeps) {
    this.#deps = deps;
    this.#beforeStartUntil = this.#end;
  }

  /** A lease of another store was applied here. */
  granted(node: number): void {
    this.#until.set(node, this.#end);
  }

  /** Another store has ended its lease: it reads nothing before it has asked for a new one. */
  ended(node: number): void {
    this.#until.set(node, Number.NEGATIVE_INFINITY);
  }

  /** Another store says how far it has applied the log. */
  applied(node: number, index: number): void {
    this.#applied.set(node, Math.max(index, this.#applied.get(node) ?? 0));
  }

  /** Whether no other store can answer a read from a state before this entry, which this store has applied. */
  isPassed(index: number): boolean {
    const now = this.#deps.elapsedMs();
    return [...new Set([...this.#deps.others(), ...this.#until.keys()])].every(
      (node) => (this.#until.get(node) ?? this.#beforeStartUntil) <= now || (this.#applied.get(node) ?? 0) >= index,
    );
  }

  get #end(): number {
    return this.#deps.elapsedMs() + this.#deps.durationMs * (1 + drift);
  }
}
