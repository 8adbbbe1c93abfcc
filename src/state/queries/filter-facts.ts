import type { FilterNode } from '../../domain/filter';
import { type MetadataTest, metadataTest } from './metadata-filter';

/** One part of a filter whose result depends on nothing but the record of a memory. */
export interface FilterPart {
  readonly node: FilterNode;
  /** Set for a part about metadata alone; SQLite evaluates the others. */
  readonly test?: MetadataTest;
}

// Each part takes a byte for each row. A usual filter has one or two.
const maxParts = 8;
const [unknown, doesNotHold, holds] = [0, 1, 2];

/**
 * Results of the parts of a filter, gathered over several turns of the event loop before a query needs them. A result belongs to one
 * change of one memory, so that it never becomes wrong; for a memory that has changed since, SQLite evaluates the filter itself.
 */
export class FilterFacts {
  readonly parts: readonly FilterPart[];
  /** The number of conditions in the filter. */
  readonly conditions: number;
  readonly #indexes: ReadonlyMap<FilterNode, number>;
  readonly #lastRow: number;
  readonly #changeSeqs: Float64Array;
  readonly #results: Uint8Array;

  constructor(filter: FilterNode, lastRow: number) {
    this.parts = partsOf(filter).slice(0, maxParts);
    this.conditions = countConditions(filter);
    this.#indexes = new Map(this.parts.map(({ node }, i) => [node, i]));
    this.#lastRow = lastRow;
    this.#changeSeqs = new Float64Array(lastRow + 1);
    this.#results = new Uint8Array((lastRow + 1) * this.parts.length);
  }

  /** The number of the part that a node of the filter is. */
  indexOf(node: FilterNode): number | undefined {
    return this.#indexes.get(node);
  }

  /** Keeps the result of each part for one change of a memory. */
  keep(row: number, changeSeq: number, results: readonly boolean[]): void {
    if (row > this.#lastRow) return;
    this.#changeSeqs[row] = changeSeq;
    const start = row * this.parts.length;
    for (const [i, result] of results.entries()) this.#results[start + i] = result ? holds : doesNotHold;
  }

  /** 1 or 0 if the result is known, else null. */
  resultOf(part: number, row: number, changeSeq: number): 0 | 1 | null {
    if (row > this.#lastRow || this.#changeSeqs[row] !== changeSeq) return null;
    const result = this.#results[row * this.parts.length + part];
    return result === unknown ? null : result === holds ? 1 : 0;
  }
}

/** The largest parts of a filter that are about metadata alone, or about fields of the record alone. */
function partsOf(node: FilterNode): FilterPart[] {
  const kinds = kindsOf(node);
  if (kinds.size === 1 && kinds.has('metadata')) return [{ node, test: metadataTest(node) }];
  if (kinds.size === 1 && kinds.has('field')) return [{ node }];
  if (node.op === 'compare') return [];
  return node.op === 'not' ? partsOf(node.node) : node.nodes.flatMap(partsOf);
}

type Kind = 'metadata' | 'field' | 'link';

function kindsOf(node: FilterNode): Set<Kind> {
  if (node.op === 'compare') return new Set([kindOf(node.field)]);
  const nodes = node.op === 'not' ? [node.node] : node.nodes;
  return new Set(nodes.flatMap((each) => [...kindsOf(each)]));
}

function kindOf(field: Extract<FilterNode, { op: 'compare' }>['field']): Kind {
  if (!('name' in field)) return 'metadata';
  // What a reader may see of a link depends on the rules, and on the memory at its other end.
  return field.name === 'supersedes' || field.name === 'supersededBy' ? 'link' : 'field';
}

function countConditions(node: FilterNode): number {
  if (node.op === 'compare') return Math.max(1, node.operands.length / 100);
  return (node.op === 'not' ? [node.node] : node.nodes).reduce((sum, each) => sum + countConditions(each), 0);
}
