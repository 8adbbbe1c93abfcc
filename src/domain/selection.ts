import type { CallOptions, Time } from './calls';
import type { Metadata } from './json';
import type { Memory } from './memory';
import type { Namespace } from './namespace';

/**
 * Limits a handle or a call to some memories. A memory is inside the scope if all given fields match. A handle with a scope reads only
 * memories inside the scope, even with `get` by id, and uses the scope's fields as defaults for new memories. A scope can only be
 * narrowed. A field set to `undefined` is rejected, so that a variable that is undefined by mistake never widens a query.
 */
export interface Scope {
  /** The namespace of the memory is this one or one below it. */
  namespace?: Namespace;
  /** The user that the memory is about. */
  userId?: string;
  /** The agent that wrote the memory. */
  agentId?: string;
  /** The session in which the memory was written. */
  sessionId?: string;
  /** The memory has all of these tags. */
  tags?: readonly string[];
  /**
   * The memory has at least this trust now. Less trusted memories are left out before a search, so they change no score and no count. A
   * handle's and a call's values can only raise it. Default: 'reported', so everything except what is untrusted.
   */
  minTrust?: 'reported' | 'standard' | 'verified';
}

/** A value to compare a field with. A Date can be compared with time fields, and with ISO strings in metadata. */
export type FilterValue = string | number | boolean | null | Date;

/**
 * A value that the field must equal, or an object with comparisons that must all be true. `null` stands for an absent field. Apart from
 * comparisons with `null`, an absent field matches only `ne`, `nin` and `exists: false`.
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
      /** A list contains this value, or a text contains this substring, with the same case. */
      contains?: FilterValue;
      /** A text starts with this, with the same case. */
      startsWith?: string;
      /** True if the field must be present, false if it must be absent. */
      exists?: boolean;
    };

/**
 * Conditions on the namespace of a memory. A namespace is always a path of labels, never a joined string. An array alone means `eq`. All
 * given conditions must be true.
 */
export type NamespaceCondition =
  | Namespace
  | {
      /** Exactly this namespace, and none below it. */
      eq?: Namespace;
      /** Any other namespace, including those below this one. */
      ne?: Namespace;
      /** One of these. */
      in?: readonly Namespace[];
      /** None of these. */
      nin?: readonly Namespace[];
      /** This namespace or one below it, label by label: `['acme']` does not match `['acme-corp']`. */
      startsWith?: Namespace;
    };

/** The fields of a memory that a filter compares with single values. */
export type FilterField = Exclude<keyof Memory, 'metadata' | 'text' | 'namespace' | 'source' | 'origin' | 'pinned'>;

/**
 * Conditions on fields, which must all be true. Conditions on metadata are inside `metadata`. `and`, `or` and `not` combine filters. A
 * filter can have at most 100 conditions, 8 of them on `text`, and 256 kB of metadata keys and values.
 */
export type Filter<M = Metadata> = { [F in FilterField]?: FilterCondition } & {
  /**
   * The text contains this substring, with the same case: 'Bern' does not match "bernstein". It reads each text that the other conditions
   * leave over. To find words whatever their case and ending, use `recall`.
   */
  text?: { contains: string };
  /** Conditions on the namespace. To see only one namespace and those below it, the scope's `namespace` is faster. */
  namespace?: NamespaceCondition;
  metadata?: { [K in keyof M]?: FilterCondition };
  and?: readonly Filter<M>[];
  or?: readonly Filter<M>[];
  not?: Filter<M>;
};

/**
 * Memories that ordinary reads leave out. 'quarantined': contained memories, which only the host sees, and untrusted ones, which the host and
 * principals with `endorse` in their namespace see.
 */
export type IncludedState = 'expired' | 'superseded' | 'consolidated' | 'quarantined';
export const includedStates = [
  'expired',
  'superseded',
  'consolidated',
  'quarantined',
] as const satisfies readonly IncludedState[];

/** A span of time: `from <= time < to`. It has at least one end. An end set to `undefined` is rejected. */
export interface TimeSpan {
  /** The first moment of the span. Default: the beginning of time. */
  from?: Time;
  /** The first moment after the span. It must be later than `from`. Default: no end. */
  to?: Time;
}

/** Selects the memories that a call reads or forgets. A field set to `undefined` is rejected. */
export interface Selection<M = Metadata> extends Scope, CallOptions {
  /** Conditions on the memories. Default: all memories in the scope. */
  filter?: Filter<M>;
  /** Selects only memories that were true at this time: `validFrom <= asOf < validTo`. Includes superseded and consolidated ones. Default: no such limit. */
  asOf?: Time;
  /** Selects only memories whose `validFrom` is in this span of time. Default: no such limit. */
  during?: TimeSpan;
  /** Other states that are included in addition to active memories. Default: none. */
  include?: readonly IncludedState[];
}
