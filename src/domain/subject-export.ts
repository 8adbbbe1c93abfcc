import type { CallOptions } from './calls';
import type { Retention, RuleInForce } from './declaration';
import type { ChangeType, Memory } from './memory';
import type { Principal } from './principal';
import type { Scope } from './selection';

/** Options of `exportSubject`. */
export interface SubjectExportOptions extends CallOptions {
  /**
   * How other users are named. 'pseudonyms': each has one code, such as `person-1`, in all lines of the export. Agents and services are
   * programs and keep their names. Texts, metadata, keys, tags and namespaces stay as they are. Default: 'pseudonyms'.
   */
  others?: 'pseudonyms' | 'named';
}

/** A principal that was given a memory, with its first and last read. */
export interface MemoryRecipient {
  by: Principal;
  first: Date;
  last: Date;
  /** The number of calls. */
  reads: number;
}

/** How many lines of each kind an export has, apart from the first and the last one. */
export interface SubjectExportCounts {
  memories: number;
  revisions: number;
  rules: number;
  namespaces: number;
}

/** The first line of an export. */
export interface ExportedManifest {
  line: 'manifest';
  /** The version of the format. */
  format: 1;
  subject: { userId: string };
  at: Date;
  /** The scope of the handle. What is outside of it is not in the export. */
  scope: Scope;
  others: 'pseudonyms' | 'named';
  /** Whether the store records who reads memories. */
  reads: 'recorded' | 'unknown';
}

/** How long a memory is kept. */
export interface ExportedRetention {
  /** When nobody finds it any more. Absent if no time is set. */
  until?: Date;
  /** What sets this time: its own `expiresAt`, or a retention, which for a fact may be one of its sources. */
  by?: 'expiresAt' | 'retention';
  /** Whether it is pinned, so that no retention ends it. */
  isPinned: boolean;
  /** The retentions that apply to it, as far as the handle may see them (see `access.list`). */
  rules: (Retention & { id: string })[];
}

/** A memory about or by the subject. The command `import` takes it. */
export interface ExportedSubjectMemory {
  line: 'memory';
  /** 'about': its `userId` is the subject, or once was. 'by': the subject wrote it, or an agent on its behalf, and it is about nobody or others. */
  relation: 'about' | 'by';
  memory: Memory;
  /** The ids of the memories from which it was made, and of those that were made from it, as far as the handle may read them. */
  sources: string[];
  derived: string[];
  retention: ExportedRetention;
  /**
   * Who was given it, apart from the host, as far as the handle may audit its namespaces. 'unknown' if the handle may not audit the namespace
   * of the memory, or if the store does not record reads.
   */
  receivedBy: MemoryRecipient[] | 'unknown';
}

/** A revision of the memory of the last line before it of the kind 'memory'. The oldest comes first. */
export interface ExportedRevision {
  line: 'revision';
  id: string;
  revision: number;
  type: ChangeType;
  by: Principal;
  at: Date;
  /** The memory as it was. Absent for the latest revision, which is in the line of the memory. */
  memory?: Memory;
}

/** A rule, clearance or ceiling for the subject, or a group that has it as a member, as far as the handle may administer them. */
export interface ExportedRule {
  line: 'rule';
  rule: RuleInForce;
}

/** A namespace that has the subject as one of its labels. */
export interface ExportedNamespace {
  line: 'namespace';
  namespace: string[];
  /** The number of active memories in it that the handle can read. */
  memories: number;
}

/** The last line. An export without it is incomplete. */
export interface ExportedEnd {
  line: 'end';
  counts: SubjectExportCounts;
}

/** One line of `exportSubject`. As JSON Lines, the command `import` takes all of them and stores the active memories. */
export type ExportLine =
  | ExportedManifest
  | ExportedSubjectMemory
  | ExportedRevision
  | ExportedRule
  | ExportedNamespace
  | ExportedEnd;
