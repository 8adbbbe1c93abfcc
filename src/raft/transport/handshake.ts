import { createHmac, timingSafeEqual } from 'node:crypto';
import { addressParts } from '../../domain/node-address';
import { ByteReader } from '../../log/codec/byte-reader';
import type { ByteWriter } from '../../log/codec/byte-writer';
import { bytes, type Codec, number, optional, struct, text, word } from '../../log/codec/fields';
import type { NodeIdentity, RefusalCode } from './raft-transport';
import type { Wire } from './wire';
import { frameType, WireError, type WireFrame, wireFrame } from './wire-frames';

/** What a connection is for. */
export type Purpose = 'messages' | 'snapshot' | 'request';

/** What both sides tell each other about themselves. */
export interface Greeting {
  readonly identity: NodeIdentity;
  /** Random for each start of the process, so that two processes with the same node and start can be told apart. */
  readonly boot: string;
  /** The address at which others reach the node. */
  readonly address: string;
}

/** What the dialling side says: who it is, whom it wants to reach, and for what. */
export interface Introduction {
  readonly greeting: Greeting;
  readonly purpose: Purpose;
  /** The address that was dialled. */
  readonly dialled: string;
  /** The node that it expects at the address. Undefined if it knows only the address. */
  readonly expected?: number;
}

/** What one side needs for the handshake. */
export interface HandshakeTerms {
  /** The secret of the cluster. Undefined if TLS has proved both sides already. */
  readonly secret: string | undefined;
  readonly nonce: Uint8Array;
  /** The address at which others reach this node. */
  readonly address: string;
}

/** Says that a connection was refused, by this side or by the other. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: RefusalCode;
  /** The node of the other side, if it has proved who it is. */
  readonly peer: Greeting | undefined;

  /** What is known of the reason, without anything that the other side has written. */
  readonly detail: string;

  constructor(code: RefusalCode, peer?: Greeting, detail = '') {
    super(code);
    this.code = code;
    this.peer = peer;
    this.detail = detail;
  }
}

/** The length of the random numbers of a handshake. */
export const nonceBytes = 32;

const magic = Buffer.from('MAMR', 'latin1');
const protocol = 1;
// What each side proves names its part, so that neither can send back what the other has proved.
const label = (side: 'dialler' | 'acceptor') => `multi-agent-memory raft ${protocol} ${side}`;

const identity = struct<NodeIdentity>({
  cluster: text,
  node: number,
  start: number,
  release: text,
  schema: number,
  analyzer: text,
});
const greeting = struct<Greeting>({ identity, boot: text, address: text });
const introduction = struct<Introduction>({
  greeting,
  purpose: word<Purpose>({ messages: 0, snapshot: 1, request: 2 }),
  dialled: text,
  expected: optional(number),
});
const refusal = word<RefusalCode>({
  CLUSTER_MISMATCH: 0,
  NODE_DUPLICATE: 1,
  WRONG_NODE: 2,
  UNAUTHENTICATED: 3,
  INCOMPATIBLE: 4,
});

interface Opening {
  readonly magic: Uint8Array;
  readonly protocol: number;
  readonly nonce: Uint8Array;
}

const opening = struct<Opening>({ magic: bytes, protocol: number, nonce: bytes });

interface Proved {
  readonly content: Uint8Array;
  /** The HMAC of the content. Empty if TLS proves it. */
  readonly proof: Uint8Array;
}

const proved = struct<Proved>({ content: bytes, proof: bytes });

/**
 * The handshake of the side that has dialled. It proves itself first, so that somebody who only connects learns nothing.
 *
 * @returns What the other side says about itself
 * @throws RefusedError, or WireError if the connection ended or the other side does not keep to the protocol
 */
export async function dialHandshake(wire: Wire, own: Introduction, terms: HandshakeTerms): Promise<Greeting> {
  wire.send(wireFrame(frameType.hello, (to) => opening.write(to, openingOf(terms))));
  const challenge = readOpening(await nextFrame(wire, frameType.challenge), terms);
  const content = encoded(introduction, own);
  const nonces = [terms.nonce, challenge.nonce];
  const proof = proofOf('dialler', terms, [...nonces, content]);
  wire.send(wireFrame(frameType.proof, (to) => proved.write(to, { content, proof })));
  const verdict = decoded(proved, await nextFrame(wire, frameType.verdict));
  checkProof('acceptor', terms, [...nonces, content, verdict.content], verdict.proof);
  return checkedGreeting(decoded(greeting, verdict.content));
}

/**
 * The handshake of the side that was dialled.
 *
 * @param greet Decides with what the other side says, and returns what this side says. It throws RefusedError to refuse.
 * @throws RefusedError after the other side was told, or WireError
 */
