/** What a command does with a key: sets it, sets it if the revision is the expected one, or forgets it. */
export type CommandKind = 'put' | 'update' | 'forget';

/** A command with its place in the session of its proposer, which makes it apply once. */
export interface Command {
  /** One start of one node. */
  readonly session: number;
  /** Counts from 1 in the session. */
  readonly number: number;
  readonly kind: CommandKind;
  readonly key: number;
  /** The revision that an `update` expects. */
  readonly expected: number;
  readonly value: number;
}

const kinds: readonly CommandKind[] = ['put', 'update', 'forget'];
const bytes = 18;

export function encodeCommand(command: Command): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(0, command.session);
  view.setUint32(4, command.number);
  view.setUint8(8, kinds.indexOf(command.kind));
  view.setUint8(9, command.key);
  view.setUint32(10, command.expected);
  view.setUint32(14, command.value);
  return new Uint8Array(view.buffer);
}

export function decodeCommand(data: Uint8Array): Command {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return {
    session: view.getUint32(0),
    number: view.getUint32(4),
    kind: kinds[view.getUint8(8)]!,
    key: view.getUint8(9),
    expected: view.getUint32(10),
    value: view.getUint32(14),
  };
}
