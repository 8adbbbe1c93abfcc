/** Entries as they were written. */
export interface EntriesTable {
  seq: number;
  hash: Buffer;
  body: string;
}

/** What stays of each whole segment, even when its entries have been dropped. */
export interface SegmentsTable {
  /** From 0. */
  segment: number;
  /** The root of its subtree. */
  root: Buffer;
  /** The hash of its last entry. */
  hash: Buffer;
  /** The earliest and the latest time in it: epoch milliseconds. */
  first_at: number;
  last_at: number;
}

/** In which entries an id occurs: derived from their bodies, and grouped by segment so that it grows at one end. */
export interface TouchedTable {
  segment: number;
  /** Stands for the id, not for it alone. */
  key: number;
  seq: number;
}

/** What pseudonyms stand for. No part of the chain: erasure deletes lines of it. */
export interface NamesTable {
  pseudonym: string;
  kind: NameKind;
  /** JSON of an id, or of the labels of a namespace. */
  name: string;
}

export type NameKind = 'agent' | 'user' | 'service' | 'namespace';

/** The tables of one chain. */
export interface ChainTables {
  audit_entries: EntriesTable;
  audit_segments: SegmentsTable;
  audit_touched: TouchedTable;
  audit_names: NamesTable;
}

/** Released, and never changed: makes the tables of a chain, in the store's database for 'changes', in one of its own for 'access'. */
export const chainTablesScript = `
create table audit_entries (seq integer primary key, hash blob not null, body text not null);
create table audit_segments (
  segment integer primary key, root blob not null, hash blob not null, first_at integer not null, last_at integer not null
);
create table audit_touched (segment integer not null, key integer not null, seq integer not null, primary key (segment, key, seq)) without rowid;
create table audit_names (pseudonym text primary key, kind text not null, name text not null, unique (kind, name)) without rowid;
`;