export async function acceptHandshake(
  wire: Wire,
  greet: (introduction: Introduction) => Greeting,
  terms: HandshakeTerms,
): Promise<Introduction> {
  try {
    const hello = readOpening(await nextFrame(wire, frameType.hello), terms);
    wire.send(wireFrame(frameType.challenge, (to) => opening.write(to, openingOf(terms))));
    const nonces = [hello.nonce, terms.nonce];
    const claim = decoded(proved, await nextFrame(wire, frameType.proof));
    checkProof('dialler', terms, [...nonces, claim.content], claim.proof);
    const found = decoded(introduction, claim.content);
    checkedGreeting(found.greeting);
    checkRelay(found, terms);
    const content = encoded(greeting, greet(found));
    const proof = proofOf('acceptor', terms, [...nonces, claim.content, content]);
    wire.send(wireFrame(frameType.verdict, (to) => proved.write(to, { content, proof })));
    return found;
  } catch (error) {
    if (error instanceof RefusedError) sendRefusal(wire, error.code);
    throw error;
  }
}

/** Tells the other side why the connection ends. */
export function sendRefusal(wire: Wire, code: RefusalCode): void {
  wire.send(wireFrame(frameType.refusal, (to) => refusal.write(to, code)));
}

/** The reason in a frame of a refusal. */
export function readRefusal(frame: WireFrame): RefusalCode {
  return decoded(refusal, frame.body);
}

/** Reads a value to the end of the bytes. @throws WireError */
export function decoded<T>(codec: Codec<T>, body: Uint8Array): T {
  try {
    const from = new ByteReader(body);
    const value = codec.read(from);
    from.end();
    return value;
  } catch (cause) {
    throw new WireError('a frame cannot be decoded', { cause });
  }
}

/** The bytes of a value. */
export function encoded<T>(codec: Codec<T>, value: T): Uint8Array {
  return wireFrame(0, (to: ByteWriter) => codec.write(to, value)).subarray(9);
}

/** The body of the next frame. @throws RefusedError, WireError if it has another type or the connection ended */
export async function nextFrame(wire: Wire, type: number): Promise<Uint8Array> {
  const frame = await wire.receive();
  if (frame === undefined) throw new WireError('the connection has ended');
  if (frame.type === frameType.refusal) throw new RefusedError(readRefusal(frame));
  if (frame.type !== type) throw new WireError(`a frame of type ${frame.type} arrived in place of type ${type}`);
  return frame.body;
}

function openingOf({ nonce }: HandshakeTerms): Opening {
  return { magic, protocol, nonce };
}

function readOpening(body: Uint8Array, { nonce }: HandshakeTerms): Opening {
  const found = decoded(opening, body);
  if (!magic.equals(found.magic)) throw new WireError('the other side speaks another protocol');
  if (found.protocol !== protocol) throw new RefusedError('INCOMPATIBLE');
  // A side that sends this side's own number back cannot be asked for a proof with it.
  const isFresh = found.nonce.length === nonceBytes && !Buffer.from(nonce).equals(found.nonce);
  if (!isFresh) throw new WireError('the random number of a handshake is wrong');
  return found;
}

function proofOf(side: 'dialler' | 'acceptor', { secret }: HandshakeTerms, parts: readonly Uint8Array[]): Uint8Array {
  if (secret === undefined) return new Uint8Array();
  const hmac = createHmac('sha256', secret).update(label(side));
  for (const part of parts) {
    // With its length, so that bytes cannot move from one part to the next.
    hmac.update(Uint32Array.of(part.length)).update(part);
  }
  return hmac.digest();
}

function checkProof(
  side: 'dialler' | 'acceptor',
  terms: HandshakeTerms,
  parts: readonly Uint8Array[],
  proof: Uint8Array,
): void {
  const expected = proofOf(side, terms, parts);
  if (expected.length === proof.length && timingSafeEqual(expected, proof)) return;
  throw new RefusedError('UNAUTHENTICATED');
}

/**
 * A secret proves who speaks, and not over which connection. Another program of this machine that has taken the address of a node could pass
 * the handshake on to that node, and read everything. But the dialled address is proved, too, and is not the one of the node then.
 */
function checkRelay({ dialled, greeting: peer }: Introduction, { secret, address }: HandshakeTerms): void {
  const isSame = addressParts(dialled)?.port === addressParts(address)?.port;
  if (secret !== undefined && !isSame) throw new RefusedError('WRONG_NODE', peer);
}

const maxNameLength = 300;

function checkedGreeting(found: Greeting): Greeting {
  const { cluster, node, start, release, schema, analyzer } = found.identity;
  const areCounters = [node, start].every((each) => Number.isSafeInteger(each) && each >= 1);
  const areShort = [release, analyzer, found.boot, found.address].every(({ length }) => length <= maxNameLength);
  if (/^([0-9a-f]{32})?$/.test(cluster) && areCounters && Number.isSafeInteger(schema) && areShort) return found;
  throw new WireError('a node says impossible things about itself');
}
