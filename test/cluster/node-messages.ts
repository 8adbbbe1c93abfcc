import type { ClusterOptions, ClusterStatus, ErrorCode } from 'multi-agent-memory';

/** What the program of a node is started with. */
export interface NodeTask {
  readonly folder: string;
  readonly cluster: ClusterOptions;
  /** The address from which the node connects to others. It says whose connections they are. */
  readonly localAddress: string;
}

/** What the tests ask a node. */
export type NodeCall =
  | { readonly op: 'remember'; readonly text: string; readonly idempotencyKey: string }
  /** All texts that a linearizable read finds, sorted. */
  | { readonly op: 'texts' }
  | { readonly op: 'forget'; readonly id: string }
  | { readonly op: 'status' }
  | { readonly op: 'transfer' }
  | { readonly op: 'remove'; readonly id: number }
  | { readonly op: 'close' };

export interface NodeAnswers {
  readonly remember: string;
  readonly texts: readonly string[];
  readonly forget: boolean;
  readonly status: ClusterStatus;
  readonly transfer: null;
  readonly remove: null;
  readonly close: null;
}

/** A line that a test sends to a node. */
export interface NodeRequest {
  readonly n: number;
  readonly call: NodeCall;
}

/** A line that a node says. */
export type NodeMessage =
  | { readonly say: 'open' }
  | { readonly say: 'refused'; readonly code: ErrorCode | undefined; readonly message: string }
  | { readonly say: 'answer'; readonly n: number; readonly value: unknown }
  | { readonly say: 'error'; readonly n: number; readonly code: ErrorCode | undefined; readonly message: string };
