import type { Call } from './calls';
import type { Meta } from './json';
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

export type Scalar = string | number | boolean | null | Date;

export type Condition =
  | Scalar
  | {
      eq?: Scalar;
      /** Also matches what is absent. */
      ne?: Scalar;
      gt?: Scalar;
      gte?: Scalar;
      lt?: Scalar;
      lte?: Scalar;
      in?: readonly Scalar[];
      /** Also matches what is absent. */
      nin?: readonly Scalar[];
      /** A list holds the value, or a text holds the part. */
      contains?: Scalar;
      exists?: boolean;
    };

export type FilterField = Exclude<keyof Memory, 'metadata' | 'text' | 'namespace' | 'source'>;

/** Conditions that must all hold. Metadata keys stand under `metadata` only. */
export type Filter<M = Meta> = { [F in FilterField]?: Condition } & {
  metadata?: { [K in keyof M]?: Condition };
  and?: readonly Filter<M>[];
  or?: readonly Filter<M>[];
  not?: Filter<M>;
};

export type Included = 'expired' | 'superseded' | 'quarantined';

/** Which memories a read or a delete is about. A key that is present but `undefined` is an error. */
export interface Selection<M = Meta> extends Scope, Call {
  filter?: Filter<M>;
  /** What was true at that time: validFrom <= asOf < validTo, superseded or not. */
  asOf?: Time;
  include?: readonly Included[];
}
