import type { Declaration, StoredDeclaration } from './declaration';
import type { MemoryError } from './errors';
import type { Metadata } from './json';
import type { Memory, MemoryKind, MemorySource, RememberResult, Visibility } from './memory';
import type { Namespace } from './namespace';
import type { Actor } from './principal';
import type { ParsedScope } from './scope';

/** The identity of an embedding space in commands and in the database. */
export interface SpaceName {
  /** The name of the model, with a hash of its weights where one is known. */
  readonly model: string;
  readonly dimensions: number;
  /** Whether the embedder returns vectors of length 1. */
  readonly normalized: boolean;
}

/** The vectors of one memory: one of length 1 for each chunk of its text, in the order of the chunks. */
export interface ChunkVectors {
  readonly space: SpaceName;
  readonly vectors: readonly Float32Array[];
}

/** The content of a memory with all defaults filled in. Times are epoch milliseconds. */
export interface Content {
  readonly text: string;
  readonly kind: MemoryKind;
  readonly tags: readonly string[];
  readonly priority: number;
  readonly metadata: Metadata;
  readonly validFrom: number;
  readonly validTo?: number;
  readonly expiresAt?: number;
}

/** A memory that a command proposes to store. */
export interface MemoryDraft extends Content {
  /** The id if this is a new memory. A draft with a known `key` revises the memory that has it, and keeps its id. */
  readonly id: string;
  readonly namespace: Namespace;
  readonly visibility: Visibility;
  readonly accessTags: readonly string[];
  readonly key?: string;
  readonly userId?: string;
  readonly sessionId?: string;
  readonly source: MemorySource;
  readonly supersedes?: string;
  readonly embedded?: ChunkVectors;
  /** `digest` identifies the content of the call, before defaults that depend on the time. */
  readonly idempotency?: { readonly key: string; readonly digest: string };
}

/** The fields that `update` changes. `null` sets a field back to its default. A new `text` comes with its vectors in `embedded`. */
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
}

/** The labels of a memory that `share` changes. Absent labels stay as they are; at least one must be present. */
export interface LabelChange {
  /** Only the author of a memory can make it private. */
  readonly visibility?: Visibility;
  /** Moves the memory to this namespace. */
  readonly namespace?: Namespace;
  /** Replaces all access tags. */
  readonly accessTags?: readonly string[];
}

/** Identifies a write that another process sent, so that a repeated request is not applied twice. */
export interface WriteRequest {
  /** The random id of the client. It stays the same for the life of the client. */
  readonly client: string;
  /** The number of the write. Later writes of the client have higher numbers. */
  readonly number: number;
  /** The client has received the answers to all its writes with a lower number. */
  readonly answered: number;
}

/** What the proposer of a command decides, so that `apply` needs no clock and no randomness. */
export interface Stamp {
  /** The time of the write, in epoch milliseconds. */
  readonly at: number;
  readonly by: Actor;
  /** The scope of the handle. The command cannot change a memory outside it. */
  readonly scope: ParsedScope;
  /** 16 random bytes. The audit derives the pseudonym of a new name from them and the name. */
  readonly seed: Uint8Array;
  /** Present for a command of another process. A command with the same request is applied only once. */
  readonly request?: WriteRequest;
}

/** A change with the stamp of its proposer. It is applied as a whole, or refused as a whole. */
export type Command = { readonly stamp: Stamp } & Change;

/** Every kind of change of a store. */
export type Change =
  | { readonly type: 'remember'; readonly drafts: readonly MemoryDraft[] }
  | { readonly type: 'update'; readonly id: string; readonly patch: ContentPatch; readonly ifRevision?: number }
  | { readonly type: 'forget'; readonly ids: readonly string[]; readonly ifRevision?: number }
  | { readonly type: 'share'; readonly id: string; readonly change: LabelChange; readonly ifRevision?: number }
  /** Starts the move of the store to another embedding space. */
  | { readonly type: 'begin-space'; readonly space: SpaceName }
  /** Stores vectors of memories in the space that the store moves to. */
  | { readonly type: 'embed'; readonly space: SpaceName; readonly memories: readonly RowEmbedding[] }
  /** Ends the move: searches use `space`. The proposer found no memory without vectors there, up to the change `checkedThrough`. */
  | { readonly type: 'switch-space'; readonly space: SpaceName; readonly checkedThrough: number }
  /** Deletes the vectors of the rows above `after` and up to `upTo` in the space with this number. */
  | {
      readonly type: 'drop-space';
      readonly space: number;
      readonly after: number;
      readonly upTo: number;
      readonly isLast: boolean;
    }
  /** Replaces all declarations that were given to `open`. */
  | { readonly type: 'declare'; readonly declarations: readonly NamedDeclaration[] }
  /** Adds a declaration at run time. */
  | { readonly type: 'add-declaration'; readonly added: NamedDeclaration }
  /** Ends a declaration that was added at run time. */
  | { readonly type: 'end-declaration'; readonly id: string }
  /** Starts a new epoch of the audit: the store is a backup that was opened for the first time. */
  | { readonly type: 'epoch' }
  /** Deletes the entries of the audit up to `upTo`, which is the end of a segment. */
  | { readonly type: 'retain'; readonly upTo: number };

/** The vectors of a memory in the space that the store moves to, with the text that they were made from. */
export interface RowEmbedding {
  readonly row: number;
  readonly text: string;
  readonly vectors: readonly Float32Array[];
}

/** A declaration with the id that it will have in the store. */
export interface NamedDeclaration {
  readonly id: string;
  readonly declaration: Declaration;
}

/**
 * The result of a command. `forgotten` lists the ids that existed and are now forgotten. `ended` is false if there was no such
 * declaration in force.
 */
export type Outcome =
  | { readonly ok: true; readonly type: 'remember'; readonly remembered: readonly RememberResult[] }
  | { readonly ok: true; readonly type: 'update'; readonly memory: Memory }
  | { readonly ok: true; readonly type: 'forget'; readonly forgotten: readonly string[] }
  | { readonly ok: true; readonly type: 'share'; readonly memory: Memory }
  | { readonly ok: true; readonly type: 'begin-space' }
  | { readonly ok: true; readonly type: 'embed'; readonly embedded: number }
  /** `switched` is false if some memory has no vectors in the new space yet. */
  | { readonly ok: true; readonly type: 'switch-space'; readonly switched: boolean }
  | { readonly ok: true; readonly type: 'drop-space' }
  | { readonly ok: true; readonly type: 'declare' }
  | { readonly ok: true; readonly type: 'add-declaration'; readonly declared: StoredDeclaration }
  | { readonly ok: true; readonly type: 'end-declaration'; readonly ended: boolean }
  | { readonly ok: true; readonly type: 'epoch' }
  | { readonly ok: true; readonly type: 'retain'; readonly dropped: number }
  | { readonly ok: false; readonly error: MemoryError };
