import { type Membership, noMembers } from '../../src/raft/core/configuration';
import type { Entry } from '../../src/raft/core/entry';
import { type Command, decodeCommand } from './command';

/** What a command did. `duplicate` and `gap` mean nothing: it was applied before, or one before it in its session is missing. */
export interface Outcome {
  readonly status: 'done' | 'refused' | 'duplicate' | 'gap';
  readonly command: Command;
  /** The revision and the value of the key afterwards. */
  readonly register: Register;
}

/** A key of the state machine. The value 0 means that nothing is there. */
export interface Register {
  readonly revision: number;
  readonly value: number;
}

/** A real state of a store beside the small one, if a simulation has one. */
export interface StoreState {
  /** Hashes everything that was applied. */
  readonly digest: number;
  apply(entry: Entry, membership: Membership | undefined, outcome: Outcome | undefined): void;
  encode(): string;
  copy(): StoreState;
  /** All tables, for a comparison of states with the same digest. */
  content(): string;
  close(): void;
}

/** Makes real states. */
export interface StoreStates {
  first(membership: Membership): StoreState;
  decode(text: string): StoreState;
}

interface MachineState {
  readonly applied: number;
  readonly digest: number;
  readonly membership: Membership;
  readonly sessions: readonly (readonly [number, number])[];
  readonly registers: readonly Register[];
  readonly store?: string;
}

/** How many keys there are. */
export const keyCount = 4;
const empty: Register = { revision: 0, value: 0 };
const statusCodes = { done: 1, refused: 2, duplicate: 3, gap: 4 };

/** A small deterministic state machine: registers with revisions, sessions that apply each command once, and a running digest. */
export class Machine {
  #applied = 0;
  #digest = 0;
  #membership: Membership = { index: 0, configuration: noMembers };
  #sessions = new Map<number, number>();
  #registers: Register[] = Array.from({ length: keyCount }, () => empty);
  #store: StoreState | undefined;

  /** The index of the last entry that is applied. */
  get applied(): number {
    return this.#applied;
  }

  /** A digest of everything that was applied and of what it did. */
  get digest(): number {
    return this.#store === undefined ? this.#digest : this.#digest ^ this.#store.digest;
  }

  /** The real state beside this one. */
  get store(): StoreState | undefined {
    return this.#store;
  }

  get membership(): Membership {
    return this.#membership;
  }

  register(key: number): Register {
    return this.#registers[key]!;
  }

  /** Applies the next entry. A change of the members comes with the membership that it made. */
  apply(entry: Entry, membership: Membership | undefined): Outcome | undefined {
    this.#applied = entry.index;
    if (membership !== undefined) this.#membership = membership;
    const outcome = this.#applyToRegisters(entry);
    this.#store?.apply(entry, membership, outcome);
    return outcome;
  }

  #applyToRegisters(entry: Entry): Outcome | undefined {
    this.#mix(entry.index, entry.term);
    if (entry.kind === 'configuration') return undefined;
    if (entry.data.byteLength === 0) return undefined;
    const command = decodeCommand(entry.data);
    const status = this.#applyOnce(command);
    const register = this.register(command.key);
    this.#mix(statusCodes[status], register.value);
    this.#mix(command.session, command.number);
    return { status, command, register };
  }

  /** The machine as bytes, as a snapshot carries it. */
  encode(): Uint8Array {
    const state: MachineState = {
      applied: this.#applied,
      digest: this.#digest,
      membership: this.#membership,
      sessions: [...this.#sessions],
      registers: this.#registers,
      ...(this.#store === undefined ? {} : { store: this.#store.encode() }),
    };
    return new TextEncoder().encode(JSON.stringify(state));
  }

  static decode(bytes: Uint8Array, stores?: StoreStates): Machine {
    const state = JSON.parse(new TextDecoder().decode(bytes)) as MachineState;
    const machine = new Machine();
    machine.#applied = state.applied;
    machine.#digest = state.digest;
    machine.#membership = state.membership;
    machine.#sessions = new Map(state.sessions);
    machine.#registers = [...state.registers];
    if (state.store !== undefined) machine.#store = stores?.decode(state.store);
    return machine;
  }

  copy(): Machine {
    const machine = new Machine();
    machine.#applied = this.#applied;
    machine.#digest = this.#digest;
    machine.#membership = this.#membership;
    machine.#sessions = new Map(this.#sessions);
    machine.#registers = [...this.#registers];
    machine.#store = this.#store?.copy();
    return machine;
  }

  /** The machine is not used any more. */
  close(): void {
    this.#store?.close();
  }

  /** Sets up the machine of a cluster that begins with a membership instead of a log. */
  static first(membership: Membership, stores?: StoreStates): Machine {
    const machine = new Machine();
    machine.#store = stores?.first(membership);
    machine.#applied = membership.index;
    machine.#membership = membership;
    return machine;
  }

  #applyOnce(command: Command): Outcome['status'] {
    const last = this.#sessions.get(command.session) ?? 0;
    if (command.number <= last) return 'duplicate';
    if (command.number > last + 1) return 'gap';
    this.#sessions.set(command.session, command.number);
    const { revision } = this.register(command.key);
    if (command.kind === 'update' && revision !== command.expected) return 'refused';
    this.#registers[command.key] = { revision: revision + 1, value: command.kind === 'forget' ? 0 : command.value };
    return 'done';
  }

  #mix(a: number, b: number): void {
    let mixed = Math.imul(this.#digest ^ a, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ b, 0x85ebca77);
    this.#digest = (mixed ^ (mixed >>> 13)) >>> 0;
  }
}
