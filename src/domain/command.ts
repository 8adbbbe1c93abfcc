import type { Declaration, StoredDeclaration } from './declaration';
import type { ErasureState, ErasureSubject } from './erasure';
import type { MemoryError } from './errors';
import type { Incident, ParsedIncidentSelection, RevertResult } from './incident';
import type { Metadata } from './json';
import type { Lease, LeaseRequest } from './lease';
import type { Memory, MemoryKind, MemorySource, RememberResult, Visibility } from './memory';
import type { Namespace } from './namespace';
import type { Actor } from './principal';
import type { ParsedQuotas } from './quota';
import type { ParsedScope } from './scope';
import type { Spending, SpendingLimit } from './spending';
import type { MinTrust, Trust } from './trust';

/** Identifies an embedding space in commands and in the database. An embedding space is the set of vectors made with one model. */
export interface SpaceName {
  /** The name of the model. Includes a hash of the model's weights if this is known. */
  readonly model: string;
  readonly dimensions: number;
  /** True if the embedder returns vectors of length 1. */
  readonly normalized: boolean;
}

/** The vectors for one memory: one for each chunk of its text, in the order of the chunks. Each has length 1. */
export interface ChunkVectors {
  readonly space: SpaceName;
  readonly vectors: readonly Float32Array[];
}

/** The content of a memory, with all defaults filled in. Times are epoch milliseconds. */
export interface Content {
  readonly text: string;
  readonly kind: MemoryKind;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly metadata: Metadata;
  readonly validFrom: number;
  readonly validTo?: number;
  readonly expiresAt?: number;
  readonly pinned?: boolean;
}

/** Identifies a call that must store its memory only once. */
export interface Idempotency {
  /** A hash of the key that the caller passed. */
  readonly key: string;
  /** Identifies the content of the call, before defaults that depend on the time were filled in. */
  readonly digest: string;
  /**
   * The values that an earlier release computed for the same call, if they differ: it did not convert names to their normal form. Hashes
   * cannot be converted, so an old one is found only in this way.
   */
  readonly earlierKeys?: readonly string[];
  readonly earlierDigests?: readonly string[];
}

/** A memory that a command should store. */
export interface MemoryDraft extends Content {
  /** The id for a new memory. If a memory with the same `key` exists, the draft revises that memory, and its id does not change. */
  readonly id: string;
  readonly namespace: Namespace;
  readonly visibility: Visibility;
  readonly accessTags: readonly string[];
  readonly key?: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly source: MemorySource;
  readonly supersedes?: string;
  /** The ids of the memories from which it was made. Not empty, without repeats. */
  readonly derivedFrom?: readonly string[];
  /** The highest trust that the writer wants the memory to have. */
  readonly maxTrust?: Trust;
  readonly embedded?: ChunkVectors;
  readonly idempotency?: Idempotency;
  /** See `withTokenCounts`. */
  readonly tokenCount?: number;
}

/** The fields that `update` changes. `null` resets a field to its default. If `text` changes, `embedded` contains its vectors. */
export interface ContentPatch {
  readonly text?: string;
  readonly embedded?: ChunkVectors;
  readonly kind?: MemoryKind;
  readonly tags?: readonly string[];
  readonly priority?: number;
  readonly metadata?: Metadata;
  readonly validFrom?: number;
  readonly validTo?: number | null;
  readonly expiresAt?: number | null;
  readonly pinned?: boolean;
  /** The highest trust of the new revision. */
  readonly maxTrust?: Trust;
  /** See `withTokenCounts`. */
  readonly tokenCount?: number;
}

/** The labels that `share` changes on a memory. Absent labels stay as they are. At least one must be present. */
export interface LabelChange {
  /** Only the author of a memory can make it private. */
  readonly visibility?: Visibility;
  /** Moves the memory to this namespace. */
  readonly namespace?: Namespace;
  /** Replaces all access tags. */
  readonly accessTags?: readonly string[];
}

/** A memory at the revision that a summarizer has read. */
export interface SourceRevision {
  readonly id: string;
  readonly revision: number;
}

/** A fact that a command should store in place of its sources. It takes all other fields from them. */
export interface NewFact {
  /** The id of the new memory. */
  readonly id: string;
  readonly text: string;
  /** The positions of the sources that the fact quotes, in the list of the command. */
  readonly from: readonly number[];
  readonly embedded?: ChunkVectors;
  /** See `withTokenCounts`. */
  readonly tokenCount?: number;
}

/** Identifies a write that another process has sent, so that a repeated request is not applied twice. */
export interface WriteRequest {
  /** The random id of the client. It never changes while the client exists. */
  readonly client: string;
  /** The number of the write. Later writes from the same client have higher numbers. */
  readonly number: number;
  /** The client has received the answers to all its writes with numbers below this one. */
  readonly answered: number;
}

