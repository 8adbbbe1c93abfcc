import type { CallOptions } from './calls';
import type { Metadata } from './json';
import type { Memory } from './memory';
import type { Namespace } from './namespace';
import type { Time } from './time';

/** Narrows only: a default for writes, a hard bound for reads, `get` by id included. */
export interface Scope {
  /** This namespace and below. */
  namespace?: Namespace;
  userId?: string;
  agentId?: string;
  sessionId?: string;
  /** All of them. */
  tags?: readonly string[];
}

/** What a field is compared with. A date compares with moments, and with ISO strings inside metadata. */
export type FilterValue = string | number | boolean | null | Date;

/** A value that a field must equal, or comparisons that must all hold. `null` means absent. */
export type FilterCondition =
  | FilterValue
  | {
      eq?: FilterValue;
      /** Also matches what is absent. */
      ne?: FilterValue;
      gt?: FilterValue;
      gte?: FilterValue;
      lt?: FilterValue;
      lte?: FilterValue;
      in?: readonly FilterValue[];
      /** Also matches what is absent. */
      nin?: readonly FilterValue[];
      /** A list holds the value, or a text holds the part. */
      contains?: FilterValue;
      exists?: boolean;
    };

/** The fields of a memory that a filter can name. */
export type FilterField = Exclude<keyof Memory, 'metadata' | 'text' | 'namespace' | 'source'>;

/** Conditions that must all hold. Metadata keys stand under `metadata` only. */
export type Filter<M = Metadata> = { [F in FilterField]?: FilterCondition } & {
  metadata?: { [K in keyof M]?: FilterCondition };
  and?: readonly Filter<M>[];
  or?: readonly Filter<M>[];
  not?: Filter<M>;
};

/** What ordinary reads leave out. */
export type IncludedState = 'expired' | 'superseded' | 'quarantined';

/** Which memories a read or a delete is about. A key that is present but `undefined` is an error. */
export interface Selection<M = Metadata> extends Scope, CallOptions {
  filter?: Filter<M>;
  /** What was true at that time: validFrom <= asOf < validTo, superseded or not. */
  asOf?: Time;
  include?: readonly IncludedState[];
}
