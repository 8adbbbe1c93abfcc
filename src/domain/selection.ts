import type { CallOptions, Time } from './calls';
import type { Metadata } from './json';
import type { Memory } from './memory';
import type { Namespace } from './namespace';

/**
 * A bound on memories. Every field that is present must match. A handle with a scope reads only memories inside it, `get` by id
 * included, and fills missing fields of new memories from it. Scopes can only be narrowed. A field set to `undefined` is rejected,
 * so a lost variable never widens a query.
 */
export interface Scope {
  /** The namespace of the memory is this one or lies below it. */
  namespace?: Namespace;
  /** The user that the memory is about. */
  userId?: string;
  /** The agent that wrote the memory. */
  agentId?: string;
  /** The session in which the memory was written. */
  sessionId?: string;
  /** The memory has all of these tags. */
  tags?: readonly string[];
}

/** A value to compare a field with. A Date works for time fields, and for ISO strings inside metadata. */
export type FilterValue = string | number | boolean | null | Date;

/**
 * A value that the field must equal, or an object of comparisons that must all hold. `null` stands for an absent field. Only `ne`,
 * `nin` and `exists: false` match an absent field otherwise.
 */
export type FilterCondition =
  | FilterValue
  | {
      /** Equal. */
      eq?: FilterValue;
      /** Not equal. Also matches when the field is absent. */
      ne?: FilterValue;
      /** Greater, or later. */
      gt?: FilterValue;
      /** Greater or equal. */
      gte?: FilterValue;
      /** Less, or earlier. */
      lt?: FilterValue;
      /** Less or equal. */
      lte?: FilterValue;
      /** Equal to one of these. */
      in?: readonly FilterValue[];
      /** Equal to none of these. Also matches when the field is absent. */
      nin?: readonly FilterValue[];
      /** A list contains this value, or a text contains this substring. */
      contains?: FilterValue;
      /** Whether the field is present. */
      exists?: boolean;
    };

/** The fields of a memory that a filter can use. For the namespace use a scope, for the text use `recall`. */
export type FilterField = Exclude<keyof Memory, 'metadata' | 'text' | 'namespace' | 'source'>;

/**
 * Conditions on fields that must all hold. Conditions on metadata are below `metadata`. `and`, `or` and `not` combine filters. At
 * most 100 conditions, and 256 kB of metadata keys and values.
 */
export type Filter<M = Metadata> = { [F in FilterField]?: FilterCondition } & {
  metadata?: { [K in keyof M]?: FilterCondition };
  and?: readonly Filter<M>[];
  or?: readonly Filter<M>[];
  not?: Filter<M>;
};

/** Memories that ordinary reads leave out. 'quarantined' is reserved: no memory is quarantined yet. */
export type IncludedState = 'expired' | 'superseded' | 'quarantined';

/** The memories that a call reads or forgets. A field set to `undefined` is rejected. */
export interface Selection<M = Metadata> extends Scope, CallOptions {
  /** Default: all memories of the scope. */
  filter?: Filter<M>;
  /** Only what was true at this time: `validFrom <= asOf < validTo`, superseded memories included. Default: no such bound. */
  asOf?: Time;
  /** What to return beside active memories. Default: nothing. */
  include?: readonly IncludedState[];
}
