import { type Command, encodeCommand } from './command';

/** The id of the callers of one start of a node. */
export function sessionOf(node: number, start: number): number {
  return node * 1_000 + start;
}

/** The node of a session. */
export function nodeOf(session: number): number {
  return Math.floor(session / 1_000);
}

interface Frame {
  readonly command: Command;
  readonly data: Uint8Array;
}

/**
 * The callers of one start of one node. Commands are numbered, and sent again in their order until the node itself has applied them. When
 * the node crashes, nobody learns what became of those that were on their way.
 */
export class Session {
  readonly id: number;
  #numbers = 0;
  #waiting: Frame[] = [];
  #sentAt = 0;
  // Doubles with each time: a slow cluster would otherwise be kept busy by what it has to do anyway.
  #patience = 1;

  constructor(id: number) {
    this.id = id;
  }

  /** How many commands wait for their answer. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes a command, and answers with the bytes to propose. */
  add(command: Omit<Command, 'session' | 'number'>, now: number): Uint8Array {
    this.#numbers += 1;
    const numbered = { ...command, session: this.id, number: this.#numbers };
    const data = encodeCommand(numbered);
    if (this.#waiting.length === 0) this.#sentAt = now;
    this.#waiting.push({ command: numbered, data });
    return data;
  }

  /** All commands that wait, if nothing has come back for too long. */
  resend(now: number, afterMs: number): readonly Uint8Array[] {
    if (this.#waiting.length === 0 || now - this.#sentAt < afterMs * this.#patience) return [];
    this.#sentAt = now;
    this.#patience = Math.min(8, this.#patience * 2);
    return this.#waiting.map(({ data }) => data);
  }

  /** The node has applied a command of this session. True if its caller was waiting. */
  applied(command: Command): boolean {
    if (command.session !== this.id || this.#waiting[0]?.command.number !== command.number) return false;
    this.#waiting.shift();
    this.#patience = 1;
    return true;
  }
}
