import type { Database } from 'better-sqlite3';
import fc from 'fast-check';
import type { Command as StoreCommand } from '../../src/domain/command';
import type { EntryResult, Frame } from '../../src/domain/frame';
import { withTokenCounts } from '../../src/keyword-index/token-counts';
import { decodeFrame, encodeFrame } from '../../src/log/frame-codec';
import type { Membership } from '../../src/raft/core/configuration';
import type { Entry } from '../../src/raft/core/entry';
import { openSqlite } from '../../src/sqlite/open-sqlite';
import { configure } from '../../src/sqlite/sqlite';
import { StateStore } from '../../src/state/state-store';
import { loadChecksum } from '../../src/state/tables/checksum';
import { openDatabase } from '../../src/state/tables/database';
import { commandsOf } from '../state/command-sequences';
import { contents, openToAll } from '../state/test-state';
import type { Command } from './command';
import type { Outcome, StoreState, StoreStates } from './machine';
import { nodeOf } from './session';
import { check } from './violation';

const cluster = 'c'.repeat(32);
const checksum = await loadChecksum();
// Commands of all kinds, by all kinds of actors. An entry of the log takes a list of them.
const lists = fc.sample(commandsOf({ minLength: 1, maxLength: 4 }), { numRuns: 500, seed: 1 });

/** Each node has the state of a real store, in memory, and applies each entry to it as a frame that was encoded and decoded. */
export const storeStates: StoreStates = {
  first: (membership) => SqliteState.first(membership),
  decode: (text) => new SqliteState(Buffer.from(text, 'base64')),
};

class SqliteState implements StoreState {
  // As bytes until it is used: most copies never are.
  #bytes: Buffer | undefined;
  #opened: StateStore | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  static first({ configuration }: Membership): SqliteState {
    const store = new StateStore(openDatabase({ path: ':memory:', readOnly: false }), checksum);
    store.apply([openToAll]);
    store.foundCluster({ cluster, configuration, addresses: addressesOf(configuration.voters) });
    const state = new SqliteState(store.database.serialize());
    store.database.close();
    return state;
  }

  get digest(): number {
    return Number.parseInt(this.#store.logPosition().digest.slice(0, 8), 16) | 0;
  }

  apply(entry: Entry, membership: Membership | undefined, outcome: Outcome | undefined): void {
    const { index, term } = entry;
    if (membership !== undefined) {
      const { voters, outgoing, learners } = membership.configuration;
      const addresses = addressesOf([...voters, ...outgoing, ...learners]);
      this.#store.applyEntry({ index, term, membership: { ...membership, addresses } });
    } else if (outcome === undefined) this.#store.applyEntry({ index, term });
    else {
      const frame = decodeFrame(encodeFrame(frameOf(index, outcome.command)));
      checkResult(this.#store.applyEntry({ index, term, frame }).result, outcome);
    }
  }

  encode(): string {
    return this.#serialized().toString('base64');
  }

  copy(): StoreState {
    return new SqliteState(this.#serialized());
  }

  content(): string {
    return JSON.stringify(contents(this.#store.database));
  }

  close(): void {
    this.#opened?.database.close();
    this.#opened = undefined;
  }

  get #store(): StateStore {
    this.#opened ??= new StateStore(reopened(this.#bytes!), checksum);
    this.#bytes = undefined;
    return this.#opened;
  }

  #serialized(): Buffer {
    return this.#bytes ?? this.#store.database.serialize();
  }
}

function reopened(bytes: Buffer): Database {
  const database = openSqlite(bytes as never, { readonly: false, fileMustExist: false, timeout: 0 });
  configure(database);
  return database;
}

// Each command of the simulation stands for a frame with a few commands of a store, which depend on its place and its value.
function frameOf(index: number, { session, number, value }: Command): Frame {
  const incarnation = { node: nodeOf(session), start: session % 1_000 };
  const commands = lists[value % lists.length]!.map((command, at) =>
    withTokenCounts(placed(command, index, at, value)),
  );
  return { cluster, incarnation, number, commands };
}

// New ids are unique in the log; others name something that was made lately.
function placed(command: StoreCommand, index: number, at: number, value: number): StoreCommand {
  const stamp = { ...command.stamp, at: index };
  const lately = (id: string) => `${Math.max(2, index - 1 - ((id.length + value + at) % 12))}-${value % 2}-0`;
  const fresh = (item: number) => `${index}-${at}-${item}`;
  switch (command.type) {
    case 'remember':
      return {
        ...command,
        stamp,
        drafts: command.drafts.map(({ supersedes, ...draft }, item) => ({
          ...draft,
          id: fresh(item),
          ...(supersedes === undefined ? {} : { supersedes: lately(supersedes) }),
        })),
      };
    case 'declare':
      return {
        ...command,
        stamp,
        declarations: command.declarations.map((each, item) => ({ ...each, id: fresh(item) })),
      };
    case 'add-declaration':
      return { ...command, stamp, added: { ...command.added, id: fresh(0) } };
    case 'update':
    case 'share':
    case 'end-declaration':
      return { ...command, stamp, id: lately(command.id) };
    case 'forget':
      return { ...command, stamp, ids: command.ids.map(lately) };
    default:
      return { ...command, stamp };
  }
}

function addressesOf(nodes: readonly number[]): Record<string, string> {
  return Object.fromEntries(nodes.map((node) => [node, `10.0.0.${node}:7411`]));
}

// The store must find the same repetitions and gaps. It also ends the sessions of earlier starts, which the registers do not.
function checkResult({ type }: EntryResult, { status }: Outcome): void {
  const expected = { done: 'applied', refused: 'applied', duplicate: 'repeated', gap: 'gap' }[status];
  check(type === expected || type === 'ended', () => `A store says "${type}" of a command that is "${status}".`);
}