/** The values that are fixed when a command is submitted to the log, so that `apply` needs no clock and no randomness. */
export interface Stamp {
  /** The time of the write, in epoch milliseconds. */
  readonly at: number;
  readonly by: Actor;
  /** The scope of the handle. The command cannot change a memory outside this scope. */
  readonly scope: ParsedScope;
  /** 16 random bytes. For a name that is new to the audit, it derives a pseudonym (a code for the name) from these bytes and the name. */
  readonly seed: Uint8Array;
  /** The quotas of the store. Absent if it has none, or if the author is the host. */
  readonly quotas?: ParsedQuotas;
  /** Present if another process sent the command. Commands with the same request are applied only once. */
  readonly request?: WriteRequest;
}

/** A change with its stamp. It is applied completely or refused completely. */
export type Command = { readonly stamp: Stamp } & Change;

/** The kinds of changes to a store. */
export type Change =
  /**
   * Gives a new store its secret. All peers of a store must have the same, because the digests of idempotent writes, cursors and the name
   * of the audit are made with it. A store that has a secret keeps it.
   */
  | { readonly type: 'bootstrap'; readonly storeKey: Uint8Array }
  | { readonly type: 'remember'; readonly drafts: readonly MemoryDraft[] }
  | { readonly type: 'update'; readonly id: string; readonly patch: ContentPatch; readonly ifRevision?: number }
  | { readonly type: 'forget'; readonly ids: readonly string[]; readonly ifRevision?: number }
  | { readonly type: 'share'; readonly id: string; readonly change: LabelChange; readonly ifRevision?: number }
  /** States that the content of a memory may be relied on. */
  | { readonly type: 'endorse'; readonly id: string; readonly as: MinTrust; readonly ifRevision?: number }
  /**
   * Stores facts in place of the memories from which a summarizer has made them. If one of these has another revision now, nothing is
   * stored.
   */
  | {
      readonly type: 'consolidate';
      readonly sources: readonly SourceRevision[];
      readonly facts: readonly NewFact[];
      /** The name of the summarizer, with its version. */
      readonly summarizer: string;
    }
  /** Forgets a fact, and makes its sources active again. */
  | { readonly type: 'undo-consolidation'; readonly id: string }
  /**
   * Adds to what an account has spent on a day (counted from 1970 in UTC), unless this were more than the limit. Without a limit it may also
   * give back what was reserved.
   */
  | {
      readonly type: 'spend';
      readonly account: string;
      readonly day: number;
      readonly amount: Spending;
      readonly limit?: SpendingLimit;
    }
  /** Starts the move of the store to another embedding space, that is, to vectors made with another model. */
  | { readonly type: 'begin-space'; readonly space: SpaceName }
  /** Stores vectors for memories in the space to which the store is moving. */
  | { readonly type: 'embed'; readonly space: SpaceName; readonly memories: readonly RowEmbedding[] }
  /**
   * Ends the move: from now on searches use `space`. Before the command was submitted, all memories up to the change `checkedThrough`
   * had vectors in this space.
   */
  | { readonly type: 'switch-space'; readonly space: SpaceName; readonly checkedThrough: number }
  /** Deletes vectors from the space with this number, for the rows after `after` up to and including `upTo`. */
  | {
      readonly type: 'drop-space';
      readonly space: number;
      readonly after: number;
      readonly upTo: number;
      readonly isLast: boolean;
    }
  /**
   * Replaces all declarations that were passed to `open`. Changes nothing if those in force have a higher version. Without a version it
   * replaces them in any case.
   */
  | { readonly type: 'declare'; readonly declarations: readonly NamedDeclaration[]; readonly version?: number }
  /** Adds a declaration at run time. */
  | { readonly type: 'add-declaration'; readonly added: NamedDeclaration }
  /** Ends a declaration that was added at run time. */
  | { readonly type: 'end-declaration'; readonly id: string }
  /** Records in the audit that the store is a backup that was opened for the first time. Its history may differ from the original's now. */
  | { readonly type: 'epoch' }
  /**
   * Asks for the lease of a chore, or renews it. The lease goes to another holder only if `over` is the grant that is in force: the process
   * that asks has then seen no newer grant for the whole time of a lease. So no clocks of different processes are compared.
   */
  | ({ readonly type: 'lease'; readonly chore: string } & LeaseRequest)
  /** Quarantines the selected memories, and with `derived` everything that depends on them. `incident` is the id of the new incident. */
  | {
      readonly type: 'contain';
      readonly incident: string;
      readonly selection: ParsedIncidentSelection;
      readonly derived: boolean;
    }
  /** Takes all memories of an incident, or some memories, out of quarantine. */
  | { readonly type: 'release'; readonly incident?: string; readonly ids?: readonly string[]; readonly reason?: string }
  /** Undoes the changes of an incident. `texts` has the vectors of the texts that it brings back. */
  | { readonly type: 'revert'; readonly incident: string; readonly texts: readonly RestoredText[] }
  /** Begins a legal hold: memories that match the scope lose no bytes when they are forgotten. */
  | { readonly type: 'hold'; readonly id: string; readonly matter: string; readonly scope: ParsedScope }
  /** Ends a legal hold, and deletes what was kept only for it. */
  | { readonly type: 'release-hold'; readonly id: string }
  /**
   * Erases memories: nothing is left of them but their random ids. What a legal hold concerns waits for its end. The first command of an
   * erasure says whom it is about.
   */
  | {
      readonly type: 'erase';
      /** The id of the erasure. */
      readonly erasure: string;
      readonly subject?: ErasureSubject;
      readonly reason?: string;
      readonly ids: readonly string[];
    }
  /** Ends an erasure: removes the names of its subject from everything that is no memory. */
  | { readonly type: 'finish-erasure'; readonly erasure: string }
  /** Keeps the receipt of an erasure, in the place of an earlier one. */
  | { readonly type: 'keep-receipt'; readonly erasure: string; readonly receipt: string }
  /** Forgets those of some memories that a retention has reached. `retention` is the id of its declaration. */
  | { readonly type: 'retire'; readonly retention: string; readonly ids: readonly string[] }
  /** Deletes audit entries up to `upTo`, which must be the end of a segment (1,024 entries). */
  | { readonly type: 'retain'; readonly upTo: number };

