import type { NodeId } from '../core/node-id';
import type { PeerRefusal, RefusalCode } from './raft-transport';

// Beyond this, strangers could fill the memory. The reports begin anew.
const maxTold = 1_000;

/** Tells each refusal once, until a connection with the node works again, so that a node that dials again and again floods nobody. */
export class Refusals {
  readonly #tell: (refusal: PeerRefusal) => void;
  readonly #told = new Set<string>();

  constructor(tell: (refusal: PeerRefusal) => void) {
    this.#tell = tell;
  }

  report(code: RefusalCode, address: string, node: NodeId | undefined, detail = ''): void {
    const key = `${node ?? address}: ${code}`;
    if (this.#told.has(key)) return;
    if (this.#told.size >= maxTold) this.#told.clear();
    this.#told.add(key);
    const name = node === undefined ? address : `node ${node} at ${address}`;
    const message = `No connection with ${name}: ${reasons[code]}${detail === '' ? '' : ` (${detail})`}`;
    this.#tell({ code, message, address, ...(node === undefined ? {} : { node }) });
  }

  /** A connection works: of a node, and perhaps the first one from an address. */
  clear(node: NodeId, address: string | undefined): void {
    if (this.#told.size === 0) return;
    const names = [node, ...(address === undefined ? [] : [address])];
    for (const key of this.#told) if (names.some((name) => key.startsWith(`${name}: `))) this.#told.delete(key);
  }
}

/** What happened, and what an operator can do. */
export const reasons: Readonly<Record<RefusalCode, string>> = {
  CLUSTER_MISMATCH:
    'it belongs to another cluster. Check the addresses of the cluster, and that no folder of another cluster was copied.',
  NODE_DUPLICATE:
    'another process runs, or has run later, as the same node: a folder was copied. Each may have acknowledged what the other lacks. Stop both, remove the node from the cluster, and let it join again with an empty folder.',
  WRONG_NODE:
    'another node than the expected one is at this address, or this node itself. Check the addresses of the members.',
  UNAUTHENTICATED:
    'one side does not accept the certificate or the secret of the other. Check the authority, the names and the dates of both certificates, or that both have the same secret.',
  INCOMPATIBLE:
    'it runs another release of this library or of Node.js. All nodes of a cluster need the same ones: stop all, upgrade all, start all.',
};
