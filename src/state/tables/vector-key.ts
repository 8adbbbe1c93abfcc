/**
 * Vectors are keyed by (embedding space, memory, part) in one integer: a table with a long primary key would need an index of
 * its own or keep vectors in the inner pages of its tree. 9 bits of space, 32 of row and 12 of part make 53, the most that a
 * JavaScript number holds exactly.
 */
const partsPerRow = 2 ** 12;
const rowsPerSpace = 2 ** 32;
const spaces = 2 ** 9;

export const maxChunks = partsPerRow;

/** Their numbers begin with 1. */
export const maxSpaces = spaces - 1;

export function vectorKey(space: number, row: number, part: number): number {
  if (!(space >= 0 && space < spaces && row >= 0 && row < rowsPerSpace && part >= 0 && part < partsPerRow)) {
    throw new RangeError(`No vector key for space ${space}, row ${row}, part ${part}.`);
  }
  return (space * rowsPerSpace + row) * partsPerRow + part;
}

export function chunkOf(key: number): number {
  return key % partsPerRow;
}

export function rowOf(key: number): number {
  return Math.floor(key / partsPerRow) % rowsPerSpace;
}