/** The changes of one kind. */
export type ChangeOf<T extends Change['type']> = Extract<Change, { readonly type: T }>;

/** The vectors for a memory in the space to which the store is moving, with the text from which they were made. */
export interface RowEmbedding {
  readonly row: number;
  readonly text: string;
  readonly vectors: readonly Float32Array[];
}

/** The vectors of a text that `revert` brings back. */
export interface RestoredText {
  /** The id of the memory. */
  readonly id: string;
  /** The revision of the memory when the vectors were made. */
  readonly revision: number;
  /** Absent if no embedder has made vectors for the text. */
  readonly vectors?: ChunkVectors;
}

/** A declaration with the id that it will have in the store. */
export interface NamedDeclaration {
  readonly id: string;
  readonly declaration: Declaration;
}

/** The ids of the memories that the end of a consolidation has changed. */
export interface UndoneConsolidation {
  /** The facts that were forgotten: the one of the call, and those that share a source with it or were made from it. */
  facts: string[];
  /** The memories that are active again. */
  sources: string[];
}

/**
 * The result of a command. `forgotten` lists the ids of the memories that were forgotten. `ended` is false if no such declaration was in
 * force.
 */
export type Outcome =
  | { readonly ok: true; readonly type: 'bootstrap' }
  | { readonly ok: true; readonly type: 'remember'; readonly remembered: readonly RememberResult[] }
  | { readonly ok: true; readonly type: 'update'; readonly memory: Memory }
  | { readonly ok: true; readonly type: 'forget'; readonly forgotten: readonly string[] }
  | { readonly ok: true; readonly type: 'share'; readonly memory: Memory }
  | { readonly ok: true; readonly type: 'endorse'; readonly memory: Memory }
  /** The ids of the new facts. */
  | { readonly ok: true; readonly type: 'consolidate'; readonly facts: readonly string[] }
  | ({ readonly ok: true; readonly type: 'undo-consolidation' } & UndoneConsolidation)
  /** `isWithin` is false if the limit does not allow it. */
  | { readonly ok: true; readonly type: 'spend'; readonly isWithin: boolean }
  | { readonly ok: true; readonly type: 'begin-space' }
  | { readonly ok: true; readonly type: 'embed'; readonly embedded: number }
  /** `switched` is false if a memory does not have vectors in the new space yet. */
  | { readonly ok: true; readonly type: 'switch-space'; readonly switched: boolean }
  | { readonly ok: true; readonly type: 'drop-space' }
  | { readonly ok: true; readonly type: 'declare' }
  | { readonly ok: true; readonly type: 'add-declaration'; readonly declared: StoredDeclaration }
  | { readonly ok: true; readonly type: 'end-declaration'; readonly ended: boolean }
  | { readonly ok: true; readonly type: 'epoch' }
  /** `lease` is the lease that is in force now. Another process may hold it. */
  | { readonly ok: true; readonly type: 'lease'; readonly lease: Lease }
  | { readonly ok: true; readonly type: 'contain'; readonly incident: Incident }
  /** `released` lists the ids of the memories that are out of quarantine. */
  | { readonly ok: true; readonly type: 'release'; readonly released: readonly string[] }
  | { readonly ok: true; readonly type: 'revert'; readonly reverted: RevertResult }
  | { readonly ok: true; readonly type: 'hold' }
  | { readonly ok: true; readonly type: 'release-hold'; readonly released: boolean; readonly forgotten: number }
  /** `withheld` lists those of the erased memories that a legal hold keeps until it ends. */
  | {
      readonly ok: true;
      readonly type: 'erase';
      readonly erased: readonly string[];
      readonly withheld: readonly string[];
    }
  /** `inUse` counts the namespaces and sets of access tags that name the subject, and stay because they have other memories. */
  | { readonly ok: true; readonly type: 'finish-erasure'; readonly state: ErasureState; readonly inUse: number }
  | { readonly ok: true; readonly type: 'keep-receipt' }
  /** The ids of the memories that were forgotten. */
  | { readonly ok: true; readonly type: 'retire'; readonly forgotten: readonly string[] }
  | { readonly ok: true; readonly type: 'retain'; readonly dropped: number }
  | { readonly ok: false; readonly error: MemoryError };
