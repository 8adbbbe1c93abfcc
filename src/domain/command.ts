import type { Declaration, StoredDeclaration } from './declaration';
import type { MemoryError } from './errors';
import type { Metadata } from './json';
import type { Memory, MemoryKind, MemorySource, RememberResult, Visibility } from './memory';
import type { Namespace } from './namespace';
import type { Actor } from './principal';
import type { ParsedScope } from './scope';

/** An embedding space as commands name it. */
export interface SpaceName {
  readonly model: string;
  readonly dimensions: number;
  readonly normalized: boolean;
}

/** The vectors of one memory: one for each part of its text, of unit length. */
export interface ChunkVectors {
  readonly space: SpaceName;
  readonly vectors: readonly Float32Array[];
}

/** A memory's content, every default filled in. Times are epoch milliseconds. */
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

/** A memory that somebody proposes to store. */
export interface MemoryDraft extends Content {
  /** Taken if it turns out to be a new memory. */
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
  /** `digest` stands for the content as it was asked for. */
  readonly idempotency?: { readonly key: string; readonly digest: string };
}

/** What `update` proposes: only what changes. `null` clears. `embedded` comes with a new text. */
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

/** What `share` proposes: which labels change. */
export interface LabelChange {
  readonly visibility?: Visibility;
  readonly namespace?: Namespace;
  readonly accessTags?: readonly string[];
}

/** The name of a write of another process, by which one that is asked for again is known. */
export interface WriteRequest {
  /** Who asks: random, the same as long as it lives. */
  readonly client: string;
  /** Counts its writes. */
  readonly number: number;
  /** It has the answers of all its writes below this one. */
  readonly answered: number;
}

/** Fixed by the proposer, so that `apply` needs no clock and no randomness. */
export interface Stamp {
  readonly at: number;
  readonly by: Actor;
  /** The scope of the handle: nothing outside it can be changed. */
  readonly scope: ParsedScope;
  /** 16 random bytes: of them and a name the audit makes the pseudonym of whoever has none yet. */
  readonly seed: Uint8Array;
  /** Present where another process asks: the command is not applied a second time. */
  readonly request?: WriteRequest;
}

/** A change with the stamp of its proposer. A command succeeds or is refused as a whole. */
export type Command = { readonly stamp: Stamp } & Change;

/** Everything that can change a store. */
export type Change =
  | { readonly type: 'remember'; readonly drafts: readonly MemoryDraft[] }
  | { readonly type: 'update'; readonly id: string; readonly patch: ContentPatch; readonly ifRevision?: number }
  | { readonly type: 'forget'; readonly ids: readonly string[]; readonly ifRevision?: number }
  | { readonly type: 'share'; readonly id: string; readonly change: LabelChange; readonly ifRevision?: number }
  /** The store is on its way to another embedding space. */
  | { readonly type: 'begin-space'; readonly space: SpaceName }
  | { readonly type: 'embed'; readonly space: SpaceName; readonly memories: readonly RowEmbedding[] }
  /** Searches use that space from now on. The proposer has seen that nothing lacked its vectors there after that change. */
  | { readonly type: 'switch-space'; readonly space: SpaceName; readonly checkedThrough: number }
  /** Drops the vectors of a range of rows in the space of that number. */
  | {
      readonly type: 'drop-space';
      readonly space: number;
      readonly after: number;
      readonly upTo: number;
      readonly isLast: boolean;
    }
  | { readonly type: 'declare'; readonly declarations: readonly NamedDeclaration[] }
  | { readonly type: 'add-declaration'; readonly added: NamedDeclaration }
  | { readonly type: 'end-declaration'; readonly id: string }
  /** The store is a backup that is opened for the first time. */
  | { readonly type: 'epoch' }
  /** Drops entries of the audit up to that one, the end of a segment. */
  | { readonly type: 'retain'; readonly upTo: number };

/** Vectors for a memory in a space that is being filled, and the text of which they were made. */
export interface RowEmbedding {
  readonly row: number;
  readonly text: string;
  readonly vectors: readonly Float32Array[];
}

/** A declaration with the id that it takes. */
export interface NamedDeclaration {
  readonly id: string;
  readonly declaration: Declaration;
}

/** What became of a command. `forget` names the ids that were there to be forgotten; `ended` is false where there was nothing to end. */
export type Outcome =
  | { readonly ok: true; readonly type: 'remember'; readonly remembered: readonly RememberResult[] }
  | { readonly ok: true; readonly type: 'update'; readonly memory: Memory }
  | { readonly ok: true; readonly type: 'forget'; readonly forgotten: readonly string[] }
  | { readonly ok: true; readonly type: 'share'; readonly memory: Memory }
  | { readonly ok: true; readonly type: 'begin-space' }
  | { readonly ok: true; readonly type: 'embed'; readonly embedded: number }
  /** False where memories lack their vectors in it. */
  | { readonly ok: true; readonly type: 'switch-space'; readonly switched: boolean }
  | { readonly ok: true; readonly type: 'drop-space' }
  | { readonly ok: true; readonly type: 'declare' }
  | { readonly ok: true; readonly type: 'add-declaration'; readonly declared: StoredDeclaration }
  | { readonly ok: true; readonly type: 'end-declaration'; readonly ended: boolean }
  | { readonly ok: true; readonly type: 'epoch' }
  | { readonly ok: true; readonly type: 'retain'; readonly dropped: number }
  | { readonly ok: false; readonly error: MemoryError };
